"""The order of nodes on their levels, so that few edges cross (Sugiyama et al., 1981)."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

from netlang.diagram.lattice import Lattice

SWEEPS = 8
"""How often the levels are gone through, down and up in turn."""

Share = Callable[[int, int], float]
"""Where on a node an edge of some key is attached, from 0 at its beginning to 1 at its end."""

Ends = list[list[tuple[int, float, float]]]
"""For each node what it is joined to, where on the other, and where on itself."""


def order(made: Lattice, leave: Share, enter: Share) -> None:
    """Order every level by the means of what its nodes are joined to; the best order is kept."""
    count = len(made.levels)
    above: Ends = [[] for _ in range(count)]
    below: Ends = [[] for _ in range(count)]
    for source, target, key in made.segments:
        out, into = leave(source, key), enter(target, key)
        above[target].append((source, out, into))
        below[source].append((target, into, out))
    rows = [list(row) for row in made.rows]
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
            made.rows, fewest = [list(row) for row in rows], found


def _sweep(rows: list[list[int]], levels: Iterable[int], step: int, joined: Ends) -> None:
    for level in levels:
        places = {node: at for at, node in enumerate(rows[level + step])}
        means = {
            node: sum(places[other] + share for other, share, _ in joined[node]) / len(joined[node])
            if joined[node]
            else at + 0.5
            for at, node in enumerate(rows[level])
        }
        rows[level].sort(key=means.__getitem__)


def crossings(rows: Sequence[Sequence[int]], below: Ends) -> int:
    """Count the pairs of edges that cross between levels."""
    found = 0
    for row, following in pairwise(rows):
        places = {node: at for at, node in enumerate(following)}
        ends = sorted(
            (at + own, places[target] + share)
            for at, node in enumerate(row)
            for target, share, own in below[node]
        )
        passed: list[float] = []
        for _, end in ends:
            found += len(passed) - bisect_right(passed, end)
            insort(passed, end)
    return found
