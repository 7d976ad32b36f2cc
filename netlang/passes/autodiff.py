"""Reverse-mode differentiation, from graph to graph.

Gradients are ordinary nodes, so they run wherever the network runs and can be differentiated
again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from netlang.ir.graph import Builder, Graph, Node, Value, Values, verify
from netlang.ops import reverse
from netlang.ops.terms import number, zeros


def vjp(graph: Graph, wrt: Sequence[Value], *, of: str | None = None) -> Graph:
    """Extend a graph by the gradient of one of its outputs, the first unless ``of`` names another.

    The output must be a floating-point scalar. ``wrt`` are inputs, states, weights or intermediate
    values; each gets an output ``gradient_name(value, graph)`` of its type, which is zero if the
    output does not depend on it. Raises ``NoGradientError`` if an operator has no gradient.
    """
    name = next(iter(graph.outputs)) if of is None else of
    loss = graph.outputs[name]
    if loss.type.rank or not loss.type.dtype.is_float:
        raise ValueError(f"the gradient of `{name}`, {loss.type}: only that of one number exists")
    b = builder_after(graph)
    seed = number(b, 1.0, loss.type.dtype).value
    made = gradients(b, {loss: seed}, wrt, nodes=graph.nodes)
    named = {gradient_name(v, graph): ct for v, ct in zip(wrt, made, strict=True)}
    extended = replace(graph, nodes=tuple(b.nodes), outputs={**graph.outputs, **named})
    verify(extended)
    return extended


def gradients(
    b: Builder,
    cts: Mapping[Value, Value],
    wrt: Sequence[Value],
    *,
    nodes: Sequence[Node] | None = None,
) -> Values:
    """Add nodes that propagate the cotangents of some values back to ``wrt``.

    ``cts`` maps the values where propagation starts to their cotangents; ``nodes`` are the nodes to
    differentiate (default: all of the builder's). The gradient of an unused value is zero. Raises
    ``NoGradientError``.
    """
    for v in wrt:
        if not v.type.dtype.is_float:
            raise ValueError(f"{v}: {v.type} has no gradient: its elements are not real numbers")
    made = reverse.gradients(b, cts, wrt, nodes=nodes)
    pairs = zip(wrt, made, strict=True)
    return tuple(zeros(b, v.type) if ct is None else ct for v, ct in pairs)


def builder_after(graph: Graph) -> Builder:
    """Return a builder that continues a graph."""
    b = Builder()
    b.adopt((*graph.inputs, *graph.params, *(s.value for s in graph.states)))
    for node in graph.nodes:
        b.adopt(node.outputs)
        b.put(node, node.outputs[0].name)
    return b


def gradient_name(value: Value, graph: Graph) -> str:
    """Return the name of the output that ``vjp`` adds for a value; weights use their path."""
    param = graph.params.get(value)
    # Output names of a program contain no dot, so this cannot collide with one.
    name = f"{param.path if param is not None else value.name}.gradient"
    while name in graph.outputs:
        name += ".gradient"
    return name
