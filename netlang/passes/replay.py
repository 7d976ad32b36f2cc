"""Graphs rebuilt node by node: the only way in which passes change them."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from netlang.ir.graph import Builder, Graph, Node, Value, Values, types

Emit = Callable[[Builder, Node, Values], Values]
"""A function that returns the replacements of a node's outputs, and may add nodes for them."""


def replay(graph: Graph, emit: Emit) -> Graph:
    """Rebuild a graph, replacing each node by what ``emit`` returns.

    ``emit`` receives the node and its operands in the new graph; the nodes it adds get the scope
    and the span of the old one.
    """
    builder = Builder()
    sources = (*graph.inputs, *graph.params, *(s.value for s in graph.states))
    builder.adopt(sources)
    now: dict[Value, Value] = {v: v for v in sources}
    for node in graph.nodes:
        builder.scope, builder.span = node.scope, node.span
        made = emit(builder, node, tuple(now[v] for v in node.inputs))
        now.update(zip(node.outputs, made, strict=True))
    return replace(
        graph,
        nodes=tuple(builder.nodes),
        outputs={name: now[v] for name, v in graph.outputs.items()},
        states=tuple(replace(s, after=now[s.after]) for s in graph.states),
    )


def copy_node(builder: Builder, node: Node, inputs: Values) -> Values:
    """Emit a node for operands that may be new, under the same names if they are unused."""
    if inputs == node.inputs and not builder.clashes(node.outputs):
        builder.adopt(node.outputs)
        builder.nodes.append(node)
        return node.outputs
    inferred = node.op.infer(*types(inputs))
    pairs = zip(node.outputs, inferred, strict=True)
    outputs = tuple(builder.fresh(old.name, type) for old, type in pairs)
    builder.nodes.append(replace(node, inputs=inputs, outputs=outputs))
    return outputs


def uses(graph: Graph) -> dict[Value, int]:
    """Return the number of uses of each value, as an operand or as a result."""
    counts: dict[Value, int] = {}
    for value in (v for node in graph.nodes for v in node.inputs):
        counts[value] = counts.get(value, 0) + 1
    for value in (*graph.outputs.values(), *(s.after for s in graph.states)):
        counts[value] = counts.get(value, 0) + 1
    return counts
