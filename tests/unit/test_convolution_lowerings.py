"""The gradients of a convolution take the form that its sizes make the fastest."""

from __future__ import annotations

import pytest

from netlang.backends.onnx import to_onnx
from netlang.ir.dims import Shape
from netlang.ir.graph import Builder, Graph
from netlang.ir.types import F32, TensorType
from netlang.ops.gradients_convolution import ConvolveInputGradient, ConvolveWeightGradient
from netlang.ops.windows import Pads

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
