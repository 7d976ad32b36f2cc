"""Dead-code elimination."""

from __future__ import annotations

from msgspec.structs import replace

from netlang.ir.backward_slice import needed
from netlang.ir.graph import Graph


def eliminate_dead_code(graph: Graph) -> Graph:
    """Remove every node that no output and no state depends on."""
    ends = (*graph.outputs.values(), *(s.after for s in graph.states))
    return replace(graph, nodes=tuple(needed(graph.nodes, ends)))
