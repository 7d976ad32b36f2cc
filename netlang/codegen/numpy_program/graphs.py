"""Graphs and the graphs of the loops in them."""

from __future__ import annotations

from collections.abc import Iterator

from netlang.ir.graph import Graph, Node


def nodes_of(graph: Graph) -> Iterator[Node]:
    """Yield the nodes of a graph and of the bodies of its loops."""
    for node in graph.nodes:
        yield node
        for value in (getattr(node.op, name) for name in node.op.__struct_fields__):
            if isinstance(value, Graph):
                yield from nodes_of(value)
