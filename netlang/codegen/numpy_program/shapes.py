"""What regions have in common that one function can compute: all but constants and paths."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from netlang.codegen.numpy_program.calls import attributes_of
from netlang.codegen.numpy_program.regions import (
    Item,
    Loop,
    Number,
    Region,
    parameter_path,
    regions,
)
from netlang.ir.graph import Graph, Node, Value

Key = tuple[object, ...]

_ITERATION = -(2**40)
"""In the number of a value that a loop collects: this plus its iteration, before the rest."""


@dataclass(frozen=True)
class ItemKey:
    """The structure of a step: what it computes, and its operands.

    An operand is the number of a value, or the path of a parameter.
    """

    kind: object
    operands: tuple[str | Number, ...]
    path: str | None = None
    """The path of the parameters of a call or a loop."""

    def paths(self) -> list[str]:
        """Return the paths of the parameters that the step reads."""
        own = [operand for operand in self.operands if isinstance(operand, str)]
        return [*own, self.path] if self.path else own


@dataclass(eq=False)
class Shape:
    """The structure of a region, equal for regions that one function can compute."""

    region: Region
    items: list[Item] = field(default_factory=list[Item])
    key: Key = ()
    numbers: dict[Value, Number] = field(default_factory=dict[Value, Number])
    item_keys: list[ItemKey] = field(default_factory=list[ItemKey])
    left_out: frozenset[int] = frozenset()
    """The steps of the whole structure that this region lacks."""
    replaced: dict[Number, Number] = field(default_factory=dict[Number, Number])
    """What takes the place of the results of steps that other regions lack."""

    def own_steps(self) -> list[int]:
        """Return the indices of the steps that the region itself has."""
        return [at for at in range(len(self.items)) if at not in self.left_out]

    def weights(self, steps: Sequence[int]) -> list[str]:
        """Return the first names of the paths of the parameters that some steps read."""
        paths = (path for at in steps for path in self.item_keys[at].paths())
        return list(dict.fromkeys(path.partition(".")[0] for path in paths))

    def leave_out(
        self, whole: Shape, kept: Sequence[int], replaced: Mapping[Number, Number]
    ) -> None:
        """Become a variant of a whole structure that only has some of its steps."""
        self.left_out = frozenset(range(len(whole.items))) - {*kept}
        own = dict(zip(kept, self.items, strict=True))
        self.items = [own.get(at, item) for at, item in enumerate(whole.items)]
        places = {-1: -1, **dict(enumerate(kept))}
        moved = {v: (places[at], *rest) for v, (at, *rest) in self.numbers.items()}
        results = {new: old for old, new in replaced.items()}
        ends = {whole.numbers[value] for value in whole.region.outputs}
        outputs = set(self.region.outputs)
        self.numbers = {
            v: results[n] if v in outputs and n not in ends and n in results else n
            for v, n in moved.items()
        }
        self.item_keys = whole.item_keys
        self.key = whole.key


class Shapes:
    """The structures of all regions of a net."""

    def __init__(self, graph: Graph) -> None:
        self.params = graph.params
        self.known: dict[int, Shape] = {}
        self.bodies: dict[int, Region] = {}
        self.readers: dict[Value, set[int]] = {}
        self.read(graph)

    def read(self, graph: Graph) -> None:
        """Note which nodes read each value; 0 is the end of the graph."""
        for value in graph.results.values():
            self.readers.setdefault(value, set()).add(0)
        for node in graph.nodes:
            for value in node.inputs:
                self.readers.setdefault(value, set()).add(id(node))

    def body(self, node: Node, graph: Graph) -> Region:
        """Return the region of the body of a loop over a sequence."""
        if id(graph) not in self.bodies:
            self.bodies[id(graph)] = regions(graph, node.scope)
            self.read(graph)
        return self.bodies[id(graph)]

    def of(self, region: Region) -> Shape:
        found = self.known.get(id(region))
        if found is None:
            found = self.known[id(region)] = Shape(region)
            self.fill(found)
        return found

    def fill(self, shape: Shape) -> None:
        shape.numbers = {value: (-1, at) for at, value in enumerate(shape.region.inputs)}
        shape.items = list(self.with_loops(shape.region.items))
        keys = shape.item_keys
        for at, item in enumerate(shape.items):
            match item:
                case Node():
                    keys.append(self.node(shape, item))
                    shape.numbers |= {value: (at, n) for n, value in enumerate(item.outputs)}
                case Region():
                    keys.append(self.call(shape, item))
                    self.number(shape, at, item)
                case Loop():
                    keys.append(self.loop(shape, item))
                    for n, iteration in enumerate(item.iterations):
                        self.number(shape, at, iteration, n, item.collected)
        shape.key = len(shape.region.inputs), shape.region.own_parameters, *keys

    def number(
        self,
        shape: Shape,
        at: int,
        region: Region,
        iteration: int = 0,
        collected: Sequence[Number] = (),
    ) -> None:
        """Number the outputs of a region in a shape; a list has one of each ``iteration``."""
        inner = self.of(region).numbers
        shape.numbers |= {
            value: (at, _ITERATION + iteration, *inner[value])
            if inner[value] in collected
            else (at, *inner[value])
            for value in region.outputs
        }

    def value(self, region: Region, number: Number) -> Value:
        """Return the value of a number in a region; from a loop, that of the last iteration."""
        for value in region.outputs:
            if self.of(region).numbers.get(value) == number:
                return value
        at, *inner = number
        if at < 0:
            return region.inputs[inner[0]]
        match self.of(region).items[at]:
            case Node(outputs=outputs):
                return outputs[inner[0]]
            case Region() as called:
                return self.value(called, tuple(inner))
            case Loop(iterations=iterations):
                if inner[0] < -1:
                    return self.value(iterations[inner[0] - _ITERATION], tuple(inner[1:]))
                return self.value(iterations[-1], tuple(inner))

    def reference(self, shape: Shape, value: Value) -> str | Number:
        path = parameter_path(self.params, value, shape.region)
        return path if path is not None else shape.numbers[value]

    def node(self, shape: Shape, node: Node) -> ItemKey:
        operands = tuple(self.reference(shape, value) for value in node.inputs)
        graphs: list[Key] = []
        for value in attributes_of(node.op).values():
            if isinstance(value, Graph):
                graphs.append(self.of(self.body(node, value)).key)
        paths = tuple(each for each in operands if isinstance(each, str))
        return ItemKey((type(node.op), tuple(graphs), len(operands), paths), operands)

    def call(self, shape: Shape, region: Region) -> ItemKey:
        inner = self.of(region)
        operands = tuple(self.reference(shape, value) for value in region.inputs)
        path = self.below(shape, region)
        return ItemKey((region.name, inner.key, path), operands, path)

    def below(self, shape: Shape, region: Region) -> str | None:
        return shape.region.below(region.path) if region.own_parameters else None

    def loop(self, shape: Shape, loop: Loop) -> ItemKey:
        first = loop.iterations[0]
        operands = tuple(self.reference(shape, value) for value in first.inputs)
        base = first.path.rpartition(".")[0]
        path = shape.region.below(base) if first.own_parameters else None
        count = len(loop.iterations) if loop.collected else 0
        passed = tuple(loop.carries.items()), tuple(loop.collected), count
        return ItemKey(("loop", self.of(first).key, path, passed), operands, path)

    def with_loops(self, items: list[Item]) -> Iterator[Item]:
        """Make loops of neighboring iterations that are alike."""
        pending: list[Region] = []
        for item in items:
            if isinstance(item, Region) and pending and self.continues(pending, item):
                pending.append(item)
                continue
            yield from self.joined(pending)
            pending = []
            if isinstance(item, Region) and item.is_iteration:
                pending = [item]
            else:
                yield item
        yield from self.joined(pending)

    def joined(self, iterations: list[Region]) -> Iterator[Item]:
        if len(iterations) > 1 or (iterations and self.carries_one(iterations[0])):
            yield self.loop_of(iterations)
        else:
            yield from iterations

    def carries_one(self, iteration: Region) -> bool:
        """Return whether a single iteration is also a loop that carries its only input."""
        return len(iteration.inputs) == len(iteration.outputs) == 1

    def continues(self, before: list[Region], region: Region) -> bool:
        """Return whether a region is the next iteration of a loop of regions."""
        last = before[-1]
        alike = (
            region.is_iteration
            and region.path.rpartition(".")[0] == last.path.rpartition(".")[0]
            and self.of(region).key == self.of(last).key
        )
        return alike and self.passes(self.loop_of([*before, region]))

    def passes(self, loop: Loop) -> bool:
        """Return whether each input is the same for all iterations, or from the one before."""
        inputs = zip(*(each.inputs for each in loop.iterations), strict=True)
        for at, values in enumerate(inputs):
            if at not in loop.carries:
                if len(set(values)) > 1:
                    return False
                continue
            befores = zip(loop.iterations, values[1:], strict=False)
            if any(self.of(b).numbers.get(v) != loop.carries[at] for b, v in befores):
                return False
        return True

    def loop_of(self, iterations: list[Region]) -> Loop:
        first = iterations[0]
        numbers = self.of(first).numbers
        outputs = set(first.outputs)
        following = iterations[1].inputs if len(iterations) > 1 else first.outputs
        carries = {at: numbers[v] for at, v in enumerate(following) if v in outputs}
        within = {id(node) for each in iterations for node in each.nodes()}
        collected = {
            self.of(each).numbers[value]: None
            for each in iterations[:-1]
            for value in each.outputs
            if self.readers[value] - within
        }
        return Loop(iterations, carries, list(collected))
