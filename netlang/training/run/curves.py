"""Losses and metrics over epochs as a plot."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from netlang.diagram.drawing import Dot, Drawing, Label, Line, Shape
from netlang.training.run.loop import Report

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 640, 260, 64, 150, 30, 36
_COLORS = ("#1f6fb4", "#d1562b", "#3f8f4f", "#8a56a8", "#a87b1c", "#4a4a4a")

Points = list[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class _Metric:
    """One metric over time: on the validation data as a solid line, on the training data dashed."""

    name: str
    points: Points
    dashed: bool


def curves(title: str, reports: Sequence[Report]) -> Drawing:
    """Plot every metric of a run, losses above and the other metrics below."""
    lines = list(_lines(reports))
    plots = [
        [line for line in lines if _is_loss(line.name)],
        [line for line in lines if not _is_loss(line.name)],
    ]
    plots = [plot for plot in plots if plot]
    shapes: list[Shape] = [Label((_LEFT, 20), title, size=14)]
    for i, plot in enumerate(plots):
        shapes += _plot(plot, 10 + i * _HEIGHT)
    return Drawing(_WIDTH, _HEIGHT * max(1, len(plots)) + 20, tuple(shapes))


def _is_loss(name: str) -> bool:
    return name == "loss" or name.endswith(".loss")


def _lines(reports: Sequence[Report]) -> Iterator[_Metric]:
    yield from _metrics([(report.epoch, report.train) for report in reports], dashed=True)
    yield from _metrics([(report.epoch, report.valid) for report in reports], dashed=False)


def _metrics(
    epochs: Sequence[tuple[int, Mapping[str, float]]], *, dashed: bool
) -> Iterator[_Metric]:
    metrics: dict[str, Points] = {}
    for epoch, measured in epochs:
        for name, value in measured.items():
            if math.isfinite(value):
                metrics.setdefault(name, []).append((epoch, value))
    for name, points in metrics.items():
        yield _Metric(name, points, dashed)


def _plot(lines: Sequence[_Metric], top: float) -> Iterator[Shape]:
    xs = [x for line in lines for x, _ in line.points]
    ys = [y for line in lines for _, y in line.points]
    across, up = _ticks(min(xs), max(xs), whole=True), _ticks(min(ys), max(ys))
    right, bottom = _WIDTH - _RIGHT, top + _HEIGHT - _BOTTOM
    first, last = min(*xs, across[0]), max(*xs, across[-1])
    low, high = min(*ys, up[0]), max(*ys, up[-1])

    def at(x: float, y: float) -> tuple[float, float]:
        return (
            _LEFT + (right - _LEFT) * (x - first) / ((last - first) or 1),
            bottom - (bottom - top - _TOP) * (y - low) / ((high - low) or 1),
        )

    for tick in up:
        _, y = at(first, tick)
        yield Line(((_LEFT, y), (right, y)), "#dddddd")
        yield Label((_LEFT - 6, y + 4), f"{tick:.4g}", "end")
    for tick in across:
        x, _ = at(tick, low)
        yield Label((x, bottom + 16), f"{tick:g}", "middle")
    yield Line(((_LEFT, bottom), (right, bottom)), "#888888")
    yield Label((right + 8, bottom + 16), "epoch")
    names = list(dict.fromkeys(line.name for line in lines))
    for i, line in enumerate(lines):
        color = _COLORS[names.index(line.name) % len(_COLORS)]
        points = tuple(at(*p) for p in line.points)
        yield Line(points, color, 1.6, line.dashed)
        if len(points) == 1:
            yield Dot(points[0], 3, color)
        y = top + _TOP + 6 + 18 * i
        kind = "train" if line.dashed else "valid"
        yield Line(((right + 8, y - 4), (right + 26, y - 4)), color, 1.6, line.dashed)
        yield Label((right + 32, y), f"{kind} {line.name}")


def _ticks(low: float, high: float, *, whole: bool = False) -> list[float]:
    """Return about five round numbers from ``low`` to ``high``.

    >>> _ticks(0.0, 1.0)
    [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    """
    span = (high - low) or abs(high) or 1.0
    raw = span / 5
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(size * m for m in (1, 2, 5, 10) if size * m >= raw * 0.99)
    if whole:
        step = max(1.0, step)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(i * step, 12) for i in range(first, max(last, first) + 1)]
