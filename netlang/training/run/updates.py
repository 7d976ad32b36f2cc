"""The updates of a step: by one process, or by several ranks that each have a part of a batch."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from netlang.data.batches import Batches
from netlang.data.source import Batch
from netlang.diagnostics.errors import NetlangError
from netlang.ir.dims import bind
from netlang.ir.graph import Graph
from netlang.plan.schedules import Clock
from netlang.system.numpy import np
from netlang.system.ranks import Ranks
from netlang.training.parallel.exchange import Exchange, Flags, all_counts, merged
from netlang.training.run.engine import Arrays, Engine, Numbers, batch_size
from netlang.training.run.evaluation import is_finite
from netlang.training.step.graphs import DRAW, GRADIENT_NORM, LOSS, StepGraph, Training
from netlang.training.step.measures import Measures
from netlang.training.totals import Totals


class Updated(NamedTuple):
    """What an update measured: its sums, its metrics, and the norm of its gradient.

    ``watched`` has what is watched of it, by kind and name.
    """

    totals: Totals
    metrics: Mapping[str, float]
    norm: float
    watched: Mapping[str, Mapping[str, Sequence[float]]]


@dataclass(slots=True)
class Updates:
    """Runs the updates of a training.

    ``interrupted`` is called between two batches of an update; ``since_saved`` returns how many
    seconds ago this process saved a checkpoint.
    """

    training: Training
    engine: Engine
    data: Batches
    ranks: Ranks
    interrupted: Callable[[], bool]
    since_saved: Callable[[], float]
    known: Flags = field(default_factory=Flags)
    """What all of several ranks know after their last update."""
    _exchanges: dict[str, Exchange] = field(default_factory=dict[str, Exchange])
    """What adds up over several ranks, by step."""

    def __post_init__(self) -> None:
        if self.ranks.count > 1:
            steps = self.training.steps
            self._exchanges = {s.name: Exchange(self.ranks, self.training, s) for s in steps}

    def sums(self, measures: Measures) -> Totals:
        """Return sums over batches, without any yet."""
        return Totals(measures, self.training.plan.computation.batch)

    def run(
        self, chosen: StepGraph, batches: Sequence[Batch], step: int, numbers: Numbers,
        clock: Clock, *, watch: bool,
    ) -> Updated | None:  # fmt: skip
        """Run an update once, on the batches of a step; return ``None`` if it was interrupted.

        Of a batch that is too small for all ranks, the last ones have no part: it is empty. With
        ``watch``, what the graph watches is in the result.
        """
        alone = self.ranks.count == 1
        parts = [] if alone else self._parts(step, len(batches), clock)
        own = [batch for batch in batches if batch]
        given = [{**numbers, DRAW: self._draw(step, i)} for i, b in enumerate(batches) if b]
        if chosen.gathering is not None:
            whole = self._whole(chosen, own, given, parts)
            given = [{**each, **more} for each, more in zip(given, whole, strict=True)]
        restore = self.engine.savepoint()
        totals, found, failure = self._over(chosen, own, given, step)
        if found is None:
            return None
        if not alone:
            totals = self._combined(chosen, totals, failure, restore, sum(parts))
            updated = self._from_sums(chosen, numbers, totals, step)
            found = self._with_activations(chosen, updated, found) if watch else updated
        watched = chosen.watched.read(found) if watch else {}
        norm = float(found[GRADIENT_NORM])
        if alone and len(batches) == 1:
            metrics = {name: float(found[name]) for name in chosen.measures.metrics}
            return Updated(totals, metrics, norm, watched)
        values = totals.values()
        if not math.isfinite(values[LOSS]):
            from netlang.training.run.nonfinite import update_error

            raise update_error(values[LOSS], totals, step)
        return Updated(totals, values, norm, watched)

    def _over(
        self, chosen: StepGraph, batches: Sequence[Batch], given: Sequence[Numbers], step: int
    ) -> tuple[Totals, Arrays | None, NetlangError | None]:
        """Run an update over the batches of this process.

        Returns the sums, what the last graph measured, ``None`` if it was interrupted between two,
        and of several ranks the error of this one, which the others have to know before it is
        raised.
        """
        alone, totals = self.ranks.count == 1, self.sums(chosen.measures)
        found: Arrays = {}
        try:
            for i, batch in enumerate(batches):
                if i and alone and self.interrupted():
                    return totals, None, None
                last = alone and i == len(batches) - 1
                graph = chosen.graph if last else chosen.gathering or chosen.graph
                one = alone and len(batches) == 1
                found = self._update(chosen, graph, batch, given[i], step, alone=one)
                totals.add(found, batch)
        except NetlangError as error:
            if alone:
                raise
            return totals, found, error
        return totals, found, None

    def _update(
        self, chosen: StepGraph, graph: Graph, batch: Batch, numbers: Numbers, step: int,
        *, alone: bool,
    ) -> Arrays:  # fmt: skip
        restore = self.engine.savepoint()
        found = self.engine.step(graph, batch, numbers)
        # A batch of several may have no weight in a mean: then its own loss is 0 / 0.
        loss = [LOSS] if alone else chosen.measures.of(LOSS)
        if all(map(is_finite, (found[GRADIENT_NORM], *(found[name] for name in loss)))):
            return found
        from netlang.training.run.nonfinite import step_error

        restore()
        raise step_error(graph, self.engine.state(), batch, numbers, found, step)

    def _whole(
        self, chosen: StepGraph, batches: Sequence[Batch], given: Sequence[Numbers],
        parts: Sequence[int],
    ) -> Sequence[Numbers]:  # fmt: skip
        """Return, for each batch of an update, its shares, and the totals over all of them.

        ``parts`` are the examples of all parts, where several ranks have one.
        """

        def add(sums: Totals) -> None:
            restore = self.engine.savepoint()
            for batch, numbers in zip(batches, given, strict=True):
                graph = chosen.weighing
                sums.add({} if graph is None else self.engine.step(graph, batch, numbers), batch)
            restore()

        sums = self.sums(chosen.measures)
        if chosen.weighing is not None:
            merged(self.ranks, sums, add)
        else:
            sums.examples = sum(parts) or sum(map(batch_size, batches))
        totals = {name: sums.total(each) for name, each in chosen.totals.items()}
        sizes = [sums.sizes(batch) for batch in batches]
        counts = {
            name: [bind(count, each) for each in sizes] for name, count in chosen.shares.items()
        }
        all = {name: sum(each) for name, each in counts.items()}
        if parts:
            all = all_counts(self.ranks, chosen, all, parts)
        return [
            {**totals, **{name: each[i] / all[name] for name, each in counts.items()}}
            for i in range(len(batches))
        ]

    # What several ranks do together.

    def _draw(self, step: int, batch: int) -> int:
        """Return the number of this rank's part of a batch of a step, counted from 1."""
        number = step * self.training.plan.accumulate + batch
        return self.ranks.count * number + self.ranks.rank + 1

    def _parts(self, step: int, batches: int, clock: Clock) -> list[int]:
        """Return how many examples each part of each batch of a step has."""
        first = step % clock.steps_per_epoch * self.training.plan.accumulate
        return [part for i in range(batches) for part in self.data.parts(first + i)]

    def _combined(
        self, chosen: StepGraph, totals: Totals, failure: NetlangError | None,
        restore: Callable[[], None], examples: int,
    ) -> Totals:  # fmt: skip
        """Add up gradients and metrics over all ranks; raise the error of the first with one."""
        seconds = 0.0 if self.ranks.rank else self.since_saved()
        own = Flags(self.interrupted(), failure is not None, seconds, min(1, totals.examples))
        exchange = self._exchanges[chosen.name]
        totals, self.known = exchange.combine(self.engine, totals, own, examples)
        if self.known.failed:
            restore()
            self.ranks.gather(partial(_raise, failure))
        return totals

    def _from_sums(self, chosen: StepGraph, numbers: Numbers, totals: Totals, step: int) -> Arrays:
        """Update from the sums of all ranks; return what the update measures."""
        restore = self.engine.savepoint()
        found = self.engine.step(chosen.graph, {}, numbers)
        if not is_finite(found[GRADIENT_NORM]):
            from netlang.training.run.nonfinite import step_error

            restore()
            measured = {**found, LOSS: np.asarray(totals.values()[LOSS])}
            raise step_error(chosen.graph, self.engine.state(), {}, numbers, measured, step)
        return found

    def _with_activations(self, chosen: StepGraph, updated: Arrays, found: Arrays) -> Arrays:
        """Return what an update measured, with the activations of the last part of the batch."""
        assert chosen.gathering is not None
        names = {*chosen.gathering.outputs} - {*chosen.measures.outputs, GRADIENT_NORM}
        own = {name: found[name] for name in names if name in found}
        parts = self.ranks.gather(lambda: own) if names else [own]
        last = next((each for each in reversed(parts) if each), own)
        return {**last, **{name: updated[name] for name in chosen.graph.outputs}}


def _raise(error: NetlangError | None) -> None:
    if error is not None:
        raise error
