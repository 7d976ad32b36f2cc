# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
"""Writes the parse tables of the grammar as data: ``python -m netlang.syntax.generate``.

Building the tables takes lark about 0.2 s; loading them takes 10 ms.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

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
    text = json.dumps({"data": data, "memo": memo}, separators=(",", ":"))
    return (
        "# Written by `python -m netlang.syntax.generate` from grammars/netlang.lark.\n"
        "# ruff: noqa: E501\n"
        '"""The parse tables of the grammar, as JSON, which loads faster than a literal."""\n\n'
        f'LARK = "{lark.__version__}"\n'
        f'TABLES = r"""\n{_fold(text)}\n"""\n'
    )


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
