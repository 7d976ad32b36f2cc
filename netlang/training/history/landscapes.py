"""The loss around the path of two elements of parameters, for a plot with contours."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from netlang.training.history.reports import WatchReport
from netlang.training.history.watched import elements

_COLUMNS, _ROWS = 49, 37
_MARGIN = 0.25
"""How far a landscape reaches beyond the path, as a share of its extent."""


@dataclass(frozen=True, slots=True)
class Landscape:
    """The loss for values of two elements of parameters, and the path that a run has taken.

    ``losses`` has a row for each of ``ys``; ``trace`` begins with the initial parameters.
    """

    names: tuple[str, str]
    xs: Sequence[float]
    ys: Sequence[float]
    losses: Sequence[Sequence[float]]
    trace: Sequence[tuple[float, float]]


def landscape(
    reports: Sequence[WatchReport], loss_at: Callable[[Sequence[float]], float]
) -> Landscape | None:
    """Return the loss by the two elements that are watched, around their path.

    They may be of one parameter or of two. ``None`` where another number of elements is watched.
    """
    watched = elements(reports)
    if len(watched) != 2 or len({len(points) for points in watched.values()}) > 1:
        return None
    (across, first), (up, second) = watched.items()
    pairs = zip((x for _, x in first), (y for _, y in second), strict=True)
    trace = [(x, y) for x, y in pairs if math.isfinite(x) and math.isfinite(y)]
    if len(trace) < 2:
        return None
    xs, ys = _axes(trace)
    losses = [[loss_at((x, y)) for x in xs] for y in ys]
    return Landscape((across, up), xs, ys, losses, trace)


def _axes(trace: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    """Return the coordinates of the grid; neither side is much shorter than the other."""
    (left, right), (low, high) = ((min(axis), max(axis)) for axis in zip(*trace, strict=True))
    shortest = max(right - left, high - low, 1e-6) / 2
    return (
        list(_spaced(left, right, shortest, _COLUMNS)),
        list(_spaced(low, high, shortest, _ROWS)),
    )


def _spaced(low: float, high: float, shortest: float, count: int) -> Iterator[float]:
    extent = max(high - low, shortest) * (1 + 2 * _MARGIN)
    first = (low + high - extent) / 2
    return (first + extent * at / (count - 1) for at in range(count))
