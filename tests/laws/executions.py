"""One network in five executions, held to what float32 may lose on the way.

The meaning is the interpreter in float64. How far float32 may be from it is found by experiment:
the network is computed a few times more in float64 with noise of the size of float32's rounding
added inside every node, and a result may be off by a multiple of what that noise makes of it. So
the tolerance follows the magnitudes inside the network, and an error has nowhere to hide in one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from models import to_onnx
from numpy_programs import compute

from netlang.backends import reference
from netlang.backends.ort import Session
from netlang.ir.dims import bind
from netlang.ir.graph import Graph, Node, Value
from netlang.ir.initializers import initialize
from netlang.ir.types import DType
from netlang.system.numpy import Array

RUNTIMES = ("onnxruntime", "onnxruntime unoptimized")
EXECUTIONS = ("numpy", "numpy program", *RUNTIMES)
"""What is compared with the interpreter in float64."""

NOISE = 2.0**-22
RUNS, MANY_RUNS = 4, 32
"""How often noise is tried; often where a tie may have been broken one way by chance."""

FACTOR = 8.0
LARGEST, SMALLEST = 1e15, 2.0**-126
"""What no number of a network may pass, and where float32 begins to have fewer digits."""

EXACT = frozenset({
    "abs", "concat", "constant", "dropout", "dropout_channels", "drop_path", "equal", "expand",
    "flatten", "flip", "full", "gather", "gather_nd", "gather_rows", "greater", "greater_equal",
    "index", "iota", "less", "less_equal", "logical_and", "logical_not", "logical_or",
    "logical_xor", "max", "max_pool", "maximum", "measure", "min", "minimum", "neg", "not_equal",
    "one_hot", "pad", "pixel_shuffle", "pixel_unshuffle", "ranked", "relu", "reshape",
    "reverse_time", "select", "sign", "split", "squeeze", "stack", "stop_gradient", "take",
    "take_along", "tile", "transpose", "unfold", "unsqueeze", "argmax", "argmin", "clamp", "cast",
    "round", "floor", "ceil", "adaptive_max_pool",
})  # fmt: skip
"""Operators that round nothing."""

ROUNDED = frozenset({"add", "sub", "mul", "div", "sqrt", "reciprocal", "add_channel"})
"""Operators that round their result once; the others lose what their operands' last digits do."""

COARSE = {"gelu": 1.0, "resize": 4.0, "upsample": 4.0}
"""Operators that lose digits of their largest operand: one less an error function close to one,
and weights from positions between points, which a runtime works out in float32."""

GATED = frozenset({"gru_layer", "lstm_layer", "rnn_layer"})
"""Operators with gates inside, which have the digits of numbers around one."""


@dataclass(frozen=True)
class Meaning:
    """What a network gives in float64, and how far float32 may be from each element of it."""

    feeds: dict[str, Array]
    exact: dict[str, Array]
    tolerance: dict[str, Array]


@dataclass(frozen=True)
class Disagreement:
    """An output of an execution that is further from the meaning than rounding explains."""

    execution: str
    output: str
    off: float
    allowed: float

    def __str__(self) -> str:
        return (
            f"{self.execution} is off by {self.off:.3g} in `{self.output}`, "
            f"where rounding explains {self.allowed:.3g}"
        )


def weights_for(graph: Graph, seed: int = 0) -> dict[str, Array]:
    return initialize(graph, seed)


def meaning(
    graph: Graph,
    feeds: dict[str, Array],
    weights: Mapping[str, Array],
    sizes: Mapping[str, int],
    *,
    runs: int = RUNS,
) -> Meaning | None:
    """Compute a network in float64; ``None`` where numbers grow past what float32 can hold."""
    quiet = run_with_noise(graph, feeds, weights, sizes, 0, noise=0.0)
    if quiet is None:
        return None
    exact = reference.run(graph, feeds, weights, dtype=DType.F64, sizes=sizes)
    assert all(np.array_equal(quiet[name], array) for name, array in exact.items())
    tolerance = {n: np.zeros(a.shape) for n, a in exact.items()}
    for seed in range(runs):
        noisy = run_with_noise(graph, feeds, weights, sizes, seed)
        if noisy is None:
            return None
        for name, array in noisy.items():
            off = np.abs(array.astype(np.float64) - exact[name])
            tolerance[name] = np.maximum(tolerance[name], off)
    return Meaning(feeds, exact, {n: allowed(exact[n], t) for n, t in tolerance.items()})


def allowed(exact: Array, spread: Array) -> Array:
    """Turn what the noise did to each element into what an execution may do to it.

    The noise of a few runs is small by chance in one element out of many, so an element is
    granted what most of its neighbors show; an element that is exact in each run must be exact.
    An integer or a bool that noise changes, the place of one least number among several,
    says nothing: how far one tie lies from another does not measure an error.
    """
    if exact.dtype.kind != "f":
        return np.where(spread > 0, np.inf, 0.0)
    if not spread.any():
        return spread
    usual = float(np.quantile(spread, 0.75))
    floor = 2.0**-22 * largest(exact) + SMALLEST
    return FACTOR * np.maximum(spread, usual) + floor


def run_with_noise(
    graph: Graph,
    feeds: Mapping[str, Array],
    weights: Mapping[str, Array],
    sizes: Mapping[str, int],
    seed: int,
    *,
    noise: float = NOISE,
) -> dict[str, Array] | None:
    """Compute a network in float64 with the rounding of float32 in every node, a bit enlarged."""
    rng = np.random.default_rng(seed)
    values: dict[Value, Array] = {v: widened(feeds[v.name]) for v in graph.inputs}
    values |= {v: widened(weights[p.path]) for v, p in graph.params.items()}
    for node in graph.nodes:
        operands = [values[v] for v in node.inputs]
        if node.op.name not in EXACT | ROUNDED:
            operands = [shaken(rng, a, noise) for a in operands]
        computed = reference.compute(node, operands, sizes, wide=True)
        for value, array in zip(node.outputs, computed, strict=True):
            values[value] = rounded(rng, node, operands, widened(array), noise)
            if array.dtype.kind == "f" and not largest(array) < LARGEST:
                return None
    return {name: values[v] for name, v in graph.outputs.items()}


def rounded(
    rng: np.random.Generator, node: Node, operands: list[Array], array: Array, noise: float
) -> Array:
    name = node.op.name
    if not noise or array.dtype.kind != "f" or name in EXACT or not array.size:
        return array
    noisy = shaken(rng, array, noise)
    if name in ROUNDED:
        return noisy
    # Sums are as exact as the largest of their terms, and tables of functions as their range.
    scale = 0.25 * largest(array)
    if name in COARSE:
        scale += COARSE[name] * largest(operands[0])
    if name in GATED:
        scale += 0.25
    return noisy + noise * scale * rng.uniform(-1, 1, array.shape)


def largest(array: Array) -> float:
    return float(np.abs(array).max(initial=0.0))


def shaken(rng: np.random.Generator, array: Array, noise: float) -> Array:
    # A copy would do: how an array lies in memory decides the order in which NumPy adds.
    if not noise or array.dtype.kind != "f":
        return array
    return array * (1 + noise * rng.uniform(-1, 1, array.shape))


def widened(array: Array) -> Array:
    return array.astype(np.float64) if array.dtype == np.float32 else array


def sessions(graph: Graph, weights: Mapping[str, Array], opset: int) -> dict[str, Session]:
    """Open a network with and without the optimization of its graph."""
    model = to_onnx(graph, weights, opset=opset)
    return {name: Session(model, threads=1, optimize=name == "onnxruntime") for name in RUNTIMES}


def disagreements(
    graph: Graph,
    meant: Meaning,
    weights: Mapping[str, Array],
    opened: Mapping[str, Session],
    sizes: Mapping[str, int],
) -> list[Disagreement]:
    """Run a network four more times; list what differs from its meaning by too much."""
    found: list[Disagreement] = []
    for execution in EXECUTIONS:
        if execution == "numpy":
            results = reference.run(graph, meant.feeds, weights, sizes=sizes)
        elif execution == "numpy program":
            results = compute(graph, meant.feeds, weights)
        else:
            results = opened[execution].run(meant.feeds)
        assert list(results) == list(meant.exact)
        for name, array in results.items():
            found.extend(compared(execution, name, array, meant))
    return found


def compared(execution: str, name: str, array: Array, meant: Meaning) -> list[Disagreement]:
    exact, tolerance = meant.exact[name], meant.tolerance[name]
    if array.shape != exact.shape or (array.dtype.kind != exact.dtype.kind):
        return [Disagreement(execution, name, float("inf"), 0.0)]
    off = np.abs(array.astype(np.float64) - exact.astype(np.float64))
    bad = ~(off <= tolerance)
    if not bad.any():
        return []
    worst = np.unravel_index(int(np.argmax(np.where(bad, off - tolerance, -1))), off.shape)
    return [Disagreement(execution, name, float(off[worst]), float(tolerance[worst]))]


def draw_feeds(graph: Graph, sizes: Mapping[str, int], seed: int) -> dict[str, Array]:
    """Draw every input: floats normally, integers from 0 to 3, bools fairly."""
    rng = np.random.default_rng(seed)
    feeds: dict[str, Array] = {}
    for value in graph.inputs:
        shape = tuple(bind(d, sizes) for d in value.type.shape)
        match value.type.dtype:
            case DType.BOOL:
                feeds[value.name] = rng.random(shape) < 0.5
            case DType.I64:
                feeds[value.name] = rng.integers(0, 4, shape)
            case _:
                feeds[value.name] = rng.standard_normal(shape).astype(np.float32)
    return feeds
