"""Write what is stored of the grammar and the library: ``python -m netlang.syntax.generate``."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from lark import Lark
from lark.grammar import Rule
from lark.lexer import TerminalDef
from msgspec import json

from netlang.syntax.grammar import TABLES
from netlang.syntax.library import (
    FOLDER,
    TREES,
    checksum,
    encode,
    parse_definitions,
    read_library_source,
)

OPTIONS: dict[str, Any] = {
    "parser": "lalr",
    # Keywords are reserved wherever they stand, so the lexer needs no context, and one scanner.
    "lexer": "basic",
    "start": ["start"],
    "keep_all_tokens": True,
    "maybe_placeholders": True,
}
_PACKAGE = Path(__file__).parents[1]
# The width of a pattern of any length, which is another number in each version of Python.
_WIDEST = 2**32 - 1


def grammar_text(file: str = "netlang.lark") -> str:
    """Return the text of a grammar: in a wheel in the package, in a checkout next to it."""
    folder = _PACKAGE / "grammars"
    if not folder.is_dir():
        folder = _PACKAGE.parent / "grammars"
    return (folder / file).read_text(encoding="utf-8")


def tables() -> bytes:
    """Return the tables as Lark serializes them, in an order that never varies."""
    data, memo = cast("Any", Lark(grammar_text(), **OPTIONS)).memo_serialize([TerminalDef, Rule])
    data["options"] = OPTIONS
    data["parser"]["parser"] = _ordered(data["parser"]["parser"])
    for item in memo.values():
        if "_width" in item.get("pattern", ()):
            item["pattern"]["_width"] = [min(w, _WIDEST) for w in item["pattern"]["_width"]]
    encoded = json.encode(_named({"data": data, "memo": memo}))
    # One state or rule to a line: a change of the grammar can be read as a diff.
    return encoded.replace(b"}},", b"}},\n").replace(b"]},", b"]},\n") + b"\n"


def trees() -> bytes:
    """Return the definitions of every file of the library, one to a line.

    Raises:
        DiagnosticError: a file has an error.
    """
    files: list[bytes] = []
    for path in sorted(FOLDER.glob("**/*.net")):
        file = path.relative_to(FOLDER).as_posix()
        source = read_library_source(file)
        lines = b",\n".join(
            b'"%b":%b' % (name.encode(), encode(definition))
            for name, definition in parse_definitions(source).items()
        )
        head = f'"{file}":{{"checksum":{checksum(source.text)},"definitions":{{\n'
        files.append(head.encode() + lines + b"}}")
    return b"{" + b",\n".join(files) + b"}\n"


def _named(data: Any) -> Any:
    """Replace Lark's numbers of states, symbols and rules by strings: JSON has no other keys."""
    match data:
        case {"@": number}:
            return {"@": str(number)}
        case dict():
            return {str(key): _named(value) for key, value in cast("Any", data).items()}
        case list() | tuple():
            return [_named(value) for value in cast("Any", data)]
        case _:
            return data


def _ordered(parser: dict[str, Any]) -> dict[str, Any]:
    """Number symbols by name, and states in the order of reaching them; Lark's order is random."""
    names: dict[int, str] = parser["tokens"]
    numbers = {name: number for number, name in enumerate(sorted(names.values()))}
    states: dict[int, dict[int, Any]] = {
        state: dict(sorted(actions.items(), key=lambda action: names[action[0]]))
        for state, actions in parser["states"].items()
    }
    order: list[int] = list(parser["start_states"].values())
    for state in order:
        shifts = [target for reduces, target in states[state].values() if not reduces]
        order += [target for target in dict.fromkeys(shifts) if target not in order]
    new = {state: str(number) for number, state in enumerate(order)}
    return {
        "tokens": {number: name for name, number in numbers.items()},
        "states": {
            new[state]: {
                numbers[names[symbol]]: [reduces, target if reduces else new[target]]
                for symbol, (reduces, target) in states[state].items()
            }
            for state in order
        },
        "start_states": {name: new[state] for name, state in parser["start_states"].items()},
        "end_states": {name: new[state] for name, state in parser["end_states"].items()},
    }


if __name__ == "__main__":
    TABLES.write_bytes(tables())
    TREES.write_bytes(trees())
