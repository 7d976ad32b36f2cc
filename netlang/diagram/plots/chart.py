"""Line plots with axes and a legend, as drawings."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from netlang.diagram.drawing import Dot, Drawing, Label, Line, Shape
from netlang.diagram.plots.colors import light, ramp

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 640, 260, 64, 150, 30, 36
COLORS = (
    "#1f6fb4", "#d1562b", "#3f8f4f", "#8a56a8", "#a87b1c", "#4a4a4a", "#2aa3a3", "#c2417c",
)  # fmt: skip
POINTS = 10
"""About how many points of a smoothed line are independent of each other."""
_MARKERS = 40
"""With more points than this, a line has no markers."""
_NAMED = 12
"""The most lines of a sequence that the legend names."""

Points = list[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Curve:
    """A line of a plot; ``every`` are the points that it is smoothed from, drawn in a light color.

    ``marked`` points have a marker each. A line that is ``below`` is dashed, has the color of the
    one before it, and no name in the legend.
    """

    name: str
    points: Points
    every: Points
    marked: bool
    below: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """Lines over common axes; ``across`` is the title of the horizontal one.

    On a ``log`` axis, only positive values are shown. With ``ordered``, the lines are those of a
    sequence, such as the layers of a net, and so are their colors.
    """

    lines: Sequence[Curve]
    log: bool = False
    ordered: bool = False
    across: str = "epoch"

    @property
    def drawn(self) -> list[Curve]:
        """The lines that have points."""
        return [line for line in self.lines if line.points]

    def height(self) -> int:
        """Return the height that the axes and the legend need."""
        return max(_HEIGHT, _TOP + 18 * len(self._named()) + _BOTTOM)

    def width(self) -> int:
        """Return the width that the axes and the legend need."""
        longest = max((len(line.name) for line in self.lines), default=0)
        return max(_WIDTH, _WIDTH - _RIGHT + 40 + 7 * longest)

    def shapes(self, top: float, height: float) -> Iterator[Shape]:
        """Yield the axes, the lines and the legend."""
        drawn = self.drawn
        xs = [x for line in drawn for x, _ in (*line.points, *line.every)]
        ys = [self._scaled(y) for line in drawn for _, y in _shown(line)]
        whole = all(float(x).is_integer() for x in xs)
        across, up = ticks(min(xs), max(xs), whole=whole), ticks(min(ys), max(ys), whole=self.log)
        right, bottom = _WIDTH - _RIGHT, top + height - _BOTTOM
        first, last = min(*xs, across[0]), max(*xs, across[-1])
        low, high = min(*ys, up[0]), max(*ys, up[-1])
        if self.log:
            low, high = math.floor(min(ys)), math.ceil(max(ys))
            up = [tick for tick in up if low <= tick <= high]

        def at(x: float, y: float) -> tuple[float, float]:
            y = min(max(y, low), high)
            return (
                _LEFT + (right - _LEFT) * (x - first) / ((last - first) or 1),
                bottom - (bottom - top - _TOP) * (y - low) / ((high - low) or 1),
            )

        def path(points: Points) -> Points:
            return [at(x, self._scaled(y)) for x, y in points]

        for tick in up:
            _, y = at(first, tick)
            yield Line(((_LEFT, y), (right, y)), "#dddddd")
            yield Label((_LEFT - 6, y + 4), f"{10**tick if self.log else tick:.4g}", "end")
        for tick in across:
            x, _ = at(tick, low)
            yield Label((x, bottom + 16), f"{tick:g}", "middle")
        yield Line(((_LEFT, bottom), (right, bottom)), "#888888")
        yield Label((right + 20, bottom + 16), self.across)
        for line in (line for line in drawn if line.every):
            yield Line(tuple(path(line.every)), light(self._color(line)), 0.8)
        for line in drawn:
            yield from _curve(line, path(line.points), self._color(line))
        yield from self._legend(right + 8, top + _TOP + 6)

    def _legend(self, left: float, top: float) -> Iterator[Shape]:
        for i, line in enumerate(self._named()):
            y = top + 18 * i
            if not line.points:
                yield Label((left, y), line.name)
                continue
            color = self._color(line)
            yield Line(((left, y - 4), (left + 18, y - 4)), color, 1.6)
            if line.marked:
                yield Dot((left + 9, y - 4), 3, color)
            yield Label((left + 24, y), line.name)

    def _named(self) -> list[Curve]:
        """Return the lines that the legend names: all, or some of a long sequence."""
        lines = [line for line in self.lines if not line.below]
        if not self.ordered or len(lines) <= _NAMED:
            return lines
        return [lines[round(i * (len(lines) - 1) / (_NAMED - 1))] for i in range(_NAMED)]

    def _color(self, line: Curve) -> str:
        drawn = self.drawn
        last = next(i for i, other in enumerate(drawn) if other is line)
        at = sum(not other.below for other in drawn[: last + 1]) - 1
        if self.ordered:
            return ramp(at / max(1, len(drawn) - 1))
        return COLORS[at % len(COLORS)]

    def _scaled(self, y: float) -> float:
        return math.log10(y) if self.log else y


def charts(title: str, plots: Sequence[Chart]) -> Drawing:
    """Return charts below each other, under a title."""
    height = max((plot.height() for plot in plots), default=_HEIGHT)
    shapes: list[Shape] = [Label((_LEFT, 20), title, size=14)]
    for i, plot in enumerate(plots):
        shapes += plot.shapes(10 + i * height, height)
    width = max((plot.width() for plot in plots), default=_WIDTH)
    return Drawing(width, height * max(1, len(plots)) + 20, tuple(shapes))


def ticks(low: float, high: float, *, whole: bool = False) -> list[float]:
    """Return about five round numbers from ``low`` to ``high``.

    >>> ticks(0.0, 1.0)
    [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    """
    span = (high - low) or abs(high) or 1.0
    raw = span / 5
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(size * m for m in (1, 2, 5, 10) if size * m >= raw * 0.99)
    step = max(1.0, step) if whole else step
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(i * step, 12) for i in range(first, max(last, first) + 1)]


def _curve(line: Curve, points: Points, color: str) -> Iterator[Shape]:
    yield Line(tuple(points), color, 1.0 if line.below else 1.6, dashed=line.below)
    if len(points) == 1 or (line.marked and len(points) <= _MARKERS):
        yield from (Dot(point, 3, color) for point in points)


def _shown(line: Curve) -> Points:
    """Return the points that the axis makes room for: a few steps far from all others have none."""
    if len(line.every) < 6 * POINTS:
        return [*line.points, *line.every]
    middle = sorted(y for _, y in line.every)
    low, high = middle[len(middle) // 50], middle[-1 - len(middle) // 50]
    return [*line.points, *((x, y) for x, y in line.every if low <= y <= high)]
