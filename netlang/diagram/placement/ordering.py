"""Crossing reduction: the order of nodes within their levels (Sugiyama et al., 1981)."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

from netlang.diagram.placement.layering import Layering

SWEEPS = 8
"""The number of sweeps over the levels, alternately down and up."""

Share = Callable[[int, int], float]
"""A function: where an edge of some key is attached to a node, from 0 to 1."""

Ends = list[list[tuple[int, float, float]]]
"""For each node its neighbors, the position on the neighbor, and on the node itself."""


def order(layering: Layering, leave: Share, enter: Share) -> None:
    """Order every level by the barycenters of its nodes' neighbors; keep the best order."""
    count = len(layering.levels)
    above: Ends = [[] for _ in range(count)]
    below: Ends = [[] for _ in range(count)]
    for source, target, key in layering.segments:
        out, into = leave(source, key), enter(target, key)
        above[target].append((source, out, into))
        below[source].append((target, into, out))
    rows = [list(row) for row in layering.rows]
    fewest = crossings(rows, below)
    for sweep in range(SWEEPS):
        if fewest == 0:
            return
        if sweep % 2 == 0:
            _sweep(rows, range(1, len(rows)), -1, above)
        else:
            _sweep(rows, range(len(rows) - 2, -1, -1), 1, below)
        found = crossings(rows, below)
        if found < fewest:
            layering.rows, fewest = [list(row) for row in rows], found


def _sweep(rows: list[list[int]], levels: Iterable[int], step: int, neighbors: Ends) -> None:
    for level in levels:
        positions = {node: at for at, node in enumerate(rows[level + step])}
        means = {
            node: sum(positions[other] + share for other, share, _ in neighbors[node])
            / len(neighbors[node])
            if neighbors[node]
            else at + 0.5
            for at, node in enumerate(rows[level])
        }
        rows[level].sort(key=means.__getitem__)


def crossings(rows: Sequence[Sequence[int]], below: Ends) -> int:
    """Return the number of pairs of edges that cross between levels."""
    found = 0
    for row, following in pairwise(rows):
        positions = {node: at for at, node in enumerate(following)}
        ends = sorted(
            (at + own, positions[target] + share)
            for at, node in enumerate(row)
            for target, share, own in below[node]
        )
        passed: list[float] = []
        for _, end in ends:
            found += len(passed) - bisect_right(passed, end)
            insort(passed, end)
    return found
