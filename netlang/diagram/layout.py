"""Where everything goes: frames are laid out from the inside, each a node of the one around it.

Lengths are ``across`` the way of the data or ``along`` it; only at the end is it known which of
them is left to right. A value enters and leaves a frame at ports on its border. So an edge runs
between levels and along its own bends, and through no box.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, get_args

from netlang.diagnostics import rules
from netlang.diagnostics.errors import USAGE, NetlangError
from netlang.diagram.drawing import Point
from netlang.diagram.lattice import Lattice, lattice
from netlang.diagram.nest import Content, Nest
from netlang.diagram.ordering import Share, order
from netlang.diagram.outline import Box, Edge, Frame, Item, Outline
from netlang.diagram.placing import Offset, place

Direction = Literal["down", "right"]
Extent = tuple[float, float]
Measure = Callable[[Item], Extent]
"""Gives the width and height of a box, or of a frame's label."""

LOOP = 18.0
"""The room for the loop beside a box that hands a state to itself."""

_GAP, _PORT_GAP, _STRIP, _PAD = 22.0, 10.0, 22.0, 12.0
"""Between levels, beside ports, above what is in a frame, and around it."""

_CLEAR = 10.0
"""Between a frame's label and an edge."""

_SLOPE, _STEEPEST = 0.12, 34.0
"""How much wider a gap is for edges that lead far across, and at most."""


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle, by its corner above on the left."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Framed:
    """A frame in place; ``depth`` counts the frames around it."""

    frame: Frame
    area: Area
    depth: int


@dataclass(frozen=True, slots=True)
class Layout:
    """Where boxes and frames are, and the ways of the edges.

    A way is a point, then two controls and a point for each of its cubic curves.
    """

    width: float
    height: float
    boxes: Mapping[int, Area]
    frames: Sequence[Framed]
    ways: Mapping[Edge, tuple[Point, ...]]


def lay_out(outline: Outline, measure: Measure, direction: Direction = "down") -> Layout:
    """Find places for all that is drawn; the same outline gives the same places.

    Raises ``NetlangError`` for an unknown direction, and ``TooLargeError`` where edges would hide
    the boxes.
    """
    if direction not in get_args(Direction):
        raise NetlangError(
            rules.USAGE, f"a picture goes down or right, and not {direction}", exit_code=USAGE
        )
    turned = direction == "right"
    nest = Nest.of(outline)
    plans: dict[int, _Plan] = {}
    # The frames inside of a frame have higher numbers.
    for number in reversed(range(len(nest.frames))):
        plans[number] = _planned(nest, number, plans, measure, turned=turned)
    placed = {0: (0.0, 0.0)}
    boxes: dict[int, Area] = {}
    frames: list[Framed] = []
    for number, content in enumerate(nest.frames):
        plan, corner = plans[number], placed[number]
        for at, item in enumerate(content.items):
            node = content.node(at)
            across, along = plan.corner(node, corner)
            if isinstance(item, Box):
                size = plan.sizes[node]
                boxes[item.number] = _area(across, along, size, turned=turned)
            else:
                inner = content.inside[at]
                placed[inner] = (across, along)
                area = _area(across, along, plans[inner].size, turned=turned)
                frames.append(Framed(item, area, content.depth))
    ways = {edge: _curves(_way(nest, plans, placed, edge), turned=turned) for edge in nest.edges}
    width, height = plans[0].size[::-1] if turned else plans[0].size
    return Layout(width, height, boxes, frames, ways)


def _area(across: float, along: float, size: Extent, *, turned: bool) -> Area:
    return Area(along, across, size[1], size[0]) if turned else Area(across, along, *size)


# ---- one frame -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Plan:
    """The content of a frame in place: sizes and beginnings are ``(across, along)``.

    ``leave`` and ``enter`` say where across the frame each value passes its border.
    """

    size: Extent
    made: Lattice
    sizes: Sequence[Extent]
    starts: Sequence[float]
    tops: Sequence[float]
    bottoms: Sequence[float]
    leave: Mapping[int, float]
    enter: Mapping[int, float]

    def corner(self, node: int, corner: Extent) -> Extent:
        """Give the beginning of a node, in the middle of its level."""
        level = self.made.levels[node]
        room = self.bottoms[level] - self.tops[level] - self.sizes[node][1]
        return corner[0] + self.starts[node], corner[1] + self.tops[level] + room / 2

    def level(self, node: int, corner: Extent, port: float = 0.0) -> list[Extent]:
        """Give the ends of the level of a node, beside its beginning."""
        level, across = self.made.levels[node], corner[0] + self.starts[node] + port
        return [(across, corner[1] + ends[level]) for ends in (self.tops, self.bottoms)]

    def above(self, node: int, corner: Extent, port: float | None) -> list[Extent]:
        """Lead from the beginning of a level to a node: to its port, or its middle."""
        across, _ = self.sizes[node]
        begin, _ = self.level(node, corner, across / 2 if port is None else port)
        return [begin, (begin[0], self.corner(node, corner)[1])]

    def below(self, node: int, corner: Extent, port: float | None) -> list[Extent]:
        """Lead from a node, its port or its middle, to the end of its level."""
        across, along = self.sizes[node]
        _, end = self.level(node, corner, across / 2 if port is None else port)
        return [(end[0], self.corner(node, corner)[1] + along), end]


def _planned(
    nest: Nest, number: int, plans: Mapping[int, _Plan], measure: Measure, *, turned: bool
) -> _Plan:
    content = nest.frames[number]
    nodes = _Nodes.of(content, plans, measure, turned=turned)
    made = lattice(
        content.count, content.links(), first=len(content.entries), last=len(content.exits)
    )
    order(made, nodes.share(nodes.leave), nodes.share(nodes.enter))
    starts = place(made, nodes.room, nodes.leave, nodes.enter)
    tops, bottoms = _levels(content, made, nodes, starts)
    ends = [start + room for start, room in zip(starts, nodes.room, strict=False)]
    end = max([*ends, *starts], default=0.0)
    entries = {box: starts[node] for box, node in content.entries.items()}
    exits = {box: starts[content.exit(box)] for box in content.exits}
    size = (end, bottoms[-1] if bottoms else 0.0)
    if content.label is None:
        return _Plan(size, made, nodes.sizes, starts, tops, bottoms, exits, entries)
    before, size = _framed(size, measure(content.label)[0], entries.values(), turned=turned)
    return _Plan(
        size,
        made,
        nodes.sizes,
        [start + before[0] for start in starts],
        [top + before[1] for top in tops],
        [bottom + before[1] for bottom in bottoms],
        {box: at + before[0] for box, at in exits.items()},
        {box: at + before[0] for box, at in entries.items()},
    )


@dataclass(frozen=True, slots=True)
class _Nodes:
    """The sizes of a frame's nodes; ``room`` is what they take across, loops included."""

    sizes: list[Extent]
    room: list[float]
    inner: dict[int, _Plan]

    @classmethod
    def of(
        cls, content: Content, plans: Mapping[int, _Plan], measure: Measure, *, turned: bool
    ) -> _Nodes:
        made = cls([(0.0, 0.0)] * content.count, [0.0] * content.count, {})
        for at, item in enumerate(content.items):
            node = content.node(at)
            if isinstance(item, Box):
                width, height = measure(item)
                made.sizes[node] = (height, width) if turned else (width, height)
            else:
                made.inner[node] = plans[content.inside[at]]
                made.sizes[node] = made.inner[node].size
            loop = LOOP if isinstance(item, Box) and item.recurs else 0.0
            made.room[node] = made.sizes[node][0] + loop
        return made

    def leave(self, node: int, box: int) -> float:
        """Say where on a node a value leaves it: in its middle, or at the port of a frame."""
        return self.inner[node].leave[box] if node in self.inner else self._middle(node)

    def enter(self, node: int, box: int) -> float:
        """Say where on a node a value enters it."""
        return self.inner[node].enter[box] if node in self.inner else self._middle(node)

    def share(self, offset: Offset) -> Share:
        """Say where on a node a value passes its border, from 0 to 1."""

        def at(node: int, box: int) -> float:
            across = self.sizes[node][0] if node < len(self.sizes) else 0.0
            return offset(node, box) / across if across else 0.5

        return at

    def _middle(self, node: int) -> float:
        return self.sizes[node][0] / 2 if node < len(self.sizes) else 0.0


def _levels(
    content: Content, made: Lattice, nodes: _Nodes, starts: Sequence[float]
) -> tuple[list[float], list[float]]:
    """Stack the levels; the gap between two is wider where an edge leads far across."""
    far = [0.0] * len(made.rows)
    for source, target, box in made.segments:
        shift = (
            starts[target] + nodes.enter(target, box) - starts[source] - nodes.leave(source, box)
        )
        level = made.levels[target]
        far[level] = max(far[level], abs(shift))
    tops: list[float] = []
    bottoms: list[float] = []
    for level, row in enumerate(made.rows):
        ports = (level == 1 and content.entries) or (level == len(far) - 1 and content.exits)
        gap = (_PORT_GAP if ports else _GAP) + min(_STEEPEST, _SLOPE * far[level])
        tops.append(bottoms[-1] + gap if bottoms else 0.0)
        along = max((nodes.sizes[node][1] for node in row if node < content.count), default=0.0)
        bottoms.append(tops[-1] + along)
    return tops, bottoms


def _framed(
    size: Extent, label: float, entries: Iterable[float], *, turned: bool
) -> tuple[Extent, Extent]:
    """Add the room around a frame's content, so that no edge runs through its label.

    Gives the beginning of the content, and the size of it all.
    """
    if turned:
        return (_STRIP, _PAD), (size[0] + _STRIP + _PAD, max(size[1], label) + 2 * _PAD)
    free = min(entries, default=size[0])
    more = max(0.0, label + _CLEAR - free)
    return (_PAD + more, _STRIP), (size[0] + 2 * (_PAD + more), size[1] + _STRIP + _PAD)


# ---- the ways of edges ---------------------------------------------------------------------------


def _way(
    nest: Nest, plans: Mapping[int, _Plan], placed: Mapping[int, Extent], edge: Edge
) -> list[Extent]:
    """List the corners of an edge's way; it turns only between levels."""
    points: list[Extent] = []
    for frame, source, target in nest.steps(edge):
        content, plan = nest.frames[frame], plans[frame]
        link = content.link(source, target, edge[0])
        for node in plan.made.way(link):
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


def _curves(corners: Sequence[Extent], *, turned: bool) -> tuple[Point, ...]:
    """Draw a way through its corners that runs along wherever it turns."""
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
    return tuple((along, across) for across, along in points) if turned else tuple(points)


def _level(*corners: Extent) -> bool:
    return max(at for at, _ in corners) - min(at for at, _ in corners) < 0.05
