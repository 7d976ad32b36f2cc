"""Losses and metrics over epochs as a plot."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from netlang.diagram.drawing import Drawing
from netlang.diagram.plots.chart import POINTS, Chart, Curve, Points, charts
from netlang.training.history.reports import Report, StepReport

_SPREAD = 1_000
"""Losses of several runs that differ by more than this factor are on a logarithmic axis."""


@dataclass(frozen=True, slots=True)
class History:
    """What a run has measured so far: after each epoch, and every few steps."""

    reports: Sequence[Report]
    steps: Sequence[StepReport] = ()

    def curves(self) -> dict[str, list[Curve]]:
        """Return the lines of each metric: on the training data, then on the validation data."""
        train = _metrics([(each.epoch, each.train) for each in self.steps])
        # A run of an earlier version has recorded no steps.
        means = _metrics([(each.epoch, each.train) for each in self.reports])
        valid = _metrics([(each.epoch, each.valid) for each in self.reports])
        found: dict[str, list[Curve]] = {}
        for name in dict.fromkeys((*train, *means, *valid)):
            every = train.get(name, [])
            lines = found[name] = []
            if len(every) > 1:
                lines.append(Curve(f"train {name}", smoothed(every), every, False))
            elif name in means:
                lines.append(Curve(f"train {name}", means[name], [], False))
            if name in valid:
                lines.append(Curve(f"valid {name}", valid[name], [], True))
        return found


def curves(title: str, history: History) -> Drawing:
    """Plot every metric of a run, losses above and the other metrics below."""
    metrics = history.curves()
    plots = [
        [line for name, lines in metrics.items() if _is_loss(name) for line in lines],
        [line for name, lines in metrics.items() if not _is_loss(name) for line in lines],
    ]
    return charts(title, [Chart(plot) for plot in plots if plot])


def comparison(title: str, histories: Mapping[str, History]) -> Drawing:
    """Plot each metric of several runs, one line a run: on the validation data, if there are any.

    Then a dashed line is that on the training data. Losses come first. The runs are named as
    ``histories`` names them.
    """
    found = {name: history.curves() for name, history in histories.items()}
    metrics = dict.fromkeys(metric for each in found.values() for metric in each)
    plots: list[Chart] = []
    for metric in sorted(metrics, key=lambda name: not _is_loss(name)):
        lines = {name: each[metric] for name, each in found.items() if each.get(metric)}
        several = next(iter(lines.values()))
        titles = [several[-1].name] + [f"{line.name}, dashed" for line in several[:-1]]
        own: list[Curve] = []
        for name, (*below, first) in lines.items():
            own.append(Curve(name, first.points, [], first.marked))
            own += [Curve("", line.points, [], line.marked, below=True) for line in below]
        plots.append(
            Chart([*(Curve(title, [], [], False) for title in titles), *own], log=_is_wide(own))
        )
    return charts(title, plots)


def smoothed(points: Points) -> Points:
    """Return the exponential moving averages of the values, each with the weights of what exists.

    >>> smoothed([(1.0, 4.0), (2.0, 4.0)])
    [(1.0, 4.0), (2.0, 4.0)]
    """
    keep = 1.0 - min(1.0, 2.0 * POINTS / (len(points) + POINTS))
    total = weight = 0.0
    found: Points = []
    for x, y in points:
        total, weight = keep * total + y, keep * weight + 1.0
        found.append((x, total / weight))
    return found


def _is_wide(lines: Sequence[Curve]) -> bool:
    """Return whether values differ too much for a linear axis: a run that diverges is one."""
    values = [y for line in lines if not line.below for _, y in line.points]
    return bool(values) and min(values) > 0 and max(values) > _SPREAD * min(values)


def _is_loss(name: str) -> bool:
    return name == "loss" or name.endswith(".loss")


def _metrics(measured: Sequence[tuple[float, Mapping[str, float]]]) -> dict[str, Points]:
    metrics: dict[str, Points] = {}
    for epoch, values in measured:
        for name, value in values.items():
            if math.isfinite(value):
                metrics.setdefault(name, []).append((epoch, value))
    return metrics
