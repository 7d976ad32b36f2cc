"""Which values of a graph share memory, and how long they are needed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

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


class Lives:
    """How long the values of a graph are needed; weights and what follows from them always are."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.owner = owners(graph.nodes)
        self._last = last_uses(graph, self.owner)
        fixed = constants(graph)
        self.entering = (*graph.inputs, *(s.value for s in graph.states))
        made = (v for node in graph.nodes for v in node.outputs)
        self.stored = {
            v: None for v in (*self.entering, *made) if v not in fixed and v not in self.owner
        }
        """The values that have memory of their own, in order."""

    def ending(self, at: int, node: Node) -> Iterator[Value]:
        """Yield the values that no node after this one, the ``at``th, reads."""
        for value in {self.owner.get(v, v) for v in (*node.inputs, *node.outputs)}:
            if value in self.stored and self._last.get(value, at) == at:
                yield value
