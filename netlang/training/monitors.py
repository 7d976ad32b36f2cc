"""The metrics that decide when a run saves parameters and when it stops."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from netlang.ir.graph import Value
from netlang.plan.callbacks import Mode, SaveBest
from netlang.plan.plan import Plan
from netlang.plan.schedules import Clock

_RESULT, _STOP, _PLATEAU = "result", "stop", "plateau"


@dataclass(slots=True)
class Monitors:
    """The best finite value so far of each metric that decides something.

    ``waited`` is how many steps the metric of the stop has not improved; ``stopped`` is true once
    that was too long. ``epoch`` is the one where it was best, 0 before the first. ``flat`` is how
    many steps the metric of the plateau has not improved, ``reduced`` are the epochs after which
    the learning rates were reduced.
    """

    plan: Plan
    best: dict[str, float] = field(default_factory=dict[str, float])
    waited: int = 0
    stopped: bool = False
    epoch: int = 0
    flat: int = 0
    reduced: list[int] = field(default_factory=list[int])

    @property
    def scale(self) -> float:
        """What the learning rates are multiplied by."""
        plateau = self.plan.plateau
        return 1.0 if plateau is None else plateau.factor ** len(self.reduced)

    def to_save(self, measured: Mapping[str, float]) -> list[SaveBest]:
        """Return the rules whose metric is better than ever in a report."""
        rules = enumerate(self.plan.save_best)
        return [
            rule
            for i, rule in rules
            if self._improved(f"best {i}", rule.by, rule.mode, measured, 0.0)
        ]

    def watch(self, measured: Mapping[str, float], epoch: int, clock: Clock) -> bool:
        """Compare the metric of the stop with its best value, at the end of an epoch.

        Returns whether it is better than ever, by however little.
        """
        self._watch_plateau(measured, epoch, clock)
        stop = self.plan.stop
        if stop is None:
            return False
        if self._improved(_STOP, stop.watch, stop.mode, measured, stop.min_change):
            self.waited = 0
        else:
            self.waited += clock.steps_per_epoch
            self.stopped = self.waited >= clock.steps(stop.patience)
        better = self._improved(_RESULT, stop.watch, stop.mode, measured, 0.0)
        if better:
            self.epoch = epoch
        return better

    def _watch_plateau(self, measured: Mapping[str, float], epoch: int, clock: Clock) -> None:
        plateau = self.plan.plateau
        if plateau is None:
            return
        if self._improved(_PLATEAU, plateau.watch, plateau.mode, measured, plateau.min_change):
            self.flat = 0
            return
        self.flat += clock.steps_per_epoch
        if self.flat >= clock.steps(plateau.patience):
            self.flat = 0
            self.reduced.append(epoch)

    def remarks(self, epochs: int, folder: Path, clock: Clock) -> list[str]:
        """Return why a run stopped after some epochs, and what its results are."""
        found: list[str] = []
        stop, plateau = self.plan.stop, self.plan.plateau
        if plateau is not None and self.reduced:
            after = ", ".join(map(str, self.reduced))
            found.append(
                f"the learning rate was multiplied by {plateau.factor:g} after epoch {after}: "
                f"{self._shown(plateau.watch)} had not improved for {plateau.patience}"
            )
        if stop is not None and self.stopped:
            long = "" if stop.min_change == 0.0 else f" by more than {stop.min_change:g}"
            total = math.ceil(clock.total / clock.steps_per_epoch)
            found.append(
                f"stopped after epoch {epochs} of {total}: {self._shown(stop.watch)} has not "
                f"improved{long} for {stop.patience}"
            )
        if stop is not None and epochs:
            which = (
                f"those of epoch {self.epoch}, with the best {self._shown(stop.watch)}: "
                f"{self.best[_RESULT]:.4g}"
                if self.epoch
                else f"the last ones: {self._shown(stop.watch)} was never finite"
            )
            found.append(f"the parameters in {folder} are {which}")
        for i, rule in enumerate(self.plan.save_best):
            if epochs and f"best {i}" not in self.best:
                found.append(f"{rule.path} was not saved: {self._shown(rule.by)} was never finite")
        return found

    def _shown(self, watched: Value) -> str:
        """Return what messages call a metric."""
        return f"`{self._name(watched)}` on `{'data' if self.plan.valid is None else 'valid'}`"

    def _name(self, watched: Value) -> str:
        """Return the name of a metric in reports."""
        return next(name for name, value in self.plan.measured.items() if value is watched)

    def _improved(
        self, key: str, watched: Value, mode: Mode, measured: Mapping[str, float], change: float
    ) -> bool:
        """Return whether a metric is better than ever, and store it under ``key`` if it is."""
        value = measured[self._name(watched)]
        # Nothing would be better than an infinity, and nothing compares with NaN.
        if not math.isfinite(value):
            return False
        sign = 1.0 if mode == "max" else -1.0
        if key in self.best and not sign * value > sign * self.best[key] + change:
            return False
        self.best[key] = value
        return True
