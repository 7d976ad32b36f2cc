"""The memory of a training step, estimated from a net without building its gradients."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from netlang.analysis.arena import Arena
from netlang.analysis.counts import Example, total
from netlang.analysis.values import Lives
from netlang.ir.dims import Size
from netlang.ir.graph import Node, Value, types
from netlang.ops.reverse import differentiable_from


def step_bytes(lives: Lives, one: Example, sizes: Mapping[Value, Size]) -> Size:
    """Return the bytes that a step occupies for one example, without weights and their gradients.

    ``sizes`` has the bytes of each value for one example. With symbolic ones, what the step stores
    for the gradients.
    """
    step = _Step(lives, one, sizes)
    stored = total(sizes[v] for v in step.stored) + total(map(step.mask, lives.graph.nodes))
    if not all(isinstance(size, int) for size in (*sizes.values(), stored)):
        return stored
    step.forward()
    step.backward()
    return step.heap.size


class _Step:
    """A net that runs forward and backward in a model of an allocator."""

    def __init__(self, lives: Lives, one: Example, sizes: Mapping[Value, Size]) -> None:
        self.lives, self.one, self.sizes, self.heap = lives, one, sizes, Arena()
        self.graph, self.owner = lives.graph, lives.owner
        graph = lives.graph
        trained = [v for v, param in graph.params.items() if param.trained]
        self.active = differentiable_from(graph.nodes, trained)
        self.reversed = self._with_gradients()
        self.stored = Counter(v for node in self.reversed for v in self._read(node))
        """Which values the gradients read, and how many of them."""
        self.blocks: dict[Value, int] = {}

    def _with_gradients(self) -> list[Node]:
        """Return the nodes that a gradient passes, from the last to the first."""
        found = self.active.intersection(self.graph.outputs.values())
        passed: list[Node] = []
        for node in reversed(self.graph.nodes):
            if node.op.no_gradient or found.isdisjoint(node.outputs):
                continue
            if inputs := self.active.intersection(node.inputs):
                found |= inputs
                passed.append(node)
        return passed

    def _read(self, node: Node) -> set[Value]:
        """Return what the gradient of a node reads of the activations."""
        reads, found = node.op.gradient_reads, set[Value]()
        by_last = "results by the last" in reads and node.inputs[-1] in self.active
        if "results" in reads or by_last:
            found.update(node.outputs)
        if "operands" in reads:
            found.update(node.inputs)
        if "others" in reads:
            by = [v for v in node.inputs if v in self.active]
            found.update(v for v in node.inputs if any(v is not other for other in by))
            found.update(v for v in by if node.inputs.count(v) > 1)
        owned = {self.owner.get(v, v) for v in found if v.type.dtype.is_float}
        return owned & self.sizes.keys()

    def mask(self, node: Node) -> Size:
        """Return the bytes of what is sampled for a node."""
        count = node.op.mask(*types(node.inputs))
        return self.one.size(count) * node.outputs[0].type.dtype.bytes if count else 0

    def _take(self, size: Size) -> int:
        return self.heap.take(size) if isinstance(size, int) else 0

    def _hold(self, node: Node, sizes: Sequence[Size]) -> list[int]:
        """Take memory for arrays of the type of a node."""
        width = node.outputs[0].type.dtype.bytes
        return [self._take(self.one.size(size) * width) for size in sizes]

    def forward(self) -> None:
        for v in self.lives.entering:
            self._take(self.sizes[v])
        for at, node in enumerate(self.graph.nodes):
            work = self._hold(node, node.op.workspace(*types(node.inputs)))
            self._take(self.mask(node))
            made = [v for v in node.outputs if v in self.sizes]
            self.blocks |= {v: self._take(self.sizes[v]) for v in made}
            self.heap.give(*work)
            for v in self.lives.ending(at, node):
                if v in self.blocks and v not in self.stored:
                    self.heap.give(self.blocks.pop(v))

    def backward(self) -> None:
        cotangents = _Cotangents(self.heap)
        for v in self._own(self.graph.outputs.values()):
            cotangents.take(v, self._take(self.sizes[v]))
        for node in self.reversed:
            work = self._hold(node, node.op.gradient_workspace(*types(node.inputs)))
            (result,) = self._own(node.outputs[:1]) or (node.outputs[0],)
            for v in () if node.op.view else self._own(node.inputs):
                if node.op.passes_gradient and self.sizes[v] == self.sizes.get(result):
                    cotangents.share(v, result)
                else:
                    cotangents.take(v, self._take(self.sizes[v]))
            self.heap.give(*work)
            for v in () if node.op.view else node.outputs:
                cotangents.free(v)
            for v in self._read(node):
                self.stored[v] -= 1
                if not self.stored[v] and v in self.blocks:
                    self.heap.give(self.blocks.pop(v))

    def _own(self, values: Iterable[Value]) -> list[Value]:
        """Return the values that own the memory of some, where those have gradients."""
        found = (self.owner.get(v, v) for v in values if v in self.active)
        return [v for v in dict.fromkeys(found) if v in self.sizes]


class _Cotangents:
    """The blocks of the cotangents of values, of which several may share one."""

    def __init__(self, heap: Arena) -> None:
        self._heap = heap
        self._blocks: dict[Value, list[int]] = {}
        """The block of each value; those that share one have the same list."""
        self._users: Counter[int] = Counter()

    def take(self, value: Value, block: int) -> None:
        """Add a cotangent in a block of its own to that of a value."""
        if value in self._blocks:
            both = self._heap.take(block)
            self._heap.give(block)
            self.free(value)
            block = both
        self._put(value, [block])

    def share(self, value: Value, source: Value) -> None:
        """Add the cotangent of another value to that of a value."""
        if source not in self._blocks:
            return
        shared = self._blocks[source]
        if value not in self._blocks:
            self._put(value, shared)
        else:
            both = self._heap.take(shared[0])
            self.free(value)
            self._put(value, [both])

    def free(self, value: Value) -> None:
        """Free the block of a value, unless another one has it too."""
        if (block := self._blocks.pop(value, None)) is None:
            return
        self._users[id(block)] -= 1
        if not self._users[id(block)]:
            self._heap.give(block[0])

    def _put(self, value: Value, block: list[int]) -> None:
        self._blocks[value] = block
        self._users[id(block)] += 1
