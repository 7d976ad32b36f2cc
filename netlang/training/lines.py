"""What a run says in lines of text, wherever it is shown."""

from __future__ import annotations

from collections.abc import Mapping

from netlang.analysis.counts import grouped
from netlang.plan.schedules import Clock
from netlang.training.history.reports import Report
from netlang.training.run.preparation import Opened


def opened_line(opened: Opened) -> str:
    """Return what a run trains on how many examples."""
    plan = opened.training.plan
    weights = sum(p.type.size for p in plan.computation.params.values() if p.trained)
    steps = -(-len(opened.data) // plan.accumulate)
    counts = f"{grouped(weights)} parameters, {opened.data.examples:,} examples"
    return f"{plan.name}: {counts}, {steps:,} steps per epoch"


def epoch_line(report: Report, clock: Clock) -> str:
    """Return an epoch's metrics in one line."""
    parts = [f"epoch {report.epoch}/{epochs_of(clock)}", metrics(report.train)]
    if report.valid:
        parts.append(f"valid {metrics(report.valid)}")
    return "  ".join(parts)


def epochs_of(clock: Clock) -> int:
    """Return how many epochs a run has; the last may not be whole."""
    return -(-clock.total // clock.steps_per_epoch)


def metrics(measured: Mapping[str, float]) -> str:
    """Return metrics in one line."""
    return "  ".join(f"{name} {_number(value)}" for name, value in measured.items())


def _number(value: float) -> str:
    return f"{value:.3f}" if 0.001 <= abs(value) < 1000 or value == 0 else f"{value:.3g}"
