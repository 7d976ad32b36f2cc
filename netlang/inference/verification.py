"""Comparison of both backends on the same input."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from msgspec.structs import replace

from netlang.backends import Lower, reference
from netlang.backends.compile import compile_graph
from netlang.backends.ort import ExecutionError, Provider, Session
from netlang.backends.precision import TOLERANCES, converted
from netlang.diagnostics.errors import InputError, require_at_least
from netlang.ir.arrays import numpy_dtype
from netlang.ir.dims import Size, bind, symbols
from netlang.ir.graph import Graph, Init, Param, Value
from netlang.ir.initializers import initialize
from netlang.ir.types import DType
from netlang.system.numpy import Array, np

RELATIVE, ABSOLUTE = 1e-4, 1e-5
"""Tolerances: relative to the largest element, and absolute for zeros."""

_CALIBRATED = 8
"""Inputs by which the ranges of values are determined in int8."""

_BATCH, _SMALLEST, _LARGEST = 2, 7, 1 << 10
INTEGERS = (50_000, 4_096, 512, 64, 10, 4, 2, 1)
"""Upper bounds of the integers that are sampled; the first one the network accepts is used."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One output on both backends.

    ``difference`` is the largest difference between two elements, ``largest`` the largest element;
    ``finite`` is whether every element of both is finite.
    """

    name: str
    shape: tuple[int, ...]
    difference: float
    largest: float
    tolerance: float
    finite: bool

    @property
    def relative(self) -> float:
        return self.difference / self.largest if self.largest else self.difference

    @property
    def ok(self) -> bool:
        return self.finite and self.difference <= self.tolerance


def verify(
    graph: Graph,
    weights: Mapping[str, Array] | None = None,
    *,
    seed: int = 0,
    sizes: Mapping[str, int] | None = None,
    provider: Provider = "cpu",
    opset: int = 18,
    precision: Lower | None = None,
) -> list[Comparison]:
    """Run both backends on the same random input and compare every output.

    The interpreter runs the graph, onnxruntime the model compiled from it. Without ``weights``,
    ``lively`` ones are sampled. ``sizes`` fixes symbols, the others are chosen. An output may
    differ by ``RELATIVE`` of its largest element, or by eight times the rounding error of float32
    in NumPy. If one differs by more, the first value inside the network that does so is the last
    comparison of the list. A lower ``precision`` is that of the model, with ``TOLERANCES``.
    """
    require_at_least("seed", seed, 0)
    chosen = choose_sizes(graph, sizes or {})
    given = lively(graph, seed) if weights is None else weights
    model = compile_graph(graph, given, opset=opset).proto
    relative = RELATIVE
    if precision is not None:
        examples = [sample_inputs(graph, chosen, seed + n, below=2) for n in range(_CALIBRATED)]
        model, relative = converted(model, precision, examples), TOLERANCES[precision]
    session = Session(model, provider=provider)
    feeds, expected, actual = _run_both(graph, given, session, seed, chosen)
    compared = [compare(n, actual[n], array, relative=relative) for n, array in expected.items()]
    if weights is None and not all(c.finite for c in compared):
        given = initialize(graph, seed)
        return verify(
            graph, given, seed=seed, sizes=sizes, provider=provider, opset=opset,
            precision=precision,
        )  # fmt: skip
    if precision is not None or all(c.ok or not c.finite for c in compared):
        return compared
    exact = reference.run(graph, feeds, given, dtype=DType.F64, sizes=chosen)
    compared = [compare(name, actual[name], a, exact[name]) for name, a in expected.items()]
    if all(c.ok for c in compared):
        return compared
    inner = _with_inner_outputs(graph)
    model = compile_graph(inner, given, opset=opset, optimize=False)
    session = Session(model.proto, provider=provider)
    return compared + _first_inside(inner, given, session, feeds, chosen)


def lively(graph: Graph, seed: int) -> dict[str, Array]:
    """Sample weights with which every operand matters.

    Initial weights hide differences: normalizations start at 0 and 1, and the output of a deep
    network is at first little more than its last bias.
    """
    return initialize(
        replace(graph, params={v: replace(p, init=_spread(p)) for v, p in graph.params.items()}),
        seed,
    )


def _spread(param: Param) -> Init:
    if param.init.rule == "constant":
        (value,) = param.init.arguments or (0.0,)
        spread = abs(value) / 2 or 0.1
        return Init("uniform", (value - spread, value + spread))
    # With a larger gain the values of gated networks grow until rounding dominates.
    return Init("kaiming_normal", (1.0,)) if param.type.rank > 1 else param.init


def _with_inner_outputs(graph: Graph) -> Graph:
    """Make an output of every floating-point value inside, with names that no program uses."""
    inner = [v for node in graph.nodes for v in node.outputs if v.type.dtype.is_float]
    return replace(
        graph,
        inputs=(*graph.inputs, *(s.value for s in graph.states)),
        outputs={f"inside/{v.name}": v for v in inner},
        states=(),
    )


def _first_inside(
    opened: Graph,
    weights: Mapping[str, Array],
    session: Session,
    feeds: Mapping[str, Array],
    sizes: Mapping[str, int],
) -> list[Comparison]:
    """Find the first value inside on which the backends differ, in the order of computation."""
    expected = reference.run(opened, feeds, weights, sizes=sizes)
    exact = reference.run(opened, feeds, weights, dtype=DType.F64, sizes=sizes)
    actual = session.run(feeds)
    for name, array in expected.items():
        compared = compare(name, actual[name], array, exact[name])
        if not compared.ok:
            return [compared]
    return []


def choose_sizes(graph: Graph, fixed: Mapping[str, int]) -> dict[str, int]:
    """Choose a size for every symbol so that no tensor of the graph is empty.

    ``N`` is 2; the others are multiples of their units from 7 on, doubled until the graph holds.
    """
    units: dict[str, int] = {}
    for value in _values(graph):
        for size in value.type.shape:
            units |= symbols(size)
    units |= graph.units
    start = _SMALLEST
    while True:
        sizes = {n: _BATCH if n == "N" else -(-start // u) * u for n, u in units.items()}
        sizes |= fixed
        empty = _first_empty(graph, sizes)
        if empty is None:
            return sizes
        if start > _LARGEST or set(fixed) >= set(units):
            given = ", ".join(f"{n} = {v}" for n, v in sizes.items())
            raise InputError(f"`{empty.name}` is {empty.type}, which is empty for {given}")
        start *= 2


def sample_inputs(
    graph: Graph, sizes: Mapping[str, int], seed: int, *, below: int = 10
) -> dict[str, Array]:
    """Sample every input and state: normal floats, integers from 1 to ``below``, fair bools."""
    rng = np.random.default_rng(seed)
    feeds: dict[str, Array] = {}
    for value in (*graph.inputs, *(s.value for s in graph.states)):
        shape = tuple(bind(d, sizes) for d in value.type.shape)
        dtype = numpy_dtype(value.type.dtype)
        if value.type.dtype.is_float:
            sample = rng.standard_normal(shape)
        elif value.type.dtype is DType.BOOL:
            sample = rng.random(shape) < 0.5
        else:
            top = min(below, np.iinfo(dtype.name).max)
            sample = rng.integers(min(1, top - 1), top, shape)
        feeds[value.name] = np.asarray(sample).astype(dtype)
    return feeds


def _run_both(
    graph: Graph,
    weights: Mapping[str, Array],
    session: Session,
    seed: int,
    sizes: Mapping[str, int],
) -> tuple[dict[str, Array], dict[str, Array], dict[str, Array]]:
    """Run both, with integers from the widest range in which every look-up succeeds."""
    ranges = INTEGERS if any(v.type.dtype.is_integer for v in graph.inputs) else INTEGERS[-1:]
    for below, narrower in pairwise((*ranges, 0)):
        feeds = sample_inputs(graph, sizes, seed, below=below)
        try:
            expected = reference.run(graph, feeds, weights, sizes=sizes)
            return feeds, expected, session.run(feeds)
        except (InputError, ExecutionError):
            if not narrower:
                raise
    raise AssertionError("the last range returns or raises")


def compare(
    name: str, actual: Array, expected: Array, exact: Array | None = None, *,
    relative: float = RELATIVE,
) -> Comparison:  # fmt: skip
    """Compare two arrays; with ``exact`` values, rounding in ``expected`` widens the tolerance."""
    a, b = actual.astype(np.float64), expected.astype(np.float64)
    finite = bool(np.isfinite(a).all() and np.isfinite(b).all())
    largest = float(np.abs(b).max(initial=0.0)) if finite else float("nan")
    rounded = expected.dtype.kind == "f"
    tolerance = relative * largest + ABSOLUTE if rounded else 0.0
    if exact is not None and rounded:
        tolerance = max(tolerance, 8 * _difference(b, exact))
        b = exact
    return Comparison(name, actual.shape, _difference(a, b), largest, tolerance, finite)


def _difference(a: Array, b: Array) -> float:
    with np.errstate(invalid="ignore"):
        return float(np.abs(a - b).max(initial=0.0))


def _values(graph: Graph) -> list[Value]:
    sources = (*graph.inputs, *graph.params, *(s.value for s in graph.states))
    return [*sources, *(v for node in graph.nodes for v in node.outputs)]


def _first_empty(graph: Graph, sizes: Mapping[str, int]) -> Value | None:
    """Find a tensor with a size below 1 that is not a constant of the program."""

    def vanishes(size: Size) -> bool:
        return not isinstance(size, int) and bind(size, sizes) < 1

    return next((v for v in _values(graph) if any(map(vanishes, v.type.shape))), None)
