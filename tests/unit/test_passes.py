"""What each pass removes, and what it leaves alone."""

from __future__ import annotations

import numpy as np
import pytest
from msgspec.structs import replace
from networks import N, add, f32, mlp, mlp_weights, weight

from netlang.backends import reference
from netlang.ir.graph import Builder, Graph, GraphError
from netlang.passes.batch_norm import fold_batch_norm
from netlang.passes.common_subexpressions import eliminate_common_subexpressions
from netlang.passes.dead_code import eliminate_dead_code
from netlang.passes.identity import fold_identity
from netlang.passes.pipeline import transform


def names(graph: Graph) -> list[str]:
    return [node.op.name for node in graph.nodes]


def test_dead_code_is_removed() -> None:
    whole = mlp()
    graph = replace(whole, outputs={"hidden": whole.outputs["hidden"]})
    assert names(eliminate_dead_code(graph)) == ["linear"]


def test_common_subexpressions_are_merged() -> None:
    b = Builder()
    x = b.fresh("x", f32(N, 3))
    first, second = (add(b, "tanh", add(b, "relu", x)) for _ in range(2))
    y = add(b, "add", first, second)
    graph = Graph("Twice", (x,), {}, tuple(b.nodes), {"y": y})
    assert names(eliminate_common_subexpressions(graph)) == ["relu", "tanh", "add"]


def test_operators_with_other_attributes_are_not_merged() -> None:
    b = Builder()
    x = b.fresh("x", f32(N, 3))
    y = add(b, "add", add(b, "softmax", x, axis=0), add(b, "softmax", x, axis=1))
    graph = Graph("Apart", (x,), {}, tuple(b.nodes), {"y": y})
    assert len(eliminate_common_subexpressions(graph).nodes) == 3


def test_identities_in_evaluation_are_removed() -> None:
    b = Builder()
    x = b.fresh("x", f32(N, 3))
    dropped = add(b, "dropout", x, rate=0.5)
    shaped = add(b, "reshape", dropped, shape=[-1, 3])
    y = add(b, "relu", shaped)
    graph = Graph("Still", (x,), {}, tuple(b.nodes), {"y": y, "x": shaped})
    folded = fold_identity(graph)
    assert names(folded) == ["relu"]
    assert folded.nodes[-1].scope is graph.nodes[-1].scope


def test_each_pass_is_watched_and_verified() -> None:
    seen: list[str] = []
    transform(mlp(), watch=lambda name, _: seen.append(name))
    assert seen == [
        "fold-identity",
        "hoist-scan",
        "eliminate-common-subexpressions",
        "eliminate-dead-code",
    ]
    with pytest.raises(GraphError):
        transform(mlp(), [lambda graph: replace(graph, nodes=graph.nodes[1:])])


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("kind", ["convolve", "linear"])
def test_a_normalization_folds_into_the_preceding_layer(kind: str, *, bias: bool) -> None:
    b = Builder()
    spatial = kind == "convolve"
    x = b.fresh("x", f32(N, 2, 5, 5) if spatial else f32(N, 2))
    made = [weight(b, "c.weight", 4, 2, *((3, 3) if spatial else ()))]
    if bias:
        made.append(weight(b, "c.bias", 4))
    attributes = {"pad": 1} if spatial else {}
    h = add(b, kind, x, *(v for v, _ in made), **attributes)
    vectors = [weight(b, f"n.{name}", 4) for name in ("scale", "shift", "mean", "var")]
    y = add(b, "relu", add(b, "normalize_batch", h, *(v for v, _ in vectors)))
    graph = Graph("Norm", (x,), dict([*made, *vectors]), tuple(b.nodes), {"y": y})
    rng = np.random.default_rng(0)
    weights = {
        p.path: rng.uniform(0.5, 2, [int(str(d)) for d in p.type.shape]).astype(np.float32)
        for p in graph.params.values()
    }
    before = dict(weights)
    folded, fewer = fold_batch_norm(graph, weights)
    assert names(folded) == [kind, "relu"]
    assert sorted(p.path for p in folded.params.values()) == ["c.bias", "c.weight"]
    assert sorted(fewer) == ["c.bias", "c.weight"]
    for name, array in before.items():
        np.testing.assert_array_equal(weights[name], array)
    feeds = {"x": rng.standard_normal([3, 2, 5, 5] if spatial else [3, 2]).astype(np.float32)}
    np.testing.assert_allclose(
        reference.run(folded, feeds, fewer)["y"],
        reference.run(graph, feeds, weights)["y"],
        rtol=1e-4,
        atol=1e-5,
    )


def test_a_layer_whose_result_is_read_elsewhere_keeps_its_normalization() -> None:
    b = Builder()
    x = b.fresh("x", f32(N, 2))
    w, param = weight(b, "c.weight", 4, 2)
    h = add(b, "linear", x, w)
    vectors = [weight(b, f"n.{name}", 4) for name in ("scale", "shift", "mean", "var")]
    y = add(b, "normalize_batch", h, *(v for v, _ in vectors))
    params = {w: param} | dict(vectors)
    graph = Graph("Both", (x,), params, tuple(b.nodes), {"y": y, "h": h})
    folded, weights = fold_batch_norm(graph, {p.path: np.ones(1) for p in params.values()})
    assert names(folded) == ["linear", "normalize_batch"]
    assert len(weights) == len(folded.params) == 5


def test_a_graph_without_normalization_is_unchanged() -> None:
    graph = mlp()
    folded, weights = fold_batch_norm(graph, mlp_weights())
    assert folded.nodes == graph.nodes
    assert weights.keys() == mlp_weights().keys()
