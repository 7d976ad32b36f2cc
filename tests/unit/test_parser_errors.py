"""The messages about programs that do not follow the grammar, word for word.

Each file of ``tests/data/syntax_errors`` is a program, or the name of one of the faulty programs,
with the message it gets next to it.

Tests ``netlang.syntax.errors``.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from syntax_trees import DATA, PROGRAMS, codes, parsed, tree_of, words

from netlang.diagnostics.render import render
from netlang.diagnostics.rules import Rule, all_rules, rules_of

MESSAGES = sorted((DATA / "syntax_errors").glob("*.txt"))
SYNTAX = [*rules_of("tokens"), *rules_of("syntax")]


@pytest.mark.parametrize("path", MESSAGES, ids=lambda p: p.stem)
def test_the_message_is_the_agreed_one(path: Path) -> None:
    program = path.with_suffix(".net")
    if not program.exists():
        program = DATA / "single_errors" / program.name
    _, found = parsed(program.read_text(), program.name)
    assert "\n\n".join(render(d) for d in found) + "\n" == path.read_text()


def test_every_wrong_program_has_its_message() -> None:
    programs = {p.stem for p in (DATA / "syntax_errors").glob("*.net")}
    assert programs <= {p.stem for p in MESSAGES}


@pytest.mark.parametrize("rule", SYNTAX, ids=lambda r: r.code)
def test_the_bad_example_of_a_rule_breaks_that_rule_alone(rule: Rule) -> None:
    assert codes(rule.bad) == [rule.code]


@pytest.mark.parametrize("rule", SYNTAX, ids=lambda r: r.code)
def test_the_good_example_of_a_rule_is_clean(rule: Rule) -> None:
    assert codes(rule.good) == []


def test_every_code_is_a_rule_and_every_rule_is_tested_once() -> None:
    assert len(SYNTAX) == len({rule.code for rule in SYNTAX})
    for path in MESSAGES:
        assert path.read_text().split("]")[0].removeprefix("error[") in all_rules()


@pytest.mark.parametrize(
    ("fault", "advice", "wrong", "right"),
    [
        ("08_paren", "add `)` at the end of line 2", "dense(x, 16)\n", "dense(x, 16))\n"),
        ("23_oneline", "write `|> relu`", ") relu", ") |> relu"),
        ("26_mix", "`(x + z) |> relu`", "x + z |> relu", "(x + z) |> relu"),
        ("26_mix", "`x + (z |> relu)`", "x + z |> relu", "x + (z |> relu)"),
        ("34_capital", "call it `vocab`", "Vocab", "vocab"),
    ],
)
def test_the_proposed_fix_makes_the_program_pass(
    fault: str, advice: str, wrong: str, right: str
) -> None:
    text = (DATA / "single_errors" / f"{fault}.net").read_text()
    assert advice in (DATA / "syntax_errors" / f"{fault}.txt").read_text()
    assert codes(text.replace(wrong, right)) == []


def test_independent_errors_are_all_reported() -> None:
    text = "Vocab = 65\nop f(a, a) = a\nblock g(x) {\n  y = f(x=1, x=2)\n  yield y\n}\n"
    assert codes(text) == [
        "capital-name", "duplicate-parameter", "duplicate-argument", "stray-yield",
    ]  # fmt: skip


def test_a_keyword_for_a_name_hides_no_other_error() -> None:
    named = "net A(x: f32[N, 8]) -> y: f32[N, 8] {\n  state = relu(x)\n  y = state + train\n}\n"
    assert codes(named) == ["reserved-word", "reserved-word"]
    assert codes(named + "Vocab = 3\n") == ["reserved-word", "reserved-word", "capital-name"]
    assert codes(named + "a = 1 2\n") == ["reserved-word", "reserved-word", "two-statements"]
    assert codes("y = state (+ x\n") == ["reserved-word", "unclosed-bracket"]
    assert codes(named + "a = (3\n") == ["reserved-word", "reserved-word", "unclosed-bracket"]


def test_what_a_keyword_for_a_name_breaks_is_not_another_error() -> None:
    assert codes("a = f(block, x) * * x\nb = 2\n") == ["reserved-word"]
    assert codes("a = f(block, x) * * x\nb = 2 3\n") == ["reserved-word", "two-statements"]


def test_a_bracket_further_up_or_down_hides_no_other_error() -> None:
    assert codes("a = 1 2\nb = (3\n") == ["two-statements", "unclosed-bracket"]
    assert codes("b = (3\na = 1 2\n") == ["unclosed-bracket", "two-statements"]


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda p: p.stem)
def test_a_lost_or_doubled_token_gives_one_located_message(path: Path) -> None:
    chance = random.Random(path.stem)
    tokens = words(path.read_text())
    for _ in range(20):
        at = chance.randrange(len(tokens))
        kept = tokens[at : at + 1] * chance.choice((0, 2))
        broken = [*tokens[:at], *kept, *tokens[at + 1 :]]
        tree, found = parsed("\n".join(broken))
        found = [d for d in found if d.rule.code != "loose-bracket"]  # each token has a line
        if tree is None:
            assert len(found) == 1
            assert found[0].rule.code in all_rules()
            assert render(found[0])


def test_whatever_the_text_it_is_answered() -> None:
    chance = random.Random(1)
    pieces = [*"()[]{}=:,*+.\n#\"';\té", "|>", "->", "..", "...", "for i in xs {", "with", "if"]
    pieces += ["then", "net X(", "block", "as", "new", "x", "X", "1.5", "5 epochs", "yield", "next"]
    for _ in range(500):
        text = " ".join(chance.choices(pieces, k=chance.randrange(1, 30)))
        tree, found = parsed(text)
        assert tree is not None or found
        assert all(d.rule.code in all_rules() and render(d) for d in found)


def test_a_definition_may_end_before_its_arrow() -> None:
    assert codes("net X()") == ["missing-outputs"]
    assert codes("net X") == ["missing-parameters"]


def test_a_tree_is_returned_if_only_rules_outside_the_grammar_are_broken() -> None:
    tree, found = parsed("Vocab = 65\n")
    assert [d.rule.code for d in found] == ["capital-name"]
    assert tree is not None
    assert len(tree.declarations) == len(tree_of("vocab = 65\n").declarations)


@pytest.mark.parametrize("text, meant", [
    ("nett A(x: f32[N, 8]) -> y = relu(x)", "net"),
    ("Net A(x: f32[N, 8]) -> y = relu(x)", "net"),
    ("blok b(x) = relu(x)", "block"),
    ("tran t { run = 1 epochs }", "train"),
    ("datset d() -> (x: f32[4]) {}", "dataset"),
    ("imprt x", "import"),
    ('form "a.net" import x', "from"),
    ("op f(x) -> y {\n  nxet h = x\n  y = x\n}", "next"),
])  # fmt: skip
def test_a_misspelled_keyword_that_begins_a_statement_is_found(text: str, meant: str) -> None:
    _, found = parsed(f"{text}\n", "words.net")
    (error,) = found
    assert error.rule.code == "missing-equals"
    assert error.helps == (f"did you mean `{meant}`?",)
    assert error.primary is not None
    assert error.primary.text == "not a keyword that begins a statement"
