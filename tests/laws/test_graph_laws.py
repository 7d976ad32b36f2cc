"""What must hold for every network, tried on random ones.

Tests ``netlang.ir``, ``netlang.passes``, ``netlang.backends`` and ``netlang.backends.onnx``.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from models import to_onnx
from random_graphs import SIZES, graphs, weights_of

from netlang.backends import reference
from netlang.backends.onnx import check
from netlang.backends.opsets import OPSETS
from netlang.backends.ort import Session
from netlang.inference.verification import sample_inputs, verify
from netlang.ir.graph import Graph
from netlang.ir.types import DType
from netlang.passes.batch_norm import fold_batch_norm
from netlang.passes.pipeline import PASSES, Pass, name_of, transform
from netlang.system.numpy import Array

few = settings(
    max_examples=50,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


def test_the_random_networks_use_every_kind_of_operator() -> None:
    seen: set[str] = set()

    @settings(few, max_examples=150)
    @given(graphs())
    def look(graph: Graph) -> None:
        seen.update(node.op.name for node in graph.nodes)

    look()
    assert seen >= {
        "add", "avg_pool", "concat", "convolve", "flatten", "linear", "matmul", "max", "max_pool",
        "mean", "mul", "normalize_batch", "pad", "reshape", "select", "softmax", "split", "sum",
        "transpose", "unsqueeze",
    }  # fmt: skip


@settings(few, max_examples=150)
@given(graphs(), st.sampled_from(OPSETS))
def test_both_back_ends_agree_on_a_network(graph: Graph, opset: int) -> None:
    both_back_ends_agree(graph, opset)


@pytest.mark.slow
@settings(few, max_examples=1500, derandomize=False)
@given(graphs(steps=25), st.sampled_from(OPSETS))
def test_both_back_ends_agree_on_many_large_networks(graph: Graph, opset: int) -> None:
    both_back_ends_agree(graph, opset)


@few
@given(graphs())
def test_onnx_accepts_a_network_with_every_size_stated(graph: Graph) -> None:
    check(to_onnx(graph, weights_of(graph)))


@pytest.mark.parametrize("step", PASSES, ids=name_of)
def test_a_pass_keeps_every_value(step: Pass) -> None:
    @few
    @given(graphs())
    def holds(graph: Graph) -> None:
        changed = transform(graph, [step])
        assert len(changed.nodes) <= len(graph.nodes)
        assert list(changed.outputs) == list(graph.outputs)
        same(run(changed), run(graph))

    holds()


@few
@given(graphs())
def test_all_passes_together_keep_every_value_and_settle(graph: Graph) -> None:
    once = transform(graph)
    same(run(once), run(graph))
    assert len(transform(once).nodes) == len(once.nodes)


@few
@given(graphs())
def test_folding_batch_norm_keeps_what_a_network_computes(graph: Graph) -> None:
    weights = weights_of(graph)
    folded, fewer = fold_batch_norm(graph, weights)
    feeds = sample_inputs(graph, SIZES, 0)
    before = reference.run(graph, feeds, weights, dtype=DType.F64)
    after = reference.run(folded, feeds, fewer, dtype=DType.F64)
    assume(all(np.abs(a).max() < 1e4 for a in before.values()))
    for name, array in before.items():
        scale = max(1.0, np.abs(array).max())
        np.testing.assert_allclose(after[name], array, atol=1e-4 * scale, rtol=1e-3)


@few
@given(graphs())
def test_an_output_alone_is_what_it_is_among_the_others(graph: Graph) -> None:
    weights, feeds = weights_of(graph), sample_inputs(graph, SIZES, 0)
    whole = Session(to_onnx(graph, weights), threads=1).run(feeds)
    name = list(graph.outputs)[-1]
    alone = Session(to_onnx(graph, weights, only=[name]), threads=1).run(feeds)
    assert list(alone) == [name]
    np.testing.assert_allclose(alone[name], whole[name], rtol=1e-4, atol=1e-5)


def both_back_ends_agree(graph: Graph, opset: int) -> None:
    weights = weights_of(graph)
    outputs = reference.run(graph, sample_inputs(graph, SIZES, 0), weights)
    assume(all(np.abs(a).max() < 1e4 for a in outputs.values()))
    for comparison in verify(graph, weights, sizes=SIZES, opset=opset):
        assert comparison.ok, comparison


def run(graph: Graph) -> dict[str, Array]:
    return reference.run(graph, sample_inputs(graph, SIZES, 0), weights_of(graph))


def same(actual: dict[str, Array], expected: dict[str, Array]) -> None:
    for name, array in expected.items():
        np.testing.assert_array_equal(actual[name], array)
