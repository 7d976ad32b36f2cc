"""Dead-code elimination."""

from __future__ import annotations

from msgspec.structs import replace

from netlang.ir.graph import Graph, Node


def eliminate_dead_code(graph: Graph) -> Graph:
    """Remove every node that no output and no state depends on."""
    needed = {*graph.outputs.values(), *(s.after for s in graph.states)}
    live: list[Node] = []
    for node in reversed(graph.nodes):
        if not needed.isdisjoint(node.outputs):
            needed.update(node.inputs)
            live.append(node)
    return replace(graph, nodes=tuple(reversed(live)))
