"""Branches and loops: a condition that is known chooses, a known number of iterations is unrolled.

A Scan becomes the `scan` of the language, which walks along axis 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import cast

from netlang.backends.onnx.foreign import ForeignGraph, ForeignNode
from netlang.importing.conversion import Conversion
from netlang.importing.operands import Known, Operand, Operands, Sizes
from netlang.ir.backward_slice import needed
from netlang.ir.graph import Graph, Node, Value
from netlang.system.numpy import np

RunGraph = Callable[[Conversion, ForeignGraph, Sequence[Operand]], list[Operand]]
ConvertInner = Callable[[Conversion, ForeignNode, Operands, RunGraph], Sequence[Operand]]

_MOST_ITERATIONS = 10_000


def _if(c: Conversion, node: ForeignNode, xs: Operands, run: RunGraph) -> Sequence[Operand]:
    """Convert the branch that a known condition chooses, or choose among the results of both."""
    (condition,) = xs
    branches = node.graphs["then_branch"], node.graphs["else_branch"]
    if isinstance(condition, Known):
        (chosen,) = condition.array.reshape(-1)
        return run(c, branches[0] if chosen else branches[1], ())
    flag = c.tensor(condition)
    if flag.type.rank:
        flag = c.graph("reshape", flag, shape=())
    made: list[Operand] = []
    for yes, no in zip(*(run(c, branch, ()) for branch in branches), strict=True):
        if yes is no:
            made.append(yes)
            continue
        one, other = c.tensor(yes), c.tensor(no)
        if one.type != other.type:
            c.fail(
                f"returns {one.type} or {other.type}, which only the data tells",
                "export the model with a constant condition",
            )
        made.append(c.graph("select", flag, one, other))
    return made


def _loop(c: Conversion, node: ForeignNode, xs: Operands, run: RunGraph) -> Sequence[Operand]:
    """Convert the body as often as it is repeated; equal calls become a `for` afterwards."""
    body = node.graphs["body"]
    most, goes_on, *start = (*xs, None, None)[: max(2, len(xs))]
    carried = [cast("Operand", each) for each in start]
    if isinstance(most, Sizes | Value):
        c.fail(
            "is repeated as often as a size or the data says",
            "export the model with a fixed length, or with Scan",
        )
    limit = _MOST_ITERATIONS + 1 if most is None else int(c.array(most, "lengths").reshape(-1)[0])
    steps: list[list[Operand]] = [[] for _ in body.outputs[1 + len(carried) :]]
    count = 0
    while count < limit and (goes_on is None or _holds(c, goes_on)):
        if count == _MOST_ITERATIONS:
            c.fail(f"has more than {_MOST_ITERATIONS:,} iterations")
        given = Known(np.asarray(True)) if goes_on is None else goes_on
        goes_on, *made = run(c, body, (Known(np.asarray(count, np.int64)), given, *carried))
        carried, each = made[: len(carried)], made[len(carried) :]
        for kept, step in zip(steps, each, strict=True):
            kept.append(step)
        count += 1
    if steps and not count:
        c.fail("has no iteration, so that what it collects is empty")
    return [*carried, *(c.add("stack", *kept, axis=0) for kept in steps)]


def _holds(c: Conversion, condition: Operand) -> bool:
    if not isinstance(condition, Known):
        c.fail(
            "is repeated until what it computes says so",
            "export the model with a fixed number of iterations",
        )
    return bool(condition.array.reshape(-1)[0])


def _scan(c: Conversion, node: ForeignNode, xs: Operands, run: RunGraph) -> Sequence[Operand]:
    if c.opset < 9:
        c.fail("has a batch and lengths of its own", "export it with opset 9 or newer")
    body, count = node.graphs["body"], node.attributes["num_scan_inputs"]
    assert isinstance(count, int) and 0 < count <= len(xs)
    first = len(xs) - count
    states = [c.tensor(x) for x in xs[:first]]
    ahead, back = (_numbers(node, f"scan_{which}_directions") for which in ("input", "output"))
    sequences = [
        _time_second(c, c.tensor(x), axis, backwards=bool(reverse))
        for x, axis, reverse in zip(
            xs[first:], _numbers(node, "scan_input_axes", count), ahead or [0] * count, strict=True
        )
    ]
    one, *others = [x.type.shape[:2] for x in sequences]
    for shape in others:
        for a, b in zip(one, shape, strict=True):
            if a != b:
                c.equate(a, b)
    carried = [c.builder.fresh("h", x.type) for x in states]
    slices = [
        c.builder.fresh("xt", x.type.with_shape(x.type.shape[0], *x.type.shape[2:]))
        for x in sequences
    ]
    before = c.inside()
    results = [c.tensor(each) for each in run(c, body, (*carried, *slices))]
    nodes = c.outside(before)
    for state, after in zip(carried, results, strict=False):
        if state.type != after.type:
            c.fail(f"carries {state.type} and then {after.type}")
    if any(not each.type.rank for each in results):
        c.fail("returns one number for all examples of a step")
    graph, outside = _body(nodes, (*carried, *slices), results)
    made = c.graph_many(
        "scan", *states, *sequences, *outside, body=graph, carried=first, scanned=count
    )
    collected = len(made) - first
    axes = _numbers(node, "scan_output_axes", collected)
    ends = [
        _time_at(c, x, axis, backwards=bool(reverse))
        for x, axis, reverse in zip(made[first:], axes, back or [0] * collected, strict=True)
    ]
    return [*made[:first], *ends]


def _numbers(node: ForeignNode, name: str, count: int = 0) -> Sequence[int]:
    given = node.attributes.get(name)
    return cast("Sequence[int]", given) if isinstance(given, list) else [0] * count


def _body(
    nodes: Sequence[Node], inputs: Sequence[Value], results: Sequence[Value]
) -> tuple[Graph, list[Value]]:
    """Return the graph of a body, whose last inputs are values from outside, and these."""
    live = tuple(needed(nodes, tuple(results)))
    inside = {*inputs, *(v for n in live for v in n.outputs)}
    read = (*(v for n in live for v in n.inputs), *results)
    outside = list(dict.fromkeys(v for v in read if v not in inside))
    outputs = {f"out{at}": value for at, value in enumerate(results)}
    return Graph("scan", (*inputs, *outside), {}, live, outputs), outside


def _time_second(c: Conversion, x: Value, axis: int, *, backwards: bool) -> Value:
    """Return a sequence whose steps are along axis 1."""
    rank = x.type.rank
    if rank < 2:
        c.fail("walks along a vector, whose steps are numbers")
    axis %= rank
    others = [at for at in range(rank) if at != axis]
    moved = c.graph("transpose", x, order=(others[0], axis, *others[1:]))
    return c.graph("flip", moved, axis=1) if backwards else moved


def _time_at(c: Conversion, x: Value, axis: int, *, backwards: bool) -> Value:
    """Return what a scan collects along axis 1 with its steps along another axis."""
    order = [0, *range(2, x.type.rank)]
    order.insert(axis % x.type.rank, 1)
    turned = c.graph("flip", x, axis=1) if backwards else x
    return c.graph("transpose", turned, order=tuple(order))


OPERATORS: Mapping[str, ConvertInner] = {"If": _if, "Loop": _loop, "Scan": _scan}
