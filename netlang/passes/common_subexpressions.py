"""Nodes that compute the same."""

from __future__ import annotations

from netlang.ir.graph import Builder, Graph, Node, Values
from netlang.ir.op import Primitive
from netlang.passes.replay import keep, replay


def eliminate_common_subexpressions(graph: Graph) -> Graph:
    """Compute once what is computed twice from the same operands.

    Every operator is a function of its attributes and operands, the random ones too.
    """
    known: dict[tuple[Primitive, Values], Values] = {}

    def once(builder: Builder, node: Node, inputs: Values) -> Values:
        key = (node.op, inputs)
        if key not in known:
            known[key] = keep(builder, node, inputs)
        return known[key]

    return replay(graph, once)
