"""``netlang show`` writes out what a program leaves to defaults."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from checked import checked

from netlang.diagnostics.diagnostic import Diagnostics
from netlang.diagnostics.source import Source
from netlang.ir.text import print_graph
from netlang.manual.defaults import with_defaults, write_defaults
from netlang.manual.pages import Entry, load_text, public
from netlang.program import Program, load
from netlang.syntax import ast
from netlang.syntax.parser import parse

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.net"))
LIBRARY = """\
block conv(x, out: int, kernel: ints, *, stride: ints = 1, pad: padding = 0) -> y { y = x }
block pool(x, size: ints, stride: ints = size) -> y { y = x }
block grown(x, size: int, *, more: int = size + 1, most: int = 2 * more) -> y { y = x }
block squash(x, *, slope: float = 0.5) -> y { y = x }
op relu(x) = x
"""


def parsed(text: str) -> ast.File:
    diagnostics = Diagnostics()
    file = parse(Source("a.net", text), diagnostics)
    assert file is not None
    assert diagnostics.items == []
    return file


KNOWN = {
    d.name.text: d.params for d in parsed(LIBRARY).declarations if isinstance(d, ast.Definition)
}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("conv(x, 8, 3)", "conv(x, 8, 3, stride=1, pad=0)"),
        ("conv(x, 8, 3, pad=1)", "conv(x, 8, 3, pad=1, stride=1)"),
        ("conv(x, 8, 3, stride=2, pad=1)", "conv(x, 8, 3, stride=2, pad=1)"),
        ("x |> conv(8, 3) |> relu", "x |> conv(8, 3, stride=1, pad=0) |> relu"),
        (
            "conv(\n    x,\n    8, # wide, open\n    3,\n  )",
            "conv(\n    x,\n    8, # wide, open\n    3,\n  stride=1, pad=0)",
        ),
        (
            "conv(\n    x,\n    8,\n    3 # no, none\n  )",
            "conv(\n    x,\n    8,\n    3 # no, none\n  , stride=1, pad=0)",
        ),
        ("x |> squash", "x |> squash(slope=0.5)"),
        ("x |> squash as s", "x |> squash(slope=0.5) as s"),
        ("x |> squash() |> relu", "x |> squash(slope=0.5) |> relu"),
        ("x |> conv(8, 3) as s", "x |> conv(8, 3, stride=1, pad=0) as s"),
        ("relu(squash(x))", "relu(squash(x, slope=0.5))"),
        ("pool(x, 2)", "pool(x, 2, stride=2)"),
        ("pool(x, size=(2, 3))", "pool(x, size=(2, 3), stride=(2, 3))"),
        ("pool(x, 1 + 1)", "pool(x, 1 + 1, stride=(1 + 1))"),
        ("pool(x, conv(x, 8, 3))", "pool(x, conv(x, 8, 3, stride=1, pad=0))"),
        ("x |> pool(k) |> pool(2, 1)", "x |> pool(k, stride=k) |> pool(2, 1)"),
        ("grown(x, 2)", "grown(x, 2, more=2 + 1, most=2 * (2 + 1))"),
        ("unknown(x)", "unknown(x)"),
    ],
)
def test_a_call_names_the_defaults_it_leaves_out(before: str, after: str) -> None:
    text = "block b(x) -> y {{\n  y = {} # kept\n}}\n"
    assert write_defaults(parsed(text.format(before)), KNOWN.get) == text.format(after)


def test_a_new_layer_names_them_too() -> None:
    text = "block b(x) -> y {\n  c = new conv(8, 3)\n  y = c(x)\n}\n"
    assert "new conv(8, 3, stride=1, pad=0)" in write_defaults(parsed(text), KNOWN.get)


def test_a_local_name_hides_the_definition_only_after_it_is_bound() -> None:
    text = "block b(x) -> y {\n  squash = squash(x)\n  y = squash(squash)\n}\n"
    written = write_defaults(parsed(text), KNOWN.get)
    assert "squash = squash(x, slope=0.5)" in written
    assert "y = squash(squash)" in written


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("examples")
    for path in EXAMPLES:
        shutil.copy(path, folder)
    return folder


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_with_its_defaults_written_out_means_the_same(
    path: Path, examples: Path
) -> None:
    before = checked(path)
    written = with_defaults(before)
    (examples / path.name).write_text(written, "utf-8")
    after = load(examples / path.name)
    assert after.diagnostics.items == []
    assert meaning(after) == meaning(before)
    assert with_defaults(after) == written


@pytest.mark.parametrize("entry", public().values(), ids=lambda entry: entry.name)
def test_every_call_of_the_library_takes_its_defaults(entry: Entry) -> None:
    for example in entry.examples:
        before = load_text(entry.program(example))
        after = load_text(with_defaults(before))
        assert [d.message for d in after.diagnostics.items] == []
        assert meaning(after) == meaning(before)


def meaning(program: Program) -> dict[str, str]:
    return {name: print_graph(net.graph, origins=False) for name, net in program.nets.items()}


def test_a_new_layer_leaves_tensors_to_its_calls() -> None:
    library = parsed(
        "block b(x: f32[N], width: int = 4, *, h: f32[N] = 0.0, z: int = 1) -> y { y = x }\n"
    )
    known = {d.name.text: d.params for d in library.declarations if isinstance(d, ast.Definition)}
    text = "block c(x) -> y {\n  layer = new b(8)\n  y = layer(x)\n}\n"
    assert "layer = new b(8, z=1)" in write_defaults(parsed(text), known.get)
