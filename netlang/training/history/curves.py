"""Losses and metrics over epochs as a plot."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from netlang.diagram.drawing import Dot, Drawing, Label, Line, Shape
from netlang.training.history.reports import Report, StepReport

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 640, 260, 64, 150, 30, 36
_COLORS = (
    "#1f6fb4", "#d1562b", "#3f8f4f", "#8a56a8", "#a87b1c", "#4a4a4a", "#2aa3a3", "#c2417c",
)  # fmt: skip
_POINTS = 10
"""About how many points of a smoothed line are independent of each other."""
_MARKERS = 40
"""With more points than this, a line has no markers."""

Points = list[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Curve:
    """A line of a plot; ``every`` are the points that it is smoothed from, drawn in a light color.

    ``marked`` points have a marker each.
    """

    name: str
    points: Points
    every: Points
    marked: bool


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
    return _plots(title, [plot for plot in plots if plot])


def comparison(title: str, histories: Mapping[str, History]) -> Drawing:
    """Plot each metric of several runs, one line a run: on the validation data, if there are any.

    Losses come first. The runs are named as ``histories`` names them.
    """
    found = {name: history.curves() for name, history in histories.items()}
    metrics = dict.fromkeys(metric for each in found.values() for metric in each)
    plots: list[list[Curve]] = []
    for metric in sorted(metrics, key=lambda name: not _is_loss(name)):
        lines = {name: each[metric][-1] for name, each in found.items() if each.get(metric)}
        shown = next(iter(lines.values())).name
        plots.append([Curve(shown, [], [], False)])
        plots[-1] += [Curve(n, each.points, [], each.marked) for n, each in lines.items()]
    return _plots(title, plots)


def smoothed(points: Points) -> Points:
    """Return the exponential moving averages of the values, each with the weights of what exists.

    >>> smoothed([(1.0, 4.0), (2.0, 4.0)])
    [(1.0, 4.0), (2.0, 4.0)]
    """
    keep = 1.0 - min(1.0, 2.0 * _POINTS / (len(points) + _POINTS))
    total = weight = 0.0
    found: Points = []
    for x, y in points:
        total, weight = keep * total + y, keep * weight + 1.0
        found.append((x, total / weight))
    return found


def _is_loss(name: str) -> bool:
    return name == "loss" or name.endswith(".loss")


def _metrics(measured: Sequence[tuple[float, Mapping[str, float]]]) -> dict[str, Points]:
    metrics: dict[str, Points] = {}
    for epoch, values in measured:
        for name, value in values.items():
            if math.isfinite(value):
                metrics.setdefault(name, []).append((epoch, value))
    return metrics


def _plots(title: str, plots: Sequence[Sequence[Curve]]) -> Drawing:
    rows = max((len(plot) for plot in plots), default=0)
    height = max(_HEIGHT, _TOP + 18 * rows + _BOTTOM)
    shapes: list[Shape] = [Label((_LEFT, 20), title, size=14)]
    for i, plot in enumerate(plots):
        shapes += _plot(plot, 10 + i * height, height)
    longest = max((len(line.name) for plot in plots for line in plot), default=0)
    width = max(_WIDTH, _WIDTH - _RIGHT + 40 + 7 * longest)
    return Drawing(width, height * max(1, len(plots)) + 20, tuple(shapes))


def _plot(lines: Sequence[Curve], top: float, height: float) -> Iterator[Shape]:
    drawn = [line for line in lines if line.points]
    xs = [x for line in drawn for x, _ in (*line.points, *line.every)]
    ys = [y for line in drawn for _, y in _scaled(line)]
    whole = all(float(x).is_integer() for x in xs)
    across, up = _ticks(min(xs), max(xs), whole=whole), _ticks(min(ys), max(ys))
    right, bottom = _WIDTH - _RIGHT, top + height - _BOTTOM
    first, last = min(*xs, across[0]), max(*xs, across[-1])
    low, high = min(*ys, up[0]), max(*ys, up[-1])

    def at(x: float, y: float) -> tuple[float, float]:
        y = min(max(y, low), high)
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
    for line in (line for line in drawn if line.every):
        yield Line(tuple(at(*p) for p in line.every), _light(_color(drawn, line)), 0.8)
    for line in drawn:
        yield from _curve(line, [at(*p) for p in line.points], _color(drawn, line))
    yield from _legend(lines, drawn, right + 8, top + _TOP + 6)


def _curve(line: Curve, points: Points, color: str) -> Iterator[Shape]:
    yield Line(tuple(points), color, 1.6)
    if len(points) == 1 or (line.marked and len(points) <= _MARKERS):
        yield from (Dot(point, 3, color) for point in points)


def _legend(
    lines: Sequence[Curve], drawn: Sequence[Curve], left: float, top: float
) -> Iterator[Shape]:
    for i, line in enumerate(lines):
        y = top + 18 * i
        if not line.points:
            yield Label((left, y), line.name)
            continue
        color = _color(drawn, line)
        yield Line(((left, y - 4), (left + 18, y - 4)), color, 1.6)
        if line.marked:
            yield Dot((left + 9, y - 4), 3, color)
        yield Label((left + 24, y), line.name)


def _color(drawn: Sequence[Curve], line: Curve) -> str:
    at = next(i for i, other in enumerate(drawn) if other is line)
    return _COLORS[at % len(_COLORS)]


def _light(color: str) -> str:
    """Return a color mixed with twice as much white."""
    parts = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return "#" + "".join(f"{round((part + 2 * 255) / 3):02x}" for part in parts)


def _scaled(line: Curve) -> Points:
    """Return the points that the axis makes room for: a few steps far from all others have none."""
    if len(line.every) < 6 * _POINTS:
        return [*line.points, *line.every]
    middle = sorted(y for _, y in line.every)
    low, high = middle[len(middle) // 50], middle[-1 - len(middle) // 50]
    return [*line.points, *((x, y) for x, y in line.every if low <= y <= high)]


def _ticks(low: float, high: float, *, whole: bool = False) -> list[float]:
    """Return about five round numbers from ``low`` to ``high``.

    >>> _ticks(0.0, 1.0)
    [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    """
    span = (high - low) or abs(high) or 1.0
    raw = span / 5
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(size * m for m in (1, 2, 5, 10) if size * m >= raw * 0.99)
    step = max(1.0, step) if whole else step
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(i * step, 12) for i in range(first, max(last, first) + 1)]
