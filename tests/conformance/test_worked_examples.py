"""The worked examples of courses and books, asked of the tool: shapes, counts, numbers.

`worked_examples.toml` holds each as a program with its right answers. Where what was published is
wrong, the answer is still the right one, and a remark says what the error was.
"""

from __future__ import annotations

import math
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from models import to_onnx
from msgspec.structs import replace

from netlang.analysis.counts import macs, trained
from netlang.analysis.summary import summarize
from netlang.backends import reference
from netlang.backends.ort import Session
from netlang.diagnostics.render import render_all
from netlang.ir.dims import product
from netlang.ir.graph import Graph
from netlang.ir.initializers import initialize
from netlang.ir.types import DType
from netlang.manual.explain import explain_layer
from netlang.passes.autodiff import gradient_name, vjp
from netlang.program import Program, load

ROOT = Path(__file__).parents[2]
Example = dict[str, Any]
EXAMPLES: list[Example] = tomllib.loads(
    (ROOT / "tests/data/worked_examples.toml").read_text("utf-8")
)["example"]
ANSWERS = {"outputs", "params", "macs", "field", "explain", "names", "values", "refused"}


def asked(*answers: str) -> pytest.MarkDecorator:
    chosen = [e for e in EXAMPLES if all(answer in e for answer in answers)]
    return pytest.mark.parametrize("example", chosen, ids=lambda e: e["id"])


def program(example: Example, folder: Path) -> Program:
    file = folder / "example.net"
    file.write_text(example["program"], "utf-8")
    return load(file)


def net(example: Example, folder: Path) -> Graph:
    """Elaborate `Net`; the assertions next to it have been checked."""
    loaded = program(example, folder)
    assert not loaded.diagnostics.items, render_all(loaded.diagnostics.sorted())
    return loaded.net("Net").graph


def test_every_example_has_its_own_name_and_an_answer() -> None:
    names = [e["id"] for e in EXAMPLES]
    assert len(set(names)) == len(names) >= 50
    assert [e["id"] for e in EXAMPLES if not ANSWERS & e.keys()] == []


@asked("outputs")
def test_the_shapes_are_right(example: Example, tmp_path: Path) -> None:
    graph = net(example, tmp_path)
    assert {n: str(v.type) for n, v in graph.outputs.items()} == example["outputs"]


@asked("params")
def test_the_weights_are_counted_right(example: Example, tmp_path: Path) -> None:
    assert trained(net(example, tmp_path)) == example["params"]


@asked("macs")
def test_the_multiply_adds_are_counted_right(example: Example, tmp_path: Path) -> None:
    assert macs(net(example, tmp_path)) == example["macs"]


@asked("field")
def test_what_a_unit_sees_is_right(example: Example, tmp_path: Path) -> None:
    rows: Any = summarize(net(example, tmp_path)).json()["layers"]
    seen = {row["path"]: row["receptive_field"] for row in rows}
    assert seen == example["field"]


@asked("explain")
def test_the_arithmetic_is_shown(example: Example, tmp_path: Path) -> None:
    path, line = example["explain"]
    assert line in explain_layer(net(example, tmp_path), path)


@asked("names")
def test_the_weights_have_names_and_shapes(example: Example, tmp_path: Path) -> None:
    params = net(example, tmp_path).params.values()
    assert {p.path: list(p.type.shape) for p in params} == example["names"]


@asked("refused")
def test_what_cannot_be_is_rejected(example: Example, tmp_path: Path) -> None:
    found = program(example, tmp_path).diagnostics.sorted()
    assert [d.rule.code for d in found] == [example["refused"]]


@asked("values")
def test_the_numbers_are_right(example: Example, tmp_path: Path) -> None:
    graph = net(example, tmp_path)
    exact = weights(example, np.float64)
    # Weights have 32 bits; as inputs they may have 64.
    given_too = {v.name: exact[p.path] for v, p in graph.params.items()}
    as_inputs = replace(graph, inputs=(*graph.inputs, *graph.params), params={})
    feeds = given(graph, example) | given_too
    results = reference.run(as_inputs, feeds, {}, dtype=DType.F64)
    compare(results, example["values"], example.get("tolerance", 1e-6))


@asked("values")
def test_onnxruntime_gives_the_same_numbers(example: Example, tmp_path: Path) -> None:
    graph = net(example, tmp_path)
    session = Session(to_onnx(graph, weights(example, np.float32)))
    feeds = {
        name: array.astype(np.float32) if array.dtype.kind == "f" else array
        for name, array in given(graph, example).items()
    }
    compare(session.run(feeds), example["values"], example.get("tolerance", 1e-6) + 1e-5)


@asked("gradients")
def test_the_gradients_are_right(example: Example, tmp_path: Path) -> None:
    graph = net(example, tmp_path)
    wrt = [v for v in graph.inputs if v.name in example["gradients"]]
    results = reference.run(vjp(graph, wrt), given(graph, example), {}, dtype=DType.F64)
    expected = {gradient_name(v, graph): example["gradients"][v.name] for v in wrt}
    found = {name: results[name] for name in expected}
    compare(found, expected, example.get("tolerance", 1e-6))


def given(graph: Graph, example: Example) -> dict[str, np.ndarray]:
    kinds = {v.name: np.float64 if v.type.dtype.is_float else np.int64 for v in graph.inputs}
    return {name: np.array(x, kinds[name]) for name, x in example["inputs"].items()}


def weights(example: Example, dtype: type) -> dict[str, np.ndarray]:
    return {path: np.array(x, dtype) for path, x in example.get("weights", {}).items()}


def compare(found: dict[str, np.ndarray], expected: dict[str, Any], tolerance: float) -> None:
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert found[name].shape == np.shape(value)
        np.testing.assert_allclose(found[name], value, rtol=tolerance, atol=tolerance)


# ---- what is more than one line ----------------------------------------------------------


def test_vgg_16_is_the_table_of_the_course() -> None:
    """Weights without biases, layer by layer; all activations are 15.2 million numbers.

    CS231n adds them up to 24 million numbers and 93 MB, which its own list does not give.
    """
    graph = load(ROOT / "examples/vgg.net").net("VGG16").graph
    kernels = [p.type.shape for p in graph.params.values() if p.path.endswith("weight")]
    assert [product(shape) for shape in kernels] == [
        1728, 36864, 73728, 147456, 294912, 589824, 589824, 1179648, 2359296, 2359296,
        2359296, 2359296, 2359296, 102760448, 16777216, 4096000,
    ]  # fmt: skip
    assert sum(product(shape) for shape in kernels) == 138_344_128
    assert trained(graph) == 138_357_544
    (image,) = graph.inputs
    made = [
        node.outputs[0].type.shape[1:]
        for node in graph.nodes
        if node.op.name in ("convolve", "max_pool", "linear")
    ]
    numbers = [product(shape) for shape in [image.type.shape[1:], *made]]
    assert sum(numbers) == 15_237_608


@pytest.mark.parametrize(("init", "spread"), [
    ("xavier_uniform()", math.sqrt(6 / (784 + 256)) / math.sqrt(3)),
    ("kaiming_normal()", math.sqrt(2 / 784)),
])  # fmt: skip
def test_weights_start_as_spread_as_their_formula_says(
    init: str, spread: float, tmp_path: Path
) -> None:
    text = f"net Net(x: f32[N, 784]) -> y = dense(x, 256, init={init})"
    drawn = initialize(net({"program": text}, tmp_path), 0)["weight"]
    assert drawn.std() == pytest.approx(spread, rel=0.01)
    if init.startswith("xavier"):
        assert float(abs(drawn).max()) == pytest.approx(0.075955, rel=1e-3)


def test_a_convolution_moves_with_its_image() -> None:
    """Translation equivariance: what a filter finds moves as the image moves."""
    graph = load(ROOT / "examples/lenet.net").net("LeNet").graph
    (conv,) = [n for n in graph.nodes if n.op.name == "convolve"][:1]
    image = np.zeros((1, 1, 28, 28))
    image[0, 0, 10:14, 9:15] = np.random.default_rng(0).normal(size=(4, 6))
    kernel = np.random.default_rng(1).normal(size=(6, 1, 5, 5))
    (here,) = conv.op.forward(image, kernel, np.zeros(6))
    (there,) = conv.op.forward(np.roll(image, (3, 5), (2, 3)), kernel, np.zeros(6))
    np.testing.assert_allclose(np.roll(here, (3, 5), (2, 3)), there)
    assert abs(here).max() > 0.1
