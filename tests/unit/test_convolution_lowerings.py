"""In training, convolutions and their gradients take the form that their sizes make the fastest."""

from __future__ import annotations

import numpy as np
import pytest
from models import to_onnx

from netlang.backends import reference
from netlang.backends.ort import Session
from netlang.ir.dims import Shape, symbol
from netlang.ir.graph import Builder, Graph, State
from netlang.ir.types import F32, TensorType
from netlang.ops.windows.convolution import Convolve, ConvolveInputGradient, ConvolveWeightGradient
from netlang.ops.windows.transposed_convolution import ConvolveTranspose
from netlang.ops.windows.windows import Pads

N = 16


def forms(channels: int, side: int, filters: int, kernel: int, stride: int = 1) -> tuple[str, str]:
    """Name what the gradients by map and by filters come down to, for a map and padded windows."""
    sides, pad = (side, side), ((kernel // 2, kernel // 2),) * 2
    after = (-(-side // stride),) * 2
    form: tuple[tuple[int, ...], Pads, tuple[int, ...]] = ((stride, stride), pad, (1, 1))
    by_map, by_filters = ConvolveInputGradient(sides, *form), ConvolveWeightGradient(
        (kernel, kernel), *form
    )  # fmt: skip
    ct: Shape = (N, filters, *after)
    return (
        _product(by_map, ct, (filters, channels, kernel, kernel)),
        _product(by_filters, (N, channels, *sides), ct),
    )


def _product(op: ConvolveInputGradient | ConvolveWeightGradient, *shapes: Shape) -> str:
    b = Builder()
    values = tuple(b.fresh(f"x{i}", TensorType(F32, shape)) for i, shape in enumerate(shapes))
    y = b.one(op, *values)
    model = to_onnx(Graph("Gradient", values, {}, tuple(b.nodes), {"y": y}), {})
    kinds = [node.op_type for node in model.graph.node]
    (product,) = (k for k in kinds if k in ("Conv", "ConvTranspose", "Gemm", "MatMul"))
    if "Slice" not in kinds:
        return product
    if "ReduceSum" in kinds:
        return "lines"
    # What is sliced out of a map is joined along an axis of its own.
    return "columns" if "Unsqueeze" in kinds else "shifts"


@pytest.mark.parametrize(("sizes", "expected"), [
    # Few filters for many channels, as a dense block has them, on large maps and small ones.
    ((160, 24, 32, 3), ("Conv", "shifts")),
    ((216, 3, 32, 3), ("Conv", "shifts")),
    # As many of one as of the other.
    ((64, 24, 64, 3), ("Conv", "columns")),
    ((512, 14, 512, 3), ("ConvTranspose", "columns")),
    ((512, 3, 512, 3), ("Gemm", "columns")),
    # More filters than channels, and strides.
    ((64, 24, 192, 3), ("ConvTranspose", "columns")),
    ((64, 24, 128, 3, 2), ("ConvTranspose", "columns")),
    ((256, 6, 512, 3, 2), ("Gemm", "columns")),
    # Few filters with wide windows, and more of them.
    ((1, 28, 6, 5), ("ConvTranspose", "lines")),
    ((6, 14, 16, 5), ("ConvTranspose", "lines")),
    ((1, 28, 32, 5), ("ConvTranspose", "columns")),
    # Windows of one position.
    ((192, 24, 96, 1), ("Conv", "MatMul")),
    ((480, 6, 192, 1), ("Conv", "Gemm")),
    ((832, 3, 384, 1), ("Gemm", "Gemm")),
], ids=str)  # fmt: skip
def test_the_form_of_a_gradient_follows_from_the_sizes(
    sizes: tuple[int, ...], expected: tuple[str, str]
) -> None:
    assert forms(*sizes) == expected


FORMS = [
    (Convolve((1, 1), ((1, 1), (1, 1)), (1, 1)), (4, 5), (512, 64, 3, 3)),
    (Convolve((2, 1), ((1, 2), (0, 1)), (1, 2)), (7, 6), (512, 128, 2, 3)),
    (Convolve((1, 1), ((0, 0), (0, 0)), (1, 1)), (2, 3), (512, 512, 1, 1)),
    (Convolve((1,), ((3, 0),), (1,)), (6,), (256, 256, 4)),
]
"""Convolutions with large filters on small maps."""


def convolved(op: Convolve | ConvolveTranspose, sides: Shape, w: Shape, *, carried: bool) -> Graph:
    """Make a graph whose filters are a state, as in a step of training, or an input."""
    b = Builder()
    out, channels = w[:2] if isinstance(op, Convolve) else w[1::-1]
    shapes = {"x": (symbol("N"), channels, *sides), "w": w, "bias": (out,)}
    x, filters, bias = (b.fresh(name, TensorType(F32, shape)) for name, shape in shapes.items())
    y = b.one(op, x, filters, bias)
    states = (State("w", filters, 0.0, filters),) if carried else ()
    inputs = (x, bias) if carried else (x, filters, bias)
    return Graph("Convolved", inputs, {}, tuple(b.nodes), {"y": y}, states)


@pytest.mark.parametrize(("op", "sides", "w"), FORMS, ids=str)
def test_large_filters_that_change_are_one_product_on_small_maps(
    op: Convolve, sides: Shape, w: tuple[int, ...]
) -> None:
    graph = convolved(op, sides, w, carried=True)
    model = to_onnx(graph, {})
    kinds = {node.op_type for node in model.graph.node}
    assert "Gemm" in kinds
    assert "Conv" not in kinds
    draw = np.random.default_rng(0)
    x = draw.normal(size=(3, w[1], *(side for side in sides if isinstance(side, int))))
    feeds = {"x": x, "w": draw.normal(size=w) / 30, "bias": draw.normal(size=w[:1])}
    given = {name: array.astype(np.float32) for name, array in feeds.items()}
    expected = reference.run(graph, given, {})["y"]
    np.testing.assert_allclose(Session(model).run(given)["y"], expected, rtol=1e-4, atol=1e-4)


UPWARD = [
    (ConvolveTranspose((2, 2), ((1, 1), (1, 1)), (0, 0), (1, 1)), (4, 4), (64, 32, 4, 4)),
    (ConvolveTranspose((2, 1), ((0, 1), (2, 0)), (1, 0), (1, 2)), (3, 2), (32, 5, 3, 3)),
    (ConvolveTranspose((1, 1), ((0, 0), (0, 0)), (0, 0), (1, 1)), (1, 1), (100, 16, 4, 4)),
]


@pytest.mark.parametrize(("op", "sides", "w"), UPWARD, ids=str)
def test_a_transposed_convolution_of_few_positions_is_one_product(
    op: ConvolveTranspose, sides: tuple[int, ...], w: tuple[int, ...]
) -> None:
    graph = convolved(op, sides, w, carried=True)
    model = to_onnx(graph, {})
    assert {"Gemm", "Col2Im"} <= {node.op_type for node in model.graph.node}
    fixed = to_onnx(convolved(op, sides, w, carried=False), {})
    assert [node.op_type for node in fixed.graph.node] == ["ConvTranspose"]
    draw = np.random.default_rng(0)
    feeds = {"x": draw.normal(size=(3, w[0], *sides)), "w": draw.normal(size=w) / 30}
    feeds["bias"] = draw.normal(size=w[1])
    given = {name: array.astype(np.float32) for name, array in feeds.items()}
    expected = reference.run(graph, given, {})["y"]
    np.testing.assert_allclose(Session(model).run(given)["y"], expected, rtol=1e-4, atol=1e-4)


def test_filters_that_stay_are_convolved_with_by_the_operator_for_it() -> None:
    fixed = to_onnx(convolved(*FORMS[0], carried=False), {})
    assert [node.op_type for node in fixed.graph.node] == ["Conv"]


@pytest.mark.parametrize(("sides", "w"), [((9, 9), (512, 64, 3, 3)), ((4, 4), (64, 64, 3, 3))])
def test_small_filters_and_large_maps_are_too(sides: Shape, w: Shape) -> None:
    model = to_onnx(convolved(FORMS[0][0], sides, w, carried=True), {})
    assert "Conv" in {node.op_type for node in model.graph.node}
