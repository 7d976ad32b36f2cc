"""The steps of a graph that is written as calls, and how attributes become arguments."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import cast

from netlang.importing.convert import Converted
from netlang.importing.operands import Stored, decimal
from netlang.importing.simplifying import attribute
from netlang.importing.structure.steps import Arg, Form, Item, Step
from netlang.ir.dims import Dim
from netlang.ir.graph import Node, Value
from netlang.ir.types import DType

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
        self.uses = Counter(v for node in self.graph.nodes for v in node.inputs)
        self.uses.update(self.graph.outputs.values())
        self.makers = {v: node for node in self.graph.nodes for v in node.outputs}
        self.readers: dict[Value, list[Node]] = {}
        for node in self.graph.nodes:
            for value in node.inputs:
                self.readers.setdefault(value, []).append(node)
        self._stated: set[Value] = set()

    def owned(self, *values: Value) -> bool:
        """Return whether values are parameters that only one operator reads."""
        return all(v in self.params and self.uses[v] == 1 for v in values)

    def stored(self, *values: Value) -> tuple[Stored, ...]:
        return tuple(self.params[v] for v in values)

    def put(
        self, node: Node, callee: str, *args: Arg, weights: Sequence[Value] = (),
        form: Form = "call",
    ) -> None:  # fmt: skip
        for value in (v for arg in args for v in values_in(arg.value)):
            self._state(value)
        stored = self.stored(*weights)
        self.steps.append(Step(callee, args, node.outputs, stored, form, hint=hint_of(stored)))

    def _state(self, value: Value) -> None:
        """Make a parameter that several operators read, or one that no layer has."""
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
        self.steps.append(Step("param", tuple(args), (value,), (stored,), hint=hint_of((stored,))))

    def literal(self, value: Value) -> Item:
        """Return a number in place of a constant of rank 0."""
        node = self.makers.get(value)
        if node is None or node.op.name != "constant":
            return value
        number = attribute(node.op, "value")
        if isinstance(number, tuple):
            return value
        assert isinstance(number, bool | int | float)
        return decimal(number) if isinstance(number, float) else number


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
