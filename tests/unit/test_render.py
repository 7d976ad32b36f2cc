"""The layout of messages, character for character.

Tests ``netlang.diagnostics``.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Diagnostic, Label, Severity, diagnostic
from netlang.diagnostics.errors import InputError
from netlang.diagnostics.fix import Edit, Fix, apply
from netlang.diagnostics.render import render, render_all, to_json
from netlang.diagnostics.rules import Rule
from netlang.diagnostics.source import Source, Span

PAGES = (Path(__file__).parents[1] / "golden" / "messages.txt").read_text("utf-8").split("\n\n")

RULE = Rule("r", "", "", "", "")


def parsed(page: str) -> Diagnostic:
    """Read a rendered message back: the text it shows, its labels, its remarks."""
    head, place, *rest = page.splitlines()
    severity, rule, message = re.fullmatch(r"(\w+)\[([\w-]+)\]: (.*)", head).groups()  # type: ignore[union-attr]
    file = re.fullmatch(r" +--> (.*):\d+:\d+", place).group(1)  # type: ignore[union-attr]
    lines: dict[int, str] = {}
    marks: list[tuple[int, int, int, bool, str]] = []
    remarks: dict[str, list[str]] = {"in": [], "note": [], "help": []}
    number, kind = 0, ""
    for line in rest:
        if found := re.fullmatch(r" *(\d+) \| (.*)", line):
            number = int(found[1])
            lines[number] = found[2]
        elif found := re.fullmatch(r" +\| ( *)(\^+|-+) ?(.*)", line):
            start = len(found[1])
            marks.append((number, start, start + len(found[2]), found[2][0] == "^", found[3]))
        elif found := re.fullmatch(r" += (in|note|help): +(.*)", line):
            kind = found[1]
            remarks[kind].append(found[2])
        elif found := re.fullmatch(r" {11}(.*)", line):
            remarks[kind][-1] += f"\n{found[1]}"
    source = Source(file, "\n".join(lines.get(i, "#") for i in range(1, max(lines) + 1)))
    starts = [0]
    for i in range(1, max(lines)):
        starts.append(starts[-1] + len(lines.get(i, "#")) + 1)
    labels = [
        (primary, Label(Span(source, starts[n - 1] + a, starts[n - 1] + b), text))
        for n, a, b, primary, text in marks
    ]
    return Diagnostic(
        Rule(rule, "", "", "", ""),
        message,
        next(label for primary, label in labels if primary),
        tuple(label for primary, label in labels if not primary),
        tuple(remarks["note"]),
        tuple(remarks["help"]),
        severity=Severity(severity),
        trace=tuple(remarks["in"]),
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.split("[")[1].split("]")[0])
def test_a_message_looks_exactly_like_its_golden_page(page: str) -> None:
    assert render(parsed(page)) == page.rstrip("\n")


def at(text: str, part: str, said: str = "", name: str = "a.net") -> Label:
    start = text.index(part)
    return Label(Span(Source(name, text), start, start + len(part)), said)


def test_a_message_with_both_labels_on_one_line() -> None:
    source = Source("residual.net", "a\n  y = relu(b + x)\n")
    diagnostic = Diagnostic(
        rules.SHAPE_MISMATCH,
        "these two shapes don't fit together",
        Label(Span(source, 13, 14), "f32[N, 128]"),
        (Label(Span(source, 17, 18), "f32[N, 64]"),),
        ("dimension 1 is 128\nand 64",),
        ("project it",),
        trace=("basic(x), called on line 10",),
    )
    assert render(diagnostic) == (
        "error[shape-mismatch]: these two shapes don't fit together\n"
        "  --> residual.net:2:12\n"
        "   |\n"
        " 2 |   y = relu(b + x)\n"
        "   |            ^ f32[N, 128]\n"
        "   |                - f32[N, 64]\n"
        "   |\n"
        "   = in:   basic(x), called on line 10\n"
        "   = note: dimension 1 is 128\n"
        "           and 64\n"
        "   = help: project it"
    )


def test_a_label_in_another_file_starts_a_group_of_its_own() -> None:
    there = at("block a(x) -> y {\n  bad = 1\n}\n", "bad", "defined here", "lib/other.net")
    diagnostic = Diagnostic(rules.UNKNOWN_NAME, "no", at("y = bad(x)", "bad"), (there,))
    assert render(diagnostic) == (
        "error[unknown-name]: no\n"
        "  --> a.net:1:5\n"
        "   |\n"
        " 1 | y = bad(x)\n"
        "   |     ^^^\n"
        "  ::: lib/other.net:2:3\n"
        "   |\n"
        " 2 |   bad = 1\n"
        "   |   --- defined here"
    )


def test_the_one_line_between_two_labels_is_shown_and_more_are_not() -> None:
    text = "one\ntwo\nthree\nfour\nfive\nsix\n"
    source = at(text, "one").span.source

    def label(part: str) -> Label:
        start = text.index(part)
        return Label(Span(source, start, start + len(part)))

    near = render(Diagnostic(RULE, "m", label("one"), (label("three"),)))
    far = render(Diagnostic(RULE, "m", label("one"), (label("six"),)))
    assert near.splitlines()[3:] == [
        " 1 | one", "   | ^^^", " 2 | two", " 3 | three", "   | -----",
    ]  # fmt: skip
    assert far.splitlines()[3:] == [" 1 | one", "   | ^^^", "...", " 6 | six", "   | ---"]


def test_a_span_over_several_lines_marks_its_first_line() -> None:
    shown = render(Diagnostic(RULE, "m", at("y = f(a,  \n  b)\n", "f(a,  \n  b)", "all of it")))
    assert shown.splitlines()[3:] == [" 1 | y = f(a,  ", "   |     ^^^^ all of it"]


def test_an_empty_span_at_the_end_of_the_text_has_one_caret() -> None:
    source = Source("a.net", "net A {")
    shown = render(Diagnostic(RULE, "m", Label(Span(source, 7, 7), "here")))
    assert shown.splitlines()[3:] == [" 1 | net A {", "   |        ^ here"]


def test_a_file_without_text_is_named_alone() -> None:
    label = Label(Span(Source("missing.net", ""), 0, 0))
    diagnostic = Diagnostic(
        rules.NO_SUCH_FILE, "there is no such file", label, helps=("look again",)
    )
    assert render(diagnostic) == (
        "error[no-such-file]: there is no such file\n  --> missing.net\n   |\n   = help: look again"
    )


@pytest.mark.parametrize(
    ("text", "shown", "column"),
    [
        ("\ty = bad", "    y = bad", 8),
        ('s = "日本" + bad', 's = "日本" + bad', 13),
        ('s = "e\u0301" + bad', 's = "e\u0301" + bad', 10),
        ("a\u202eb bad", "a<U+202E>b bad", 11),
        ("a\x1b[31m bad", "a<U+001B>[31m bad", 14),
    ],
    ids=["tab", "wide", "combining", "right-to-left override", "escape"],
)
def test_the_caret_stays_under_its_text(text: str, shown: str, column: int) -> None:
    lines = render(Diagnostic(RULE, "m", at(text, "bad"))).splitlines()[3:]
    assert lines == [f" 1 | {shown}", f"   | {' ' * column}^^^"]


def test_a_line_of_three_megabytes_is_shown_through_a_window_around_the_caret() -> None:
    text = "x + " * 400_000 + "bad" + " + x" * 400_000
    lines = render(Diagnostic(RULE, "m", at(text, "bad"))).splitlines()[3:]
    source, caret = lines
    assert len(source) == 120
    assert (source[5], source[-1]) == ("…", "…")
    assert source[caret.index("^") : caret.index("^") + 3] == "bad"
    assert caret.count("^") == 3


@pytest.mark.parametrize("at_end", [False, True])
def test_a_long_line_is_cut_only_where_something_is_missing(at_end: bool) -> None:
    text = "x + " * 100 + "bad" if at_end else "bad" + " + x" * 100
    source, caret = render(Diagnostic(RULE, "m", at(text, "bad"))).splitlines()[3:]
    assert (source[5] == "…", source[-1] == "…") == (at_end, not at_end)
    assert len(source) <= 120
    assert source[caret.index("^") : caret.index("^") + 3] == "bad"


def test_beyond_twenty_the_rest_is_counted_and_errors_come_first() -> None:
    source = Source("a.net", "x\n" * 10_000)
    many = [
        Diagnostic(
            RULE,
            f"number {i}",
            Label(Span(source, 2 * i, 2 * i + 1)),
            severity=Severity.ERROR if i == 9_999 else Severity.WARNING,
        )
        for i in range(10_000)
    ]
    shown = render_all(many)
    assert shown.startswith("error[r]: number 9999\n")
    assert shown.count("[r]:") == 20
    assert shown.endswith("\n\n+ 9,980 more")


def test_a_warning_is_labeled_as_one() -> None:
    diagnostic = Diagnostic(RULE, "m", at("bad", "bad"), severity=Severity.WARNING)
    assert render(diagnostic).startswith("warning[r]: m\n")


def test_colors_change_nothing_but_the_colors() -> None:
    for page in PAGES:
        plain = re.sub(r"\x1b\[[\d;]*m", "", render(parsed(page), color=True))
        assert plain == page.rstrip("\n")
        assert "\x1b" in render(parsed(page), color=True)


def test_json_carries_the_same_content() -> None:
    diagnostic = parsed(PAGES[7])
    assert json.loads(json.dumps(to_json(diagnostic))) == {
        "rule": "unclosed-bracket",
        "severity": "error",
        "message": "this `(` is never closed",
        "file": "paren.net",
        "line": 2,
        "column": 11,
        "end_line": 2,
        "end_column": 12,
        "labels": [
            {
                "file": "paren.net", "line": 2, "column": 11, "end_line": 2, "end_column": 12,
                "text": "opened here", "primary": True,
            },
            {
                "file": "paren.net", "line": 3, "column": 3, "end_line": 3, "end_column": 4,
                "text": "this starts a new statement, but the `(` is still open",
                "primary": False,
            },
        ],
        "notes": [],
        "helps": ["add `)` at the end of line 2"],
        "fixes": [],
        "trace": [],
    }  # fmt: skip


def test_json_carries_the_edits_of_fixes() -> None:
    span = at("a = rleu(x)\n", "rleu").span
    fix = Fix("replace `rleu` with `relu`", (Edit(span, "relu"),))
    assert to_json(diagnostic(RULE, "m", span, fixes=(fix,)))["fixes"] == [{
        "title": "replace `rleu` with `relu`",
        "edits": [{
            "file": "a.net", "start": 4, "end": 8, "text": "relu",
            "line": 1, "column": 5, "end_line": 1, "end_column": 9,
        }],
    }]  # fmt: skip


def test_an_error_outside_of_programs_has_no_location() -> None:
    error = InputError("the image is empty", helps=["pass another one"])
    assert render(error.diagnostic) == (
        "error[bad-input]: the image is empty\n   |\n   = help: pass another one"
    )
    assert to_json(error.diagnostic) == {
        "rule": "bad-input", "severity": "error", "message": "the image is empty", "labels": [],
        "notes": [], "helps": ["pass another one"], "fixes": [], "trace": [],
    }  # fmt: skip


def test_edits_are_applied_from_the_end_of_the_text() -> None:
    text = "a = rleu(x)\n"
    edits = (Edit(at(text, "a").span, "first"), Edit(at(text, "rleu").span, "relu"))
    assert apply(text, Fix("", edits)) == "first = relu(x)\n"
