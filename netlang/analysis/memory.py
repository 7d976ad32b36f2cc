"""Memory estimates of a net: its weights, inference and training on one example."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from netlang.analysis.counts import Example, weight_bytes
from netlang.analysis.step_memory import step_bytes
from netlang.analysis.values import Lives
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
    lives = Lives(graph)
    sizes = {v: one.bytes(v) for v in lives.stored}
    return Memory(
        weights=weight_bytes(graph),
        trained=weight_bytes(graph, trained_only=True),
        inference=_peak(lives, sizes),
        activations=step_bytes(lives, one, sizes),
    )


def peak(graph: Graph, sizes: Mapping[str, int] | None = None) -> int | None:
    """Return the peak bytes of live values, for one example or for the symbols' ``sizes``.

    ``None`` if a size is not known.
    """
    lives = Lives(graph)
    one = Example.of(graph)
    return _peak(
        lives,
        {v: one.bytes(v) if sizes is None else _bytes(v, sizes) for v in lives.stored},
    )


def _peak(lives: Lives, sizes: Mapping[Value, Size]) -> int | None:
    bytes = {v: size for v, size in sizes.items() if isinstance(size, int)}
    if len(bytes) < len(sizes):
        return None
    alive = most = sum(bytes[v] for v in lives.entering)
    for at, node in enumerate(lives.graph.nodes):
        alive += sum(bytes[v] for v in node.outputs if v in bytes)
        most = max(most, alive)
        alive -= sum(bytes[v] for v in lives.ending(at, node))
    return max(most, alive)


def _bytes(value: Value, sizes: Mapping[str, int]) -> Size:
    return substitute(value.type.size, sizes) * value.type.dtype.bytes
