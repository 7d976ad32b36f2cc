"""What must hold for the gradient of every operator, on every one of its samples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from op_samples import Case, arrays_of, cases, graph_of
from random_graphs import SIZES, graphs, weights_of

from netlang.arrays import numpy_dtype
from netlang.autodiff import builder_after, gradient_name, gradients, vjp
from netlang.backends import reference
from netlang.backends.onnx import check, to_onnx
from netlang.backends.ort import Session
from netlang.ir.dims import bind
from netlang.ir.graph import Builder, Graph, Init, Node, Param, Scope, Value, types, verify
from netlang.ir.op import OPS, NoGradient, Primitive
from netlang.ir.types import F32, I64, DType, TensorType
from netlang.numeric import Array
from netlang.ops.arithmetic import Add, Div, Maximum, Mul, Pow
from netlang.ops.choice import Cast
from netlang.ops.foreign import Foreign
from netlang.ops.random import StopGradient
from netlang.ops.reduction import Max, Sum
from netlang.passes.pipeline import transform
from netlang.verification import draw_inputs

ATOL, RTOL = 1e-5, 1e-3
STEP = 1e-6
ROUNDING_STEP = 0.25
"""The step for a cast to f32, which is linear but for the digits it drops."""
UNKNOWN = {"foreign": "its arithmetic is not ours"}
"""Operators without a gradient that is known, so asking for one is refused."""


Function = Callable[[dict[str, Array]], float]


@dataclass(frozen=True)
class Pullback:
    """A graph that takes operands and cotangents to gradients, and where each comes from."""

    forward: Graph
    graph: Graph
    operands: tuple[Value, ...]
    results: dict[str, Value]

    def gradients(self, arrays: dict[str, Array], sizes: dict[str, int]) -> dict[str, Array]:
        made = reference.run(self.graph, arrays, {}, dtype=DType.F64, sizes=sizes)
        return {v.name: made[gradient_name(v, self.graph)] for v in self.operands}

    def inner_product(self, arrays: dict[str, Array], sizes: dict[str, int]) -> float:
        """Multiply the results by their cotangents: what the gradients are those of."""
        feeds = {v.name: arrays[v.name] for v in self.forward.inputs}
        made = reference.run(self.forward, feeds, {}, dtype=DType.F64, sizes=sizes)
        return float(sum(np.sum(made[n] * arrays[c.name]) for n, c in self.results.items()))


def pullback(forward: Graph, wrt: tuple[Value, ...] | None = None) -> Pullback:
    operands = wrt or tuple(v for v in forward.inputs if v.type.dtype.is_float)
    b = builder_after(forward)
    results = {n: v for n, v in forward.outputs.items() if v.type.dtype.is_float}
    cts = {n: b.fresh(f"ct_{n}", v.type) for n, v in results.items()}
    made = gradients(b, {results[n]: ct for n, ct in cts.items()}, operands)
    named = {gradient_name(v, forward): g for v, g in zip(operands, made, strict=True)}
    inputs = (*forward.inputs, *cts.values())
    graph = replace(forward, inputs=inputs, nodes=tuple(b.nodes), outputs=named)
    verify(graph)
    return Pullback(forward, graph, operands, cts)


def wide(arrays: dict[str, Array]) -> dict[str, Array]:
    return {n: a.astype(np.float64) if a.dtype == np.float32 else a for n, a in arrays.items()}


def with_cotangents(
    p: Pullback, arrays: dict[str, Array], sizes: dict[str, int]
) -> dict[str, Array]:
    rng = np.random.default_rng(7)
    drawn: dict[str, Array] = {}
    for ct in p.results.values():
        shape = [bind(d, sizes) for d in ct.type.shape]
        drawn[ct.name] = np.asarray(rng.standard_normal(shape)).astype(numpy_dtype(ct.type.dtype))
    return arrays | drawn


def slope_along(
    function: Function, arrays: dict[str, Array], name: str, way: Array, step: float
) -> float:
    """Measure how fast a function changes along one direction of one operand."""
    ahead = function(arrays | {name: arrays[name] + step * way})
    behind = function(arrays | {name: arrays[name] - step * way})
    return (ahead - behind) / (2 * step)


def wrong_ones(
    function: Function,
    arrays: dict[str, Array],
    found: dict[str, Array],
    *,
    ways: int = 3,
    step: float = STEP,
) -> list[str]:
    """Name the operands whose gradients are not those of a function."""
    rng = np.random.default_rng(11)
    wrong: list[str] = []
    for name, gradient in found.items():
        for _ in range(ways):
            way = np.asarray(rng.standard_normal(gradient.shape))
            expected = slope_along(function, arrays, name, way, step)
            actual = float(np.sum(gradient * way))
            if not abs(actual - expected) <= ATOL + RTOL * abs(expected):
                wrong.append(f"{name}: {actual} is not {expected}")
                break
    return wrong


def differentiable(case: Case) -> bool:
    op, graph = case.sample.op, graph_of(case)
    if op.no_gradient or op.name in UNKNOWN:
        return False
    ends = (*graph.inputs, *graph.outputs.values())
    return all(
        any(v.type.dtype.is_float for v in values)
        for values in (graph.nodes[0].inputs, graph.outputs.values())
    ) and bool(ends)


CASES = [c for c in cases() if differentiable(c)]
every_case = pytest.mark.parametrize("case", CASES, ids=[c.name for c in CASES])


@pytest.mark.parametrize("name", sorted(OPS))
def test_an_operator_states_its_gradient_or_why_it_has_none(name: str) -> None:
    op = OPS[name]
    tried = any(c.sample.op.name == name for c in CASES)
    assert [tried, bool(op.no_gradient), name in UNKNOWN].count(True) == 1
    assert op.vjp is not Primitive.vjp or not tried


@every_case
def test_a_gradient_is_what_differences_say_and_a_wrong_one_is_caught(case: Case) -> None:
    p = pullback(graph_of(case))
    arrays = wide(with_cotangents(p, arrays_of(case, p.forward), case.sizes))
    found = p.gradients(arrays, case.sizes)

    def function(feeds: dict[str, Array]) -> float:
        return p.inner_product(feeds, case.sizes)

    step = ROUNDING_STEP if case.sample.op == Cast(F32) else STEP
    assert wrong_ones(function, arrays, found, step=step) == []
    for name, gradient in found.items():
        if not gradient.size:
            continue
        noise = 0.01 * np.random.default_rng(5).standard_normal(gradient.shape)
        wrong = [gradient + noise * max(1.0, float(np.abs(gradient).max()))]
        if np.abs(gradient).max() > 1e-2:
            wrong.append(gradient * 1.01)
        for other in wrong:
            assert wrong_ones(function, arrays, {name: other}, step=step) != []


@every_case
def test_both_back_ends_compute_the_same_gradient(case: Case) -> None:
    p = pullback(graph_of(case))
    arrays = with_cotangents(p, arrays_of(case, p.forward), case.sizes)
    expected = reference.run(p.graph, arrays, {}, sizes=case.sizes)
    model = to_onnx(p.graph, {}, opset=18)
    check(model)
    actual = Session(model, threads=1).run(arrays)
    assert list(actual) == list(expected)
    for name, array in expected.items():
        scale = max(1.0, float(np.abs(array).max(initial=0)))
        np.testing.assert_allclose(actual[name], array, rtol=1e-3, atol=1e-5 * scale)
