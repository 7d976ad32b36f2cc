"""The layout of what is inside one frame: on levels, from the inside out.

Lengths are ``across`` the data flow or ``along`` it; only the result knows which one is left to
right. A value enters and leaves a frame at ports on its border. So an edge runs between levels and
along its own bends, and never through a box.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from netlang.diagram.outline import Box, Item
from netlang.diagram.placement.coordinates import Offset, assign_coordinates
from netlang.diagram.placement.layering import Layering, assign_levels
from netlang.diagram.placement.nesting import Content
from netlang.diagram.placement.ordering import Share, order

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

Node = int | None
"""An item of a frame, by its position; ``None`` for the border."""


class Plan(Protocol):
    """The layout of a frame's content: ``size``, and the ports where values pass its border."""

    @property
    def size(self) -> Extent: ...
    @property
    def leave(self) -> Mapping[int, float]: ...
    @property
    def enter(self) -> Mapping[int, float]: ...

    def corner(self, item: int, corner: Extent) -> Extent:
        """Return the start of an item in a frame that starts at ``corner``."""
        ...

    def route(self, source: Node, target: Node, box: int, corner: Extent) -> list[Extent]:
        """Return the corners of a link's route."""
        ...


@dataclass(frozen=True, slots=True)
class Levels:
    """Items on levels; data flows from the ``begins`` of a level to its ``ends``."""

    content: Content
    inner: Mapping[int, Plan]
    size: Extent
    layering: Layering
    sizes: Sequence[Extent]
    starts: Sequence[float]
    begins: Sequence[float]
    ends: Sequence[float]
    leave: Mapping[int, float]
    enter: Mapping[int, float]

    def corner(self, item: int, corner: Extent) -> Extent:
        return self._corner(self.content.node(item), corner)

    def _corner(self, node: int, corner: Extent) -> Extent:
        """Return the start of a node, centered in its level."""
        level = self.layering.levels[node]
        begin, end = self.begins[level], self.ends[level]
        room = abs(end - begin) - self.sizes[node][1]
        return corner[0] + self.starts[node], corner[1] + min(begin, end) + room / 2

    def route(self, source: Node, target: Node, box: int, corner: Extent) -> list[Extent]:
        link = self.content.link(source, target, box)
        points: list[Extent] = []
        for node in self.layering.route(link):
            if node == link.source and source is not None:
                points += self.after(source, box, corner)
            elif node == link.target and target is not None:
                points += self.before(target, box, corner)
            else:
                points += self._level(node, corner, 0.0)
        return points

    def before(self, item: int, box: int, corner: Extent) -> list[Extent]:
        """Return the route from the beginning of a level to an item on it."""
        node = self.content.node(item)
        begin, _ = self._level(node, corner, self._port(node, box, leaving=False))
        return [begin, (begin[0], self._border(node, corner, leaving=False))]

    def after(self, item: int, box: int, corner: Extent) -> list[Extent]:
        """Return the route from an item to the end of its level."""
        node = self.content.node(item)
        _, end = self._level(node, corner, self._port(node, box, leaving=True))
        return [(end[0], self._border(node, corner, leaving=True)), end]

    def _level(self, node: int, corner: Extent, port: float) -> list[Extent]:
        """Return the two ends of a node's level, at its start plus ``port``."""
        level, across = self.layering.levels[node], corner[0] + self.starts[node] + port
        return [(across, corner[1] + ends[level]) for ends in (self.begins, self.ends)]

    def _port(self, node: int, box: int, *, leaving: bool) -> float:
        plan = self.inner.get(node)
        if plan is None:
            return self.sizes[node][0] / 2
        return (plan.leave if leaving else plan.enter)[box]

    def _border(self, node: int, corner: Extent, *, leaving: bool) -> float:
        start = self._corner(node, corner)[1]
        return start + self.sizes[node][1] if leaving != self.content.flipped else start

    def widened(self, item: int, extra: float) -> Levels:
        """Return a plan with more space above the level of an item."""
        level = self.layering.levels[self.content.node(item)]
        moved = range(level + 1) if self.content.flipped else range(level, len(self.begins))
        begins = [at + extra * (level in moved) for level, at in enumerate(self.begins)]
        ends = [at + extra * (level in moved) for level, at in enumerate(self.ends)]
        return replace(self, size=(self.size[0], self.size[1] + extra), begins=begins, ends=ends)


def plan_levels(
    content: Content, plans: Mapping[int, Plan], measure: Measure, *, horizontal: bool
) -> Levels:
    """Arrange the items of a frame on levels, and put its border around them."""
    nodes = _Nodes.of(content, plans, measure, horizontal=horizontal)
    layering = assign_levels(
        content.count, content.links(), first=len(content.entries), last=len(content.exits)
    )
    order(layering, nodes.share(nodes.leave), nodes.share(nodes.enter))
    starts = assign_coordinates(layering, nodes.room, nodes.leave, nodes.enter)
    begins, ends = _levels(content, layering, nodes, starts)
    reached = [start + room for start, room in zip(starts, nodes.room, strict=False)]
    size = (max([*reached, *starts], default=0.0), ends[-1] if ends else 0.0)
    if content.flipped:
        begins, ends = [size[1] - at for at in begins], [size[1] - at for at in ends]
    entries = {box: starts[node] for box, node in content.entries.items()}
    exits = {box: starts[content.exit(box)] for box in content.exits}
    before = (0.0, 0.0)
    if content.frame is not None:
        label = measure(content.frame)[0]
        above = exits if content.flipped else entries
        before, size = _framed(size, label, above.values(), horizontal=horizontal)
    return Levels(
        content,
        nodes.inner,
        size,
        layering,
        nodes.sizes,
        [start + before[0] for start in starts],
        [begin + before[1] for begin in begins],
        [end + before[1] for end in ends],
        {box: at + before[0] for box, at in exits.items()},
        {box: at + before[0] for box, at in entries.items()},
    )


@dataclass(frozen=True, slots=True)
class _Nodes:
    """The sizes of a frame's nodes; ``room`` is their width across, including loops."""

    sizes: list[Extent]
    room: list[float]
    inner: dict[int, Plan]

    @classmethod
    def of(
        cls, content: Content, plans: Mapping[int, Plan], measure: Measure, *, horizontal: bool
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
        middle = self._middle(node)
        return self.inner[node].leave.get(box, middle) if node in self.inner else middle

    def enter(self, node: int, box: int) -> float:
        """Return where a value enters a node."""
        middle = self._middle(node)
        return self.inner[node].enter.get(box, middle) if node in self.inner else middle

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
    size: Extent, label: float, ports: Iterable[float], *, horizontal: bool
) -> tuple[Extent, Extent]:
    """Return the start of a frame's content and the total size, with space for the label.

    No edge runs through the label: ``ports`` are those next to it.
    """
    if horizontal:
        return (_STRIP, _PAD), (size[0] + _STRIP + _PAD, max(size[1], label) + 2 * _PAD)
    free = min(ports, default=size[0])
    more = max(0.0, label + _CLEAR - free)
    return (_PAD + more, _STRIP), (size[0] + 2 * (_PAD + more), size[1] + _STRIP + _PAD)
