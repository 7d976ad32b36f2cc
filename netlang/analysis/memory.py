"""How many bytes a net takes: its weights, one example on its way, one example in training."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from netlang.analysis.counts import Example, known, total, weight_bytes
from netlang.ir.dims import Size, substitute
from netlang.ir.graph import Graph, Node, Value

SLOTS = {"sgd": 0, "momentum": 1, "adam": 2}
"""Numbers an optimizer keeps for each trained weight."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes of a net, the batch being one example.

    ``inference`` is the most that is alive at once while the nodes run in order, weights apart
    (``None`` while a size is not known). ``kept`` is what the layers hand on, all of which
    training keeps for the backward pass; what a layer of the library makes on the way is not in
    it, so it is an estimate.
    """

    weights: Size
    trained: Size
    inference: int | None
    kept: Size

    def training(self, optimizer: str, *, batch: int = 1) -> Size:
        """Add up weights, gradients, the optimizer's numbers and the activations of a batch."""
        return self.weights + self.trained * (1 + SLOTS[optimizer]) + self.kept * batch


def memory(graph: Graph, kept: Iterable[Value]) -> Memory:
    """Measure a graph whose layers hand on the values ``kept``."""
    one = Example.of(graph)
    fixed = constants(graph)
    passed = [v for v in dict.fromkeys((*graph.inputs, *kept)) if v not in fixed]
    return Memory(
        weights=weight_bytes(graph),
        trained=weight_bytes(graph, trained_only=True),
        inference=peak(graph),
        kept=total(map(one.bytes, passed)),
    )


def constants(graph: Graph) -> set[Value]:
    """Collect the weights and what is computed from nothing else, such as a transposed weight."""
    fixed = set(graph.params)
    for node in graph.nodes:
        if fixed.issuperset(node.inputs):
            fixed.update(node.outputs)
    return fixed


def peak(graph: Graph, sizes: Mapping[str, int] | None = None) -> int | None:
    """Find the most bytes alive at once, for one example or where symbols have ``sizes``.

    ``None`` while a size is not known.
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
    """Map each view to the value that holds its bytes."""
    owner: dict[Value, Value] = {}
    for node in nodes:
        if node.op.view:
            source = node.inputs[0]
            owner[node.outputs[0]] = owner.get(source, source)
    return owner


def last_uses(graph: Graph, owner: dict[Value, Value]) -> dict[Value, int]:
    """Map each value that holds bytes to the last node that reads it; results are never freed."""
    last: dict[Value, int] = {}
    for at, node in enumerate(graph.nodes):
        for value in node.inputs:
            last[owner.get(value, value)] = at
    for value in (*graph.outputs.values(), *(s.after for s in graph.states)):
        last[owner.get(value, value)] = len(graph.nodes)
    return last
