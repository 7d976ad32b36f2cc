"""The manual pages of the library: every layer has one, with an example that is worked out."""

from __future__ import annotations

import re

import pytest

from netlang.manual.explain import explain
from netlang.manual.pages import Entry, load_text, public

EXAMPLES = [(entry, example) for entry in public().values() for example in entry.examples]


@pytest.mark.parametrize(
    ("entry", "example"), EXAMPLES, ids=[f"{e.name}{i}" for i, (e, _) in enumerate(EXAMPLES)]
)
def test_an_example_is_a_program_without_a_finding(entry: Entry, example: str) -> None:
    program = load_text(entry.program(example))
    assert [d.message for d in program.diagnostics.sorted()] == []
    assert re.search(rf"\|> {entry.name}\b", example)


def test_every_layer_has_an_example() -> None:
    blocks = [entry for entry in public().values() if entry.kind == "block"]
    assert [entry.name for entry in blocks if not entry.examples] == []


def test_an_example_says_what_it_gives_and_costs() -> None:
    worked = {e.name: e.worked_out(example) for e, example in EXAMPLES}
    assert worked["dense"] == (
        "  example  x: f32[N, T, 64] |> dense(10, bias=false)\n"
        "  gives    y: f32[N, T, 10]; 640 weights; 640*T MACs"
    )
    assert worked["lstm_cell"].endswith(
        "gives    h1: f32[N, 64], c1: f32[N, 64]; 25,088 weights; 24,576 MACs"
    )
    assert worked["transition"].endswith(
        "gives    y: f32[N, 128, 28, 28]; 33,280 weights; 512 running statistics; 102,760,448 MACs"
    )
    assert worked["glu"].endswith("gives    y: f32[N, T, 32]")


def test_a_page_is_what_a_layer_is_for_how_it_is_called_and_examples() -> None:
    page = explain("group_norm")
    title, about, code, example = page.split("\n\n")
    assert re.fullmatch(r"group_norm: a block \(prelude/layers\.net, line \d+\)", title)
    assert about == "Normalise groups of channels (Wu & He, 2018)."
    assert code.startswith("  block group_norm(\n    x: float[N, C, ...S],\n")
    assert example == (
        "  example  x: f32[N, 64, 28, 28] |> group_norm(8)\n"
        "  gives    y: f32[N, 64, 28, 28]; 128 weights"
    )


def test_lines_of_a_page_are_as_long_as_one_reads() -> None:
    long = {
        name: line
        for name, entry in public().items()
        for line in entry.page().splitlines()
        if len(line) > 104
    }
    assert long == {}
