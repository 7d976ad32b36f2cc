"""Contour lines of a function on a grid, by marching squares."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isfinite

from netlang.diagram.drawing import Point

Segment = tuple[Point, Point]


def contour(
    xs: Sequence[float], ys: Sequence[float], values: Sequence[Sequence[float]], level: float
) -> Iterator[Segment]:
    """Yield the pieces of the lines where values, in a row for each of ``ys``, are ``level``.

    Squares with a corner that is not finite have none.

    >>> list(contour([0.0, 1.0], [0.0, 1.0], [[0.0, 2.0], [0.0, 2.0]], 1.0))
    [((0.5, 0.0), (0.5, 1.0))]
    """
    for row in range(len(ys) - 1):
        for at in range(len(xs) - 1):
            corners = [
                (xs[at], ys[row], values[row][at]),
                (xs[at + 1], ys[row], values[row][at + 1]),
                (xs[at + 1], ys[row + 1], values[row + 1][at + 1]),
                (xs[at], ys[row + 1], values[row + 1][at]),
            ]
            if all(isfinite(value) for _, _, value in corners):
                crossings = list(_crossings(corners, level))
                # Four crossings are those of a saddle: neighbors in the order of the sides meet.
                yield from zip(crossings[::2], crossings[1::2], strict=True)


def _crossings(corners: Sequence[tuple[float, float, float]], level: float) -> Iterator[Point]:
    """Yield where the sides of a square cross a level."""
    for (x, y, value), (u, v, other) in zip(corners, [*corners[1:], corners[0]], strict=True):
        if (value < level) != (other < level):
            share = (level - value) / (other - value)
            yield x + share * (u - x), y + share * (v - y)
