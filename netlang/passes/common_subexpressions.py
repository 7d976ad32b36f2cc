"""Common-subexpression elimination."""

from __future__ import annotations

from netlang.ir.graph import Builder, Graph, Node, Values
from netlang.ir.op import Primitive
from netlang.passes.replay import copy_node, replay


def eliminate_common_subexpressions(graph: Graph) -> Graph:
    """Merge nodes that apply the same operator to the same operands.

    Every operator is a pure function of its attributes and operands, including the random ones.
    """
    known: dict[tuple[Primitive, Values], Values] = {}

    def once(builder: Builder, node: Node, inputs: Values) -> Values:
        key = (node.op, inputs)
        if key not in known:
            known[key] = copy_node(builder, node, inputs)
        return known[key]

    return replay(graph, once)
