"""The metrics that decide when a run saves parameters and when it stops."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from netlang.ir.graph import Value
from netlang.plan.callbacks import Mode, SaveBest
from netlang.plan.plan import Plan
from netlang.plan.schedules import Clock


@dataclass(slots=True)
class Monitors:
    """The best finite value so far of each metric that decides something.

    ``waited`` is how many steps the metric of the stop has not improved; ``stopped`` is true once
    that was too long.
    """

    plan: Plan
    best: dict[str, float] = field(default_factory=dict[str, float])
    waited: int = 0
    stopped: bool = False

    def to_save(self, measured: Mapping[str, float]) -> list[SaveBest]:
        """Return the rules whose metric is better than ever in a report."""
        rules = enumerate(self.plan.save_best)
        return [
            rule
            for i, rule in rules
            if self._improved(f"best {i}", rule.by, rule.mode, measured, 0.0)
        ]

    def watch(self, measured: Mapping[str, float], clock: Clock) -> None:
        """Compare the metric of the stop with its best value, at the end of an epoch."""
        stop = self.plan.stop
        if stop is None:
            return
        if self._improved("stop", stop.watch, stop.mode, measured, stop.min_change):
            self.waited = 0
        else:
            self.waited += clock.steps_per_epoch
            self.stopped = self.waited >= clock.steps(stop.patience)

    def _improved(
        self, key: str, watched: Value, mode: Mode, measured: Mapping[str, float], change: float
    ) -> bool:
        """Return whether a metric is better than ever, and store it under ``key`` if it is."""
        name = next(n for n, v in self.plan.measured.items() if v is watched)
        value = measured[name]
        # Nothing would be better than an infinity, and nothing compares with NaN.
        if not math.isfinite(value):
            return False
        sign = 1.0 if mode == "max" else -1.0
        if key in self.best and not sign * value > sign * self.best[key] + change:
            return False
        self.best[key] = value
        return True
