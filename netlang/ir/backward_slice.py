"""What a value depends on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from netlang.ir.graph import Node, Value, Values

Slopes: TypeAlias = Mapping[Value, tuple[Value, Value]]
"""Values that are gradients: what each is the gradient of, and by what."""


def moving(nodes: Sequence[Node], loss: Value, slopes: Slopes | None = None) -> set[Value]:
    """Collect the values a loss has a gradient by, and what those are computed from."""
    open = _with_slopes({loss}, slopes)
    for node in reversed(nodes):
        if not node.op.stops_gradient and not open.isdisjoint(node.outputs):
            open |= _with_slopes(node.inputs, slopes)
    return open


def needed(nodes: Sequence[Node], wanted: Values, slopes: Slopes | None = None) -> list[Node]:
    """List the nodes that some values depend on, in their order."""
    open = _with_slopes(wanted, slopes)
    live: list[Node] = []
    for node in reversed(nodes):
        if not open.isdisjoint(node.outputs):
            open |= _with_slopes(node.inputs, slopes)
            live.append(node)
    return live[::-1]


def _with_slopes(values: Iterable[Value], slopes: Slopes | None) -> set[Value]:
    """Add what gradients among some values come from."""
    found = set(values)
    if slopes:
        found.update(source for v in values if v in slopes for source in slopes[v])
    return found
