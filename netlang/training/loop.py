"""A run: batches in, updates, measures, checkpoints; until its time is over."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from netlang.data.batches import Batches, BatchStream
from netlang.elaborate.values import Duration, Layer, Setting
from netlang.faults import Fault
from netlang.ir.graph import Value
from netlang.numeric import Array
from netlang.training import checkpoints
from netlang.training.checkpoints import Progress
from netlang.training.engine import Engine
from netlang.training.schedules import Clock, rate
from netlang.training.selection import root
from netlang.training.step import StepGraph, Training
from netlang.weights import save_weights

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


class Watcher(Protocol):
    """Who is told how a run goes."""

    def began(self, first: int, total: int, clock: Clock) -> None: ...
    def stepped(self, step: int, loss: float, measured: Mapping[str, float]) -> None: ...
    def finished_epoch(self, report: Report) -> None: ...
    def saved(self, path: Path) -> None: ...


@dataclass(slots=True)
class Run:
    """One training on its way.

    ``interrupted`` is asked after each step; where it says yes, the run saves itself and ends.
    """

    training: Training
    engine: Engine
    data: Batches
    valid: Batches | None
    folder: Path
    settings: Mapping[str, str]
    watcher: Watcher
    interrupted: Callable[[], bool] = lambda: False
    reports: list[Report] = field(default_factory=list[Report])
    _best: dict[str, float] = field(default_factory=dict[str, float])
    _waited: int = 0
    _totals: _Totals = field(default_factory=lambda: _Totals())
    _counts: dict[str, int] = field(default_factory=dict[str, int])

    @property
    def clock(self) -> Clock:
        steps = len(self.data)
        duration = self.training.plan.settings["run"]
        assert isinstance(duration, Duration)
        total = duration.amount * (steps if duration.unit == "epochs" else 1)
        return Clock(steps, math.ceil(total))

    def go(self, progress: Progress | None = None) -> bool:
        """Run to the end, or until interrupted; tell whether the end was reached."""
        clock = self.clock
        step = self._continue(progress)
        self.watcher.began(step, clock.total, clock)
        began = time.monotonic() - (progress.seconds if progress else 0.0)
        while step < clock.total:
            epoch, cursor = divmod(step, clock.steps_per_epoch)
            with self.data.epoch(epoch, cursor) as stream:
                step = self._epoch(stream, step, clock, began)
            if self.interrupted():
                self._checkpoint(step, began)
                return step >= clock.total
            if step % clock.steps_per_epoch == 0 or step >= clock.total:
                self._finish_epoch(step, clock, began)
                if self._should_stop(clock):
                    break
        self._save_named(step, clock, last=True)
        return True

    def _continue(self, progress: Progress | None) -> int:
        if progress is None:
            return 0
        self._best, self._waited = dict(progress.best), progress.waited
        self._totals = _Totals(dict(progress.sums), progress.rows)
        return progress.step

    def _epoch(self, stream: BatchStream, step: int, clock: Clock, began: float) -> int:
        """Do the steps that are left of an epoch."""
        for batch in stream:
            measured = self._step(batch, step, clock)
            self._totals.add(measured, _rows(batch))
            step += 1
            self.watcher.stepped(step, measured["loss"], measured)
            self._save_named(step, clock)
            if step >= clock.total or self.interrupted():
                break
        del began
        return step

    def _step(self, batch: Mapping[str, Array], step: int, clock: Clock) -> dict[str, float]:
        """Do every update of a step in turn; give what the first measured."""
        measured: dict[str, float] = {}
        for chosen in self.training.steps:
            rates = {name: rate(schedule, step, clock) for name, schedule in chosen.rates.items()}
            for turn in range(chosen.repeat):
                before = self.engine.mark()
                count = step * chosen.repeat + turn + 1
                found = self.engine.step(chosen, batch, count, rates)
                if not math.isfinite(found["loss"]) or not math.isfinite(found["gradient"]):
                    self._not_finite(chosen, batch, count, rates, before, step, found)
            prefix = f"{chosen.name}." if len(self.training.steps) > 1 else ""
            measured |= {prefix + name: value for name, value in found.items()}
            measured.setdefault("loss", found["loss"])
        return measured

    def _not_finite(
        self,
        chosen: StepGraph,
        batch: Mapping[str, Array],
        count: int,
        rates: Mapping[str, float],
        before: object,
        step: int,
        found: Mapping[str, float],
    ) -> None:
        from netlang.training.nonfinite import first_bad

        self.engine.go_back(before)
        what = "loss" if not math.isfinite(found["loss"]) else "gradient"
        place = first_bad(chosen.graph, self.engine.state(), batch, count, rates)
        raise Fault(
            "not-finite",
            f"the {what} is {found[what]} at step {step + 1}",
            notes=[place] if place else [],
            helps=["lower the learning rate, or limit gradients: `clip = clip_norm(1.0)`"],
            exit_code=NON_FINITE,
        )

    # ---- epochs --------------------------------------------------------------------------

    def _finish_epoch(self, step: int, clock: Clock, began: float) -> None:
        epoch = math.ceil(step / clock.steps_per_epoch)
        first = self.training.steps[0]
        schedule = next(iter(first.rates.values()), 0.0)
        report = Report(
            epoch,
            step,
            self._totals.means(),
            self.measure(step),
            rate(schedule, step - 1, clock),
            time.monotonic() - began,
        )
        self._totals = _Totals()
        self.reports.append(report)
        self._save_best(report)
        self._checkpoint(step, began)
        self.watcher.finished_epoch(report)

    def measure(self, step: int) -> dict[str, float]:
        """Measure the validation rows; nothing where there are none."""
        if self.valid is None:
            return {}
        totals = _Totals()
        with self.valid.epoch(0) as stream:
            for batch in stream:
                totals.add(self.engine.measure(batch, step), _rows(batch))
        return totals.means()

    def _should_stop(self, clock: Clock) -> bool:
        stop = self.training.plan.settings.get("stop")
        if not isinstance(stop, Setting):
            return False
        watch, patience = stop.arguments["watch"], stop.arguments["patience"]
        change = stop.arguments["min_change"]
        assert isinstance(watch, Value) and isinstance(patience, Duration)
        assert isinstance(change, int | float)
        name = self.name_of(watch)
        value = self._latest(name)
        if self._improved(f"stop {name}", name, value, float(change)):
            self._waited = 0
            return False
        self._waited += clock.steps_per_epoch
        return self._waited >= clock.steps(patience)

    def _latest(self, name: str) -> float:
        report = self.reports[-1]
        return report.valid.get(name, report.train.get(name, math.nan))

    def _improved(self, key: str, name: str, value: float, change: float = 0.0) -> bool:
        sign = 1.0 if larger_is_better(name) else -1.0
        before = self._best.get(key)
        if before is not None and not sign * value > sign * before + change:
            return False
        self._best[key] = value
        return True

    def name_of(self, value: Value) -> str:
        """Give the name under which a watched value is measured."""
        measured = self.training.measured
        return next(name for name, v in measured.items() if v is value)

    # ---- files ---------------------------------------------------------------------------

    def _checkpoint(self, step: int, began: float) -> None:
        progress = Progress(
            step,
            self.settings,
            self._best,
            self._waited,
            self._totals.sums,
            self._totals.rows,
            time.monotonic() - began,
        )
        self.watcher.saved(checkpoints.save(self.folder, self.engine.state(), progress))

    def _save_best(self, report: Report) -> None:
        for i, saved in enumerate(self._saves("save_best")):
            by = saved.arguments["by"]
            assert isinstance(by, Value)
            name = self.name_of(by)
            if self._improved(f"best {i} {name}", name, self._latest(name)):
                self._save(saved, report.epoch, report.step)

    def _save_named(self, step: int, clock: Clock, *, last: bool = False) -> None:
        """Save what is to be saved every so often."""
        for saved in self._saves("save_every"):
            every = saved.arguments["every"]
            assert isinstance(every, Duration)
            if not last and step % max(1, round(clock.steps(every))) == 0:
                self._save(saved, math.ceil(step / clock.steps_per_epoch), step)

    def _saves(self, name: str) -> list[Setting]:
        given = self.training.plan.settings.get("checkpoint", [])
        assert isinstance(given, list)
        return [s for s in given if isinstance(s, Setting) and s.name == name]

    def _save(self, saved: Setting, epoch: int, step: int) -> None:
        what, name = saved.arguments["what"], saved.arguments["path"]
        assert isinstance(name, str)
        name = name.replace("{epoch}", str(epoch)).replace("{step}", str(step))
        path = self.folder / Path(name).name
        save_weights(path, self.weights_of(what), {"net": self.training.plan.name})
        self.watcher.saved(path)

    def weights_of(self, what: object) -> dict[str, Array]:
        """Give the weights of a layer or a part, named as a net names its own."""
        weights = self.training.weights
        assert what is not None
        layer = what if isinstance(what, Layer) else getattr(what, "layer", None)
        assert isinstance(layer, Layer)
        state = self.engine.state()
        chosen = weights.chosen(what)  # pyright: ignore[reportArgumentType]
        prefix = f"{root(layer)}."
        return {p.removeprefix(prefix): state[weights.by_path[p].name] for p in chosen}


@dataclass(slots=True)
class _Totals:
    """Sums over rows."""

    sums: dict[str, float] = field(default_factory=dict[str, float])
    rows: int = 0

    def add(self, measured: Mapping[str, float], rows: int) -> None:
        self.rows += rows
        for name, value in measured.items():
            if not name.endswith("gradient"):
                self.sums[name] = self.sums.get(name, 0.0) + value * rows

    def means(self) -> dict[str, float]:
        return {name: total / self.rows for name, total in self.sums.items()} if self.rows else {}


_SMALL = ("loss", "perplexity", "error", "entropy", "mse", "mae", "rmse", "huber", "hinge", "div")


def larger_is_better(name: str) -> bool:
    """Tell by its name whether a figure should grow: all do that are no loss or error."""
    return not any(word in name.lower() for word in _SMALL)


def _rows(batch: Mapping[str, Array]) -> int:
    return len(next(iter(batch.values())))
