"""A net to draw: its layers in groups, and which groups share a box."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from netlang.analysis.layers import Layer, layers_of
from netlang.analysis.summary import LOOP_SCOPES, Summary, summarize
from netlang.diagram.tree import Aliases, Part, Run, Wiring, group_layers, merge_iterations
from netlang.ir.graph import Graph

FEW = 48
"""The most boxes of a diagram without a given depth: it is folded to fit."""


@dataclass(frozen=True, slots=True)
class Net:
    """A graph with its layers, their groups, and the rows of its summary."""

    graph: Graph
    summary: Summary
    layers: Sequence[Layer]
    wiring: Wiring
    parts: list[Part]
    aliases: Aliases

    @classmethod
    def of(cls, graph: Graph, *, merge: bool) -> Net:
        summary, layers = summarize(graph), layers_of(graph)
        # Weights that no layer reads have rows of their own.
        layers += [Layer(row.path, row.kind, (), []) for row in summary.rows[len(layers) :]]
        wiring = Wiring.of(graph, layers)
        parts: list[Part] = group_layers(layers)
        aliases: Aliases = {}
        if merge:
            parts, aliases = merge_iterations(graph, layers, wiring, parts)
        return cls(graph, summary, layers, wiring, parts, aliases)

    def default_depth(self) -> int:
        """Return the largest depth with at most ``FEW`` boxes."""
        deepest = max((layer.path.count(".") + 1 for layer in self.layers), default=1)
        return next((d for d in range(deepest + 1, 1, -1) if self.count(d) <= FEW), 1)

    def count(self, depth: int) -> int:
        """Return the number of boxes at a depth."""
        return count_boxes(self.parts, depth)

    def folded(self, depth: int) -> frozenset[str]:
        """Return the kinds of blocks of which some have a box at a depth."""
        runs = _folded(self.parts, depth)
        return frozenset(self.kind(block) for run in runs for block, _ in self.blocks(run))

    def blocks(self, run: Run) -> Iterator[tuple[Run, int]]:
        """Yield a run that is one block, or else those in it, with how many each represents."""
        times = len(run.iterations) or 1
        if self.kind(run):
            yield run, times
            return
        for part in run.parts:
            if isinstance(part, Run):
                yield from ((block, times * count) for block, count in self.blocks(part))

    def kind(self, run: Run) -> str:
        """Return the kind of the block that contains all of a run."""
        kinds = [
            {scope.kind for scope in self.layers[at].blocks if scope.path == run.path}
            for at in run.layers
        ]
        shared = set[str].intersection(*kinds) - LOOP_SCOPES
        return shared.pop() if len(shared) == 1 else ""


def count_boxes(parts: Sequence[Part], depth: int) -> int:
    """Return the number of boxes of some groups at a depth."""
    return sum(
        count_boxes(part.parts, depth) if isinstance(part, Run) and part.depth < depth else 1
        for part in parts
    )


def _folded(parts: Sequence[Part], depth: int) -> Iterator[Run]:
    """Yield the runs of several layers that have a box at a depth."""
    for part in parts:
        if isinstance(part, Run) and part.depth < depth:
            yield from _folded(part.parts, depth)
        elif isinstance(part, Run) and len(part.layers) > 1:
            yield part
