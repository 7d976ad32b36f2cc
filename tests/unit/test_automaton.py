"""The parser that runs the tables reads what lark itself reads, and stops where lark stops."""

from __future__ import annotations

import random
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from lark import Lark
from lark.exceptions import UnexpectedCharacters, UnexpectedToken
from syntax_trees import FAULTS, PROGRAMS, placeless

from netlang.diagnostics.diagnostic import DiagnosticError
from netlang.diagnostics.source import Source
from netlang.syntax import generate
from netlang.syntax.automaton import Automaton
from netlang.syntax.build import Builder
from netlang.syntax.grammar import OPTIONS, grammar_text
from netlang.syntax.scan import Failure

PRELUDE = sorted((Path(generate.__file__).parents[1] / "prelude").glob("**/*.net"))


@cache
def both() -> tuple[Builder, Lark, Automaton]:
    builder = Builder()
    return builder, Lark(grammar_text(), **OPTIONS, transformer=builder), Automaton(builder)


def shape(parts: Any) -> object:
    """Turn the parts of a file into plain values, places included."""
    return [placeless(part, places=True) for part in parts]


def by_lark(text: str) -> Any:
    builder, parser, _ = both()
    builder.reset(Source("text.net", text), 0)
    try:
        return shape(parser.parse(text))
    except UnexpectedToken as error:
        return len(text) if error.token.type == "$END" else error.token.start_pos
    except UnexpectedCharacters as error:
        return error.pos_in_stream
    except DiagnosticError as rejected:
        return rejected.diagnostic.rule.code


def by_tables(text: str) -> Any:
    builder, _, automaton = both()
    builder.reset(Source("text.net", text), 0)
    try:
        result = automaton.parse(text)
    except DiagnosticError as rejected:
        return rejected.diagnostic.rule.code
    return result.start if isinstance(result, Failure) else shape(result)


@pytest.mark.parametrize("path", [*PROGRAMS, *FAULTS, *PRELUDE], ids=lambda path: path.stem)
def test_a_file_gives_the_same_tree_or_the_same_place(path: Path) -> None:
    text = path.read_text("utf-8")
    assert by_tables(text) == by_lark(text)


def test_broken_programs_break_at_the_same_place() -> None:
    draw = random.Random(7)
    texts = [path.read_text("utf-8") for path in PROGRAMS]
    pieces = [word for text in texts for word in text.split()][:4000]
    compared = 0
    for _ in range(400):
        text = draw.choice(texts)[: draw.randrange(200, 900)]
        at = draw.randrange(len(text))
        match draw.randrange(3):
            case 0:
                text = text[:at] + text[at + draw.randrange(1, 6) :]
            case 1:
                text = f"{text[:at]} {draw.choice(pieces)} {text[at:]}"
            case _:
                text = text[:at] + draw.choice("(){}[],=|>.:*+-\"'#@x1") + text[at:]
        assert by_tables(text) == by_lark(text), text
        compared += 1
    assert compared == 400
