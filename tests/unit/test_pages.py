"""The manual pages of the library: every public name has one, with a worked example."""

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
    assert re.search(rf"\b{entry.name}\b", example)


@pytest.mark.parametrize("name", public())
def test_every_public_name_has_an_explanation_and_an_example(name: str) -> None:
    explained = [line for line in public()[name].about if line and not line.startswith("e.g. ")]
    assert explained != []
    assert f"\n  example  {public()[name].examples[0]}\n" in f"{explain(name)}\n"


def test_an_example_shows_what_it_returns_and_costs() -> None:
    worked = {e.name: e.worked_out(example) for e, example in EXAMPLES}
    assert worked["dense"] == (
        "  example  x: f32[N, T, 64] |> dense(10, bias=false)\n"
        "  returns  y: f32[N, T, 10]\n"
        "  costs    640 parameters; 640*T MACs"
    )
    assert worked["lstm_cell"].endswith(
        "returns  h1: f32[N, 64], c1: f32[N, 64]\n  costs    25,088 parameters; 24,576 MACs"
    )
    assert worked["transition"].endswith(
        "costs    33,280 parameters; 512 running statistics; 102,760,448 MACs"
    )
    assert worked["glu"].endswith("returns  y: f32[N, T, 32]")
    assert worked["adam"] == "  example  optimizer = adam(1e-3)"
    assert worked["larger"] == "  example  larger(3, 4) == 4"


def test_a_page_has_a_description_the_code_and_examples() -> None:
    page = explain("group_norm")
    title, about, code, example = page.split("\n\n")
    assert re.fullmatch(r"group_norm: a block \(prelude/layers\.net, line \d+\)", title)
    assert (
        about
        == "Group normalization: normalize groups of channels of each example (Wu & He, 2018)."
    )
    assert code.startswith("  block group_norm(\n    x: float[N, C, ...S],\n")
    assert example == (
        "  example  x: f32[N, 64, 28, 28] |> group_norm(8)\n"
        "  returns  y: f32[N, 64, 28, 28]\n"
        "  costs    128 parameters"
    )


def test_the_lines_of_a_page_fit_on_a_screen() -> None:
    long = {
        name: line
        for name, entry in public().items()
        for line in entry.page().splitlines()
        if len(line) > 104
    }
    assert long == {}
