"""The training loop: batches, updates, evaluation, checkpoints, until the run is over."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Protocol

from netlang.data.batches import Batches, BatchStream
from netlang.data.fitted import Fitted
from netlang.data.source import Batch
from netlang.diagnostics.errors import EvaluationError
from netlang.plan.callbacks import Save
from netlang.plan.plan import Plan
from netlang.plan.schedules import Clock, follow
from netlang.system.numpy import Array, np
from netlang.system.ranks import ALONE, Ranks
from netlang.training.history.reports import WATCHED, Report, StepReport, WatchReport, interval
from netlang.training.monitors import Monitors
from netlang.training.parallel.carried import whole_carried
from netlang.training.parallel.exchange import merged
from netlang.training.run import checkpoints
from netlang.training.run.checkpoints import Progress, Sums
from netlang.training.run.engine import Arrays, Engine
from netlang.training.run.evaluation import evaluated, metrics_of
from netlang.training.run.parameter_files import (
    check_finite,
    save_layers,
    save_selection,
    save_vocabularies,
)
from netlang.training.run.updates import Updates
from netlang.training.step.graphs import LOSS, STEP, StepGraph, Training
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
    _updates: Updates = field(init=False)

    kept: Callable[[], Arrays] = dict[str, Array]
    """Returns the parameters where the metric of the stop was best: the result of the run."""

    def __post_init__(self) -> None:
        self._monitors = Monitors(self.training.plan)
        self._updates = Updates(
            self.training, self.engine, self.data, self.ranks, self.interrupted,
            lambda: time.monotonic() - self._saved,
        )  # fmt: skip
        self._begin_totals()

    def _begin_totals(self) -> None:
        steps = self.training.steps
        self._totals = {each.name: self._updates.sums(each.measures) for each in steps}

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
        return self.interrupted() if self.ranks.count == 1 else self._updates.known.interrupted

    def _since_saved(self) -> float:
        """Return the seconds since the last checkpoint, of which all ranks know the same."""
        alone = self.ranks.count == 1
        return time.monotonic() - self._saved if alone else self._updates.known.seconds

    def _next(self, stream: BatchStream) -> list[Batch]:
        """Return the batches of one step; at the end of an epoch there may be fewer, or none."""
        return list(islice(stream, self._accumulate))

    def _step(self, batches: Sequence[Batch], step: int, clock: Clock) -> StepReport | None:
        """Run every update of a step in turn; add up and return their metrics.

        Returns ``None``, and changes nothing, where it was interrupted between two batches.
        """
        restore, watch = self.engine.savepoint(), self._is_watched(step + 1)
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
                found = self._updates.run(chosen, batches, step, numbers, clock, watch=watch)
                if found is None:
                    restore()
                    return None
                totals[chosen.name], norms[chosen.name] = found.totals, found.norm
                metrics = found.metrics.items()
                measured |= {_shown(self.training, chosen, n): v for n, v in metrics}
                for kind, own in found.watched.items():
                    watched[kind] = {**watched.get(kind, {}), **own}
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
            self._updates.known = replace(self._updates.known, interrupted=True)
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

        return merged(self.ranks, self._updates.sums(self.training.measures), add)

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
        self._updates.known = replace(self._updates.known, seconds=0.0)
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
