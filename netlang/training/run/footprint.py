"""How much memory a training takes."""

from __future__ import annotations

from dataclasses import dataclass

from netlang.analysis.memory import last_uses, owners
from netlang.evaluate.context.values import Rows
from netlang.ir.dims import substitute
from netlang.ir.graph import Graph, Value
from netlang.training.step.step import Training


@dataclass(frozen=True, slots=True)
class Footprint:
    """Bytes of a training: what it keeps between steps, and what a step needs at its most.

    ``kept`` is weights and what optimizers and nets keep, which a step reads and writes anew.
    """

    name: str
    rows: int
    kept: int
    step: int

    @property
    def total(self) -> int:
        return self.kept + self.step

    def __str__(self) -> str:
        of = f" of {self.rows:,} examples" if self.rows > 1 else ""
        return (
            f"`{self.name}` takes about {self.total:,} bytes: {self.kept:,} for parameters "
            f"and optimizer state, {self.step:,} for a step{of}"
        )


def footprint(training: Training, rows: int | None = None) -> Footprint:
    """Estimate what a training takes with batches of some rows, or as large as it asks for."""
    if rows is None:
        data = training.plan.settings.get("data")
        size = data.origin.batches["size"] if isinstance(data, Rows) else 1
        assert isinstance(size, int)
        rows = size
    states = {s.value.name: s.value for graph in training.graphs for s in graph.states}
    kept = sum(_bytes(v, rows) for v in states.values())
    return Footprint(
        training.plan.name, rows, kept, max(_peak(graph, rows) for graph in training.graphs)
    )


def _peak(graph: Graph, rows: int) -> int:
    """Give the most bytes that a step has alive at once, those apart that are kept."""
    owner = owners(graph.nodes)
    last = last_uses(graph, owner)
    kept = {s.value for s in graph.states}
    alive = most = sum(_bytes(v, rows) for v in graph.inputs)
    for at, node in enumerate(graph.nodes):
        made = [v for v in node.outputs if v not in owner]
        alive += sum(_bytes(v, rows) for v in made)
        most = max(most, alive)
        seen = {owner.get(v, v) for v in (*node.inputs, *made)} - kept.union(graph.inputs)
        alive -= sum(_bytes(v, rows) for v in seen if last.get(v, at) == at)
    return most


def _bytes(value: Value, rows: int) -> int:
    size = substitute(value.type.size, {"N": rows})
    # Other free sizes are those of the rows, which differ from batch to batch.
    return size * value.type.dtype.bytes if isinstance(size, int) else 0
