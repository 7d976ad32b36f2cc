"""What must hold for the gradient of every operator, on every one of its samples.

Tests ``netlang.ops`` and ``netlang.passes.autodiff``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from models import to_onnx
from msgspec.structs import replace
from op_samples import Case, arrays_of, cases, graph_of
from random_graphs import SIZES, graphs, weights_of

from netlang.backends import reference
from netlang.backends.onnx import check
from netlang.backends.ort import Session
from netlang.inference.verification import sample_inputs
from netlang.ir.arrays import numpy_dtype
from netlang.ir.dims import bind, symbol
from netlang.ir.graph import Builder, Graph, Init, Param, Scope, Value, verify
from netlang.ir.op import OPS, NoGradientError, Primitive
from netlang.ir.text import parse_graph, print_graph
from netlang.ir.types import F32, I64, DType, TensorType
from netlang.ops.elementwise.activation import Tanh
from netlang.ops.elementwise.arithmetic import Add, Div, Maximum, Mul, Pow
from netlang.ops.elementwise.choice import Cast
from netlang.ops.extern import ExternCall
from netlang.ops.looping.scan import Scan
from netlang.ops.random.random import Dropout, StopGradient
from netlang.ops.reducing.batch_statistics import NormalizeBatchTraining
from netlang.ops.reducing.linear import Linear
from netlang.ops.reducing.reduction import Max, Sum
from netlang.ops.shaping.creation import Measure
from netlang.passes.autodiff import builder_after, gradient_name, gradients, vjp
from netlang.passes.pipeline import transform
from netlang.system.numpy import Array

ATOL, RTOL = 1e-5, 1e-3
STEP = 1e-6
ROUNDING_STEP = 0.25
"""The step for a cast to f32, which is linear but for the digits it drops."""
UNKNOWN = {"extern_call": "its arithmetic is not ours"}
"""Operators without a gradient that is known, so asking for one is an error."""


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
        return {v.name: made[gradient_name(v, self.forward)] for v in self.operands}

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
    made = gradients(b, added_up(b, results, cts), operands)
    named = {gradient_name(v, forward): g for v, g in zip(operands, made, strict=True)}
    inputs = (*forward.inputs, *cts.values())
    graph = replace(forward, inputs=inputs, nodes=tuple(b.nodes), outputs=named)
    verify(graph)
    return Pullback(forward, graph, operands, cts)


def added_up(b: Builder, results: dict[str, Value], cts: dict[str, Value]) -> dict[Value, Value]:
    """Assign each value one cotangent: two results may be one value."""
    total: dict[Value, Value] = {}
    for name, value in results.items():
        old = total.get(value)
        total[value] = cts[name] if old is None else b.one(Add(), old, cts[name])
    return total


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


@cache
def pulled_back(case: Case) -> Pullback:
    """Make the gradients of a sample, once for every test of it."""
    return pullback(graph_of(case))


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
    p = pulled_back(case)
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
    p = pulled_back(case)
    arrays = with_cotangents(p, arrays_of(case, p.forward), case.sizes)
    expected = reference.run(p.graph, arrays, {}, sizes=case.sizes)
    model = to_onnx(p.graph, {}, opset=18)
    check(model)
    actual = Session(model, threads=1).run(arrays)
    assert list(actual) == list(expected)
    for name, array in expected.items():
        scale = max(1.0, float(np.abs(array).max(initial=0)))
        np.testing.assert_allclose(actual[name], array, rtol=1e-3, atol=1e-5 * scale)


@every_case
def test_the_gradient_of_a_gradient_is_what_differences_say(case: Case) -> None:
    first = pulled_back(case)
    second = pullback(first.graph)
    arrays = with_cotangents(first, arrays_of(case, first.forward), case.sizes)
    arrays = wide(with_cotangents(second, arrays, case.sizes))
    found = second.gradients(arrays, case.sizes)

    def function(feeds: dict[str, Array]) -> float:
        return second.inner_product(feeds, case.sizes)

    step = ROUNDING_STEP if case.sample.op == Cast(F32) else STEP
    assert wrong_ones(function, arrays, found, step=step) == []


few = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@few
@given(graphs())
def test_gradients_of_random_networks_are_what_differences_say(graph: Graph) -> None:
    network_gradients_hold(graph)


@pytest.mark.slow
@settings(few, max_examples=1000, derandomize=False)
@given(graphs(steps=25))
def test_gradients_of_many_large_networks_are_what_differences_say(graph: Graph) -> None:
    network_gradients_hold(graph)


def network_gradients_hold(graph: Graph) -> None:
    """Compare with differences, and the back ends with each other; weights become inputs."""
    weights = weights_of(graph)
    named = {v: weights[p.path] for v, p in graph.params.items()}
    # What a difference sees does not stop.
    nodes = (replace(n, op=Dropout(0.0)) if n.op == StopGradient() else n for n in graph.nodes)
    inputs = (*graph.inputs, *named)
    open_graph = replace(graph, inputs=inputs, params={}, nodes=tuple(nodes))
    p = pullback(open_graph)
    feeds = sample_inputs(graph, SIZES, 0) | {v.name: a for v, a in named.items()}
    narrow = with_cotangents(p, feeds, SIZES)
    arrays = wide(narrow)
    found = p.gradients(arrays, SIZES)
    assume(all(np.abs(a).max(initial=0) < 1e3 for a in found.values()))

    def function(given: dict[str, Array]) -> float:
        return p.inner_product(given, SIZES)

    scale = max(1.0, abs(function(arrays)))
    assume(scale < 1e4)
    tame = {n: g for n, g in found.items() if not near_a_corner(function, arrays, n, g)}
    assert wrong_ones(function, arrays, tame, ways=1) == []
    for name, gradient in tame.items():
        if gradient.size and np.abs(gradient).max() > 0.1:
            assert wrong_ones(function, arrays, {name: gradient * 1.01}, ways=4) != []
    small = transform(p.graph)
    actual = Session(to_onnx(small, {}), threads=1).run(narrow)
    for v in p.operands:
        name = gradient_name(v, p.forward)
        size = max(1.0, float(np.abs(found[v.name]).max(initial=0)))
        np.testing.assert_allclose(actual[name], found[v.name], rtol=1e-2, atol=1e-3 * size)


def near_a_corner(function: Function, arrays: dict[str, Array], name: str, gradient: Array) -> bool:
    """Check whether one-sided derivatives differ: then there is no derivative to compare with."""
    way = np.asarray(np.random.default_rng(3).standard_normal(gradient.shape))
    here = function(arrays)
    ahead = (function(arrays | {name: arrays[name] + STEP * way}) - here) / STEP
    behind = (here - function(arrays | {name: arrays[name] - STEP * way})) / STEP
    return abs(ahead - behind) > 1e-2 + 1e-2 * abs(ahead)


ROW = TensorType(F32, (3,))


def loss_graph(make: Callable[[Builder, Value, Value], Value]) -> tuple[Graph, Value, Value]:
    """Make a graph of two rows, summed to one number."""
    b = Builder()
    x, y = b.fresh("x", ROW), b.fresh("y", ROW)
    loss = b.one(Sum(None), make(b, x, y))
    return Graph("net", (x, y), {}, tuple(b.nodes), {"loss": loss}), x, y


def gradient_of(graph: Graph, *wrt: Value, x: list[float], y: list[float]) -> list[list[float]]:
    extended = vjp(graph, wrt)
    feeds = {"x": np.array(x, np.float32), "y": np.array(y, np.float32)}
    made = reference.run(extended, feeds, {})
    return [made[gradient_name(v, graph)].tolist() for v in wrt]


def test_a_value_used_more_than_once_gets_the_sum_of_its_gradients() -> None:
    graph, x, y = loss_graph(lambda b, x, y: b.one(Add(), b.one(Mul(), x, x), b.one(Mul(), x, y)))
    assert gradient_of(graph, x, y, x=[1, 2, 3], y=[5, 6, 7]) == [[7, 10, 13], [1, 2, 3]]


def test_what_the_loss_does_not_depend_on_gets_zeros() -> None:
    graph, x, y = loss_graph(lambda b, x, y: b.one(Mul(), x, x))
    assert gradient_of(graph, y, x, x=[1, 2, 3], y=[5, 6, 7]) == [[0, 0, 0], [2, 4, 6]]


def test_nothing_flows_through_stop_gradient() -> None:
    graph, x, _ = loss_graph(lambda b, x, y: b.one(Mul(), x, b.one(StopGradient(), x)))
    assert gradient_of(graph, x, x=[1, 2, 3], y=[0, 0, 0]) == [[1, 2, 3]]


def test_equal_elements_share_the_gradient() -> None:
    graph, x, y = loss_graph(lambda b, x, y: b.one(Maximum(), x, y))
    assert gradient_of(graph, x, y, x=[1, 2, 3], y=[3, 2, 1]) == [[0, 0.5, 1], [1, 0.5, 0]]
    graph, x, _ = loss_graph(lambda b, x, y: b.one(Max(None), x))
    assert gradient_of(graph, x, x=[2, 2, 1], y=[0, 0, 0]) == [[0.5, 0.5, 0]]


def test_powers_have_gradients_at_zero() -> None:
    graph, x, y = loss_graph(lambda b, x, y: b.one(Pow(), x, y))
    by_x, by_y = gradient_of(graph, x, y, x=[0, 0, 2], y=[0, 2, 3])
    assert by_x == [0, 0, 12]
    np.testing.assert_allclose(by_y, [0, 0, 8 * np.log(2)], rtol=1e-6)


def test_an_operator_of_which_nothing_is_known_is_named_with_its_place() -> None:
    op = ExternCall((ROW,), node="::Tanh", function="numpy:tanh")
    graph, x, y = loss_graph(lambda b, x, y: b.one(op, x))
    with pytest.raises(NoGradientError, match="extern_call") as raised:
        vjp(graph, [x])
    assert raised.value.node is graph.nodes[0]
    assert gradient_of(graph, y, x=[0, 0, 0], y=[0, 0, 0]) == [[0, 0, 0]]


def test_integers_have_no_gradient() -> None:
    b = Builder()
    n = b.fresh("n", TensorType(I64, ()))
    with pytest.raises(ValueError, match="not real numbers"):
        gradients(b, {}, [n])
    graph, x, _ = loss_graph(lambda b, x, y: x)
    with pytest.raises(ValueError, match="only that of one number"):
        vjp(replace(graph, outputs={"row": x}), [x])


def test_a_gradient_node_has_the_scope_of_the_node_it_belongs_to() -> None:
    b = Builder()
    x = b.fresh("x", ROW)
    b.scope = Scope("block.scale", "scale", None, None)
    y = b.one(Mul(), x, x)
    b.scope = None
    graph = Graph("net", (x,), {}, tuple(b.nodes), {"loss": b.one(Sum(None), y)})
    extended = vjp(replace(graph, nodes=tuple(b.nodes)), [x])
    added = extended.nodes[len(b.nodes) :]
    assert {n.scope.path for n in added if n.op == Mul() and n.scope} == {"block.scale"}


def test_a_weight_goes_by_its_path_and_a_second_gradient_next_to_the_first() -> None:
    b = Builder()
    w = b.fresh("w", ROW)
    loss = b.one(Sum(None), b.one(Mul(), w, b.one(Mul(), w, w)))
    params = {w: Param("fc.weight", ROW, Init("normal", (1.0,)), trained=True)}
    graph = Graph("net", (), params, tuple(b.nodes), {"loss": loss})
    first = vjp(graph, [w])
    slope = first.outputs["fc.weight.gradient"]
    again = builder_after(first)
    total = again.one(Sum(None), slope)
    summed = replace(first, nodes=tuple(again.nodes), outputs={**first.outputs, "total": total})
    second = vjp(summed, [w], of="total")
    made = reference.run(second, {}, {"fc.weight": np.array([1, 2, 3], np.float32)})
    assert made["fc.weight.gradient"].tolist() == [3, 12, 27]
    assert made["fc.weight.gradient.gradient"].tolist() == [6, 12, 18]


def test_the_text_of_a_gradient_reads_back() -> None:
    p = pullback(recurrence(shown=True))
    text = print_graph(p.graph, origins=False)
    assert print_graph(parse_graph(text), origins=False) == text


def test_a_gradient_is_compiled_once_for_every_size_of_a_batch() -> None:
    b = Builder()
    n = symbol("N")
    x, w = b.fresh("x", TensorType(F32, (n, 3))), b.fresh("w", ROW)
    mean = b.one(Div(), b.one(Sum(None), b.one(Mul(), x, w)), b.one(Measure(n)))
    graph = vjp(Graph("net", (x, w), {}, tuple(b.nodes), {"loss": mean}), [w])
    session = Session(to_onnx(graph, {}), threads=1)
    for count in (1, 2, 5):
        feeds = {"x": np.ones((count, 3), np.float32), "w": np.ones(3, np.float32)}
        assert session.run(feeds)["w.gradient"].tolist() == [1, 1, 1]


def recurrence(*, shown: bool) -> Graph:
    """Make a plain recurrent net by hand; ``shown`` gives its states after each step."""
    n, t, d, u = 2, 4, 3, 5
    b, step = Builder(), Builder()
    state, row = TensorType(F32, (n, u)), TensorType(F32, (n, d))
    weights = [TensorType(F32, s) for s in ((u, d), (u, u), (u,))]
    h, x = step.fresh("h", state), step.fresh("x", row)
    inside = [step.fresh(f"w{i}", w) for i, w in enumerate(weights)]
    part = step.one(Linear(), x, inside[0])
    after = step.one(Tanh(), step.one(Add(), part, step.one(Linear(), h, *inside[1:])))
    result = after if shown else step.one(Mul(), after, step.one(Mul(), h, inside[2]))
    outputs = {"after": after, "y": result}
    body = Graph("cell", (h, x, *inside), {}, tuple(step.nodes), outputs)
    start = b.fresh("start", state)
    sequence = b.fresh("sequence", TensorType(F32, (n, t, d)))
    outside = [b.fresh(f"weight{i}", w) for i, w in enumerate(weights)]
    last, ys = b.add(Scan(body, 1, 1), start, sequence, *outside)
    inputs = (start, sequence, *outside)
    return Graph("net", inputs, {}, tuple(b.nodes), {"last": last, "ys": ys})


@pytest.mark.parametrize("shown", [True, False])
def test_a_loop_with_weights_has_the_gradient_differences_say(shown: bool) -> None:
    p = pullback(recurrence(shown=shown))
    rng = np.random.default_rng(0)
    shapes = {v.name: [bind(d, {}) for d in v.type.shape] for v in p.forward.inputs}
    feeds = {n: np.asarray(0.5 * rng.standard_normal(s), np.float32) for n, s in shapes.items()}
    narrow = with_cotangents(p, feeds, {})
    arrays = wide(narrow)
    found = p.gradients(arrays, {})
    assert wrong_ones(lambda given: p.inner_product(given, {}), arrays, found) == []
    actual = Session(to_onnx(p.graph, {}), threads=1).run(narrow)
    for v in p.operands:
        name = gradient_name(v, p.forward)
        np.testing.assert_allclose(actual[name], found[v.name], rtol=1e-3, atol=1e-4)
    # States that are shown are not walked for again.
    loops = sum(isinstance(n.op, Scan) for n in p.graph.nodes)
    assert loops == (2 if shown else 3)


def test_training_batch_norm_is_that_of_pytorch() -> None:
    """BatchNorm2d(3) of PyTorch 2.13 in training, in float64."""
    case = NormalizeBatchTraining()
    x = np.sin(0.7 * np.arange(24) + 0.1).reshape(2, 3, 2, 2)
    scale, shift = (0.5 * np.sin(0.7 * np.arange(3) + 0.3 * j) for j in (1, 2))
    y, mean, var = case.forward(x, scale, shift)
    expected = [0.240049833, 0.382538477, 0.447178389, 0.403568408, 0.886654061, 0.407572018]
    np.testing.assert_allclose(y.ravel()[:6], expected, atol=1e-8)
    np.testing.assert_allclose(0.1 * mean, [0.028303083, -0.03369182, 0.035187287], atol=1e-8)
    running = 0.9 + 0.1 * var * 8 / 7
    np.testing.assert_allclose(running, [0.946864182, 0.940968855, 0.939151125], atol=1e-8)
