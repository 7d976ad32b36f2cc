"""Inputs that hold indices, checked against what they select from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from msgspec import Struct

from netlang.backends.feeds import fixed
from netlang.diagnostics.errors import InputError
from netlang.ir.backward_slice import producers, walk_back
from netlang.ir.dims import Size
from netlang.ir.graph import Graph, Node, Value, types, written_at
from netlang.ops.elementwise.choice import Select
from netlang.system.numpy import Array


def indices_among(
    nodes: Sequence[Node], sources: Sequence[Value]
) -> Iterator[tuple[Value, Size, Node]]:
    """Yield the sources that hold indices, the number of entries, and the node that selects them.

    Where a mask selects from the results, what is masked may hold any number.
    """
    made_by = producers(nodes)
    for node in nodes:
        found = node.op.indexed(*types(node.inputs))
        if found is None or _masked(node, nodes):
            continue
        operand, count = found
        source = _origin(node.inputs[operand], made_by)
        if source in sources:
            yield source, count, node


class Indices(Struct, frozen=True):
    """An input that holds indices, the number of entries, and the node that selects them."""

    name: str
    count: int
    node: Node

    def check(self, array: Array) -> None:
        """Raise ``InputError`` for an index that is negative or past the last entry."""
        # Without a sign, a negative number is a large one: one pass finds both.
        if not array.size or array.view(f"u{array.itemsize}").max() < self.count:
            return
        outside = array[(array < 0) | (array >= self.count)]
        where = f" at {at}" if (at := written_at(self.node)) else ""
        raise InputError(
            f"`{self.name}` holds the index {outside.flat[0]}, and the {self.count:,} entries that "
            f"it selects from{where} are 0 to {self.count - 1:,}",
            notes=[f"{outside.size:,} of its elements are outside"] if outside.size > 1 else (),
        )


def indices_of(graph: Graph, sizes: Mapping[str, int]) -> Iterator[Indices]:
    """Yield the inputs of a graph that hold indices, at the sizes of a call."""
    for value, size, node in _of_inputs(graph):
        yield Indices(value.name, fixed(size, sizes), node)


@lru_cache(maxsize=64)
def _of_inputs(graph: Graph) -> tuple[tuple[Value, Size, Node], ...]:
    return tuple(indices_among(graph.nodes, graph.inputs))


def _masked(node: Node, nodes: Sequence[Node]) -> bool:
    """Return whether a mask selects from what is computed element by element of a node's result."""
    computed = set(node.outputs)
    for user in nodes:
        for position, value in enumerate(user.inputs):
            if value not in computed:
                continue
            if isinstance(user.op, Select):
                return True
            if not user.op.seen_whole(position, value.type.rank) and (
                user.op.view or user.outputs[0].type.shape == value.type.shape
            ):
                computed.update(user.outputs)
    return False


def _origin(value: Value, made_by: Mapping[Value, Node]) -> Value:
    for node in walk_back(value, made_by):
        if node.op.retypes:
            value = node.inputs[0]
    return value
