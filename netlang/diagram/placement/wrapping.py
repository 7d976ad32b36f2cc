"""What makes a diagram fit a page: columns of a chain, and nets that have the shape of a U."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from netlang.diagram.outline import Frame, Item, Outline
from netlang.diagram.placement.nesting import Content, Nesting, Part
from netlang.diagram.placement.plans import Extent, Levels
from netlang.ir.dims import Size

_PAGE, _SLIM = 1.25, 0.6
"""The width of a page per height, and the narrowest diagram that is not changed."""

_AROUND, _HEADING = (40.0, 140.0), 240.0
"""What a heading, a legend and margins add to the size, and how wide a heading is at least."""

_TRIALS, _TRIED = 32, 5
"""How many heights of columns are estimated, and how many of those are laid out."""

_LEAST = 0.55
"""The smallest share of a column that is full, if few edges leave it there."""

_CROSSED, _SPACE = 12.0, 45.0
"""What an edge between two columns costs, as height, and the width between columns."""


def page_height(size: Extent) -> float:
    """Return the height of the page that a diagram of some size, across and along, fills."""
    across, along = size[0] + _AROUND[0], size[1] + _AROUND[1]
    return max(across / _PAGE, along)


def fits(plan: Levels, *, horizontal: bool) -> bool:
    """Return whether a diagram on levels fits a page as it is."""
    if any(isinstance(item, Frame) and item.detail for item in plan.content.items):
        return False
    if horizontal:
        return (plan.size[0] + _AROUND[1]) / (plan.size[1] + _AROUND[0]) >= _SLIM
    across = max(plan.size[0], _HEADING) + _AROUND[0]
    return across / (plan.size[1] + _AROUND[1]) >= _SLIM


def arrangements(
    outline: Outline, nesting: Nesting, plan: Levels, *, wrap: bool, horizontal: bool
) -> Iterator[Part]:
    """Yield arrangements of an outline; ``plan`` is that on levels alone."""
    details = tuple(i for i in outline.items if isinstance(i, Frame) and i.detail)
    chain = _Chain.of(nesting.frames[0], plan)
    found = [chain.whole()]
    shape = _u(outline, nesting, chain) if wrap else None
    if shape is not None:
        found = [Part((shape,), "columns")]
    elif wrap:
        found += chain.columns()
    for part in found:
        for stacks in _stacks(details):
            yield Part((*part.items, *stacks), "columns")


def _stacks(details: Sequence[Frame]) -> Iterator[tuple[Part, ...]]:
    """Yield the details one below the other, or next to one another."""
    yield tuple(Part((frame,)) for frame in details)
    if len(details) > 1:
        yield (Part(tuple(details), "stack"),)
    if len(details) > 2:
        yield (Part((details[0],)), Part(tuple(details[1:]), "stack"))


@dataclass(frozen=True, slots=True)
class _Chain:
    """The items of a net in order, without details.

    ``areas`` are their least and greatest coordinates across and along, ``crossed`` the number of
    values that are made before each item and read from there on.
    """

    items: Sequence[Item | Part]
    numbers: Sequence[int]
    areas: Sequence[tuple[float, float, float, float]]
    crossed: Sequence[int]

    @classmethod
    def of(cls, content: Content, plan: Levels) -> _Chain:
        shown = [at for at, item in enumerate(content.items) if not _is_detail(item)]
        wires = [(s, t, box) for s, t, box in content.wired if s is not None and t is not None]
        places: dict[int, float] = {at: float(at) for at in shown}
        # What reads nothing belongs to its first reader, what nothing reads to what it reads.
        read, readers = {t for _, t, _ in wires}, {s for s, _, _ in wires}
        for at in shown:
            if at not in read and at in readers:
                places[at] = min(t for s, t, _ in wires if s == at) - 0.5
            elif at in read and at not in readers:
                places[at] = max(s for s, t, _ in wires if t == at) + 0.5
        numbers = sorted(shown, key=places.__getitem__)
        rank = {at: place for place, at in enumerate(numbers)}
        last: dict[int, tuple[int, int]] = {}
        for source, target, box in wires:
            start, end = last.get(box, (rank[source], 0))
            last[box] = start, max(end, rank[target])
        crossed = [0] * (len(numbers) + 1)
        for start, end in last.values():
            crossed[start + 1] += 1
            crossed[end + 1] -= 1
        for place in range(1, len(crossed)):
            crossed[place] += crossed[place - 1]
        areas = [_area(plan, content, at) for at in numbers]
        return cls([content.items[at] for at in numbers], numbers, areas, crossed)

    def whole(self) -> Part:
        return Part((Part(tuple(self.items)),), "columns")

    def columns(self) -> list[Part]:
        """Return the most promising ways to cut the chain into columns."""
        if not self.items:
            return []
        tallest = max(bottom - top for _, _, top, bottom in self.areas)
        total = max(a[3] for a in self.areas) - min(a[2] for a in self.areas)
        scored: dict[tuple[int, ...], float] = {}
        for trial in range(_TRIALS):
            limit = tallest * (total / tallest) ** (trial / _TRIALS)
            cuts = self._cut(limit)
            scored.setdefault(cuts, self._estimate(cuts))
        best = sorted(scored, key=scored.__getitem__)[:_TRIED]
        return [
            Part(tuple(Part(tuple(self.items[a:b])) for a, b in pairwise(cuts)), "columns")
            for cuts in best
        ]

    def _cut(self, limit: float) -> tuple[int, ...]:
        """Return where columns of at most the height ``limit`` begin, and the end."""
        cuts = [0]
        while cuts[-1] < len(self.items):
            low, high = self.areas[cuts[-1]][2:]
            possible: list[tuple[int, int]] = []
            at = cuts[-1]
            while at < len(self.items):
                low, high = min(low, self.areas[at][2]), max(high, self.areas[at][3])
                if high - low > limit and at > cuts[-1]:
                    break
                at += 1
                if high - low >= _LEAST * limit:
                    possible.append((self.crossed[at], -at))
            rest = at < len(self.items)
            cuts.append(-min(possible, default=(0, -at))[1] if rest else at)
        return tuple(cuts)

    def _estimate(self, cuts: Sequence[int]) -> float:
        across, along = -_SPACE, 0.0
        for start, end in pairwise(cuts):
            areas = self.areas[start:end]
            across += max(a[1] for a in areas) - min(a[0] for a in areas) + _SPACE
            along = max(along, max(a[3] for a in areas) - min(a[2] for a in areas))
        crossing = sum(self.crossed[at] - 1 for at in cuts[1:-1])
        return page_height((across, along)) + _CROSSED * crossing


def _is_detail(item: Item | Part) -> bool:
    return isinstance(item, Frame) and item.detail


def _area(plan: Levels, content: Content, at: int) -> tuple[float, float, float, float]:
    (across, along), (wide, long) = plan.corner(at, (0.0, 0.0)), plan.sizes[content.node(at)]
    return across, across + wide, along, along + long


def _u(outline: Outline, nesting: Nesting, chain: _Chain) -> Part | None:
    """Return a net as a U if it is one: results of a way down are read in reverse on the way up.

    At least two values, of different sizes, skip the bottom, and the last one made is the first
    one read.
    """
    rank = {at: place for place, at in enumerate(chain.numbers)}
    bottom = max(range(len(chain.crossed)), key=chain.crossed.__getitem__)
    reads: dict[tuple[int, int], list[int]] = {}
    for source, target, box in nesting.frames[0].wired:
        if source is not None and target is not None and rank[source] < bottom <= rank[target]:
            reads.setdefault((rank[source], box), []).append(rank[target])
    values = sorted(reads, reverse=True)
    if len(values) < 3 or any(len(set(reads[value])) > 1 for value in values):
        return None
    skips, ends = values[1:], [reads[value][0] for value in values]
    starts = [start for start, _ in skips]
    sizes = [_size(outline, box) for _, box in skips]
    if len(set(sizes)) < len(sizes) or None in sizes or ends != sorted(ends):
        return None
    if len(set(starts)) < len(starts) or len(set(ends[1:])) < len(ends) - 1:
        return None
    first = ends[1]
    sides = chain.items[: starts[0] + 1], chain.items[starts[0] + 1 : first], chain.items[first:]
    if not sides[1] or not _joined(nesting, rank, starts[0], first):
        return None
    down, middle, up = (tuple(items) for items in sides)
    return Part((Part(down), Part(middle), Part(up, flipped=True)), "u")


def _joined(nesting: Nesting, rank: dict[int, int], end: int, first: int) -> bool:
    """Return whether the bottom reads one value from the way down, and the way up one from it."""
    into, out = set[int](), set[int]()
    for source, target, box in nesting.frames[0].wired:
        if source is None or target is None:
            continue
        start, stop = rank[source], rank[target]
        if start <= end < stop < first:
            into.add(box)
        if end < start < first <= stop:
            out.add(box)
    return len(into) == len(out) == 1


def _size(outline: Outline, box: int) -> Size | None:
    """Return the length of the last axis of the value that a box makes."""
    value = outline.values.get(box)
    return value.type.shape[-1] if value is not None and value.type.shape else None
