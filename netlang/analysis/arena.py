"""The memory that a sequence of nodes occupies in an allocator like onnxruntime's."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable

from netlang.analysis.values import last_uses, owners
from netlang.ir.dims import Size
from netlang.ir.graph import Graph, Value, types

_UNIT = 256
"""Sizes are multiples of this many bytes."""


class Arena:
    """Blocks of memory that are reused once they are free, and never returned.

    A request takes the smallest free block that holds it, which is split if it is at least twice as
    large; without one, the arena grows by what is requested. Blocks of different sizes therefore
    occupy more than is in use at any one time, which is most of what a training step takes beyond
    its values.
    """

    def __init__(self) -> None:
        self.size = 0
        """Bytes that the arena has requested so far."""
        self._free: list[int] = []

    def take(self, size: int) -> int:
        """Return the size of the block that holds ``size`` bytes."""
        size = -(-size // _UNIT) * _UNIT
        if not size:
            return 0
        at = bisect_left(self._free, size)
        if at == len(self._free):
            self.size += size
            return size
        block = self._free.pop(at)
        if block < 2 * size:
            return block
        self.give(block - size)
        return size

    def hold(self, sizes: Iterable[int]) -> list[int]:
        """Return the sizes of blocks for several arrays."""
        return [self.take(size) for size in sizes]

    def give(self, *blocks: int) -> None:
        """Free blocks."""
        for block in filter(None, blocks):
            insort(self._free, block)


def occupied(graph: Graph, sized: Callable[[Size], int]) -> int:
    """Return the bytes that an allocator has requested when the nodes have run in order.

    ``sized`` returns the value of a size. Weights and states are not counted.
    """
    owner = owners(graph.nodes)
    last = last_uses(graph, owner)
    heap, blocks = Arena(), dict[Value, int]()
    for v in graph.inputs:
        heap.take(sized(v.type.size) * v.type.dtype.bytes)
    for at, node in enumerate(graph.nodes):
        made = [v for v in node.outputs if v not in owner]
        given, op = types(node.inputs), node.op
        width = node.outputs[0].type.dtype.bytes
        work = heap.hold(sized(size) * width for size in op.workspace(*given))
        heap.take(sized(op.mask(*given)) * width)
        for v in made:
            blocks[v] = heap.take(sized(v.type.size) * v.type.dtype.bytes)
        heap.give(*work)
        for v in {owner.get(v, v) for v in (*node.inputs, *made)} & blocks.keys():
            if last.get(v, at) == at:
                heap.give(blocks.pop(v))
    return heap.size
