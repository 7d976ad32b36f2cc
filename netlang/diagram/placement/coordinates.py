"""Coordinate assignment: nodes near their neighbors, without overlaps within a level."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf

from netlang.diagram.placement.layering import Layering

SWEEPS = 9
"""The number of sweeps over the levels, alternately down and up."""

_CLEAR, _CLEAR_OF_BENDS = 26.0, 15.0

_MAIN, _BENDS, _SIDE = 1000.0, 2.0, 0.05
"""The weight of an edge: on the longest path through both its ends, between bends, any other."""

Offset = Callable[[int, int], float]
"""A function: where an edge of some key is attached, measured from the node's start."""


@dataclass(frozen=True, slots=True)
class _Pull:
    """The pull of an edge on a node: to start where ``other`` starts, plus ``shift``."""

    other: int
    shift: float
    weight: float


Pulls = list[list[_Pull]]


def assign_coordinates(
    layering: Layering, extents: Sequence[float], leave: Offset, enter: Offset
) -> list[float]:
    """Return the start of every node across its level; the smallest is 0.

    ``extents`` are those of the real nodes; bends have a size of 0, plus spacing.
    """
    count = len(layering.levels)
    sizes = [*extents, *([0.0] * (count - layering.count))]
    above, below = _pulls(layering, leave, enter)
    coordinates = [0.0] * count
    for row in layering.rows:
        _spread(row, coordinates, sizes, layering.count, [])
    for sweep in range(SWEEPS):
        near = (above, below)[sweep % 2]
        for row in layering.rows if sweep % 2 == 0 else reversed(layering.rows):
            _spread(row, coordinates, sizes, layering.count, near)
    _straighten(layering, coordinates, sizes)
    least = min(coordinates, default=0.0)
    return [at - least for at in coordinates]


def _pulls(layering: Layering, leave: Offset, enter: Offset) -> tuple[Pulls, Pulls]:
    """Return the pulls of the edges from above and from below on each node."""
    count = len(layering.levels)
    sources: list[list[int]] = [[] for _ in range(count)]
    targets: list[list[int]] = [[] for _ in range(count)]
    for source, target, _ in layering.segments:
        sources[target].append(source)
        targets[source].append(target)
    ahead = _longest(layering, layering.rows, sources)
    behind = _longest(layering, layering.rows[::-1], targets)
    above: Pulls = [[] for _ in range(count)]
    below: Pulls = [[] for _ in range(count)]
    for source, target, key in layering.segments:
        shift = leave(source, key) - enter(target, key)
        bends = (source >= layering.count) + (target >= layering.count)
        main = (
            not bends
            and ahead[source] == _most(layering, sources[target], ahead)
            and behind[target] == _most(layering, targets[source], behind)
        )
        weight = _MAIN if main else _BENDS if bends == 2 else _SIDE
        above[target].append(_Pull(source, shift, weight))
        below[source].append(_Pull(target, -shift, weight))
    # A bend is pulled from both sides, so that all of a long edge settles at one coordinate.
    for bend in range(layering.count, count):
        above[bend] = below[bend] = [*above[bend], *below[bend]]
    return above, below


def _most(layering: Layering, nodes: Sequence[int], longest: Sequence[int]) -> int:
    return max(longest[node] for node in nodes if node < layering.count)


def _longest(
    layering: Layering, rows: Sequence[Sequence[int]], before: Sequence[Sequence[int]]
) -> list[int]:
    """Return the number of real nodes on the longest path to each node."""
    longest = [0] * len(layering.levels)
    for row in rows:
        for node in row:
            longest[node] = max((longest[other] for other in before[node]), default=0)
            longest[node] += node < layering.count
    return longest


def _preferred(
    node: int, pulls: Sequence[_Pull], coordinates: Sequence[float]
) -> tuple[float, float]:
    """Return the preferred coordinate of a node by itself, and its weight."""
    weight = total = 0.0
    for pull in pulls:
        weight += pull.weight
        total += pull.weight * (coordinates[pull.other] + pull.shift)
    return (total / weight, weight) if weight else (coordinates[node], _SIDE)


def _spread(
    row: Sequence[int],
    coordinates: list[float],
    sizes: Sequence[float],
    real: int,
    pulls: Pulls,
) -> None:
    """Place the nodes of a level as near to their preferred coordinates as spacing allows.

    This is isotonic regression by pooling: neighbors that would be too near move together as a
    block, to the weighted mean of their preferences.
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
        preferred, weight = _preferred(node, pulls[node] if pulls else (), coordinates)
        block = (preferred - start, weight, 1)
        while blocks and blocks[-1][0] > block[0]:
            mean, heavy, length = blocks.pop()
            both = heavy + block[1]
            block = ((mean * heavy + block[0] * block[1]) / both, both, length + block[2])
        blocks.append(block)
    nodes = iter(range(len(row)))
    for mean, _, length in blocks:
        for _ in range(length):
            at = next(nodes)
            coordinates[row[at]] = starts[at] + mean


def _straighten(layering: Layering, coordinates: list[float], sizes: Sequence[float]) -> None:
    """Align runs of bends at one coordinate, as far as there is space on every level."""
    at = {node: i for row in layering.rows for i, node in enumerate(row)}

    def room(bend: int) -> tuple[float, float]:
        row, here = layering.rows[layering.levels[bend]], at[bend]
        least, most = -inf, inf
        if here:
            before = row[here - 1]
            least = coordinates[before] + sizes[before] + _CLEAR_OF_BENDS
        if here + 1 < len(row):
            most = coordinates[row[here + 1]] - _CLEAR_OF_BENDS
        return least, most

    for chain in layering.bends.values():
        stretch: list[int] = []
        least, most = -inf, inf
        for bend in chain:
            low, high = room(bend)
            if stretch and max(least, low) > min(most, high):
                _settle(stretch, least, most, coordinates)
                stretch, least, most = [], -inf, inf
            stretch.append(bend)
            least, most = max(least, low), min(most, high)
        _settle(stretch, least, most, coordinates)


def _settle(stretch: Sequence[int], least: float, most: float, coordinates: list[float]) -> None:
    mean = sum(coordinates[bend] for bend in stretch) / len(stretch)
    for bend in stretch:
        coordinates[bend] = min(max(mean, least), most)
