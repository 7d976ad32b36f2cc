"""What the optimizer of a section does to each parameter.

An optimizer is a definition of the language, as a layer is. Its body is evaluated for the types of
the parameters that it updates, and is then a graph, which becomes part of the graph of a step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from msgspec import Struct

from netlang.evaluate.context.frame import Run
from netlang.evaluate.context.values import Setting, is_rate
from netlang.evaluate.optimizers import update_graph
from netlang.ir.dims import product
from netlang.ir.graph import Builder, Graph, State
from netlang.ir.types import TensorType
from netlang.ops.elementwise.arithmetic import Binary
from netlang.ops.elementwise.choice import Constant, Select
from netlang.ops.shaping.creation import Full
from netlang.plan.records import Records, UnknownValueError
from netlang.plan.schedules import Rate


class ScaledRate(Struct, frozen=True, eq=False):
    """A learning rate, and the number it is multiplied by: that of a group."""

    rate: Rate
    scale: float


class Change(Struct, frozen=True, eq=False):
    """How an update changes one parameter.

    ``rule`` has the inputs ``weight``, ``gradient``, ``count`` and those of ``rates``; its output
    is the next ``weight``, and its states are stored between updates. The weight may have another
    shape there, with as many elements.
    """

    path: str
    rule: Graph
    rates: Mapping[str, ScaledRate]


class Optimizers:
    """Makes the changes of a section, with one graph for each optimizer and type of parameter."""

    def __init__(self, run: Run, records: Records) -> None:
        self._run, self._records = run, records
        self._rules: dict[tuple[int, TensorType], Graph] = {}

    def changes(self, optimizer: Setting, types: Mapping[str, TensorType]) -> tuple[Change, ...]:
        """Return the change of each parameter, in order.

        Of the groups that select a parameter, the last counts. Raises ``UnknownValueError`` after
        an error in the body of an optimizer, which is in the diagnostics of the run.
        """
        groups = self._groups(optimizer)
        found: list[Change] = []
        for path, type in types.items():
            _, own, scale = next((g for g in groups if path in g[0]), (None, optimizer, 1.0))
            found.append(Change(path, self._rule(own, type), self._rates(own, scale)))
        return tuple(found)

    def _groups(self, optimizer: Setting) -> Sequence[tuple[frozenset[str], Setting, float]]:
        """Return the paths, the optimizer and the scale of each group, the last one first."""
        groups = optimizer.arguments["groups"]
        assert isinstance(groups, list)
        found: list[tuple[frozenset[str], Setting, float]] = []
        for group in reversed(groups):
            assert isinstance(group, Setting)
            paths = self._records.selection(group.arguments["what"]).paths
            own = group.arguments["optimizer"]
            assert isinstance(own, Setting)
            scale = self._records.one(float, group.arguments["lr_scale"])
            found.append((frozenset(paths), own, scale))
        return found

    def _rates(self, optimizer: Setting, scale: float) -> dict[str, ScaledRate]:
        assert optimizer.call is not None
        rates: dict[str, ScaledRate] = {}
        for param in optimizer.call.function.params:
            name = param.name.text
            value = optimizer.arguments[name]
            if is_rate(param) and value is not None:
                rate = self._records.rate(value)
                rates[name] = ScaledRate(rate, scale if name == "lr" else 1.0)
        return rates

    def _rule(self, optimizer: Setting, type: TensorType) -> Graph:
        key = id(optimizer), type
        if key not in self._rules:
            rule = update_graph(optimizer, type, self._run)
            if rule is None:
                raise UnknownValueError
            # onnxruntime takes long for a number times a tensor whose last axis is 1.
            flat = type.shape[-1:] == (1,) and _elementwise(rule)
            self._rules[key] = _flattened(rule) if flat else rule
        return self._rules[key]


def _flattened(rule: Graph) -> Graph:
    """Return a rule whose elements change by themselves, for a weight of one axis."""
    b, weight = Builder(), rule.inputs[0].type
    flat = TensorType(weight.dtype, (product(weight.shape),))
    sources = (*rule.inputs, *(state.value for state in rule.states))
    own = {v: b.fresh(v.name, flat if v.type.shape == weight.shape else v.type) for v in sources}
    for node in rule.nodes:
        op = node.op
        if isinstance(op, Full) and op.shape == weight.shape:
            op = replace(op, shape=flat.shape)
        made = b.add(op, *(own[v] for v in node.inputs))
        own.update(zip(node.outputs, made, strict=True))
    states = tuple(State(s.name, own[s.value], s.start, own[s.after]) for s in rule.states)
    outputs = {name: own[value] for name, value in rule.outputs.items()}
    inputs = tuple(own[value] for value in rule.inputs)
    return Graph(rule.name, inputs, {}, tuple(b.nodes), outputs, states)


def _elementwise(rule: Graph) -> bool:
    """Return whether each element of the weight changes by itself, whatever its shape."""
    shapes = ((), rule.inputs[0].type.shape)
    for node in rule.nodes:
        ends = [value.type.shape for value in (*node.inputs, *node.outputs)]
        plain = node.op.pointwise or isinstance(node.op, Binary | Select | Full | Constant)
        if any(shape not in shapes for shape in ends) or not (plain or not any(ends)):
            return False
    return all(state.value.type.shape in shapes for state in rule.states)
