"""A graph without its names: two programs mean the same when these are equal."""

from __future__ import annotations

from netlang.ir.graph import Graph, Value
from netlang.ir.op import Primitive


def canonical(graph: Graph) -> object:
    """Describe a graph by operators, types and wiring alone; values are numbered as they come."""
    numbers: dict[Value, int] = {}

    def number(value: Value) -> int:
        return numbers.setdefault(value, len(numbers))

    inputs = [(number(v), str(v.type)) for v in graph.inputs]
    states = [(number(s.value), str(s.value.type), s.start) for s in graph.states]
    params = [(number(v), str(p.type), str(p.init), p.trained) for v, p in graph.params.items()]
    nodes = [
        (
            _operator(node.op),
            [number(v) for v in node.inputs],
            [(number(v), str(v.type)) for v in node.outputs],
        )
        for node in graph.nodes
    ]
    outputs = [number(v) for v in graph.outputs.values()]
    after = [number(s.after) for s in graph.states]
    return inputs, states, params, nodes, outputs, after, dict(graph.units)


def _operator(op: Primitive) -> object:
    attributes = [(name, getattr(op, name)) for name in op.__struct_fields__]
    return op.name, [
        (name, canonical(value) if isinstance(value, Graph) else repr(value))
        for name, value in attributes
    ]
