"""What a value depends on."""

from __future__ import annotations

from collections.abc import Sequence

from netlang.ir.graph import Node, Value, Values


def moving(nodes: Sequence[Node], loss: Value) -> set[Value]:
    """Collect the values a loss has a gradient by, and what those are computed from."""
    open = {loss}
    for node in reversed(nodes):
        if node.op.name != "stop_gradient" and not open.isdisjoint(node.outputs):
            open.update(node.inputs)
    return open


def needed(nodes: Sequence[Node], wanted: Values) -> list[Node]:
    """List the nodes that some values depend on, in their order."""
    open = set(wanted)
    live: list[Node] = []
    for node in reversed(nodes):
        if not open.isdisjoint(node.outputs):
            open.update(node.inputs)
            live.append(node)
    return live[::-1]
