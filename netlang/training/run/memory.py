"""How much memory a training needs."""

from __future__ import annotations

from dataclasses import dataclass

from netlang.analysis.memory import last_uses, owners
from netlang.ir.dims import substitute
from netlang.ir.graph import Graph, Value
from netlang.training.step.graphs import Training


@dataclass(frozen=True, slots=True)
class Footprint:
    """Bytes of a training: what lives from step to step, and the peak of a step.

    ``kept`` is for parameters and the states of optimizers and nets; ``batch`` is the batch size.
    """

    name: str
    batch: int
    kept: int
    step: int

    @property
    def total(self) -> int:
        return self.kept + self.step

    def __str__(self) -> str:
        of = f" of {self.batch:,} examples" if self.batch > 1 else ""
        return (
            f"`{self.name}` takes about {self.total:,} bytes: {self.kept:,} for parameters "
            f"and optimizer state, {self.step:,} for a step{of}"
        )


def footprint(training: Training, size: int | None = None) -> Footprint:
    """Estimate the memory of a training, with batches of ``size`` or as the section says."""
    if size is None:
        data = training.plan.data
        size = 1 if data is None else data.batching.size
    states = {s.value.name: s.value for graph in training.graphs for s in graph.states}
    kept = sum(_bytes(v, size) for v in states.values())
    peak = max(_peak(graph, size) for graph in training.graphs)
    return Footprint(training.plan.name, size, kept, peak)


def _peak(graph: Graph, batch: int) -> int:
    """Return the most bytes alive at once during a step, excluding those of states."""
    owner = owners(graph.nodes)
    last = last_uses(graph, owner)
    kept = {s.value for s in graph.states}
    alive = most = sum(_bytes(v, batch) for v in graph.inputs)
    for at, node in enumerate(graph.nodes):
        made = [v for v in node.outputs if v not in owner]
        alive += sum(_bytes(v, batch) for v in made)
        most = max(most, alive)
        seen = {owner.get(v, v) for v in (*node.inputs, *made)} - kept.union(graph.inputs)
        alive -= sum(_bytes(v, batch) for v in seen if last.get(v, at) == at)
    return most


def _bytes(value: Value, batch: int) -> int:
    size = substitute(value.type.size, {"N": batch})
    # Other free sizes are those of the examples, which differ from batch to batch.
    return size * value.type.dtype.bytes if isinstance(size, int) else 0
