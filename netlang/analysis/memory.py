"""Memory estimates of a net: its weights, inference and training on one example."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from netlang.analysis.counts import Example, known, weight_bytes
from netlang.analysis.step_memory import step_bytes
from netlang.analysis.values import constants, last_uses, owners
from netlang.ir.dims import Size, substitute
from netlang.ir.graph import Graph, Value

SLOTS = {"sgd": 0, "momentum": 1, "adam": 2}
"""The optimizer's state: numbers per trainable parameter."""


class Memory(Struct, frozen=True):
    """The memory of a net in bytes, for a batch of one example.

    ``inference`` is the peak of live values while the nodes run in order, excluding weights
    (``None`` for symbolic sizes). ``activations`` is what a training step occupies, excluding
    weights and their gradients; with symbolic sizes, what it stores for the gradient.
    """

    weights: Size
    trained: Size
    inference: int | None
    activations: Size

    def training(self, optimizer: str, *, batch: int = 1) -> Size:
        """Return the total of weights, gradients, optimizer state and a batch's activations."""
        return self.weights + self.trained * (1 + SLOTS[optimizer]) + self.activations * batch


def memory(graph: Graph) -> Memory:
    """Return the memory of a graph."""
    one = Example.of(graph)
    return Memory(
        weights=weight_bytes(graph),
        trained=weight_bytes(graph, trained_only=True),
        inference=peak(graph),
        activations=step_bytes(graph, one),
    )


def peak(graph: Graph, sizes: Mapping[str, int] | None = None) -> int | None:
    """Return the peak bytes of live values, for one example or for the symbols' ``sizes``.

    ``None`` if a size is not known.
    """
    one = Example.of(graph)
    fixed = constants(graph)
    owner = owners(graph.nodes)
    last = last_uses(graph, owner)
    alive = most = 0
    entered: dict[Value, int] = {}

    def enter(value: Value) -> bool:
        nonlocal alive
        size = known(one.bytes(value) if sizes is None else _bytes(value, sizes))
        if size is None:
            return False
        entered[value] = size
        alive += size
        return True

    if not all(map(enter, (*graph.inputs, *(s.value for s in graph.states)))):
        return None
    for at, node in enumerate(graph.nodes):
        if not all(enter(v) for v in node.outputs if v not in fixed and v not in owner):
            return None
        most = max(most, alive)
        for value in {owner.get(v, v) for v in (*node.inputs, *node.outputs)} & entered.keys():
            if last.get(value, at) == at:
                alive -= entered[value]
    return max(most, alive)


def _bytes(value: Value, sizes: Mapping[str, int]) -> Size:
    return substitute(value.type.size, sizes) * value.type.dtype.bytes
