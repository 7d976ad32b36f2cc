"""The training loop: batches, updates, evaluation, checkpoints, until the run is over."""

from __future__ import annotations

import math
import time
from collections import ChainMap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Protocol

from netlang.data.batches import Batches, BatchStream
from netlang.data.fitted import Fitted
from netlang.data.source import Batch
from netlang.diagnostics.errors import EvaluationError, NetlangError
from netlang.ir.dims import bind
from netlang.ir.graph import Graph
from netlang.plan.callbacks import Save
from netlang.plan.plan import Plan
from netlang.plan.schedules import Clock, follow
from netlang.system.numpy import Array, np
from netlang.system.ranks import ALONE, Ranks
from netlang.training.history.reports import WATCHED, Report, StepReport, WatchReport, interval
from netlang.training.monitors import Monitors
from netlang.training.parallel.carried import whole_carried
from netlang.training.parallel.exchange import Exchange, Flags, all_counts, merged
from netlang.training.run import checkpoints
from netlang.training.run.checkpoints import Progress, Sums
from netlang.training.run.engine import Arrays, Engine, Numbers, batch_size
from netlang.training.run.evaluation import evaluated, is_finite, metrics_of
from netlang.training.run.parameter_files import (
    check_finite,
    save_layers,
    save_selection,
    save_vocabularies,
)
from netlang.training.step.graphs import DRAW, GRADIENT_NORM, LOSS, STEP, StepGraph, Training
from netlang.training.step.measures import Measures
from netlang.training.step.watching import ACTIVATIONS, GRADIENTS, NO_WATCH, PARAMETERS, Watch
from netlang.training.totals import Totals


class Callback(Protocol):
    """What is called while a run progresses."""

    def began(self, step: int, clock: Clock) -> None: ...
    def stepped(self, report: StepReport) -> None: ...
    def finished_epoch(self, report: Report) -> None: ...
    def saved(self, path: Path) -> None: ...
    def watched(self, report: WatchReport) -> None: ...


@dataclass(slots=True)
class Run:
    """One training in progress.

    ``interrupted`` is called after each step; where it returns true, the run saves a checkpoint and
    ends. ``pause`` is the minimum time in seconds between two checkpoints. Of several ``ranks``,
    the first one writes the files; the ``data`` of each are its parts of the batches.
    """

    training: Training
    engine: Engine
    data: Batches
    valid: Batches | None
    fitted: Fitted
    folder: Path
    settings: Mapping[str, str]
    watcher: Callback
    interrupted: Callable[[], bool] = lambda: False
    pause: float = 60.0
    watch: Watch = NO_WATCH
    ranks: Ranks = ALONE
    _epochs: int = 0
    _monitors: Monitors = field(init=False)
    _totals: dict[str, Totals] = field(init=False)
    """The sums of the current epoch, by step."""
    _rates: dict[str, dict[str, Callable[[float], float]]] = field(
        default_factory=dict[str, dict[str, "Callable[[float], float]"]]
    )
    """What computes the learning rates, by step and input."""
    _began: float = 0.0
    _saved: float = 0.0
    _exchanges: dict[str, Exchange] = field(default_factory=dict[str, Exchange])
    """What adds up over several ranks, by step."""
    _known: Flags = field(default_factory=Flags)
    """What all of several ranks know after their last update."""

    kept: Callable[[], Arrays] = dict[str, Array]
    """Returns the parameters where the metric of the stop was best: the result of the run."""

    def __post_init__(self) -> None:
        self._monitors = Monitors(self.training.plan)
        self._begin_totals()
        if self.ranks.count > 1:
            steps = self.training.steps
            self._exchanges = {s.name: Exchange(self.ranks, self.training, s) for s in steps}

    def _begin_totals(self) -> None:
        self._totals = {each.name: self._sums(each.measures) for each in self.training.steps}

    def _sums(self, measures: Measures) -> Totals:
        return Totals(measures, self.training.plan.computation.batch)

    def remarks(self) -> list[str]:
        """Return why the run stopped, and what its results are."""
        return self._monitors.remarks(self._epochs, self.folder, self.clock)

    @property
    def clock(self) -> Clock:
        return clock_of(self.training.plan, len(self.data))

    @property
    def _accumulate(self) -> int:
        return self.training.plan.accumulate

    def go(self, progress: Progress | None = None) -> bool:
        """Run to the end, or until interrupted; return whether the end was reached."""
        clock = self.clock
        self._rates = {
            chosen.name: {name: follow(rate, clock) for name, rate in chosen.rates.items()}
            for chosen in self.training.steps
        }
        step = self._resume(progress)
        self.watcher.began(step, clock)
        if step == 0 and self.watch.parameters:
            self._watch_start()
        try:
            while not self._over(step, clock) and not self._is_interrupted():
                if self._due(step, clock):
                    self._finish_epoch(step, clock)
                else:
                    step = self._epoch(step, clock)
        except EvaluationError:
            # The steps were good: with other data for `valid`, the run can be resumed.
            self._finish(step)
            raise
        self._finish(step)
        return self._over(step, clock)

    def _finish(self, step: int) -> None:
        """Save what the run has come to."""
        state = self._checkpoint(step)
        if self.ranks.rank:
            return
        for path in save_layers(self.training, {**state, **self.kept()}, self.fitted, self.folder):
            self._saved_parameters(path)

    def _resume(self, progress: Progress | None) -> int:
        self._began = self._saved = time.monotonic()
        if progress is None:
            return 0
        self._began -= progress.seconds
        self._epochs = progress.epochs
        self._monitors = Monitors(
            self.training.plan,
            dict(progress.best),
            progress.waited,
            progress.stopped,
            progress.best_epoch,
            progress.flat,
            list(progress.reduced),
        )
        for name, totals in self._totals.items():
            if found := progress.totals.get(name):
                totals.restore(found.sums, found.counts, found.examples, found.stored)
        return progress.step

    def _over(self, step: int, clock: Clock) -> bool:
        return self._monitors.stopped or (step >= clock.total and not self._due(step, clock))

    def _due(self, step: int, clock: Clock) -> bool:
        """Return whether an epoch has ended that is not reported yet."""
        ended = step % clock.steps_per_epoch == 0 or step >= clock.total
        return ended and self._epochs < math.ceil(step / clock.steps_per_epoch)

    # Steps.

    def _epoch(self, step: int, clock: Clock) -> int:
        """Run the remaining steps of an epoch, or until interrupted; return the next step."""
        epoch, done = divmod(step, clock.steps_per_epoch)
        if done == 0:
            self.engine.reset()
        with self.data.epoch(epoch, done * self._accumulate) as stream:
            while (batches := self._next(stream)) and step < clock.total:
                report = self._step(batches, step, clock)
                if report is None:
                    break
                step = report.step
                self.watcher.stepped(report)
                self._save_every(step, clock)
                if self._is_interrupted():
                    break
                if self._since_saved() > self.pause:
                    self._checkpoint(step)
        return step

    def _is_interrupted(self) -> bool:
        """Return whether the run was interrupted, and all ranks know it."""
        return self.interrupted() if self.ranks.count == 1 else self._known.interrupted

    def _since_saved(self) -> float:
        """Return the seconds since the last checkpoint, of which all ranks know the same."""
        alone = self.ranks.count == 1
        return time.monotonic() - self._saved if alone else self._known.seconds

    def _next(self, stream: BatchStream) -> list[Batch]:
        """Return the batches of one step; at the end of an epoch there may be fewer, or none."""
        return list(islice(stream, self._accumulate))

    def _step(self, batches: Sequence[Batch], step: int, clock: Clock) -> StepReport | None:
        """Run every update of a step in turn; add up and return their metrics.

        Returns ``None``, and changes nothing, where it was interrupted between two batches.
        """
        restore = self.engine.savepoint()
        measured: dict[str, float] = {}
        norms: dict[str, float] = {}
        watched: dict[str, dict[str, Sequence[float]]] = {}
        rates: list[float] = []
        totals: dict[str, Totals] = {}
        for chosen in self.training.steps:
            scale = self._monitors.scale
            numbers = {name: at(step) * scale for name, at in self._rates[chosen.name].items()}
            rates += numbers.values()
            for iteration in range(chosen.update.repeat):
                numbers[STEP] = step * chosen.update.repeat + iteration + 1
                found = self._iteration(chosen, batches, step, numbers, watched)
                if found is None:
                    restore()
                    return None
                totals[chosen.name], values = found
                norms[chosen.name] = values.pop(GRADIENT_NORM)
                measured |= {_shown(self.training, chosen, n): v for n, v in values.items()}
        for name, each in totals.items():
            self._totals[name].merge(each)
        if watched:
            self._report_watched(step + 1, clock, watched)
        return StepReport(
            step + 1,
            (step + 1) / clock.steps_per_epoch,
            measured,
            rates[0] if rates else 0.0,
            norms if len(norms) > 1 else next(iter(norms.values())),
        )

    def _iteration(
        self, chosen: StepGraph, batches: Sequence[Batch], step: int, numbers: Numbers,
        watched: dict[str, dict[str, Sequence[float]]],
    ) -> tuple[Totals, dict[str, float]] | None:  # fmt: skip
        """Run an update once; return its sums and its metrics, ``None`` if interrupted.

        What is watched of the step is added to ``watched``.
        """
        totals = self._sums(chosen.measures)
        alone = self.ranks.count == 1
        parts = [] if alone else self._parts(step, len(batches))
        # Of a batch that is too small for all ranks, the last ones have no part.
        own = [batch for batch in batches if batch]
        given = [{**numbers, DRAW: self._draw(step, i)} for i, b in enumerate(batches) if b]
        if chosen.gathering is not None:
            whole = self._whole(chosen, own, given, parts)
            given = [{**each, **more} for each, more in zip(given, whole, strict=True)]
        found: Arrays = {}
        restore, failure = self.engine.savepoint(), None
        try:
            for i, batch in enumerate(own):
                if i and alone and self.interrupted():
                    return None
                last = alone and i == len(own) - 1
                graph = chosen.graph if last else chosen.gathering or chosen.graph
                one = alone and len(own) == 1
                found = self._update(chosen, graph, batch, given[i], step, alone=one)
                totals.add(found, batch)
        except NetlangError as error:
            if alone:
                raise
            failure = error
        if not alone:
            totals = self._combined(chosen, totals, failure, restore, sum(parts))
            # What is watched is copied only when it is read.
            found = ChainMap({}, self._from_sums(chosen, numbers, totals, step), found)
        if self._is_watched(step + 1):
            if not alone:
                found = self._last_activations(chosen, found)
            for kind, values in chosen.watched.read(found).items():
                watched[kind] = {**watched.get(kind, {}), **values}
        norm = {GRADIENT_NORM: float(found[GRADIENT_NORM])}
        if alone and len(batches) == 1:
            return totals, norm | {name: float(found[name]) for name in chosen.measures.metrics}
        values = totals.values()
        if not math.isfinite(values[LOSS]):
            from netlang.training.run.nonfinite import update_error

            raise update_error(values[LOSS], totals, step)
        return totals, norm | values

    def _draw(self, step: int, batch: int) -> int:
        """Return the number of this rank's part of a batch of a step, counted from 1."""
        return self.ranks.count * (step * self._accumulate + batch) + self.ranks.rank + 1

    def _parts(self, step: int, batches: int) -> list[int]:
        """Return how many examples each part of each batch of a step has."""
        first = step % self.clock.steps_per_epoch * self._accumulate
        return [part for i in range(batches) for part in self.data.parts(first + i)]

    def _combined(
        self, chosen: StepGraph, totals: Totals, failure: NetlangError | None,
        restore: Callable[[], None], examples: int,
    ) -> Totals:  # fmt: skip
        """Add up gradients and metrics over all ranks; raise the error of the first with one."""
        seconds = 0.0 if self.ranks.rank else time.monotonic() - self._saved
        own = Flags(self.interrupted(), failure is not None, seconds, min(1, totals.examples))
        exchange = self._exchanges[chosen.name]
        totals, self._known = exchange.combine(self.engine, totals, own, examples)
        if self._known.failed:
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

    def _last_activations(self, chosen: StepGraph, found: Arrays) -> Arrays:
        """Return what was found with the watched activations of the last part of the batch."""
        assert chosen.gathering is not None
        names = {*chosen.gathering.outputs} - {*chosen.measures.outputs, GRADIENT_NORM}
        own = {name: found[name] for name in names if name in found}
        parts = self.ranks.gather(lambda: own) if names else [own]
        return ChainMap(next((each for each in reversed(parts) if each), own), found)

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

        sums = self._sums(chosen.measures)
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

    # What is watched.

    def _is_watched(self, step: int) -> bool:
        """Return whether a step is recorded: the first one, and then one of every few."""
        every = self.watch.every or interval(self.clock.total, WATCHED)
        return bool(self.watch) and (step == 1 or step % every == 0)

    def _watch_start(self) -> None:
        """Report the parameters before the first step."""
        found = self.engine.snapshot(self.watch.parameters)()
        values = {path: np.ravel(array).tolist() for path, array in found.items()}
        self.watcher.watched(WatchReport(0, 0.0, {}, {}, values))

    def _report_watched(
        self, step: int, clock: Clock, found: Mapping[str, Mapping[str, Sequence[float]]]
    ) -> None:
        norms, activations = (
            {path: values[0] for path, values in found.get(kind, {}).items()}
            for kind in (GRADIENTS, ACTIVATIONS)
        )
        epoch, values = step / clock.steps_per_epoch, found.get(PARAMETERS, {})
        self.watcher.watched(WatchReport(step, epoch, norms, activations, values))

    # Epochs.

    def _finish_epoch(self, step: int, clock: Clock) -> None:
        valid = self.evaluate()
        if valid is None:
            return
        self._epochs += 1
        rates = next(iter(self._rates.values())).values()
        report = Report(
            self._epochs,
            step,
            self.ranks.share(self._epoch_values),
            valid,
            next((at(step - 1) for at in rates), 0.0) * self._monitors.scale,
            time.monotonic() - self._began,
        )
        self._begin_totals()
        measured = {**report.train, **report.valid}
        self._save(self._monitors.to_save(measured), report.epoch, step)
        if self._monitors.watch(measured, self._epochs, clock):
            self.kept = self._best(step)
        self.watcher.finished_epoch(report)
        if self._since_saved() > min(self.pause, 1.0):
            self._checkpoint(step)

    def _epoch_values(self) -> dict[str, float]:
        """Return the metrics of the steps of the current epoch."""
        return {
            _shown(self.training, chosen, name): value
            for chosen in self.training.steps
            for name, value in self._totals[chosen.name].values().items()
        }

    def evaluate(self) -> dict[str, float] | None:
        """Return the metrics on the validation data, if there is any; ``None`` if interrupted."""
        if self.valid is None:
            return {}
        totals = self._evaluated(self.valid)
        if totals.examples < self.valid.examples:
            self._known = replace(self._known, interrupted=True)
            return None
        return self.ranks.share(lambda: metrics_of(self.training, totals, "valid"))

    def _evaluated(self, valid: Batches) -> Totals:
        """Return the totals over the validation data, of which each rank evaluates some batches.

        Where nets carry state from batch to batch, the first rank evaluates all of them.
        """
        rank, count, batches = self.ranks.rank, self.ranks.count, len(valid)
        own = range(batches * rank // count, batches * (rank + 1) // count)
        if self.training.carried:
            own = range(0 if rank else batches)

        def add(totals: Totals) -> None:
            name = "valid"
            totals.merge(
                evaluated(self.training, self.engine, valid, name, self.interrupted, among=own)
            )

        return merged(self.ranks, self._sums(self.training.measures), add)

    # Files.

    def _checkpoint(self, step: int) -> Arrays:
        """Save a checkpoint; return the state in it."""
        progress = Progress(
            step,
            self.settings,
            self._epochs,
            self._monitors.best,
            self._monitors.waited,
            self._monitors.stopped,
            {name: _stored(totals) for name, totals in self._totals.items()},
            time.monotonic() - self._began,
            self._monitors.epoch,
            self.fitted,
            self.training.plan.name,
            self.clock.total,
            self._monitors.flat,
            self._monitors.reduced,
        )
        state = self._state(step)
        if self.ranks.rank == 0:
            self.watcher.saved(checkpoints.save(self.folder, state, progress, self.kept()))
        self._saved = time.monotonic()
        self._known = replace(self._known, seconds=0.0)
        return state

    def _save_every(self, step: int, clock: Clock) -> None:
        rules = self.training.plan.save_every
        due = [rule for rule in rules if step % max(1, round(clock.steps(rule.every))) == 0]
        self._save(due, math.ceil(step / clock.steps_per_epoch), step)

    def _save(self, rules: Sequence[Save], epoch: int, step: int) -> None:
        if not rules:
            return
        state = self._state(step)
        if self.ranks.rank:
            return
        for rule in rules:
            path = self.folder / rule.file_name(epoch, step)
            save_selection(self.training, state, self.fitted, rule.what, path)
            self._saved_parameters(path)

    def _state(self, step: int) -> Arrays:
        """Return the state; raise ``NetlangError`` where an update made a parameter infinite."""
        state = whole_carried(self.engine.state(), self.training, self.ranks)
        check_finite(self.training, state, step)
        return state

    def _best(self, step: int) -> Callable[[], Arrays]:
        """Return what copies the parameters as they are now, once it is called, and checks them."""
        snapshot = self.engine.snapshot([v.name for v in self.training.parameters.values()])

        def parameters() -> Arrays:
            found = snapshot()
            check_finite(self.training, found, step)
            return found

        return parameters

    def _saved_parameters(self, path: Path) -> None:
        """Save the vocabulary of the data next to parameters, and report both."""
        for written in (path, *save_vocabularies(self.data.source, path)):
            self.watcher.saved(written)


def _raise(error: NetlangError | None) -> None:
    if error is not None:
        raise error


def clock_of(plan: Plan, batches: int) -> Clock:
    """Return the steps of an epoch of some number of batches, and of the whole run."""
    steps = math.ceil(batches / plan.accumulate)
    total = plan.run.amount * (steps if plan.run.unit == "epochs" else 1)
    return Clock(steps, math.ceil(total))


def _shown(training: Training, chosen: StepGraph, name: str) -> str:
    """Return the name of a metric in reports: losses of several steps by their steps."""
    if name != LOSS or len(training.steps) == 1:
        return name
    return f"{chosen.name}.{name}"


def _stored(totals: Totals) -> Sums:
    sums = {name: np.ravel(value).tolist() for name, value in totals.sums.items()}
    stored = {name: totals.joined(name) for name in totals.stored}
    return Sums(sums, dict(totals.counts), totals.examples, stored)
