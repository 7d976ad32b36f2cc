"""Where a NaN comes from: the step is repeated on the interpreter, node by node."""

from __future__ import annotations

from netlang.backends.feeds import prepare
from netlang.backends.reference import compute, describe
from netlang.ir.graph import Graph, Node, Value
from netlang.system.numpy import Array, np
from netlang.training.run.engine import Arrays, Numbers, fed


def first_bad(graph: Graph, state: Arrays, batch: Arrays, numbers: Numbers) -> str | None:
    """Return the first tensor of a step with a NaN or an infinity in it, and its line."""
    given = {**state, **fed(graph, batch, numbers)}
    names = [*(v.name for v in graph.inputs), *(s.value.name for s in graph.states)]
    feeds = {name: given[name] for name in names}
    for name, array in feeds.items():
        if _bad(array):
            return f"`{name}` has it before the step begins"
    prepared = prepare(graph, feeds)
    values: dict[Value, Array] = {v: prepared.arrays[v.name] for v in graph.inputs}
    values |= {s.value: prepared.arrays[s.value.name] for s in graph.states}
    for node in graph.nodes:
        made = compute(node, [values[v] for v in node.inputs], prepared.sizes)
        values.update(zip(node.outputs, made, strict=True))
        if any(map(_bad, made)):
            return _told(node, [values[v] for v in node.inputs], made)
    return None


def _told(node: Node, operands: list[Array], made: tuple[Array, ...]) -> str:
    """Describe where it is, and its operands if they are few."""
    kind = "NaN" if any(np.isnan(a).any() for a in made if a.dtype.kind == "f") else "infinity"
    told = f"the first {kind} is in `{node.outputs[0].name}`, made by {describe(node)}"
    ranges = [_range(a) for a in operands if a.size and a.dtype.kind == "f"]
    return f"{told} from {' and '.join(ranges)}" if 0 < len(ranges) < 3 else told


def _range(array: Array) -> str:
    least, most = float(array.min()), float(array.max())
    return f"{least:.3g}" if least == most else f"{least:.3g} to {most:.3g}"


def _bad(array: Array) -> bool:
    return bool(np.issubdtype(array.dtype, np.floating) and not np.isfinite(array).all())
