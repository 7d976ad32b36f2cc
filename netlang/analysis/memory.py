"""Memory estimates of a net: its weights, inference and training on one example."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from netlang.analysis.counts import Example, known, total, weight_bytes
from netlang.ir.dims import Size, substitute
from netlang.ir.graph import Graph, Node, Value

SLOTS = {"sgd": 0, "momentum": 1, "adam": 2}
"""The optimizer's state: numbers per trainable parameter."""


class Memory(Struct, frozen=True):
    """The memory of a net in bytes, for a batch of one example.

    ``inference`` is the peak of live values while the nodes run in order, excluding weights
    (``None`` for symbolic sizes). ``activations`` are the outputs of the layers, which training
    stores for the backward pass. It is an estimate: intermediate values in a library layer are not
    counted.
    """

    weights: Size
    trained: Size
    inference: int | None
    activations: Size

    def training(self, optimizer: str, *, batch: int = 1) -> Size:
        """Return the total of weights, gradients, optimizer state and a batch's activations."""
        return self.weights + self.trained * (1 + SLOTS[optimizer]) + self.activations * batch


def memory(graph: Graph, outputs: Iterable[Value]) -> Memory:
    """Return the memory of a graph whose layers have the given outputs."""
    one = Example.of(graph)
    fixed = constants(graph)
    passed = [v for v in dict.fromkeys((*graph.inputs, *outputs)) if v not in fixed]
    return Memory(
        weights=weight_bytes(graph),
        trained=weight_bytes(graph, trained_only=True),
        inference=peak(graph),
        activations=total(map(one.bytes, passed)),
    )


def constants(graph: Graph) -> set[Value]:
    """Return the weights and what is computed from them alone, such as a transposed weight."""
    fixed = set(graph.params)
    for node in graph.nodes:
        if fixed.issuperset(node.inputs):
            fixed.update(node.outputs)
    return fixed


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


def owners(nodes: Iterable[Node]) -> dict[Value, Value]:
    """Return for each view the value that owns its memory."""
    owner: dict[Value, Value] = {}
    for node in nodes:
        if node.op.view:
            source = node.inputs[0]
            owner[node.outputs[0]] = owner.get(source, source)
    return owner


def last_uses(graph: Graph, owner: dict[Value, Value]) -> dict[Value, int]:
    """Return for each value the index of the last node that reads it; results are never freed."""
    last: dict[Value, int] = {}
    for at, node in enumerate(graph.nodes):
        for value in node.inputs:
            last[owner.get(value, value)] = at
    for value in (*graph.outputs.values(), *(s.after for s in graph.states)):
        last[owner.get(value, value)] = len(graph.nodes)
    return last
