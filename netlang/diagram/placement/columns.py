"""Parts of a diagram next to one another: columns, and the two sides of a U."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from netlang.diagram.placement.nesting import Content
from netlang.diagram.placement.plans import Extent, Levels, Node, Plan

_LANE = 9.0
"""The space between two edges that run next to one another from column to column."""

_BETWEEN, _BESIDE = 40.0, 12.0
"""The space between two columns without edges, and between an edge and a column."""


class _Placed:
    """Parts that each have a corner; no value passes the border around them."""

    __slots__ = ()
    corners: Sequence[Extent]

    @property
    def leave(self) -> Mapping[int, float]:
        return {}

    @property
    def enter(self) -> Mapping[int, float]:
        return {}

    def corner(self, item: int, corner: Extent) -> Extent:
        across, along = self.corners[item]
        return corner[0] + across, corner[1] + along


@dataclass(frozen=True, slots=True)
class Columns(_Placed):
    """Columns from left to right; edges run below them, up between them, and above them."""

    plans: Sequence[Plan]
    corners: Sequence[Extent]
    size: Extent
    below: Mapping[tuple[int, int], float]
    above: Mapping[tuple[int, int], Extent]
    """By column and box: where an edge runs below its source, and before and above its target."""

    def route(self, source: Node, target: Node, box: int, corner: Extent) -> list[Extent]:
        assert source is not None and target is not None
        start, end = self.corners[source], self.corners[target]
        port, entry = (
            start[0] + self.plans[source].leave[box],
            end[0] + self.plans[target].enter[box],
        )
        below = self.below[source, box]
        gutter, above = self.above[target, box]
        points = [
            (port, start[1] + self.plans[source].size[1]), (port, below), (gutter, below),
            (gutter, above), (entry, above), (entry, end[1]),
        ]  # fmt: skip
        return [(corner[0] + across, corner[1] + along) for across, along in points]


def plan_columns(content: Content, plans: Mapping[int, Plan]) -> Columns:
    """Place columns next to one another, with lanes for the edges between them."""
    columns = [plans[content.inside[at]] for at in range(len(content.items))]
    wires = [(s, t, box) for s, t, box in content.wired if s is not None and t is not None]
    entering = [sorted({b for _, t, b in wires if t == at}, key=columns[at].enter.__getitem__)
                for at in range(len(columns))]  # fmt: skip
    lanes = max(map(len, entering), default=0)
    top = _BESIDE + _LANE * lanes if lanes else 0.0
    corners: list[Extent] = []
    above: dict[tuple[int, int], Extent] = {}
    across = 0.0
    for at, (column, boxes) in enumerate(zip(columns, entering, strict=True)):
        if at:
            across += _BETWEEN + _LANE * len(boxes)
        for lane, box in enumerate(boxes):
            aside = _BESIDE + _LANE * (lane + 1)
            above[at, box] = across - aside, top - aside
        corners.append((across, top))
        across += column.size[0]
    below = _below(wires, [top + column.size[1] for column in columns])
    height = max([*below.values(), *(top + column.size[1] for column in columns)], default=0.0)
    return Columns(columns, corners, (across, height), below, above)


def _below(
    wires: Sequence[tuple[int, int, int]], bottoms: Sequence[float]
) -> dict[tuple[int, int], float]:
    """Return how far down each value runs below the columns that it passes."""
    last: dict[tuple[int, int], int] = {}
    for source, target, box in wires:
        last[source, box] = max(last.get((source, box), 0), target)
    free = list(bottoms)
    below: dict[tuple[int, int], float] = {}
    for (source, box), target in sorted(last.items(), key=lambda each: each[1] - each[0][0]):
        passed = range(source, target)
        below[source, box] = max(free[at] for at in passed) + _BESIDE
        for at in passed:
            free[at] = below[source, box] - _BESIDE + _LANE
    return below


@dataclass(frozen=True, slots=True)
class Sides(_Placed):
    """A U: the way down, the bottom, and the way up, on which data flows upwards."""

    plans: tuple[Levels, Levels, Levels]
    corners: Sequence[Extent]
    size: Extent

    def route(self, source: Node, target: Node, box: int, corner: Extent) -> list[Extent]:
        """Return the route to or from the bottom."""
        assert source is not None and target is not None
        a, b = self.plans[source], self.plans[target]
        (x, y), (u, v) = self.corner(source, corner), self.corner(target, corner)
        port, entry, end = x + a.leave[box], u + b.enter[box], y + a.size[1]
        start = v if source == 0 else v + b.size[1]
        lane = start - _BESIDE - _LANE if source == 0 else end + _BESIDE
        return [(port, end), (port, lane), (entry, lane), (entry, start)]

    def across(self, source: int, target: int, box: int, corner: Extent) -> list[Extent]:
        """Return the route from an item on the way down to one on the way up, side to side."""
        down, _, up = self.plans
        out = down.after(source, box, self.corner(0, corner))
        into = up.before(target, box, self.corner(2, corner))
        lane = max(out[-1][1], into[0][1]) + _LANE
        return [*out, (out[-1][0], lane), (into[0][0], lane), *into]


def plan_sides(
    content: Content, plans: Mapping[int, Plan], pairs: Sequence[tuple[int, int, int]]
) -> Sides:
    """Place the parts of a U; ``pairs`` are the items that edges from side to side connect.

    Both ends of such an edge are at the same height: the space above the higher one grows.
    """
    down, bottom, up = (plans[content.inside[at]] for at in range(3))
    assert isinstance(down, Levels) and isinstance(bottom, Levels) and isinstance(up, Levels)
    for source, target, box in sorted(pairs):
        left = down.after(source, box, (0.0, 0.0))[-1][1]
        right = up.before(target, box, (0.0, 0.0))[0][1]
        if left < right:
            down = down.widened(source, right - left)
        else:
            up = up.widened(target, left - right)
    between = max(_BETWEEN, bottom.size[0] - down.size[0] / 2 - up.size[0] / 2)
    right = down.size[0] + between
    entry = right + min(up.enter.values(), default=up.size[0] / 2)
    middle = min((right + up.size[0] - bottom.size[0]) / 2, entry - _BESIDE - bottom.size[0])
    aside = max(0.0, -middle)
    top = max(down.size[1], up.size[1]) + 2 * _BESIDE + _LANE
    corners = ((aside, 0.0), (aside + middle, top), (aside + right, 0.0))
    size = (aside + right + up.size[0], top + bottom.size[1] + _BESIDE)
    return Sides((down, bottom, up), corners, size)
