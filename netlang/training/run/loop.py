"""A run: batches in, updates, measures, checkpoints; until its time is over."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Protocol

from netlang.data.batches import Batches, BatchStream
from netlang.data.source import Batch
from netlang.diagnostics import rules
from netlang.diagnostics.errors import NetlangError
from netlang.evaluate.context.values import Duration, Setting
from netlang.ir.graph import Graph, Value
from netlang.training.run import checkpoints
from netlang.training.run.checkpoints import Progress
from netlang.training.run.engine import Engine, Numbers
from netlang.training.run.saving import save_part, save_whole, save_words
from netlang.training.step.schedules import Clock, rate
from netlang.training.step.step import DRAW, GRADIENT, SHARE, STEP, StepGraph, Training

NON_FINITE = 4
"""The exit code of a training whose numbers left the finite ones."""


@dataclass(frozen=True, slots=True)
class Report:
    """What an epoch came to: means over its rows, weighted by the rows of each batch."""

    epoch: int
    step: int
    train: Mapping[str, float]
    valid: Mapping[str, float]
    rate: float
    seconds: float


class Callback(Protocol):
    """Who is told how a run goes."""

    def began(self, step: int, clock: Clock) -> None: ...
    def stepped(self, step: int, measured: Mapping[str, float]) -> None: ...
    def finished_epoch(self, report: Report) -> None: ...
    def saved(self, path: Path) -> None: ...


@dataclass(slots=True)
class Run:
    """One training on its way.

    ``interrupted`` is asked after each step; where it says yes, the run saves itself and ends.
    ``pause`` is the least time in seconds between two checkpoints.
    """

    training: Training
    engine: Engine
    data: Batches
    valid: Batches | None
    folder: Path
    settings: Mapping[str, str]
    watcher: Callback
    interrupted: Callable[[], bool] = lambda: False
    pause: float = 60.0
    _best: dict[str, float] = field(default_factory=dict[str, float])
    _epochs: int = 0
    _waited: int = 0
    _stopped: bool = False
    _totals: Totals = field(default_factory=lambda: Totals())
    _began: float = 0.0
    _saved: float = 0.0

    @property
    def clock(self) -> Clock:
        return clock_of(self.training, len(self.data))

    def go(self, progress: Progress | None = None) -> bool:
        """Run to the end, or until interrupted; tell whether the end was reached."""
        clock = self.clock
        step = self._continue(progress)
        self.watcher.began(step, clock)
        while not self._over(step, clock) and not self.interrupted():
            if self._due(step, clock):
                self._finish_epoch(step, clock)
            else:
                step = self._epoch(step, clock)
        self._checkpoint(step)
        for path in save_whole(self.training, self.engine, self.folder):
            self._kept(path)
        return self._over(step, clock)

    def _continue(self, progress: Progress | None) -> int:
        self._began = self._saved = time.monotonic()
        if progress is None:
            return 0
        self._began -= progress.seconds
        self._best, self._epochs = dict(progress.best), progress.epochs
        self._waited, self._stopped = progress.waited, progress.stopped
        self._totals = Totals(dict(progress.sums), progress.rows)
        return progress.step

    def _over(self, step: int, clock: Clock) -> bool:
        return self._stopped or (step >= clock.total and not self._due(step, clock))

    def _due(self, step: int, clock: Clock) -> bool:
        """Tell whether an epoch has ended that is not reported yet."""
        ended = step % clock.steps_per_epoch == 0 or step >= clock.total
        return ended and self._epochs < math.ceil(step / clock.steps_per_epoch)

    # Steps.

    def _epoch(self, step: int, clock: Clock) -> int:
        """Do the steps that are left of an epoch, or until interrupted; give the next step."""
        epoch, done = divmod(step, clock.steps_per_epoch)
        if done == 0:
            self.engine.forget()
        with self.data.epoch(epoch, done * self.training.accumulate) as stream:
            while (batches := self._next(stream)) and step < clock.total:
                measured = self._step(batches, step, clock)
                if measured is None:
                    break
                self._totals.add(measured, sum(map(_rows, batches)))
                step += 1
                self.watcher.stepped(step, measured)
                self._save_every(step, clock)
                if self.interrupted():
                    break
                if time.monotonic() - self._saved > self.pause:
                    self._checkpoint(step)
        return step

    def _next(self, stream: BatchStream) -> list[Batch]:
        """Take the batches of one step; at the end of an epoch there may be fewer, or none."""
        return list(islice(stream, self.training.accumulate))

    def _step(self, batches: Sequence[Batch], step: int, clock: Clock) -> dict[str, float] | None:
        """Do every update of a step in turn; give what they measured.

        Gives ``None``, and changes nothing, where it was interrupted between two batches.
        """
        before = self.engine.mark()
        measured: dict[str, float] = {}
        for chosen in self.training.steps:
            rates = {name: rate(schedule, step, clock) for name, schedule in chosen.rates.items()}
            found = Totals()
            for turn in range(chosen.repeat):
                found = Totals()
                for i, batch in enumerate(batches):
                    if i and self.interrupted():
                        self.engine.go_back(before)
                        return None
                    last = i == len(batches) - 1
                    graph = chosen.graph if last else chosen.gathering or chosen.graph
                    numbers = {
                        STEP: step * chosen.repeat + turn + 1,
                        DRAW: step * self.training.accumulate + i + 1,
                        SHARE: _rows(batch) / sum(map(_rows, batches)),
                        **rates,
                    }
                    found.add(self._update(graph, batch, numbers, step), _rows(batch))
            measured |= {_shown(self.training, chosen, n): v for n, v in found.means().items()}
        return measured

    def _update(self, graph: Graph, batch: Batch, numbers: Numbers, step: int) -> dict[str, float]:
        before = self.engine.mark()
        found = self.engine.step(graph, batch, numbers)
        if math.isfinite(found["loss"]) and math.isfinite(found[GRADIENT]):
            return found
        from netlang.training.run.nonfinite import first_bad

        self.engine.go_back(before)
        what = "loss" if not math.isfinite(found["loss"]) else "gradient"
        place = first_bad(graph, self.engine.state(), batch, numbers)
        raise NetlangError(
            rules.NOT_FINITE,
            f"the {what} is {found[what]} at step {step + 1:,}",
            notes=[place] if place else [],
            helps=["lower the learning rate, or limit gradients: `clip = clip_norm(1.0)`"],
            exit_code=NON_FINITE,
        )

    # Epochs.

    def _finish_epoch(self, step: int, clock: Clock) -> None:
        valid = self.measure()
        if valid is None:
            return
        self._epochs += 1
        schedule = next(iter(self.training.steps[0].rates.values()), 0.0)
        report = Report(
            self._epochs,
            step,
            self._totals.means(),
            valid,
            rate(schedule, step - 1, clock),
            time.monotonic() - self._began,
        )
        self._totals = Totals()
        self._save_best(report)
        self._stopped = self._should_stop(report, clock)
        self.watcher.finished_epoch(report)
        if time.monotonic() - self._saved > min(self.pause, 1.0):
            self._checkpoint(step)

    def measure(self) -> dict[str, float] | None:
        """Measure the validation rows; nothing where there are none, ``None`` if interrupted."""
        totals = Totals()
        if self.valid is None:
            return {}
        with self.valid.epoch(0) as stream:
            for i, batch in enumerate(stream):
                if self.interrupted():
                    return None
                found = self.engine.measure(batch, {DRAW: i + 1}, anew=i == 0)
                totals.add(found, _rows(batch))
        return totals.means()

    def _should_stop(self, report: Report, clock: Clock) -> bool:
        stop = self.training.plan.settings.get("stop")
        if not isinstance(stop, Setting):
            return False
        patience, change = stop.arguments["patience"], stop.arguments["min_change"]
        assert isinstance(patience, Duration) and isinstance(change, int | float)
        if self._improved("stop", stop, "watch", report, float(change)):
            self._waited = 0
            return False
        self._waited += clock.steps_per_epoch
        return self._waited >= clock.steps(patience)

    def _improved(
        self, key: str, chosen: Setting, of: str, report: Report, change: float = 0.0
    ) -> bool:
        """Tell whether a watched figure is the best so far, and remember it."""
        watch = chosen.arguments[of]
        assert isinstance(watch, Value)
        name = next(n for n, v in self.training.measured.items() if v is watch)
        value = report.valid.get(name, report.train.get(name, math.nan))
        sign = 1.0 if larger_is_better(name, str(chosen.arguments["mode"])) else -1.0
        before = self._best.get(key)
        if before is not None and not sign * value > sign * before + change:
            return False
        self._best[key] = value
        return True

    # Files.

    def _checkpoint(self, step: int) -> None:
        progress = Progress(
            step,
            self.settings,
            self._epochs,
            self._best,
            self._waited,
            self._stopped,
            self._totals.sums,
            self._totals.rows,
            time.monotonic() - self._began,
        )
        self.watcher.saved(checkpoints.save(self.folder, self.engine.state(), progress))
        self._saved = time.monotonic()

    def _save_best(self, report: Report) -> None:
        for i, chosen in enumerate(self._savings("save_best")):
            if self._improved(f"best {i}", chosen, "by", report):
                self._save(chosen, report.epoch, report.step)

    def _save_every(self, step: int, clock: Clock) -> None:
        for chosen in self._savings("save_every"):
            every = chosen.arguments["every"]
            assert isinstance(every, Duration)
            if step % max(1, round(clock.steps(every))) == 0:
                self._save(chosen, math.ceil(step / clock.steps_per_epoch), step)

    def _savings(self, name: str) -> list[Setting]:
        given = self.training.plan.settings.get("checkpoint", [])
        assert isinstance(given, list)
        return [s for s in given if isinstance(s, Setting) and s.name == name]

    def _save(self, chosen: Setting, epoch: int, step: int) -> None:
        name = str(chosen.arguments["path"])
        name = name.replace("{epoch}", str(epoch)).replace("{step}", str(step))
        path = self.folder / name
        save_part(self.training, self.engine, chosen.arguments["what"], path)
        self._kept(path)

    def _kept(self, path: Path) -> None:
        """Keep the words of the data beside weights, and tell of both."""
        for written in (path, *save_words(self.data.source, path)):
            self.watcher.saved(written)


def clock_of(training: Training, batches: int) -> Clock:
    """Give the steps of an epoch of so many batches, and of the whole run."""
    steps = math.ceil(batches / training.accumulate)
    duration = training.plan.settings["run"]
    assert isinstance(duration, Duration)
    total = duration.amount * (steps if duration.unit == "epochs" else 1)
    return Clock(steps, math.ceil(total))


def _shown(training: Training, chosen: StepGraph, name: str) -> str:
    """Name a figure of a step: losses of several steps by their steps."""
    if name not in ("loss", GRADIENT) or len(training.steps) == 1:
        return name
    return f"{chosen.name}.{name}"


@dataclass(slots=True)
class Totals:
    """Sums over rows."""

    sums: dict[str, float] = field(default_factory=dict[str, float])
    rows: int = 0

    def add(self, measured: Mapping[str, float], rows: int) -> None:
        """Count the means over some rows; how long gradients are is no figure of rows."""
        self.rows += rows
        for name, value in measured.items():
            if not name.endswith(GRADIENT):
                self.sums[name] = self.sums.get(name, 0.0) + value * rows

    def means(self) -> dict[str, float]:
        """Give the means over all rows."""
        return {name: total / self.rows for name, total in self.sums.items()} if self.rows else {}


_SMALL = ("loss", "perplexity", "error", "entropy", "mse", "mae", "rmse", "huber", "hinge", "div")


def larger_is_better(name: str, mode: str = "auto") -> bool:
    """Tell whether a figure should grow; without a mode all do that are no loss or error."""
    if mode != "auto":
        return mode == "max"
    return not any(word in name.lower() for word in _SMALL)


def _rows(batch: Batch) -> int:
    return len(next(iter(batch.values())))
