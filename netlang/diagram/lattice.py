"""Nodes on levels: every edge leads from a level to the next, long ones over bends in between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from netlang.diagnostics.errors import TooLargeError

MOST_PASSED = 50_000
"""A picture whose edges pass more layers is refused: it would be black with lines."""

Segment = tuple[int, int, int]
"""Two nodes on levels that follow one another, and the key of the edge between them."""


@dataclass(frozen=True, slots=True)
class Link:
    """An edge between two nodes. Those with the same source and key are one value."""

    source: int
    target: int
    key: int


@dataclass(slots=True)
class Lattice:
    """Nodes by levels; ``count`` are real, all others are bends of long edges.

    ``bends`` holds the bends on the way of each value, by its source and key.
    """

    count: int
    levels: list[int]
    rows: list[list[int]]
    segments: list[Segment] = field(default_factory=list[Segment])
    bends: dict[tuple[int, int], list[int]] = field(
        default_factory=dict[tuple[int, int], list[int]]
    )

    def way(self, link: Link) -> list[int]:
        """List the nodes an edge passes, its ends included."""
        between = self.levels[link.target] - self.levels[link.source] - 1
        bends = self.bends.get((link.source, link.key), [])
        return [link.source, *bends[:between], link.target]


def lattice(count: int, links: Sequence[Link], *, first: int = 0, last: int = 0) -> Lattice:
    """Put nodes on levels, each below all that lead to it, and bend what passes a level.

    Links lead from lower numbers to higher ones. The ``first`` and the ``last`` so many nodes
    have levels of their own at both ends.
    """
    levels = _levels(count, links, first, last)
    rows: list[list[int]] = [[] for _ in range(max(levels, default=-1) + 1)]
    for node, level in enumerate(levels):
        rows[level].append(node)
    passed = sum(levels[link.target] - levels[link.source] - 1 for link in links)
    if passed > MOST_PASSED:
        raise TooLargeError(
            f"the edges of this picture would pass other layers {passed:,} times, and "
            f"{MOST_PASSED:,} are the most",
            helps=["fold it: layers whose paths begin alike share a box with `--depth 1`"],
        )
    made = Lattice(count, levels, rows)
    reach: dict[tuple[int, int], int] = {}
    for link in links:
        value = (link.source, link.key)
        reach[value] = max(reach.get(value, 0), levels[link.target])
    for (source, key), end in reach.items():
        before = source
        for level in range(levels[source] + 1, end):
            bend = len(levels)
            levels.append(level)
            rows[level].append(bend)
            made.bends.setdefault((source, key), []).append(bend)
            made.segments.append((before, bend, key))
            before = bend
    for link in dict.fromkeys(links):
        *_, before, target = made.way(link)
        made.segments.append((before, target, link.key))
    return made


def _levels(count: int, links: Sequence[Link], first: int, last: int) -> list[int]:
    """Find the longest way to each node; what nothing leads to stands just above its readers."""
    sources: list[list[int]] = [[] for _ in range(count)]
    targets: list[list[int]] = [[] for _ in range(count)]
    for link in links:
        sources[link.target].append(link.source)
        targets[link.source].append(link.target)
    levels: list[int] = []
    for node in range(count):
        lowest = 1 if first and node >= first else 0
        levels.append(max((levels[source] + 1 for source in sources[node]), default=lowest))
    for node in reversed(range(first, count)):
        if not sources[node] and targets[node]:
            levels[node] = max(levels[node], min(levels[t] for t in targets[node]) - 1)
    if last:
        end = max(levels[:-last], default=0) + 1
        levels[-last:] = [end] * last
    return levels
