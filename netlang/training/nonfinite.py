"""Where a NaN came from: the step again, on the interpreter, one node at a time."""

from __future__ import annotations

from collections.abc import Mapping

from netlang.backends.feeds import prepare
from netlang.backends.reference import compute, place
from netlang.ir.graph import Graph, Value
from netlang.numeric import Array, np
from netlang.training.step import STEP


def first_bad(
    graph: Graph,
    state: Mapping[str, Array],
    batch: Mapping[str, Array],
    count: int,
    rates: Mapping[str, float],
) -> str | None:
    """Name the first tensor of a step with a NaN or an infinity in it, and its line."""
    given: dict[str, Array] = {
        **state,
        **{f"batch.{name}": array for name, array in batch.items()},
        STEP: np.asarray(count, dtype=np.int64),
        **{name: np.asarray(rate, dtype=np.float32) for name, rate in rates.items()},
    }
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
            return f"it first appears in {place(node)}"
    return None


def _bad(array: Array) -> bool:
    return bool(np.issubdtype(array.dtype, np.floating) and not np.isfinite(array).all())
