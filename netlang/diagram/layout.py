"""The layout of a diagram: frames from the inside out, each a node of the enclosing one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, get_args

from netlang.diagnostics import rules
from netlang.diagnostics.errors import USAGE, NetlangError
from netlang.diagram.drawing import Point
from netlang.diagram.outline import Box, Edge, Frame, Outline
from netlang.diagram.placement.columns import Columns, Sides, plan_columns, plan_sides
from netlang.diagram.placement.nesting import Nesting, Part
from netlang.diagram.placement.plans import LOOP, Extent, Levels, Measure, Plan, plan_levels
from netlang.diagram.placement.wrapping import arrangements, fits, page_height

__all__ = ["LOOP", "Area", "Direction", "Framed", "Layout", "Measure", "lay_out"]

Direction = Literal["down", "right"]

_COLUMN = 60.0
"""How much higher a page may be if it has a column less."""

_WORTH = 0.8
"""How high a page with columns is at most, as a share of one without them."""

_RADIUS = 6.0
"""The radius of the corners of edges between columns."""


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle, by its top left corner."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Framed:
    """A frame with its area; ``depth`` counts the enclosing frames."""

    frame: Frame
    area: Area
    depth: int


@dataclass(frozen=True, slots=True)
class Layout:
    """The areas of boxes and frames, and the routes of the edges.

    A route is a point, then two control points and a point for each of its cubic curves.
    """

    width: float
    height: float
    boxes: Mapping[int, Area]
    frames: Sequence[Framed]
    routes: Mapping[Edge, tuple[Point, ...]]


def lay_out(
    outline: Outline, measure: Measure, direction: Direction = "down", *, wrap: bool = True
) -> Layout:
    """Return the layout of an outline; equal outlines have equal layouts.

    With ``wrap``, what is too long for a page is in columns, or in rows if data flows to the right.
    Raises ``NetlangError`` for an unknown direction, and ``TooLargeError`` if edges would hide the
    boxes.
    """
    if direction not in get_args(Direction):
        raise NetlangError(
            rules.USAGE, f"a diagram goes down or right, and not {direction}", exit_code=USAGE
        )
    horizontal = direction == "right"
    plain = _Planned.of(outline, None, measure, horizontal=horizontal)
    root = plain.plans[0]
    assert isinstance(root, Levels)
    if not (wrap or plain.nesting.has_details) or fits(root, horizontal=horizontal):
        return plain.layout(horizontal=horizontal)
    parts = arrangements(outline, plain.nesting, root, wrap=wrap, horizontal=horizontal)
    planned = [_Planned.of(outline, part, measure, horizontal=horizontal) for part in parts]
    best = min(planned, key=_height)
    if not plain.nesting.has_details and _height(best) > _WORTH * _height(plain):
        best = plain
    return best.layout(horizontal=horizontal)


@dataclass(frozen=True, slots=True)
class _Planned:
    """The plans of all frames, by number."""

    nesting: Nesting
    plans: Mapping[int, Plan]

    @classmethod
    def of(
        cls, outline: Outline, whole: Part | None, measure: Measure, *, horizontal: bool
    ) -> _Planned:
        nesting = Nesting.of(outline, whole)
        plans: dict[int, Plan] = {}
        # The frames inside a frame have higher numbers.
        for number in reversed(range(len(nesting.frames))):
            content = nesting.frames[number]
            match content.arrangement:
                case "levels" | "stack":
                    plan = plan_levels(content, plans, measure, horizontal=horizontal)
                case "columns":
                    plan = plan_columns(content, plans)
                case "u":
                    plan = plan_sides(content, plans, nesting.pairs(number))
                    # The space between levels is now that of the whole.
                    for at, part in enumerate(plan.plans):
                        plans[content.inside[at]] = part
            plans[number] = plan
        return cls(nesting, plans)

    def layout(self, *, horizontal: bool) -> Layout:
        placed = {0: (0.0, 0.0)}
        boxes: dict[int, Area] = {}
        frames: list[Framed] = []
        for number, content in enumerate(self.nesting.frames):
            for at, item in enumerate(content.items):
                corner = self.plans[number].corner(at, placed[number])
                if isinstance(item, Box):
                    boxes[item.number] = _area(corner, self._size(number, at), horizontal)
                    continue
                inner = content.inside[at]
                placed[inner] = corner
                if isinstance(item, Frame):
                    area = _area(corner, self.plans[inner].size, horizontal)
                    frames.append(Framed(item, area, content.depth))
        routes = {
            edge: _curves(self._route(edge, placed), horizontal=horizontal)
            for edge in self.nesting.edges
        }
        across, along = self.plans[0].size
        return Layout(*((along, across) if horizontal else (across, along)), boxes, frames, routes)

    def _size(self, number: int, item: int) -> Extent:
        plan = self.plans[number]
        assert isinstance(plan, Levels)
        return plan.sizes[plan.content.node(item)]

    def _route(self, edge: Edge, placed: Mapping[int, Extent]) -> list[Extent]:
        """Return the corners of an edge's route; it bends only between levels."""
        steps = self.nesting.steps(edge)
        across = self.nesting.across(steps)
        points: list[Extent] = []
        for at, (frame, source, target) in enumerate(steps):
            plan = self.plans[frame]
            if at == across and isinstance(plan, Sides):
                (_, begin, _), (_, _, end) = steps[at - 1], steps[at + 1]
                assert begin is not None and end is not None
                points += plan.across(begin, end, edge[0], placed[frame])
            elif across is None or abs(at - across) > 1:
                points += plan.route(source, target, edge[0], placed[frame])
        return points


def _height(planned: _Planned) -> float:
    """Return the height of the page that a layout fills; columns count as some height, too."""
    plan = planned.plans[0]
    columns = len(plan.plans) - 1 if isinstance(plan, Columns) else 0
    return page_height(plan.size) + _COLUMN * columns


def _area(corner: Extent, size: Extent, horizontal: bool) -> Area:
    (across, along), (wide, long) = corner, size
    return Area(along, across, long, wide) if horizontal else Area(across, along, wide, long)


def _curves(corners: Sequence[Extent], *, horizontal: bool) -> tuple[Point, ...]:
    """Return curves through the corners of a route, with tangents along the data flow.

    Where a route turns from along the flow to across it, its corner is round.
    """
    straight: list[Extent] = []
    for corner in corners:
        while len(straight) > 1 and (
            _aligned(0, straight[-2], straight[-1], corner)
            or _aligned(1, straight[-2], straight[-1], corner)
        ):
            straight.pop()
        if not straight or straight[-1] != corner:
            straight.append(corner)
    points = [straight[0]]
    for at, (start, end) in enumerate(pairwise(straight)):
        following = straight[at + 2] if at + 2 < len(straight) else None
        turn = following is not None and _turns(start, end, following)
        before = _towards(end, start, following) if turn and following else end
        (a, b), (c, d) = points[-1], before
        middle = (b + d) / 2
        points += [(a, middle), (c, middle), (c, d)]
        if turn and following is not None:
            points += [before, end, _towards(end, following, start)]
    return tuple((along, across) for across, along in points) if horizontal else tuple(points)


def _aligned(side: int, *corners: Extent) -> bool:
    return max(at[side] for at in corners) - min(at[side] for at in corners) < 0.05


def _turns(a: Extent, b: Extent, c: Extent) -> bool:
    """Return whether a route turns at a corner between a part along and a part across the flow."""
    return (_aligned(0, a, b) and _aligned(1, b, c)) or (_aligned(1, a, b) and _aligned(0, b, c))


def _towards(corner: Extent, end: Extent, other: Extent | None) -> Extent:
    """Return the point where the round corner begins, on the way to ``end``."""
    (x, y), (u, v) = corner, end
    length = abs(u - x) + abs(v - y)
    far = length if other is None else min(length, abs(other[0] - x) + abs(other[1] - y))
    share = min(_RADIUS, far / 2) / length
    return x + share * (u - x), y + share * (v - y)
