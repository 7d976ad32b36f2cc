"""Every rule a diagnostic can name has its reason and its two examples."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import netlang
from netlang.diagnostics.rules import RULES, Rule
from netlang.program import load

PACKAGE = Path(netlang.__file__).parent
CODE = re.compile(r"[a-z]+(-[a-z]+)*")
SAYERS = {
    "reject": 0, "_reject": 0, "_warn": 0, "warn": 1, "Diagnostic": 0, "NetlangError": 0,
    "ExecutionError": 0,
    "report": 0, "say": 0, "__init__": 0,
}  # fmt: skip
"""What makes a diagnostic, and which of its arguments is the rule."""

PROGRAMS = [rule for rule in RULES.values() if rule.program]
BLOCKS = "block unit(x) = dense(x, 8)\n"


def emitted() -> set[str]:
    """Find the rules the source names where it makes a diagnostic."""
    found: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        # The scan of the brackets has faults of its own, which the parser turns into rules.
        if path.parent.name == "rules" or path.name in ("_tables.py", "scan.py"):
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            found.update(text for value in named(node) for text in strings(value))
    return found


def named(node: ast.AST) -> Iterator[ast.expr]:
    """Give the expressions that name a rule in one place of the source."""
    if isinstance(node, ast.Call):
        match node.func:
            case ast.Name(id=name) | ast.Attribute(attr=name):
                at = SAYERS.get(name)
            case _:
                at = None
        if at is not None and len(node.args) > at + 1:
            yield node.args[at]
        yield from (k.value for k in node.keywords if k.arg == "rule")
    elif isinstance(node, ast.arguments):
        given = node.args[len(node.args) - len(node.defaults) :]
        yield from (d for a, d in zip(given, node.defaults, strict=True) if a.arg == "rule")
        defaults = zip(node.kwonlyargs, node.kw_defaults, strict=True)
        yield from (d for a, d in defaults if a.arg == "rule" and d is not None)


def strings(value: ast.expr) -> Iterator[str]:
    choices = [value.body, value.orelse] if isinstance(value, ast.IfExp) else [value]
    texts = [c.value for c in choices if isinstance(c, ast.Constant)]
    yield from (text for text in texts if isinstance(text, str) and CODE.fullmatch(text))


def rules_broken(text: str, folder: Path) -> list[str]:
    (folder / "blocks.net").write_text(BLOCKS)
    program = folder / "program.net"
    program.write_text(text, "utf-8")
    return [d.rule for d in load(program).diagnostics.sorted()]


def test_the_rules_are_exactly_those_that_are_emitted() -> None:
    assert emitted() == set(RULES)


@pytest.mark.parametrize("rule", PROGRAMS, ids=lambda rule: rule.code)
def test_a_bad_example_breaks_its_rule_and_no_other(rule: Rule, tmp_path: Path) -> None:
    assert rules_broken(rule.bad, tmp_path) == [rule.code]


@pytest.mark.parametrize("rule", PROGRAMS, ids=lambda rule: rule.code)
def test_a_good_example_has_no_mistake(rule: Rule, tmp_path: Path) -> None:
    assert rules_broken(rule.good, tmp_path) == []


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.code)
def test_a_rule_says_what_holds_and_why(rule: Rule) -> None:
    sentences = re.findall(r"[.!?:)](?=\s|$)", rule.why)
    assert rule.title.endswith(".")
    assert 2 <= len(sentences) <= 8
    assert rule.bad != rule.good
