"""Comparison of backends, and of one that is made wrong."""

from __future__ import annotations

import numpy as np
import pytest
from networks import N, add, counter, f32, i64, mlp, mlp_weights, spatial, weight

from netlang.diagnostics.errors import InputError
from netlang.inference.verification import choose_sizes, lively, sample_inputs, verify
from netlang.ir.dims import symbol
from netlang.ir.graph import Builder, Graph, Init
from netlang.ops.elementwise.activation import Relu
from netlang.ops.reducing.linear import Linear
from netlang.system.numpy import Array


def test_backends_that_agree_pass() -> None:
    found = verify(mlp(), mlp_weights())
    assert [(c.name, c.shape, c.ok) for c in found] == [
        ("y", (2, 3), True),
        ("hidden", (2, 3), True),
    ]
    assert all(c.ok for c in verify(counter(), {}))


def test_a_wrong_backend_is_detected(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(self: Relu, *operands: Array) -> tuple[Array, ...]:
        del self
        return (np.maximum(operands[0], np.float32(0.01)),)

    monkeypatch.setattr(Relu, "forward", wrong)
    found = {c.name: c.ok for c in verify(mlp(), mlp_weights())}
    assert found == {"y": False, "hidden": True, "inside/relu": False}


def test_the_first_value_that_differs_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(self: Linear, *operands: Array) -> tuple[Array, ...]:
        del self
        x, w, bias = operands
        return (x @ w.T + 1.01 * bias,)

    monkeypatch.setattr(Linear, "forward", wrong)
    assert [c.name for c in verify(mlp(), mlp_weights())] == ["y", "hidden", "inside/hidden.linear"]


def test_sampled_weights_give_every_operand_an_effect() -> None:
    b = Builder()
    x = b.fresh("x", f32(N, 3))
    rules = {"scale": 1.0, "shift": 0.0, "mean": 0.0, "var": 1.0}
    vectors = [weight(b, n, 3, rule=Init("constant", (v,))) for n, v in rules.items()]
    y = add(b, "normalize_batch", x, *(v for v, _ in vectors))
    graph = Graph("Norm", (x,), dict(vectors), tuple(b.nodes), {"y": y})
    assert all(c.ok for c in verify(graph))
    drawn = lively(graph, 0)
    assert len({a.tobytes() for a in drawn.values()}) == 4
    assert drawn["var"].min() >= 0.5
    assert abs(drawn["mean"]).max() > 0.01


def test_lively_weights_that_overflow_are_replaced_by_initial_ones() -> None:
    b = Builder()
    x = b.fresh("x", f32(N, 3))
    w, param = weight(b, "w", 3, rule=Init("constant", (0.0,)))
    # The root of a weight that starts at 0 and is below 0 somewhere once stirred.
    y = add(b, "sqrt", add(b, "mul", w, add(b, "abs", x)))
    graph = Graph("Root", (x,), {w: param}, tuple(b.nodes), {"y": y})
    assert lively(graph, 0)["w"].min() < 0
    (found,) = verify(graph)
    assert (found.ok, found.largest) == (True, 0.0)


def test_values_that_are_not_finite_do_not_agree() -> None:
    weights = mlp_weights()
    weights["hidden.bias"][0] = np.nan
    found = verify(mlp(), weights)
    assert not any(c.finite or c.ok for c in found)


def test_free_sizes_are_chosen_from_their_units_until_nothing_is_empty() -> None:
    assert choose_sizes(spatial(4), {}) == {"N": 2, "H": 8, "W": 8}
    assert choose_sizes(spatial(4), {"W": 12}) == {"N": 2, "H": 8, "W": 12}
    b = Builder()
    x = b.fresh("x", f32(N, 1, symbol("H"), 40))
    y = add(b, "max_pool", x, kernel=30, stride=1)
    graph = Graph("Wide", (x,), {}, tuple(b.nodes), {"y": y})
    assert choose_sizes(graph, {})["H"] == 56
    with pytest.raises(InputError, match="which is empty for N = 1, H = 8"):
        choose_sizes(graph, {"N": 1, "H": 8})


def test_integers_stay_within_the_tables_of_the_network() -> None:
    b = Builder()
    ids = b.fresh("ids", i64(N, 5))
    table, param = weight(b, "table", 3, 4)
    y = add(b, "gather_rows", table, ids)
    graph = Graph("Words", (ids,), {table: param}, tuple(b.nodes), {"y": y})
    (found,) = verify(graph, {"table": np.ones((3, 4), np.float32)})
    assert found.ok
    assert sample_inputs(graph, {"N": 2}, 0, below=1)["ids"].tolist() == [[0] * 5] * 2


def test_the_same_seed_samples_the_same_input() -> None:
    a, b, c = (sample_inputs(mlp(), {"N": 3}, seed)["x"] for seed in (1, 1, 2))
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, c)
