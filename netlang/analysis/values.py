"""Which values of a graph share memory, and how long they are needed."""

from __future__ import annotations

from collections.abc import Iterable

from netlang.ir.graph import Graph, Node, Value


def constants(graph: Graph) -> set[Value]:
    """Return the weights and what is computed from them alone, such as a transposed weight."""
    fixed = set(graph.params)
    for node in graph.nodes:
        if fixed.issuperset(node.inputs):
            fixed.update(node.outputs)
    return fixed


def owners(nodes: Iterable[Node]) -> dict[Value, Value]:
    """Return for each view the value that owns its memory."""
    owner: dict[Value, Value] = {}
    for node in nodes:
        if node.op.view:
            source = node.inputs[0]
            owner[node.outputs[0]] = owner.get(source, source)
    return owner


def last_uses(graph: Graph, owner: dict[Value, Value]) -> dict[Value, int]:
    """Return for each value the index of the last node that reads it; results are never freed."""
    last: dict[Value, int] = {}
    for at, node in enumerate(graph.nodes):
        for value in node.inputs:
            last[owner.get(value, value)] = at
    for value in (*graph.outputs.values(), *(s.after for s in graph.states)):
        last[owner.get(value, value)] = len(graph.nodes)
    return last
