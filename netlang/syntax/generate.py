# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
"""Writes the parse tables of the grammar as data: ``python -m netlang.syntax.generate``.

Building the tables takes lark about 0.2 s; loading them takes 10 ms.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import lark
from lark import Lark
from lark.grammar import Rule
from lark.lexer import TerminalDef

from netlang.syntax.grammar import OPTIONS, grammar_text

TABLES = Path(__file__).with_name("_tables.py")
_WIDTH = 99


def tables() -> str:
    """Give the text of the module ``_tables``."""
    data, memo = Lark(grammar_text(), **OPTIONS).memo_serialize([TerminalDef, Rule])
    # Lark keeps the grammar's place and text for its own messages; neither is data.
    data["options"] = {k: v for k, v in data["options"].items() if k in OPTIONS}
    data["parser"]["parser"] |= _canonical(data["parser"]["parser"])
    text = json.dumps({"data": data, "memo": memo}, separators=(",", ":"))
    return (
        "# Written by `python -m netlang.syntax.generate` from grammars/netlang.lark.\n"
        '"""The parse tables of the grammar, as JSON, which loads faster than a literal."""\n\n'
        f'LARK = "{lark.__version__}"\n'
        f'TABLES = r"""\n{_fold(text)}\n"""\n'
    )


def _canonical(parser: dict[str, Any]) -> dict[str, Any]:
    """Number symbols by name and states in the order of reaching them; lark's order is chance."""
    names: dict[int, str] = parser["tokens"]
    numbers = {name: number for number, name in enumerate(sorted(names.values()))}
    starts: dict[str, int] = parser["start_states"]
    ends: dict[str, int] = parser["end_states"]
    old: dict[int, dict[int, Any]] = parser["states"]
    order = list(starts.values())
    for state in order:
        for _, (reduces, target) in _by_name(old[state], names):
            if not reduces and target not in order:
                order.append(target)
    new = {state: number for number, state in enumerate(order)}

    def action(reduces: int, target: Any) -> list[Any]:
        return [reduces, target if reduces else new[target]]

    return {
        "tokens": {number: name for name, number in numbers.items()},
        "states": {
            new[state]: {numbers[names[n]]: action(*a) for n, a in _by_name(old[state], names)}
            for state in order
        },
        "start_states": {name: new[state] for name, state in starts.items()},
        "end_states": {name: new[state] for name, state in ends.items()},
    }


def _by_name(actions: dict[int, Any], names: dict[int, str]) -> list[tuple[int, Any]]:
    return sorted(actions.items(), key=lambda item: names[item[0]])


def _fold(text: str) -> str:
    """Break JSON into lines after its commas; a comma inside a string stays where it is."""
    lines: list[str] = []
    line = ""
    for piece in re.findall(r'(?:[^,"]|"(?:[^"\\]|\\.)*")*,?', text):
        if len(line) + len(piece) > _WIDTH and line:
            lines.append(line)
            line = ""
        line += piece
    return "\n".join([*lines, line])


if __name__ == "__main__":
    TABLES.write_text(tables(), encoding="utf-8")
