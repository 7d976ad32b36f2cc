"""What must hold between two networks, or between one network and two inputs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from checked import checked
from executions import draw_feeds, meaning, sessions, weights_for
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from models import to_onnx
from msgspec.structs import replace
from random_networks import SIZES, Network, networks

from netlang.backends import reference
from netlang.backends.opsets import OPSETS
from netlang.backends.ort import Session
from netlang.inference.verification import choose_sizes, lively, sample_inputs
from netlang.ir.dims import symbol
from netlang.ir.graph import Builder, Graph, Init, Node, Param, Value, verify
from netlang.ir.initializers import total_bytes
from netlang.ir.op import OPS
from netlang.ir.types import F32, DType, TensorType
from netlang.ops.windows.convolution import Convolve
from netlang.passes.batch_norm import fold_batch_norm
from netlang.passes.pipeline import PASSES, Pass, name_of, transform
from netlang.program import RECURSION_LIMIT
from netlang.storage.weights import load_weights, save_weights
from netlang.system.numpy import Array

# A first program raises the limit; hypothesis must not see it change.
sys.setrecursionlimit(max(sys.getrecursionlimit(), RECURSION_LIMIT))

few = settings(
    max_examples=80,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),  # pyright: ignore[reportArgumentType]
)
FOLDER = Path(__file__).parents[2] / "examples"
SMALL = [p for p in sorted(FOLDER.glob("*.net")) if p.stat().st_size < 3000]


def wide(graph: Graph, feeds: dict[str, Array], weights: dict[str, Array]) -> dict[str, Array]:
    return reference.run(graph, feeds, weights, dtype=DType.F64)


def same(actual: dict[str, Array], expected: dict[str, Array]) -> None:
    assert list(actual) == list(expected)
    for name, array in expected.items():
        np.testing.assert_array_equal(actual[name], array)


def close(actual: dict[str, Array], expected: dict[str, Array], *, digits: int = 9) -> None:
    """Compare what was computed in float64 in another order."""
    assert list(actual) == list(expected)
    for name, array in expected.items():
        scale = float(np.abs(array).max(initial=1.0))
        np.testing.assert_allclose(actual[name], array, rtol=0, atol=scale * 10.0**-digits)


# ---- batches -----------------------------------------------------------------------------


@settings(few, max_examples=150)
@given(networks(batchwise=True), st.integers(1, 2))
def test_a_batch_in_two_parts_gives_the_parts_of_the_whole(network: Network, at: int) -> None:
    graph, sizes = network.graph, SIZES[1]
    weights = weights_for(graph)
    feeds = draw_feeds(graph, sizes, 0)
    meant = meaning(graph, feeds, weights, sizes)
    assume(meant is not None)
    assert meant is not None
    first = {n: a[:at] for n, a in feeds.items()}
    last = {n: a[at:] for n, a in feeds.items()}
    halves = wide(graph, first, weights), wide(graph, last, weights)
    joined = {n: np.concatenate([h[n] for h in halves]) for n in graph.outputs}
    for name, array in meant.exact.items():
        off = np.abs(joined[name].astype(np.float64) - array)
        # Sums in another order differ by 2^-29 of what float32 is granted.
        assert (off <= 1e-6 * meant.tolerance[name]).all()


@few
@given(networks(batchwise=True))
def test_onnxruntime_gives_the_parts_of_the_whole_too(network: Network) -> None:
    graph, sizes = network.graph, SIZES[1]
    weights = weights_for(graph)
    feeds = draw_feeds(graph, sizes, 0)
    meant = meaning(graph, feeds, weights, sizes)
    assume(meant is not None)
    assert meant is not None
    session = sessions(graph, weights, 18)["onnxruntime"]
    rows = [session.run({n: a[i : i + 1] for n, a in feeds.items()}) for i in range(sizes["N"])]
    whole = session.run(feeds)
    for name in graph.outputs:
        joined = np.concatenate([row[name] for row in rows])
        off = np.abs(joined.astype(np.float64) - whole[name])
        assert (off <= 2 * meant.tolerance[name]).all()


def test_a_batch_of_an_example_in_two_parts_gives_the_parts_of_the_whole() -> None:
    tried: set[str] = set()
    for path, net in ((p, net) for p in SMALL for net in checked(p).nets.values()):
        graph = net.graph
        if graph.states or not splits(graph) or total_bytes(graph) > 4_000_000:
            continue
        weights = lively(graph, 0)
        feeds = sample_inputs(graph, choose_sizes(graph, {"N": 3}), 0, below=4)
        if max(a.size for a in feeds.values()) > 200_000:
            continue
        whole = wide(graph, feeds, weights)
        parts = [wide(graph, {n: a[s] for n, a in feeds.items()}, weights) for s in HALVES]
        close({n: np.concatenate([p[n] for p in parts]) for n in whole}, whole)
        tried.add(f"{path.stem}/{net.name}")
    assert len(tried) >= 20


HALVES = slice(0, 1), slice(1, None)


def splits(graph: Graph) -> bool:
    """Check whether every input and result has a batch in front."""
    ends = (*graph.inputs, *graph.outputs.values())
    return all(v.type.shape and v.type.shape[0] == symbol("N") for v in ends)


# ---- order, passes, versions -------------------------------------------------------------


@few
@given(networks(24), st.randoms(use_true_random=False))
def test_the_order_of_evaluation_means_nothing(network: Network, random) -> None:
    graph = network.graph
    shuffled = replace(graph, nodes=another_order(graph, random.random))
    verify(shuffled)
    weights, feeds = weights_for(graph), draw_feeds(graph, SIZES[0], 0)
    same(wide(shuffled, feeds, weights), wide(graph, feeds, weights))


def another_order(graph: Graph, chance: Callable[[], float]) -> tuple[Node, ...]:
    """Put the nodes in some other order in which each comes after what it uses."""
    known = {*graph.inputs, *graph.params}
    left, order = list(graph.nodes), []
    while left:
        ready = [node for node in left if known.issuperset(node.inputs)]
        node = ready[int(chance() * len(ready))]
        left.remove(node)
        order.append(node)
        known.update(node.outputs)
    return tuple(order)


@pytest.mark.parametrize("step", PASSES, ids=name_of)
def test_a_pass_keeps_every_value_of_a_real_network(step: Pass) -> None:
    @few
    @given(networks(24))
    def holds(network: Network) -> None:
        graph = network.graph
        weights, feeds = weights_for(graph), draw_feeds(graph, SIZES[0], 0)
        same(wide(transform(graph, [step]), feeds, weights), wide(graph, feeds, weights))

    holds()


@few
@given(networks(24))
def test_folding_batch_norm_keeps_every_value_of_a_real_network(network: Network) -> None:
    graph, sizes = network.graph, SIZES[0]
    weights, feeds = weights_for(graph), draw_feeds(graph, sizes, 0)
    meant = meaning(graph, feeds, weights, sizes)
    assume(meant is not None)
    assert meant is not None
    folded, fewer = fold_batch_norm(graph, weights)
    # The folded weights are rounded to float32, as a result of float32 is.
    for name, array in wide(folded, feeds, fewer).items():
        assert (np.abs(array - meant.exact[name]) <= meant.tolerance[name]).all()


@settings(few, max_examples=200)
@given(networks(24))
def test_the_oldest_and_newest_operator_sets_mean_the_same(network: Network) -> None:
    graph, sizes = network.graph, SIZES[0]
    weights, feeds = weights_for(graph), draw_feeds(graph, sizes, 0)
    meant = meaning(graph, feeds, weights, sizes)
    assume(meant is not None)
    assert meant is not None
    old, new = (
        Session(to_onnx(graph, weights, opset=opset), threads=1).run(feeds)
        for opset in (OPSETS[0], OPSETS[-1])
    )
    for name in graph.outputs:
        off = np.abs(old[name].astype(np.float64) - new[name])
        assert (off <= 2 * meant.tolerance[name]).all()


@few
@given(networks())
def test_weights_saved_and_loaded_give_the_same_bits(network: Network) -> None:
    graph = network.graph
    weights, feeds = weights_for(graph), draw_feeds(graph, SIZES[0], 0)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "weights.safetensors"
        save_weights(path, weights)
        again = load_weights(path)
    assert {n: a.tobytes() for n, a in again.items()} == {
        n: a.tobytes() for n, a in weights.items()
    }
    same(reference.run(graph, feeds, again), reference.run(graph, feeds, weights))
    session, other = (Session(to_onnx(graph, w), threads=1) for w in (weights, again))
    same(other.run(feeds), session.run(feeds))


# ---- convolutions ------------------------------------------------------------------------

CHANNELS = st.sampled_from([1, 2, 3, 4])
rngs = st.integers(0, 2**31).map(np.random.default_rng)


@few
@given(networks(24), rngs)
def test_hidden_channels_in_another_order_give_the_same(network: Network, rng) -> None:
    """Where a convolution feeds another through a norm and a function, weights may be permuted."""
    graph = network.graph
    hidden = tail(graph, rng)
    weights, feeds = weights_for(hidden), draw_feeds(hidden, SIZES[0], 0)
    paths = [p.path for p in hidden.params.values()][-8:]
    (first, bias, *norm, second, _) = paths
    order = rng.permutation(len(weights[first]))
    turned = weights | {path: weights[path][order] for path in (first, bias, *norm)}
    turned[second] = weights[second][:, order]
    before, after = wide(hidden, feeds, weights), wide(hidden, feeds, turned)
    assume(all(np.isfinite(a).all() for a in before.values()))
    close(after, before)


def tail(graph: Graph, rng: np.random.Generator) -> Graph:
    """Put two convolutions with a norm and a function between behind the image of a network."""
    b = Builder()
    b.adopt([*graph.inputs, *graph.params, *(v for n in graph.nodes for v in n.outputs)])
    params = dict(graph.params)

    def param(*shape: int) -> Value:
        init = Init("uniform", (0.2, 1.0)) if len(shape) == 1 else Init("normal", (0.5,))
        value = b.fresh("hidden", TensorType(F32, shape))
        params[value] = Param(value.name, value.type, init, trained=True)
        return value

    kernel, channels = int(rng.integers(1, 4)), int(rng.integers(2, 6))
    image = next(v for v in graph.inputs if v.type.rank == 4)
    depth = image.type.shape[1]
    assert isinstance(depth, int)
    once = Convolve((1, 1), ((1, 1), (1, 1)), (1, 1), 1)
    x = b.one(once, image, param(channels, depth, kernel, kernel), param(channels))
    norm = OPS["normalize_batch"].make((x.type,), {"eps": 1e-5, "momentum": 0.1})
    x = b.one(norm, x, *(param(channels) for _ in range(4)))
    x = b.one(once, b.one(OPS["relu"].make((), {}), x), param(3, channels, 3, 3), param(3))
    nodes = (*graph.nodes, *b.nodes)
    return replace(graph, params=params, nodes=nodes, outputs={**graph.outputs, "behind": x})


def convolved(x: Array, weight: Array, *more: Array, op: Convolve) -> Array:
    return op.forward(x, weight, *more)[0]


def plain(axes: int, dilation: int = 1, groups: int = 1) -> Convolve:
    return Convolve((1,) * axes, ((0, 0),) * axes, (dilation,) * axes, groups)


@few
@given(rngs, st.integers(1, 3), st.integers(1, 2), st.integers(0, 3), st.integers(0, 3))
def test_a_convolution_of_a_shifted_image_is_the_shifted_convolution(
    rng, kernel: int, dilation: int, down: int, right: int
) -> None:
    x = rng.standard_normal((2, 4, 11, 12))
    op = plain(2, dilation, groups=2)
    weight = rng.standard_normal((6, 2, kernel, kernel))
    y = convolved(x, weight, op=op)
    moved = convolved(np.roll(x, (down, right), (2, 3)), weight, op=op)
    inside = y[..., : y.shape[2] - down, : y.shape[3] - right]
    np.testing.assert_allclose(moved[..., down:, right:], inside, atol=1e-12)


@few
@given(rngs, CHANNELS, CHANNELS)
def test_a_convolution_of_one_point_is_a_dense_layer_at_every_point(
    rng, channels: int, filters: int
) -> None:
    x, bias = rng.standard_normal((2, channels, 5, 4)), rng.standard_normal(filters)
    weight = rng.standard_normal((filters, channels))
    y = convolved(x, weight[:, :, None, None], bias, op=plain(2))
    linear = OPS["linear"].make((), {})
    (rows,) = linear.forward(np.moveaxis(x, 1, -1), weight, bias)
    np.testing.assert_allclose(np.moveaxis(y, 1, -1), rows, atol=1e-12)


@few
@given(rngs, st.integers(1, 3), st.integers(1, 2))
def test_a_convolution_in_groups_is_the_convolutions_of_the_groups(
    rng, groups: int, dilation: int
) -> None:
    x = rng.standard_normal((2, 2 * groups, 8, 9))
    weight = rng.standard_normal((3 * groups, 2, 3, 2))
    whole = convolved(x, weight, op=plain(2, dilation, groups))
    parts = [
        convolved(x[:, 2 * g : 2 * g + 2], weight[3 * g : 3 * g + 3], op=plain(2, dilation))
        for g in range(groups)
    ]
    np.testing.assert_allclose(whole, np.concatenate(parts, axis=1), atol=1e-12)


@few
@given(rngs, st.floats(0.25, 4.0), CHANNELS)
def test_scaling_before_a_batch_norm_is_another_norm(rng, scale: float, channels: int) -> None:
    """Statistics that scale along with the input leave nothing of the scale; eps aside."""
    x = rng.standard_normal((3, channels, 4, 5))
    gamma, beta, mean = (rng.standard_normal(channels) for _ in range(3))
    var = rng.uniform(0.5, 2.0, channels)
    norm = OPS["normalize_batch"].make((), {"eps": 1e-12, "momentum": 0.1})
    (y,) = norm.forward(x, gamma, beta, mean, var)
    (scaled,) = norm.forward(x * scale, gamma, beta, mean * scale, var * scale**2)
    np.testing.assert_allclose(scaled, y, atol=1e-9)
    training = OPS["normalize_batch_training"].make((), {"eps": 1e-12})
    y, *_ = training.forward(x, gamma, beta)
    scaled, *_ = training.forward(x * scale + 3.0, gamma, beta)
    np.testing.assert_allclose(scaled, y, atol=1e-9)
