"""The path of two elements of parameters over the contours of the loss, as a drawing."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

from netlang.diagram.drawing import Dot, Drawing, Label, Line, Point, Rectangle, Shape
from netlang.diagram.plots.chart import ticks
from netlang.diagram.plots.colors import light, ramp
from netlang.diagram.plots.contours import contour
from netlang.training.history.landscapes import Landscape

_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM = 300.0, 225.0, 52.0, 46.0, 40.0
_ACROSS = 3
"""The most panels next to each other."""
_LEVELS = 12
_PATH, _START, _END = "#c8371b", "#111111", "#c8371b"


def traces(title: str, runs: Mapping[str, Landscape]) -> Drawing:
    """Return a panel for each run, by its name."""
    columns = min(_ACROSS, max(1, len(runs)))
    rows = math.ceil(len(runs) / columns)
    width, height = _LEFT + _WIDTH + 24.0, _TOP + _HEIGHT + _BOTTOM
    shapes: list[Shape] = [Label((20.0, 22.0), title, size=14)]
    for at, (name, run) in enumerate(runs.items()):
        corner = (at % columns * width, 24.0 + at // columns * height)
        shapes += _panel(name, run, corner)
    return Drawing(round(columns * width), round(24.0 + rows * height), tuple(shapes), title)


def _panel(name: str, run: Landscape, corner: Point) -> Iterator[Shape]:
    left, top = corner[0] + _LEFT, corner[1] + _TOP

    def at(point: Point) -> Point:
        x = (point[0] - run.xs[0]) / (run.xs[-1] - run.xs[0])
        y = (point[1] - run.ys[0]) / (run.ys[-1] - run.ys[0])
        return left + _WIDTH * x, top + _HEIGHT * (1 - y)

    yield Label((left, top - 10.0), "", lead=name)
    yield Rectangle((left, top), _WIDTH, _HEIGHT, "#ffffff", "#888888")
    levels = _levels(run.losses)
    for number, level in enumerate(levels):
        color = light(ramp(number / max(1, len(levels) - 1)))
        for first, last in contour(run.xs, run.ys, run.losses, level):
            yield Line((at(first), at(last)), color, 1.0)
    path = tuple(at(point) for point in run.trace)
    yield Line(path, _PATH, 1.4)
    yield from (Dot(point, 2.2, _PATH) for point in path[1:])
    yield Dot(path[0], 4.0, _START)
    yield from _axes(run, at, left, top)


def _axes(run: Landscape, at: Callable[[Point], Point], left: float, top: float) -> Iterator[Shape]:
    for tick in _inside(run.xs):
        x, _ = at((tick, run.ys[0]))
        yield Label((x, top + _HEIGHT + 15.0), f"{tick:g}", "middle", 11)
    for tick in _inside(run.ys):
        _, y = at((run.xs[0], tick))
        yield Label((left - 6.0, y + 4.0), f"{tick:g}", "end", 11)
    across, up = _short(run.names)
    yield Label((left + _WIDTH / 2, top + _HEIGHT + 31.0), across, "middle", 11)
    yield Label((left - 6.0, top - 10.0), up, "end", 11)


def _short(names: tuple[str, str]) -> tuple[str, str]:
    """Return the names without the path that they have in common; the second is short."""
    first, second = (name.rpartition(".") for name in names)
    if first[0] != second[0]:
        return names[0], second[2][:8]
    return first[2], second[2][:8]


def _inside(numbers: Sequence[float]) -> list[float]:
    low, high = numbers[0], numbers[-1]
    return [tick for tick in ticks(low, high) if low <= tick <= high]


def _levels(losses: Sequence[Sequence[float]]) -> list[float]:
    """Return the losses of the contours: closer to each other near the lowest one."""
    values = [loss for row in losses for loss in row if math.isfinite(loss)]
    if not values:
        return []
    low, high = min(values), max(values)
    return [low + (high - low) * (number / _LEVELS) ** 2 for number in range(1, _LEVELS)]
