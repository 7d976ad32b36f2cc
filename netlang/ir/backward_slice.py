"""Backward slices: what a value depends on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import TypeAlias

from netlang.ir.graph import Node, Value, Values
from netlang.ir.op import Primitive

Gradients: TypeAlias = Mapping[Value, tuple[Value, Value]]
"""Values that are gradients, with what each is the gradient of, and by what."""


def moving(nodes: Sequence[Node], loss: Value, gradients: Gradients | None = None) -> set[Value]:
    """Return the values by which a loss has a gradient, and what those are computed from."""
    open = _with_sources({loss}, gradients)
    for node in reversed(nodes):
        if not node.op.stops_gradient and not open.isdisjoint(node.outputs):
            open |= _with_sources(node.inputs, gradients)
    return open


def needed(nodes: Sequence[Node], wanted: Values, gradients: Gradients | None = None) -> list[Node]:
    """Return the nodes that some values depend on, in order."""
    open = _with_sources(wanted, gradients)
    live: list[Node] = []
    for node in reversed(nodes):
        if not open.isdisjoint(node.outputs):
            open |= _with_sources(node.inputs, gradients)
            live.append(node)
    return live[::-1]


def producers(nodes: Iterable[Node]) -> dict[Value, Node]:
    """Return the node that computes each value."""
    return {value: node for node in nodes for value in node.outputs}


def walk_back(
    value: Value,
    made_by: Mapping[Value, Node],
    through: Callable[[Primitive], bool] = attrgetter("retypes"),
) -> Iterator[Node]:
    """Yield the node that made a value, and what made its first operand, as long as ``through``.

    The last node yielded is the first that does more than pass its operand on.
    """
    while (node := made_by.get(value)) is not None:
        yield node
        if not through(node.op):
            return
        value = node.inputs[0]


def _with_sources(values: Iterable[Value], gradients: Gradients | None) -> set[Value]:
    """Return some values, and what gradients among them come from."""
    found: set[Value] = set()
    open = list(values)
    while open:
        value = open.pop()
        if value not in found:
            found.add(value)
            open += gradients.get(value, ()) if gradients else ()
    return found
