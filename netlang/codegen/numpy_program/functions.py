"""The functions of a program: one for all calls of a block that have the same structure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from netlang.codegen.numpy_program.calls import attributes_of, needed
from netlang.codegen.numpy_program.helpers import Helper
from netlang.codegen.numpy_program.names import identifier
from netlang.codegen.numpy_program.regions import Loop, Number, Region, regions
from netlang.codegen.numpy_program.shapes import Key, Shape, Shapes
from netlang.codegen.numpy_program.variants import unite_variants
from netlang.ir.graph import Graph, Node
from netlang.ir.op import Primitive


@dataclass(eq=False)
class Function:
    """A function and its calls. Results are numbers of values in its shape.

    ``parameters`` are the constants that differ among the calls, with a value for each;
    ``whole`` marks the body of a loop over a sequence, all results of which are used.
    """

    name: str
    kind: str
    whole: bool = False
    calls: list[Shape] = field(default_factory=list[Shape])
    results: list[Number] = field(default_factory=list[Number])
    parameters: dict[str, list[object]] = field(default_factory=dict[str, list[object]])

    @property
    def takes_parameters(self) -> bool:
        """Whether it reads weights, and so has a parameter for the dictionary of them."""
        return self.calls[0].region.own_parameters


class Functions:
    """The functions of a net, each after those that it calls; the net itself is the last."""

    def __init__(self, graph: Graph, helpers: Mapping[str, Helper], taken: set[str]) -> None:
        self.helpers = helpers
        self.shapes = Shapes(graph)
        self.taken = taken
        self.found: dict[Key, Function] = {}
        self.root = regions(graph)
        unite_variants(self.shapes, self.root)
        net = Function(self.reserve(graph.name), graph.name)
        self.visit(self.shapes.of(self.root))
        net.calls.append(self.shapes.of(self.root))
        self.net = net
        for function in self.found.values():
            function.results = self.results(function)

    def helper(self, op: Primitive) -> Helper | None:
        """Return the function that computes an operator; ``None`` if it has a formula."""
        made = needed(op)
        return self.helpers.get(made.name) if made is not None else None

    def all(self) -> list[Function]:
        return [*self.found.values(), self.net]

    def of(self, region: Region) -> Function:
        return self.found[self.key(region)]

    def key(self, region: Region) -> Key:
        return region.name, self.shapes.of(region).key

    def reserve(self, name: str) -> str:
        """Return a name that no other function has."""
        number = 1
        unique = name
        while unique in self.taken:
            number += 1
            unique = f"{name}_{number}"
        self.taken.add(unique)
        return unique

    def visit(self, shape: Shape) -> None:
        """Collect the calls in a region."""
        for item in map(shape.items.__getitem__, shape.own_steps()):
            match item:
                case Node():
                    for body in self.bodies(item):
                        self.add(body, whole=True)
                case Region(is_iteration=True):
                    self.visit(self.shapes.of(item))
                case Region():
                    self.add(item)
                case Loop():
                    for iteration in item.iterations:
                        self.visit(self.shapes.of(iteration))

    def bodies(self, node: Node) -> Iterator[Region]:
        for value in attributes_of(node.op).values():
            if isinstance(value, Graph):
                yield self.shapes.body(node, value)

    def add(self, region: Region, *, whole: bool = False) -> None:
        shape = self.shapes.of(region)
        self.visit(shape)
        key = self.key(region)
        if key not in self.found:
            name = "step" if whole else identifier(region.name)
            self.found[key] = Function(self.reserve(name), region.name, whole)
        calls = self.found[key].calls
        # The first one is what the function is written from: it must have every step.
        calls.insert(0 if not shape.left_out and calls and calls[0].left_out else len(calls), shape)

    def results(self, function: Function) -> list[Number]:
        if function.whole:
            (shape, *_) = function.calls
            return [shape.numbers[value] for value in shape.region.outputs]
        used = {shape.numbers[v] for shape in function.calls for v in shape.region.outputs}
        return sorted(used)
