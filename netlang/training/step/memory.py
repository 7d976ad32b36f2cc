"""How much memory a training needs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from netlang.analysis.arena import occupied
from netlang.ir.dims import Size, substitute
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
    data = training.plan.data
    batch = size or (1 if data is None else data.batching.size)
    states = {s.value.name: s.value for graph in training.graphs for s in graph.states}
    count = partial(_count, batch=batch)
    kept = sum(count(v.type.size) * v.type.dtype.bytes for v in states.values())
    # With new states, and without the old ones.
    step = max(occupied(graph, count) for graph in training.graphs)
    return Footprint(training.plan.name, batch, kept, step)


def _count(size: Size, batch: int) -> int:
    count = substitute(size, {"N": batch})
    # Other free sizes are those of the examples, which differ from batch to batch.
    return count if isinstance(count, int) else 0
