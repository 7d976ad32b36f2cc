"""The steps of a graph that is written as calls, and how attributes become arguments."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import cast

from netlang.importing.convert import Converted
from netlang.importing.operands import Stored, decimal
from netlang.importing.simplifying import attribute
from netlang.importing.structure.steps import LAYER, Arg, Form, Item, Step
from netlang.ir.dims import Dim
from netlang.ir.graph import Graph, Node, Value
from netlang.ir.types import DType
from netlang.ops.looping.scan import Scan

INFIX = {
    "add": "+", "sub": "-", "mul": "*", "div": "/", "pow": "**", "floor_div": "//", "mod": "%",
    "matmul": "@", "equal": "==", "not_equal": "!=", "less": "<", "less_equal": "<=",
    "greater": ">", "greater_equal": ">=", "logical_and": "and", "logical_or": "or",
}  # fmt: skip
NUMERIC = ("select", "maximum", "minimum", "fmod")
"""Calls whose operands may be numbers."""


class Lifting:
    """The steps made so far, of a graph whose nodes are visited in order."""

    def __init__(self, converted: Converted) -> None:
        self.graph = converted.graph
        self.params = converted.params
        self.steps: list[Step] = []
        self.outermost = self.steps
        """The steps of the net itself, where what several bodies read is stated."""
        self.bodies: dict[int, Graph] = {}
        """The body of each scan, which reads values from outside as the nodes outside do."""
        self.nodes = self._with_bodies(self.graph.nodes, {})
        self.ends = {*self.graph.outputs.values()}
        self.ends.update(v for body in self.bodies.values() for v in body.outputs.values())
        self.uses = Counter(self.graph.outputs.values())
        self.readers: dict[Value, list[Node]] = {}
        for body in self.bodies.values():
            self.uses.update(body.outputs.values())
        for node in self.nodes:
            body = self.bodies.get(id(node))
            read = node.inputs if body is None else node.inputs[: len(body.inputs)]
            self.uses.update(read)
            for value in read:
                self.readers.setdefault(value, []).append(node)
        self.makers = {v: node for node in self.nodes for v in node.outputs}
        self._stated: set[Value] = set()
        self.shared = shared_layers(self.nodes, self.params, self.uses)
        """The parameters of layers that several nodes call."""
        self._layers: dict[Value, Value] = {}

    def _with_bodies(self, nodes: Sequence[Node], renamed: Mapping[Value, Value]) -> list[Node]:
        """Return nodes and those of the bodies among them, under the names of what is outside."""
        found: list[Node] = []
        for old in nodes:
            inputs = tuple(renamed.get(v, v) for v in old.inputs)
            node = old if inputs == old.inputs else Node(old.op, inputs, old.outputs)
            found.append(node)
            if not isinstance(node.op, Scan):
                continue
            op = node.op
            own = op.carried + op.scanned
            outside = dict(zip(op.body.inputs[own:], inputs[own:], strict=True))
            first = len(found)
            found += self._with_bodies(op.body.nodes, {**renamed, **outside})
            ends = {n: outside.get(v, v) for n, v in op.body.outputs.items()}
            inner = tuple(found[first:])
            self.bodies[id(node)] = Graph("scan", op.body.inputs[:own], {}, inner, ends)
        return found

    def owned(self, *values: Value) -> bool:
        """Return whether values are parameters of one layer."""
        return all(v in self.params and (self.uses[v] == 1 or v in self.shared) for v in values)

    def stored(self, *values: Value) -> tuple[Stored, ...]:
        return tuple(self.params[v] for v in values)

    def put(
        self, node: Node, callee: str, *args: Arg, weights: Sequence[Value] = (),
        form: Form = "call",
    ) -> None:  # fmt: skip
        for value in (v for arg in args for v in values_in(arg.value)):
            self.state(value)
        stored = self.stored(*weights)
        if weights and weights[0] in self.shared:
            args = self._shared_call(callee, args, weights[0], stored)
            callee, form = "", "shared"
        self.steps.append(Step(callee, args, node.outputs, stored, form, hint=hint_of(stored)))

    def _shared_call(
        self, callee: str, args: Sequence[Arg], weight: Value, stored: Sequence[Stored]
    ) -> tuple[Arg, ...]:
        """Make the layer at its first call, and return the arguments of a call."""
        layer = self._layers.get(weight)
        if layer is None:
            layer = self._layers[weight] = Value("layer", LAYER)
            settings = tuple(arg for arg in args[1:] if not values_in(arg.value))
            made = Step(callee, settings, (layer,), (), "new", hint=hint_of(stored))
            self.outermost.append(made)
        given = (arg for arg in args[1:] if values_in(arg.value))
        return (args[0], positional("layer", layer), *given)

    def state(self, value: Value) -> None:
        """Make a parameter that no layer has, or that several operators read."""
        if value not in self.params or value in self._stated:
            return
        self._stated.add(value)
        stored = self.params[value]
        args = [
            positional("shape", to_item(value.type.shape)),
            positional("init", stored.start, fixed=True),
            Arg("trained", stored.trained, True),
        ]
        if value.type.dtype is not DType.F32:
            like = self.graph.inputs[0]
            args.append(Arg("like", like))
        made = Step("param", tuple(args), (value,), (stored,), hint=hint_of((stored,)))
        self.outermost.append(made)

    def literal(self, value: Value) -> Item:
        """Return a number or a size in place of a constant of rank 0."""
        node = self.makers.get(value)
        if node is not None and node.op.name == "measure":
            return to_item(attribute(node.op, "size"))
        if node is None or node.op.name != "constant":
            return value
        number = attribute(node.op, "value")
        if isinstance(number, tuple):
            return value
        assert isinstance(number, bool | int | float)
        return decimal(number) if isinstance(number, float) else number


def shared_layers(
    nodes: Sequence[Node], params: Mapping[Value, Stored], uses: Mapping[Value, int]
) -> set[Value]:
    """Return the parameters of layers that several nodes call, all with the same attributes."""
    groups: dict[tuple[Value, ...], list[Node]] = {}
    for node in nodes:
        read = tuple(v for v in node.inputs if v in params)
        if read and not isinstance(node.op, Scan):
            groups.setdefault(read, []).append(node)
    return {
        v
        for read, calls in groups.items()
        if len(calls) > 1 and len({(n.op, n.inputs[0].type.rank) for n in calls}) == 1
        for v in read
        if all(uses[w] == len(calls) for w in read)
    }


def positional(name: str, value: Item, *, fixed: bool = False) -> Arg:
    return Arg(name, value, positional=True, fixed=fixed)


def values_in(item: Item) -> list[Value]:
    if isinstance(item, Value):
        return [item]
    return [v for part in item for v in values_in(part)] if isinstance(item, tuple) else []


def to_item(value: object) -> Item:
    """Return an attribute of an operator as an argument."""
    match value:
        case float():
            return decimal(value)
        case DType():
            return str(value)
        case str():
            return f'"{value}"'
        case bool() | int() | Dim() | None:
            return value
        case tuple() | list():
            return tuple(to_item(part) for part in cast("Sequence[object]", value))
        case _:
            return str(value)


def compact(value: object) -> Item:
    """Return numbers of windows: one where it is the same for all axes."""
    item = to_item(value)
    if isinstance(item, tuple) and item:
        parts = [compact(part) if isinstance(part, tuple) else part for part in item]
        if all(part == parts[0] for part in parts):
            return parts[0]
        return tuple(parts)
    return item


def pads(value: object) -> Item:
    """Return the padding of axes: one number, one for each, or pairs of before and after."""
    item = to_item(value)
    assert isinstance(item, tuple)
    pairs = [pair for pair in item if isinstance(pair, tuple)]
    if any(before != after for before, after in pairs):
        return item
    sides = [before for before, _ in pairs]
    return sides[0] if len(set(map(str, sides))) == 1 else tuple(sides)


def hint_of(stored: Sequence[Stored]) -> str:
    """Return the path that the parameters of a layer share, without their own names."""
    names = [name for s in stored for name in s.names]
    return names[0].rpartition(".")[0] if names and "." in names[0] else ""
