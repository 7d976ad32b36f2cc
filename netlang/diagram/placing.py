"""Where on its level each node stands: near what it is joined to, and clear of its neighbours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf

from netlang.diagram.lattice import Lattice

SWEEPS = 9
"""How often the levels are gone through, down and up in turn."""

_CLEAR, _CLEAR_OF_BENDS = 26.0, 15.0

_MAIN, _BENDS, _SIDE = 1000.0, 2.0, 0.05
"""How much an edge matters: on the longest way through both its ends, between bends, any other."""

Offset = Callable[[int, int], float]
"""Where on a node an edge of some key is attached, from the node's beginning."""


@dataclass(frozen=True, slots=True)
class _Pull:
    """What an edge wants of a node: to begin where ``other`` begins, and ``shift`` further."""

    other: int
    shift: float
    weight: float


Pulls = list[list[_Pull]]


def place(made: Lattice, extents: Sequence[float], leave: Offset, enter: Offset) -> list[float]:
    """Give the beginning of every node across its level; the least is 0.

    ``extents`` are those of the real nodes; bends take no room but that around them.
    """
    count = len(made.levels)
    sizes = [*extents, *([0.0] * (count - made.count))]
    above, below = _pulls(made, leave, enter)
    places = [0.0] * count
    for row in made.rows:
        _spread(row, places, sizes, made.count, [])
    for sweep in range(SWEEPS):
        near = (above, below)[sweep % 2]
        for row in made.rows if sweep % 2 == 0 else reversed(made.rows):
            _spread(row, places, sizes, made.count, near)
    _straighten(made, places, sizes)
    least = min(places, default=0.0)
    return [at - least for at in places]


def _pulls(made: Lattice, leave: Offset, enter: Offset) -> tuple[Pulls, Pulls]:
    """Say what the edges from above and those from below want of each node."""
    count = len(made.levels)
    sources: list[list[int]] = [[] for _ in range(count)]
    targets: list[list[int]] = [[] for _ in range(count)]
    for source, target, _ in made.segments:
        sources[target].append(source)
        targets[source].append(target)
    ahead = _longest(made, made.rows, sources)
    behind = _longest(made, made.rows[::-1], targets)
    above: Pulls = [[] for _ in range(count)]
    below: Pulls = [[] for _ in range(count)]
    for source, target, key in made.segments:
        shift = leave(source, key) - enter(target, key)
        bends = (source >= made.count) + (target >= made.count)
        main = (
            not bends
            and ahead[source] == _most(made, sources[target], ahead)
            and behind[target] == _most(made, targets[source], behind)
        )
        weight = _MAIN if main else _BENDS if bends == 2 else _SIDE
        above[target].append(_Pull(source, shift, weight))
        below[source].append(_Pull(target, -shift, weight))
    # A bend looks both ways, so that the whole of a long edge finds one place.
    for bend in range(made.count, count):
        above[bend] = below[bend] = [*above[bend], *below[bend]]
    return above, below


def _most(made: Lattice, nodes: Sequence[int], longest: Sequence[int]) -> int:
    return max(longest[node] for node in nodes if node < made.count)


def _longest(
    made: Lattice, rows: Sequence[Sequence[int]], before: Sequence[Sequence[int]]
) -> list[int]:
    """Count the real nodes on the longest way to each node."""
    longest = [0] * len(made.levels)
    for row in rows:
        for node in row:
            longest[node] = max((longest[other] for other in before[node]), default=0)
            longest[node] += node < made.count
    return longest


def _wish(node: int, pulls: Sequence[_Pull], places: Sequence[float]) -> tuple[float, float]:
    """Say where a node would stand by itself, and how much it matters."""
    weight = total = 0.0
    for pull in pulls:
        weight += pull.weight
        total += pull.weight * (places[pull.other] + pull.shift)
    return (total / weight, weight) if weight else (places[node], _SIDE)


def _spread(
    row: Sequence[int],
    places: list[float],
    sizes: Sequence[float],
    real: int,
    pulls: Pulls,
) -> None:
    """Place a level as near to its wishes as the room around its nodes allows.

    That is a regression by least squares with the order kept: neighbours that would be too near
    move together as a block, to the mean of their wishes.
    """
    blocks: list[tuple[float, float, int]] = []
    starts: list[float] = []
    start = 0.0
    for at, node in enumerate(row):
        if at:
            before = row[at - 1]
            bend = before >= real or node >= real
            start += sizes[before] + (_CLEAR_OF_BENDS if bend else _CLEAR)
        starts.append(start)
        wished, weight = _wish(node, pulls[node] if pulls else (), places)
        block = (wished - start, weight, 1)
        while blocks and blocks[-1][0] > block[0]:
            mean, heavy, length = blocks.pop()
            both = heavy + block[1]
            block = ((mean * heavy + block[0] * block[1]) / both, both, length + block[2])
        blocks.append(block)
    nodes = iter(range(len(row)))
    for mean, _, length in blocks:
        for _ in range(length):
            at = next(nodes)
            places[row[at]] = starts[at] + mean


def _straighten(made: Lattice, places: list[float], sizes: Sequence[float]) -> None:
    """Give stretches of bends one place each, as long as there is room for it on every level."""
    at = {node: i for row in made.rows for i, node in enumerate(row)}

    def room(bend: int) -> tuple[float, float]:
        row, here = made.rows[made.levels[bend]], at[bend]
        least, most = -inf, inf
        if here:
            before = row[here - 1]
            least = places[before] + sizes[before] + _CLEAR_OF_BENDS
        if here + 1 < len(row):
            most = places[row[here + 1]] - _CLEAR_OF_BENDS
        return least, most

    for chain in made.bends.values():
        stretch: list[int] = []
        least, most = -inf, inf
        for bend in chain:
            low, high = room(bend)
            if stretch and max(least, low) > min(most, high):
                _settle(stretch, least, most, places)
                stretch, least, most = [], -inf, inf
            stretch.append(bend)
            least, most = max(least, low), min(most, high)
        _settle(stretch, least, most, places)


def _settle(stretch: Sequence[int], least: float, most: float, places: list[float]) -> None:
    mean = sum(places[bend] for bend in stretch) / len(stretch)
    for bend in stretch:
        places[bend] = min(max(mean, least), most)
