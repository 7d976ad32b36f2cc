"""What the operators compute, where a law alone would let both back ends be wrong together.

Tests ``netlang.ops``.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from models import to_onnx

from netlang.backends import reference
from netlang.backends.ort import Session
from netlang.ir.dims import symbol
from netlang.ir.graph import Builder, Graph
from netlang.ir.op import Primitive
from netlang.ir.types import F32, I64, DType, TensorType
from netlang.ops.elementwise.activation import Elu, Gelu, Sigmoid, Softplus
from netlang.ops.elementwise.arithmetic import Add, FloorDiv, Mod
from netlang.ops.elementwise.choice import Constant
from netlang.ops.elementwise.special import erf
from netlang.ops.random.random import Dropout, DropPath, StopGradient
from netlang.ops.reducing.einsum import Einsum
from netlang.ops.reducing.linear import Linear, Matmul
from netlang.ops.reducing.normalization import NormalizeGroup
from netlang.ops.reducing.reduction import Logsumexp, Mean, Sum
from netlang.ops.reducing.softmax import LogSoftmax, Softmax
from netlang.ops.windows.gradients_pooling import MaxPoolArgmax
from netlang.ops.windows.local_response import LocalResponseNorm
from netlang.system.numpy import Array

N, T = symbol("N"), symbol("T")


def graph_of(op: Primitive, *types: TensorType) -> Graph:
    builder = Builder()
    inputs = tuple(builder.fresh(f"x{i}", t) for i, t in enumerate(types))
    y = builder.one(op, *inputs)
    return Graph("g", inputs, {}, tuple(builder.nodes), {"y": y})


def on_both(op: Primitive, *arrays: Array) -> tuple[Array, Array]:
    names = {"float32": F32, "int64": I64}
    types = [TensorType(names[a.dtype.name], a.shape) for a in arrays]
    graph = graph_of(op, *types)
    feeds = {f"x{i}": a for i, a in enumerate(arrays)}
    run = Session(to_onnx(graph, {}), threads=1).run(feeds)
    return reference.run(graph, feeds, {})["y"], run["y"]


def lowered(op: Primitive, *shapes: tuple[object, ...], opset: int = 18) -> list[str]:
    types = [TensorType(F32, s) for s in shapes]  # pyright: ignore[reportArgumentType]
    return [n.op_type for n in to_onnx(graph_of(op, *types), {}, opset=opset).graph.node]


def test_whole_division_rounds_as_python_does() -> None:
    a, b = np.meshgrid(np.arange(-7, 8), [-3, -2, -1, 1, 2, 3])
    for op, python in (
        (FloorDiv(), lambda x, y: int(x) // int(y)),
        (Mod(), lambda x, y: int(x) % int(y)),
    ):
        expected = np.vectorize(python)(a, b).tolist()
        for actual in on_both(op, a.astype(np.int64), b.astype(np.int64)):
            assert actual.tolist() == expected


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_erf_is_that_of_the_c_library(dtype: type) -> None:
    x = np.concatenate([np.linspace(-7, 7, 4001), [0.0, -0.0, 1e-300, np.inf, -np.inf]])
    x = x.astype(dtype)
    expected = np.array([math.erf(v) for v in x])
    assert erf(x).dtype == dtype
    np.testing.assert_allclose(
        erf(x), expected, rtol=0, atol=4e-16 if dtype is np.float64 else 6e-8
    )
    assert np.isnan(erf(np.array([np.nan]))).all()


def test_erf_keeps_its_relative_precision_near_zero() -> None:
    x = np.logspace(-30, -1, 50)
    np.testing.assert_allclose(erf(x), [math.erf(v) for v in x], rtol=4e-15)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_activations_neither_overflow_nor_lose_small_values(dtype: type) -> None:
    x = np.array([-1000, -40, 0, 40, 1000], dtype)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        (sigmoid,) = Sigmoid().forward(x)
        (softplus,) = Softplus().forward(x)
        (elu,) = Elu().forward(x)
        (log_softmax,) = LogSoftmax(0).forward(x)
        (softmax,) = Softmax(0).forward(x)
        (total,) = Logsumexp((0,)).forward(x)
    np.testing.assert_allclose(sigmoid, [0, math.exp(-40), 0.5, 1, 1], rtol=1e-6)
    np.testing.assert_allclose(softplus, [0, math.exp(-40), math.log(2), 40, 1000], rtol=1e-6)
    np.testing.assert_allclose(elu, [-1, -1, 0, 40, 1000], rtol=1e-6)
    np.testing.assert_allclose(log_softmax, [-2000, -1040, -1000, -960, 0])
    np.testing.assert_allclose(softmax, [0, 0, 0, 0, 1])
    assert total == 1000


def test_logsumexp_of_minus_infinity_alone_is_minus_infinity() -> None:
    x = np.full((2, 3), -np.inf, np.float32)
    with np.errstate(divide="ignore"):
        (y,) = Logsumexp((1,)).forward(x)
    assert y.tolist() == [-np.inf, -np.inf]


def test_gelu_has_the_published_values() -> None:
    x = np.array([-3.0, -1.0, 0.0, 1.0, 3.0])
    expected = [v * 0.5 * math.erfc(-v / math.sqrt(2)) for v in x]
    np.testing.assert_allclose(Gelu().forward(x)[0], expected, rtol=1e-12)
    np.testing.assert_allclose(Gelu(True).forward(x)[0], expected, atol=5e-4)
    assert lowered(Gelu(), (N, 3), opset=20) == ["Gelu"]


@pytest.mark.parametrize("op", [Sum(), Mean()])
def test_long_sums_keep_their_digits_in_onnxruntime(op: Primitive) -> None:
    x = np.random.default_rng(1).uniform(0, 1, (2000, 1000)).astype(np.float32)
    exact = x.astype(np.float64).sum() if op == Sum() else x.astype(np.float64).mean()
    for actual in on_both(op, x):
        assert abs(actual - exact) < 2e-6 * exact


def test_a_max_pool_looked_at_the_first_of_equal_elements() -> None:
    x = np.zeros((2, 1, 4, 4), np.float32)
    x[1, 0, 1:3, 1:3] = 1
    expected = [[[[0, 1], [4, 5]]], [[[21, 21], [21, 21]]]]
    for actual in on_both(MaxPoolArgmax((3, 3), (2, 2), ((1, 1), (1, 1)), (1, 1)), x):
        assert actual.tolist() == expected


def test_local_response_norm_within_a_channel_counts_all_of_a_window() -> None:
    x = np.random.default_rng(3).normal(size=(2, 2, 4, 5)).astype(np.float32)
    size, alpha, beta, k = 3, 0.7, 0.75, 1.0
    expected = np.empty_like(x)
    for row, column in np.ndindex(4, 5):
        near = x[:, :, max(0, row - 1) : row + 2, max(0, column - 1) : column + 2]
        share = (near**2).sum((2, 3)) / size**2
        expected[:, :, row, column] = x[:, :, row, column] / (k + alpha * share) ** beta
    for actual in on_both(LocalResponseNorm(size, alpha, beta, k, within=True), x):
        np.testing.assert_allclose(actual, expected, rtol=1e-5)


def test_local_response_norm_is_the_published_formula() -> None:
    x = np.random.default_rng(2).normal(size=(2, 7, 3, 2)).astype(np.float32)
    size, alpha, beta, k = 5, 0.3, 0.75, 2.0
    expected = np.empty_like(x)
    for c in range(7):
        near = x[:, max(0, c - 2) : c + 3]
        expected[:, c] = x[:, c] / (k + alpha / size * (near**2).sum(1)) ** beta
    for actual in on_both(LocalResponseNorm(size, alpha, beta, k), x):
        np.testing.assert_allclose(actual, expected, rtol=1e-5)


def test_a_group_is_normalized_over_its_channels_and_places() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(3, 2, (2, 6, 4, 5)).astype(np.float32)
    scale, shift = rng.normal(size=(2, 6)).astype(np.float32)
    expected = np.empty_like(x)
    for n in range(2):
        for g in range(3):
            part = x[n, 2 * g : 2 * g + 2].astype(np.float64)
            expected[n, 2 * g : 2 * g + 2] = (part - part.mean()) / np.sqrt(part.var() + 1e-5)
    expected = expected * scale[:, None, None] + shift[:, None, None]
    for actual in on_both(NormalizeGroup(3), x, scale, shift):
        np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-5)


def test_a_dense_layer_is_one_node() -> None:
    assert lowered(Linear(), (N, 3), (4, 3), (4,)) == ["Gemm"]
    assert lowered(Linear(), (N, T, 3), (4, 3)) == ["Transpose", "MatMul"]


def test_what_acts_in_training_alone_leaves_no_node_but_the_output() -> None:
    for op in (Dropout(0.5), DropPath(0.1), StopGradient()):
        assert lowered(op, (N, 3)) == ["Identity"]


def test_a_number_stays_a_number_in_onnx() -> None:
    builder = Builder()
    x = builder.fresh("x", TensorType(F32, (N, 3)))
    y = builder.one(Add(), x, builder.one(Constant(2.5, DType.F32)))
    model = to_onnx(Graph("g", (x,), {}, tuple(builder.nodes), {"y": y}), {})
    number, add = model.graph.node
    assert (number.op_type, add.op_type) == ("Constant", "Add")
    assert list(number.attribute[0].t.dims) == []


@pytest.mark.parametrize(
    ("op", "shapes", "macs"),
    [
        (Matmul(), [(2, 3), (3, 4)], 24),
        (Matmul(), [(5, 2, 3), (3, 4)], 120),
        (Matmul(), [(1, 2, 3), (7, 3, 4)], 168),
        (Matmul(), [(3,), (3,)], 3),
        (Matmul(), [(2, 3), (3,)], 6),
        (Linear(), [(2, 3), (4, 3), (4,)], 24),
        (Linear(), [(5, 2, 3), (4, 3)], 120),
        (Einsum("bhtd,bhsd->bhts"), [(2, 3, 4, 5), (2, 3, 6, 5)], 720),
        (Einsum("ij->ji"), [(2, 3)], 0),
        (Einsum("i,j->ij"), [(2,), (3,)], 6),
        (Add(), [(2, 3), (2, 3)], 0),
    ],
)
def test_multiply_adds_are_those_of_the_loops(
    op: Primitive, shapes: list[tuple[int, ...]], macs: int
) -> None:
    assert op.macs(*(TensorType(F32, s) for s in shapes)) == macs


def test_multiply_adds_of_unknown_sizes_are_a_polynomial() -> None:
    macs = Matmul().macs(TensorType(F32, (N, T, 8)), TensorType(F32, (N, 8, T)))
    assert macs == 8 * N * T * T
