"""Identity elimination."""

from __future__ import annotations

from msgspec.structs import replace

from netlang.ir.graph import Builder, Graph, Node, Values
from netlang.ops.looping.scan import Scan
from netlang.ops.random.random import Identity
from netlang.passes.replay import copy_node, replay


def fold_identity(graph: Graph) -> Graph:
    """Replace nodes that change nothing in evaluation by their operand."""

    def bypass(builder: Builder, node: Node, inputs: Values) -> Values:
        if isinstance(node.op, Identity):
            return inputs[:1]
        if node.op.retypes and inputs[0].type == node.outputs[0].type:
            return inputs[:1]
        if isinstance(node.op, Scan):
            node = replace(node, op=replace(node.op, body=fold_identity(node.op.body)))
        return copy_node(builder, node, inputs)

    return replay(graph, bypass)
