"""Random networks and programs mean the same in every execution."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from executions import (
    MANY_RUNS,
    RUNS,
    RUNTIMES,
    Disagreement,
    compared,
    disagreements,
    draw_feeds,
    meaning,
    sessions,
    weights_for,
)
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from known_faults import KNOWN_FAULTS, KnownFault, explanation
from random_networks import SIZES, Network, networks
from random_programs import SIZES as PROGRAM_SIZES
from random_programs import Text, programs

from netlang.backends.opsets import OPSETS
from netlang.ir.graph import Graph
from netlang.ir.op import OPS
from netlang.ir.text import parse_graph, print_graph
from netlang.passes.pipeline import transform
from netlang.program import RECURSION_LIMIT, load

# A first program raises the limit; hypothesis must not see it change.
sys.setrecursionlimit(max(sys.getrecursionlimit(), RECURSION_LIMIT))

few = settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),  # pyright: ignore[reportArgumentType]
)
many = settings(few, derandomize=False, max_examples=2600)
opsets = st.sampled_from(OPSETS)


def agrees(graph: Graph, opset: int, all_sizes: tuple[dict[str, int], ...]) -> None:
    """Run a network five times in each size, from one model."""
    weights = weights_for(graph)
    opened = sessions(graph, weights, opset)
    for sizes in all_sizes:
        feeds = draw_feeds(graph, sizes, 0)
        wrong: list[Disagreement] = []
        for runs in (RUNS, MANY_RUNS):
            meant = meaning(graph, feeds, weights, sizes, runs=runs)
            assume(meant is not None)
            assert meant is not None
            wrong = disagreements(graph, meant, weights, opened, sizes)
            if not wrong:
                break
        for found in wrong:
            fault = explanation(found, graph)
            assert fault is not None, f"{found} (opset {opset}, {sizes})"


@few
@given(networks(), opsets, st.booleans())
def test_five_executions_of_a_network_agree(network: Network, opset: int, passes: bool) -> None:
    agrees(transform(network.graph) if passes else network.graph, opset, SIZES)


@pytest.mark.slow
def test_five_executions_of_two_thousand_networks_agree() -> None:
    seen: set[str] = set()

    @many
    @given(networks(24), opsets, st.booleans())
    def holds(network: Network, opset: int, passes: bool) -> None:
        agrees(transform(network.graph) if passes else network.graph, opset, SIZES)
        seen.add(repr(network))

    holds()
    assert len(seen) >= 2000


@settings(few, max_examples=12)
@given(programs())
def test_five_executions_of_a_program_agree(program: Text) -> None:
    program_agrees(program)


@pytest.mark.slow
@settings(many, max_examples=400)
@given(programs())
def test_five_executions_of_many_programs_agree(program: Text) -> None:
    program_agrees(program)


def program_agrees(program: Text) -> None:
    """Check a program, its stated shapes among the rest, and run its net."""
    agrees(compiled(program), 18, PROGRAM_SIZES)


def compiled(program: Text) -> Graph:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "random.net"
        path.write_text(program.text, "utf-8")
        loaded = load(path)
    # Values that lead to no result are warned of, and nothing else is.
    assert not loaded.diagnostics.failed, loaded.diagnostics.sorted()[0].message
    return loaded.net(None).graph


@cache
def drawn() -> list[Network]:
    """Draw the networks that the tests of the tests look at."""
    found: list[Network] = []

    @settings(few, max_examples=800, phases=[Phase.generate])
    @given(networks(24))
    def draw(network: Network) -> None:
        found.append(network)

    draw()
    return found


def test_the_random_networks_use_what_real_ones_are_made_of() -> None:
    assert {node.op.name for network in drawn() for node in network.graph.nodes} >= {
        "adaptive_avg_pool", "argmax", "avg_pool", "cast", "concat", "convolve", "cumsum",
        "convolve_transpose", "einsum", "flip", "gather_rows", "gru_layer", "index", "linear",
        "local_response_norm", "lp_pool", "lstm_layer", "matmul", "max_pool", "normalize_batch",
        "normalize_group", "normalize_layer", "normalize_rms", "one_hot", "pad", "pixel_unshuffle",
        "prod", "ranked", "reshape", "resize", "rnn_layer", "select", "softmax", "split", "stack",
        "take", "take_along", "tile", "transpose", "unfold", "upsample",
    }  # fmt: skip


@settings(few, max_examples=100)
@given(networks())
def test_the_text_of_a_network_reads_back(network: Network) -> None:
    text = print_graph(network.graph)
    assert print_graph(parse_graph(text)) == text


# ---- the laws are laws: errors are seen --------------------------------------------------

MISTAKES = {
    "relu": lambda x: np.maximum(x, 1e-3),
    "convolve": lambda y: y * np.asarray(1.0 + 3e-4, y.dtype),
    "linear": lambda y: y * np.asarray(1.0 + 3e-4, y.dtype),
    "max_pool": lambda y: y[..., ::-1],
    "softmax": lambda y: y * np.asarray(1.0 + 3e-4, y.dtype),
    "transpose": lambda y: y[::-1],
    "gather_rows": lambda y: np.roll(y, 1, axis=-1),
    "lstm_layer": lambda y: y + np.asarray(1e-4, y.dtype),
    "resize": lambda y: np.roll(y, 1, axis=-1),
    "select": lambda y: y + np.asarray(1e-4, y.dtype),
}


@pytest.mark.parametrize("name", sorted(MISTAKES))
def test_an_error_in_an_operator_is_seen(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The interpreter is broken, and onnxruntime must contradict it in some network."""
    op, right = OPS[name], OPS[name].forward

    def wrong(self, *operands):
        first, *rest = right(self, *operands)
        return MISTAKES[name](first), *rest

    monkeypatch.setattr(op, "forward", wrong)
    found: list[Disagreement] = []
    for graph in (network.graph for network in drawn()):
        if all(node.op.name != name for node in graph.nodes):
            continue
        sizes, weights = SIZES[0], weights_for(graph)
        meant = meaning(graph, draw_feeds(graph, sizes, 0), weights, sizes)
        if meant is not None:
            opened = sessions(graph, weights, 18)
            found = disagreements(graph, meant, weights, opened, sizes)
        if found:
            break
    assert {d.execution for d in found} >= set(RUNTIMES)


@settings(few, max_examples=60)
@given(networks())
def test_the_tolerance_is_a_few_units_of_the_last_digits(network: Network) -> None:
    """What a network is granted is far from what would hide an error in its fourth digit."""
    graph, sizes = network.graph, SIZES[0]
    weights = weights_for(graph)
    meant = meaning(graph, draw_feeds(graph, sizes, 0), weights, sizes)
    assume(meant is not None)
    assert meant is not None
    for name, array in meant.exact.items():
        if array.dtype.kind != "f" or not np.median(np.abs(array)) > 1e-3 * np.abs(array).max():
            continue
        if np.quantile(meant.tolerance[name], 0.75) > 1e-4 * np.abs(array).max():
            continue
        off = array + 3e-3 * np.abs(array).max()
        assert compared("numpy", name, off, meant) != []


@pytest.mark.parametrize("fault", KNOWN_FAULTS, ids=lambda fault: fault.name)
def test_a_known_error_is_still_there_and_explains_nothing_else(fault: KnownFault) -> None:
    graph = parse_graph(fault.witness)
    feeds = draw_feeds(graph, {}, 0)
    meant = meaning(graph, feeds, {}, {}, runs=MANY_RUNS)
    assert meant is not None
    found = disagreements(graph, meant, {}, sessions(graph, {}, 18), {})
    assert {d.execution for d in found} == fault.executions
    assert {explanation(d, graph) for d in found} == {fault}
    assert explanation(replace(found[0], off=2 * fault.most), graph) is None
    assert explanation(replace(found[0], execution="numpy"), graph) is None
