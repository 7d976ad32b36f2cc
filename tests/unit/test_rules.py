"""Every rule has a title, a reason and two examples.

Tests ``netlang.diagnostics.rules``.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import netlang
from netlang.diagnostics import rules
from netlang.diagnostics.rules import Rule, all_rules
from netlang.program import load

PACKAGE = Path(netlang.__file__).parent
PROGRAMS = [rule for rule in all_rules().values() if rule.program]
BLOCKS = "block unit(x) = dense(x, 8)\n"


def referenced() -> set[str]:
    """Return the rules that the source references: ``rules.SHAPE_MISMATCH``."""
    return {
        node.attr
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "rules"
        and node.attr.isupper()
    }


def rules_broken(text: str, folder: Path) -> list[str]:
    (folder / "blocks.net").write_text(BLOCKS)
    program = folder / "program.net"
    program.write_text(text, "utf-8")
    return [d.rule.code for d in load(program).diagnostics.sorted()]


def test_every_rule_is_referenced_where_an_error_is_reported() -> None:
    assert referenced() == {constant(code) for code in all_rules()}


def test_a_rule_has_the_name_of_its_code() -> None:
    for code, rule in all_rules().items():
        assert getattr(rules, constant(code)) is rule


def constant(code: str) -> str:
    return code.upper().replace("-", "_")


@pytest.mark.parametrize("rule", PROGRAMS, ids=lambda rule: rule.code)
def test_a_bad_example_breaks_its_rule_and_no_other(rule: Rule, tmp_path: Path) -> None:
    assert rules_broken(rule.bad, tmp_path) == [rule.code]


@pytest.mark.parametrize("rule", PROGRAMS, ids=lambda rule: rule.code)
def test_a_good_example_has_no_error(rule: Rule, tmp_path: Path) -> None:
    assert rules_broken(rule.good, tmp_path) == []


@pytest.mark.parametrize("rule", all_rules().values(), ids=lambda rule: rule.code)
def test_a_rule_has_a_title_and_a_reason(rule: Rule) -> None:
    sentences = re.findall(r"[.!?:)](?=\s|$)", rule.why)
    assert rule.title.endswith(".")
    assert 2 <= len(sentences) <= 8
    assert rule.bad != rule.good
