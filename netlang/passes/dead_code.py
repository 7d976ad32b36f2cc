"""Nodes that nothing needs."""

from __future__ import annotations

from dataclasses import replace

from netlang.ir.graph import Graph, Node


def eliminate_dead_code(graph: Graph) -> Graph:
    """Drop every node whose results lead to no output and no state."""
    needed = {*graph.outputs.values(), *(s.after for s in graph.states)}
    kept: list[Node] = []
    for node in reversed(graph.nodes):
        if not needed.isdisjoint(node.outputs):
            needed.update(node.inputs)
            kept.append(node)
    return replace(graph, nodes=tuple(reversed(kept)))
