"""Heat maps of positive numbers on a logarithmic scale."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from netlang.diagram.drawing import Drawing, Label, Rectangle, Shape, text_width
from netlang.diagram.plots.colors import LEVELS, ramp

_ROW, _WIDTH, _TOP, _MARGIN, _KEY = 16.0, 426.0, 30.0, 12.0, 14.0
_NONE = "#ffffff"
"""The color of zero, and of what is not a number."""


@dataclass(frozen=True, slots=True)
class Heat:
    """A row of numbers for each name; ``across`` are the epochs of the columns."""

    title: str
    rows: Mapping[str, Sequence[float]]
    across: Sequence[float]

    @property
    def height(self) -> float:
        return _TOP + _ROW * len(self.rows) + 34.0

    def values(self) -> list[float]:
        """Return the numbers that have a color."""
        return [y for row in self.rows.values() for y in row if _counts(y)]


def below(drawing: Drawing, maps: Sequence[Heat]) -> Drawing:
    """Return a drawing with heat maps below it; all of them have the same colors."""
    values = [math.log10(y) for each in maps for y in each.values()]
    low, high = (min(values), max(values)) if values else (0.0, 0.0)
    left = _MARGIN + max(text_width(name, 11) for each in maps for name in each.rows) + 8.0
    left = max(left, 64.0)
    shapes, top = list(drawing.shapes), float(drawing.height)
    for each in maps:
        shapes += _map(each, left, top, low, high)
        top += each.height
    shapes += _key(left, top, low, high)
    width = max(drawing.width, math.ceil(left + _WIDTH + _MARGIN))
    return Drawing(width, math.ceil(top + _KEY + 34.0), tuple(shapes), drawing.title)


def _map(heat: Heat, left: float, top: float, low: float, high: float) -> Iterator[Shape]:
    yield Label((left, top + 18.0), heat.title, size=12)
    columns = max(1, len(heat.across))
    for at, (name, numbers) in enumerate(heat.rows.items()):
        y = top + _TOP + _ROW * at
        yield Label((left - 8.0, y + 12.0), name, "end", 11)
        colors = [_color(number, low, high) for number in numbers]
        for color, (first, count) in _spans(colors):
            x, width = left + _WIDTH * first / columns, _WIDTH * count / columns
            yield Rectangle((x, y), width, _ROW, color, color, thickness=0.3)
    bottom = top + _TOP + _ROW * len(heat.rows)
    if heat.across:
        yield Label((left, bottom + 14.0), f"{heat.across[0]:.3g}", size=11)
        last = f"{heat.across[-1]:.3g} epochs"
        yield Label((left + _WIDTH, bottom + 14.0), last, "end", 11)


def _spans(colors: Sequence[str]) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield each run of equal colors, with where it begins and how long it is."""
    at = 0
    for color, run in groupby(colors):
        count = sum(1 for _ in run)
        yield color, (at, count)
        at += count


def _key(left: float, top: float, low: float, high: float) -> Iterator[Shape]:
    """Yield the scale of the colors."""
    width = _WIDTH / LEVELS
    for at in range(LEVELS):
        color = ramp(at / (LEVELS - 1))
        yield Rectangle((left + at * width, top), width, _KEY, color, color, thickness=0.3)
    y = top + _KEY + 14.0
    yield Label((left, y), f"{10**low:.2g}", "start", 11)
    yield Label((left + _WIDTH / 2, y), f"{10 ** ((low + high) / 2):.2g}", "middle", 11)
    yield Label((left + _WIDTH, y), f"{10**high:.2g}", "end", 11)


def _color(number: float, low: float, high: float) -> str:
    if not _counts(number):
        return _NONE
    return ramp((math.log10(number) - low) / ((high - low) or 1.0))


def _counts(number: float) -> bool:
    return number > 0 and math.isfinite(number)
