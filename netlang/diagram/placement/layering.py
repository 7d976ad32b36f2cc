"""Layer assignment: nodes on levels, with bends (dummy nodes) where an edge spans several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from netlang.diagnostics.errors import TooLargeError

MOST_PASSED = 50_000
"""A diagram whose edges cross more levels is rejected: it would be black with lines."""

Segment = tuple[int, int, int]
"""Two nodes on consecutive levels, and the key of the edge between them."""


@dataclass(frozen=True, slots=True)
class Link:
    """An edge between two nodes. Those with the same source and key are one value."""

    source: int
    target: int
    key: int


@dataclass(slots=True)
class Layering:
    """Nodes by level; the first ``count`` are real, the others are bends of long edges.

    ``bends`` holds the bends of the edges of each value, by its source and key.
    """

    count: int
    levels: list[int]
    rows: list[list[int]]
    segments: list[Segment] = field(default_factory=list[Segment])
    bends: dict[tuple[int, int], list[int]] = field(
        default_factory=dict[tuple[int, int], list[int]]
    )

    def route(self, link: Link) -> list[int]:
        """Return the nodes on the route of an edge, including its ends."""
        between = self.levels[link.target] - self.levels[link.source] - 1
        bends = self.bends.get((link.source, link.key), [])
        return [link.source, *bends[:between], link.target]


def assign_levels(count: int, links: Sequence[Link], *, first: int = 0, last: int = 0) -> Layering:
    """Assign nodes to levels, each below its predecessors, and insert bends into long edges.

    Links go from lower numbers to higher ones. The first ``first`` and the last ``last`` nodes have
    levels of their own.
    """
    levels = _levels(count, links, first, last)
    rows: list[list[int]] = [[] for _ in range(max(levels, default=-1) + 1)]
    for node, level in enumerate(levels):
        rows[level].append(node)
    passed = sum(levels[link.target] - levels[link.source] - 1 for link in links)
    if passed > MOST_PASSED:
        raise TooLargeError(
            f"the edges of this diagram would pass other layers {passed:,} times, and "
            f"{MOST_PASSED:,} are the most",
            helps=["fold it: layers whose paths begin alike share a box with `--depth 1`"],
        )
    layering = Layering(count, levels, rows)
    last_level: dict[tuple[int, int], int] = {}
    for link in links:
        value = (link.source, link.key)
        last_level[value] = max(last_level.get(value, 0), levels[link.target])
    for (source, key), end in last_level.items():
        before = source
        for level in range(levels[source] + 1, end):
            bend = len(levels)
            levels.append(level)
            rows[level].append(bend)
            layering.bends.setdefault((source, key), []).append(bend)
            layering.segments.append((before, bend, key))
            before = bend
    for link in dict.fromkeys(links):
        *_, before, target = layering.route(link)
        layering.segments.append((before, target, link.key))
    return layering


def _levels(count: int, links: Sequence[Link], first: int, last: int) -> list[int]:
    """Return the longest path to each node; a node without inputs is just above its readers."""
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
