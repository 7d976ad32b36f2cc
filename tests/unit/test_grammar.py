"""Lark runs the stored tables, and they say what the grammar says.

Tests ``netlang.syntax.grammar`` and ``netlang.syntax.generate``.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from lark import Lark
from lark.exceptions import UnexpectedCharacters, UnexpectedToken
from lark.lexer import PatternStr
from syntax_trees import PROGRAMS, SINGLE_ERRORS, placeless

from netlang.diagnostics.diagnostic import DiagnosticError
from netlang.diagnostics.source import Source
from netlang.syntax.building.builder import Builder
from netlang.syntax.generate import OPTIONS, grammar_text, tables
from netlang.syntax.grammar import TABLES, SyntaxFailure, parse_text
from netlang.syntax.keywords import RESERVED

PRELUDE = sorted((TABLES.parents[1] / "prelude").glob("**/*.net"))
BUILDER = Builder()
ANALYZED = Lark(grammar_text(), **OPTIONS, transformer=BUILDER)


def test_the_grammar_has_no_conflict_and_no_two_tokens_for_one_text() -> None:
    Lark(grammar_text(), **OPTIONS, strict=True)


def test_the_stored_tables_are_those_of_the_grammar() -> None:
    assert TABLES.read_bytes() == tables()


@pytest.mark.parametrize("seed", ["1", "2"])
def test_the_tables_do_not_depend_on_the_order_of_sets(seed: str) -> None:
    script = "import sys, netlang.syntax.generate as g; sys.stdout.buffer.write(g.tables())"
    env = {**os.environ, "PYTHONHASHSEED": seed}
    done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, check=True)
    assert done.stdout == TABLES.read_bytes()


def test_every_rule_has_a_method_that_builds_its_node() -> None:
    rules = [rule for rule in ANALYZED.rules if not rule.origin.name.startswith("_")]
    passed_on = [r for r in rules if r.options.expand1 and len(r.expansion) == 1 and not r.alias]
    names = {rule.alias or rule.origin.name for rule in rules if rule not in passed_on}
    assert [name for name in sorted(names) if not hasattr(Builder, name)] == []


def test_the_reserved_words_are_the_keywords_of_the_grammar() -> None:
    fixed = [t.pattern.value for t in ANALYZED.terminals if isinstance(t.pattern, PatternStr)]
    assert {text for text in fixed if text.isalpha()} == RESERVED


def by_the_grammar(text: str) -> Any:
    BUILDER.reset(Source("text.net", text))
    try:
        return shape(ANALYZED.parse(text))
    except UnexpectedToken as error:
        at = len(text) if error.token.type == "$END" else error.token.start_pos
        return at, len(error.accepts)
    except UnexpectedCharacters as error:
        return error.pos_in_stream, len(error.interactive_parser.accepts())
    except DiagnosticError as rejected:
        return rejected.diagnostic.rule.code


def by_the_tables(text: str) -> Any:
    BUILDER.reset(Source("text.net", text))
    try:
        return shape(parse_text(BUILDER, text, 0, len(text)))
    except SyntaxFailure as failure:
        return failure.start, len(failure.expected)
    except DiagnosticError as rejected:
        return rejected.diagnostic.rule.code


def shape(parts: Any) -> object:
    """Turn the parts of a file into plain values, with their spans."""
    return [placeless(part, places=True) for part in parts]


@pytest.mark.parametrize("path", [*PROGRAMS, *SINGLE_ERRORS, *PRELUDE], ids=lambda path: path.stem)
def test_a_file_gives_the_same_tree_or_the_same_failure(path: Path) -> None:
    text = path.read_text("utf-8")
    assert by_the_tables(text) == by_the_grammar(text)


def test_broken_programs_fail_at_the_same_offset() -> None:
    draw = random.Random(7)
    texts = [path.read_text("utf-8") for path in PROGRAMS]
    words = [word for text in texts for word in text.split()][:4000]
    for _ in range(200):
        text = draw.choice(texts)[: draw.randrange(200, 900)]
        at = draw.randrange(len(text))
        match draw.randrange(3):
            case 0:
                text = text[:at] + text[at + draw.randrange(1, 6) :]
            case 1:
                text = f"{text[:at]} {draw.choice(words)} {text[at:]}"
            case _:
                text = text[:at] + draw.choice("(){}[],=|>.:*+-\"'#@x1") + text[at:]
        assert by_the_tables(text) == by_the_grammar(text), text
