"""The layout of a diagram: frames from the inside out, each a node of the enclosing one.

Lengths are ``across`` the data flow or ``along`` it; only the result knows which one is left to
right. A value enters and leaves a frame at ports on its border. So an edge runs between levels and
along its own bends, and never through a box.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, get_args

from netlang.diagnostics import rules
from netlang.diagnostics.errors import USAGE, NetlangError
from netlang.diagram.coordinates import Offset, assign_coordinates
from netlang.diagram.drawing import Point
from netlang.diagram.layering import Layering, assign_levels
from netlang.diagram.nesting import Content, Nesting
from netlang.diagram.ordering import Share, order
from netlang.diagram.outline import Box, Edge, Frame, Item, Outline

Direction = Literal["down", "right"]
Extent = tuple[float, float]
Measure = Callable[[Item], Extent]
"""A function that returns the width and height of a box, or of a frame's label."""

LOOP = 18.0
"""The space for the loop next to a recurrent box."""

_GAP, _PORT_GAP, _STRIP, _PAD = 22.0, 10.0, 22.0, 12.0
"""The space between levels, next to ports, above the content of a frame, and around it."""

_CLEAR = 10.0
"""The space between a frame's label and an edge."""

_SLOPE, _STEEPEST = 0.12, 34.0
"""The extra width of a gap for edges that go far across: per unit, and at most."""


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


def lay_out(outline: Outline, measure: Measure, direction: Direction = "down") -> Layout:
    """Return the layout of an outline; equal outlines have equal layouts.

    Raises ``NetlangError`` for an unknown direction, and ``TooLargeError`` if edges would hide the
    boxes.
    """
    if direction not in get_args(Direction):
        raise NetlangError(
            rules.USAGE, f"a diagram goes down or right, and not {direction}", exit_code=USAGE
        )
    horizontal = direction == "right"
    nesting = Nesting.of(outline)
    plans: dict[int, _Plan] = {}
    # The frames inside a frame have higher numbers.
    for number in reversed(range(len(nesting.frames))):
        plans[number] = _planned(nesting, number, plans, measure, horizontal=horizontal)
    placed = {0: (0.0, 0.0)}
    boxes: dict[int, Area] = {}
    frames: list[Framed] = []
    for number, content in enumerate(nesting.frames):
        plan, corner = plans[number], placed[number]
        for at, item in enumerate(content.items):
            node = content.node(at)
            across, along = plan.corner(node, corner)
            if isinstance(item, Box):
                size = plan.sizes[node]
                boxes[item.number] = _area(across, along, size, horizontal=horizontal)
            else:
                inner = content.inside[at]
                placed[inner] = (across, along)
                area = _area(across, along, plans[inner].size, horizontal=horizontal)
                frames.append(Framed(item, area, content.depth))
    routes = {
        edge: _curves(_route(nesting, plans, placed, edge), horizontal=horizontal)
        for edge in nesting.edges
    }
    width, height = plans[0].size[::-1] if horizontal else plans[0].size
    return Layout(width, height, boxes, frames, routes)


def _area(across: float, along: float, size: Extent, *, horizontal: bool) -> Area:
    return Area(along, across, size[1], size[0]) if horizontal else Area(across, along, *size)


@dataclass(frozen=True, slots=True)
class _Plan:
    """The layout of a frame's content: sizes and starts are ``(across, along)``.

    ``leave`` and ``enter`` are the positions across the frame where values pass its border.
    """

    size: Extent
    layering: Layering
    sizes: Sequence[Extent]
    starts: Sequence[float]
    tops: Sequence[float]
    bottoms: Sequence[float]
    leave: Mapping[int, float]
    enter: Mapping[int, float]

    def corner(self, node: int, corner: Extent) -> Extent:
        """Return the start of a node, centered in its level."""
        level = self.layering.levels[node]
        room = self.bottoms[level] - self.tops[level] - self.sizes[node][1]
        return corner[0] + self.starts[node], corner[1] + self.tops[level] + room / 2

    def level(self, node: int, corner: Extent, port: float = 0.0) -> list[Extent]:
        """Return the two ends of a node's level, at its start plus ``port``."""
        level, across = self.layering.levels[node], corner[0] + self.starts[node] + port
        return [(across, corner[1] + ends[level]) for ends in (self.tops, self.bottoms)]

    def above(self, node: int, corner: Extent, port: float | None) -> list[Extent]:
        """Return the route from the start of a level to a node: to its port, or its middle."""
        across, _ = self.sizes[node]
        begin, _ = self.level(node, corner, across / 2 if port is None else port)
        return [begin, (begin[0], self.corner(node, corner)[1])]

    def below(self, node: int, corner: Extent, port: float | None) -> list[Extent]:
        """Return the route from a node, its port or its middle, to the end of its level."""
        across, along = self.sizes[node]
        _, end = self.level(node, corner, across / 2 if port is None else port)
        return [(end[0], self.corner(node, corner)[1] + along), end]


def _planned(
    nesting: Nesting, number: int, plans: Mapping[int, _Plan], measure: Measure, *, horizontal: bool
) -> _Plan:
    content = nesting.frames[number]
    nodes = _Nodes.of(content, plans, measure, horizontal=horizontal)
    layering = assign_levels(
        content.count, content.links(), first=len(content.entries), last=len(content.exits)
    )
    order(layering, nodes.share(nodes.leave), nodes.share(nodes.enter))
    starts = assign_coordinates(layering, nodes.room, nodes.leave, nodes.enter)
    tops, bottoms = _levels(content, layering, nodes, starts)
    ends = [start + room for start, room in zip(starts, nodes.room, strict=False)]
    end = max([*ends, *starts], default=0.0)
    entries = {box: starts[node] for box, node in content.entries.items()}
    exits = {box: starts[content.exit(box)] for box in content.exits}
    size = (end, bottoms[-1] if bottoms else 0.0)
    if content.label is None:
        return _Plan(size, layering, nodes.sizes, starts, tops, bottoms, exits, entries)
    before, size = _framed(size, measure(content.label)[0], entries.values(), horizontal=horizontal)
    return _Plan(
        size,
        layering,
        nodes.sizes,
        [start + before[0] for start in starts],
        [top + before[1] for top in tops],
        [bottom + before[1] for bottom in bottoms],
        {box: at + before[0] for box, at in exits.items()},
        {box: at + before[0] for box, at in entries.items()},
    )


@dataclass(frozen=True, slots=True)
class _Nodes:
    """The sizes of a frame's nodes; ``room`` is their width across, including loops."""

    sizes: list[Extent]
    room: list[float]
    inner: dict[int, _Plan]

    @classmethod
    def of(
        cls, content: Content, plans: Mapping[int, _Plan], measure: Measure, *, horizontal: bool
    ) -> _Nodes:
        made = cls([(0.0, 0.0)] * content.count, [0.0] * content.count, {})
        for at, item in enumerate(content.items):
            node = content.node(at)
            if isinstance(item, Box):
                width, height = measure(item)
                made.sizes[node] = (height, width) if horizontal else (width, height)
            else:
                made.inner[node] = plans[content.inside[at]]
                made.sizes[node] = made.inner[node].size
            loop = LOOP if isinstance(item, Box) and item.recurrent else 0.0
            made.room[node] = made.sizes[node][0] + loop
        return made

    def leave(self, node: int, box: int) -> float:
        """Return where a value leaves a node: in the middle, or at the port of a frame."""
        return self.inner[node].leave[box] if node in self.inner else self._middle(node)

    def enter(self, node: int, box: int) -> float:
        """Return where a value enters a node."""
        return self.inner[node].enter[box] if node in self.inner else self._middle(node)

    def share(self, offset: Offset) -> Share:
        """Return a function for where a value passes a node's border, from 0 to 1."""

        def at(node: int, box: int) -> float:
            across = self.sizes[node][0] if node < len(self.sizes) else 0.0
            return offset(node, box) / across if across else 0.5

        return at

    def _middle(self, node: int) -> float:
        return self.sizes[node][0] / 2 if node < len(self.sizes) else 0.0


def _levels(
    content: Content, layering: Layering, nodes: _Nodes, starts: Sequence[float]
) -> tuple[list[float], list[float]]:
    """Return the starts and ends of levels; gaps are wider for edges that go far across."""
    far = [0.0] * len(layering.rows)
    for source, target, box in layering.segments:
        shift = (
            starts[target] + nodes.enter(target, box) - starts[source] - nodes.leave(source, box)
        )
        level = layering.levels[target]
        far[level] = max(far[level], abs(shift))
    tops: list[float] = []
    bottoms: list[float] = []
    for level, row in enumerate(layering.rows):
        ports = (level == 1 and content.entries) or (level == len(far) - 1 and content.exits)
        gap = (_PORT_GAP if ports else _GAP) + min(_STEEPEST, _SLOPE * far[level])
        tops.append(bottoms[-1] + gap if bottoms else 0.0)
        along = max((nodes.sizes[node][1] for node in row if node < content.count), default=0.0)
        bottoms.append(tops[-1] + along)
    return tops, bottoms


def _framed(
    size: Extent, label: float, entries: Iterable[float], *, horizontal: bool
) -> tuple[Extent, Extent]:
    """Return the start of a frame's content and the total size, with space for the label.

    No edge runs through the label.
    """
    if horizontal:
        return (_STRIP, _PAD), (size[0] + _STRIP + _PAD, max(size[1], label) + 2 * _PAD)
    free = min(entries, default=size[0])
    more = max(0.0, label + _CLEAR - free)
    return (_PAD + more, _STRIP), (size[0] + 2 * (_PAD + more), size[1] + _STRIP + _PAD)


def _route(
    nesting: Nesting, plans: Mapping[int, _Plan], placed: Mapping[int, Extent], edge: Edge
) -> list[Extent]:
    """Return the corners of an edge's route; it bends only between levels."""
    points: list[Extent] = []
    for frame, source, target in nesting.steps(edge):
        content, plan = nesting.frames[frame], plans[frame]
        link = content.link(source, target, edge[0])
        for node in plan.layering.route(link):
            item = content.item(node)
            inside = None if item is None else plans.get(content.inside.get(item, -1))
            if item is None:
                points += plan.level(node, placed[frame])
            elif node == link.source:
                port = None if inside is None else inside.leave[edge[0]]
                points += plan.below(node, placed[frame], port)
            else:
                port = None if inside is None else inside.enter[edge[0]]
                points += plan.above(node, placed[frame], port)
    return points


def _curves(corners: Sequence[Extent], *, horizontal: bool) -> tuple[Point, ...]:
    """Return curves through the corners of a route, with tangents along the data flow."""
    straight: list[Extent] = []
    for corner in corners:
        while len(straight) > 1 and _level(straight[-2], straight[-1], corner):
            straight.pop()
        if not straight or straight[-1] != corner:
            straight.append(corner)
    points = [straight[0]]
    for (a, b), (c, d) in pairwise(straight):
        middle = (b + d) / 2
        points += [(a, middle), (c, middle), (c, d)]
    return tuple((along, across) for across, along in points) if horizontal else tuple(points)


def _level(*corners: Extent) -> bool:
    return max(at for at, _ in corners) - min(at for at, _ in corners) < 0.05
