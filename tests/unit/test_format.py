"""The standard format: formatted text stays as it is, other text is formatted, and nothing is lost.

Tests ``netlang.syntax.formatting``.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from syntax_trees import DATA, PROGRAMS, SINGLE_ERRORS, parsed, placeless, tree_of, words

from netlang.program import RECURSION_LIMIT
from netlang.syntax.formatting.format import WIDTH, format_file
from netlang.syntax.formatting.layout import LINE, SOFT, Fill, Group, Indent, render

PARSED_ERRORS = [path for path in SINGLE_ERRORS if parsed(path.read_text())[0] is not None]


def formatted(text: str) -> str:
    tree, _ = parsed(text)
    assert tree is not None
    return format_file(tree)


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda p: p.stem)
def test_the_example_programs_are_in_the_layout(path: Path) -> None:
    assert formatted(path.read_text()) == path.read_text()


@pytest.mark.parametrize("path", [*PROGRAMS, *PARSED_ERRORS], ids=lambda p: p.stem)
@pytest.mark.parametrize("gap", [" ", "\n"], ids=["squeezed", "spread"])
def test_the_layout_does_not_depend_on_the_white_space_there_was(path: Path, gap: str) -> None:
    text = path.read_text()
    messy = gap.join(words(text))
    once = formatted(messy)
    assert formatted(once) == once
    # Only comments and blank lines are the writer's: without them it is the same text.
    plain = "\n".join(words_of_line for words_of_line in _without_remarks(text))
    assert formatted(plain) == once


def _without_remarks(text: str) -> list[str]:
    return [
        line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")
    ]


@pytest.mark.parametrize("path", [*PROGRAMS, *PARSED_ERRORS], ids=lambda p: p.stem)
def test_the_format_preserves_the_meaning(path: Path) -> None:
    text = path.read_text()
    before, _ = parsed(text)
    after, _ = parsed(formatted(text))
    assert before is not None
    assert after is not None
    assert placeless(after) == placeless(before)
    assert [c.text for c in after.comments] == [c.text for c in before.comments]


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda p: p.stem)
def test_a_comment_anywhere_is_preserved(path: Path) -> None:
    chance = random.Random(path.stem)
    tokens = words(path.read_text())
    for _ in range(5):
        messy = list(tokens)
        for number in range(12):
            messy.insert(chance.randrange(len(messy)), f"# remark {number}\n")
        text = " ".join(messy)
        once = formatted(text)
        assert formatted(once) == once
        assert sorted(c.text for c in tree_of(once).comments) == sorted(
            f"# remark {number}" for number in range(12)
        )
        assert placeless(tree_of(once)) == placeless(parsed(text)[0])


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda p: p.stem)
def test_no_line_of_code_is_wider_than_the_page(path: Path) -> None:
    once = formatted(" ".join(words(path.read_text())))
    assert max(len(line) for line in once.splitlines()) <= WIDTH


def test_comments_of_every_kind_are_laid_out() -> None:
    assert (
        formatted((DATA / "layout" / "comments.net").read_text())
        == (DATA / "layout" / "comments.out").read_text()
    )


def test_everything_that_can_be_too_long_is_broken() -> None:
    assert (
        formatted((DATA / "layout" / "long.net").read_text())
        == (DATA / "layout" / "long.out").read_text()
    )


def test_an_empty_file_stays_empty() -> None:
    assert formatted("\n \n") == ""
    assert formatted("\n# only this\n\n\n# and this\n") == "# only this\n\n# and this\n"


def test_the_spelling_of_numbers_and_strings_is_the_writers() -> None:
    text = 'a = [60_000, 1e-4, 2.50, 1 epoch, 10 epochs, "a\\"b", -1, none]\n'
    assert formatted(text) == text
    assert formatted("a = 10 \t epochs\n") == "a = 10 epochs\n"


def test_a_one_tuple_has_its_comma() -> None:
    assert formatted("a = (1 , )\nb = (1 )\nc = ( 1,2 , )\n") == "a = (1,)\nb = (1)\nc = (1, 2)\n"


def test_at_most_one_blank_line_is_preserved() -> None:
    assert formatted("a = 1\n\n\n\nb = 2\nc = 3\n") == "a = 1\n\nb = 2\nc = 3\n"
    assert formatted("op f(x) {\n\n\n  y = x\n\n\n\n  z = y\n\n}") == (
        "op f(x) {\n  y = x\n\n  z = y\n}\n"
    )


def test_a_definition_of_several_lines_has_room_around_it() -> None:
    text = "a = 1\nop f(x) {\n  y = x\n}\nb = 2\nop g(x) = x\nop h(x) = x\n"
    assert formatted(text) == (
        "a = 1\n\nop f(x) {\n  y = x\n}\n\nb = 2\nop g(x) = x\nop h(x) = x\n"
    )


@pytest.mark.parametrize(
    "text",
    [
        # More links than Python may have calls inside each other here.
        "x = " + " + ".join(["x"] * (RECURSION_LIMIT + 1_000)),
        "x = x" + " |> f" * (RECURSION_LIMIT + 1_000),
        "x = " + "f(" * 199 + "1" + ")" * 199,
        "x = " + "if a then b else " * 199 + "c",
    ],
    ids=["sum", "pipe", "calls", "ifs"],
)
def test_long_chains_and_deep_nests_are_laid_out(text: str) -> None:
    assert [w for w in words(formatted(text)) if w != ","] == words(text)


# ---- the layouter --------------------------------------------------------------------------


def test_a_group_is_broken_only_where_it_does_not_fit() -> None:
    call = Group(("f(", Indent((SOFT, "one,", LINE, "two")), SOFT, ")"))
    assert render(call, 20) == "f(one, two)"
    assert render(call, 10) == "f(\n  one,\n  two\n)"


def test_what_follows_a_group_on_its_line_counts() -> None:
    call = (Group(("f(", Indent((SOFT, "one")), SOFT, ")")), " {")
    assert render(call, 8) == "f(one) {"
    assert render(call, 7) == "f(\n  one\n) {"


def test_a_fill_takes_as_much_to_a_line_as_fits() -> None:
    assert render(Fill(("11,", LINE, "22,", LINE, "33,", LINE, "44")), 8) == "11, 22,\n33, 44"


def test_the_clauses_of_a_comprehension_follow_each_other() -> None:
    text = "a = [ (i,j)  for i in 1..3 if i>1 for j in 1 .. i ]\n"
    assert formatted(text) == "a = [(i, j) for i in 1..3 if i > 1 for j in 1..i]\n"
    long = "names = [a_rather_long_function(first, second) for first in a_list_of_values if first"
    laid_out = formatted(f"{long} > 1 for second in another_list_of_values]\n")
    assert laid_out == (
        "names = [\n  a_rather_long_function(first, second)\n  for first in a_list_of_values\n"
        "  if first > 1\n  for second in another_list_of_values\n]\n"
    )
    assert formatted(laid_out) == laid_out
