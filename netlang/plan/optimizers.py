"""What the optimizer of a section does to each parameter.

An optimizer is a definition of the language, as a layer is. Its body is evaluated for the types of
the parameters that it updates, and is then a graph, which becomes part of the graph of a step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NoReturn

from msgspec import Struct
from msgspec.structs import replace

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Label
from netlang.evaluate.calls.calls import adjusted
from netlang.evaluate.calls.groups import SCALE, overrides
from netlang.evaluate.context.frame import Run, reject
from netlang.evaluate.context.values import GROUPS, Argued, Object, Setting, is_rate
from netlang.evaluate.optimizers import update_graph
from netlang.ir.dims import Shape, product
from netlang.ir.graph import Builder, Graph, State
from netlang.ir.types import TensorType
from netlang.ops.elementwise.arithmetic import Binary
from netlang.ops.elementwise.choice import Select
from netlang.ops.shaping.creation import Full
from netlang.plan.records import Records, UnknownValueError
from netlang.plan.schedules import Rate
from netlang.plan.settings import same


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
        self._rules: dict[tuple[Setting, TensorType], Graph] = {}
        self._bases: dict[Setting, Graph] = {}
        """Rules of the library that serve weights of every shape."""

    def changes(self, optimizer: Setting, types: Mapping[str, TensorType]) -> tuple[Change, ...]:
        """Return the change of each parameter, in order.

        What all groups that select a parameter set applies to it. Raises ``DiagnosticError`` where
        two of them contradict each other, and ``UnknownValueError`` after an error in the body of
        an optimizer, which is in the diagnostics of the run.
        """
        groups = self._groups(optimizer)
        combined: dict[tuple[int, ...], tuple[Setting, float]] = {}
        found: list[Change] = []
        for path, type in types.items():
            own = tuple(i for i, (paths, _) in enumerate(groups) if path in paths)
            if own not in combined:
                combined[own] = self._combined(path, optimizer, [groups[i][1] for i in own])
            setting, scale = combined[own]
            found.append(Change(path, self._rule(setting, type), self._rates(setting, scale)))
        return tuple(found)

    def _groups(self, optimizer: Setting) -> Sequence[tuple[frozenset[str], Setting]]:
        """Return the groups and the paths that each selects."""
        groups = optimizer.arguments[GROUPS.name.text]
        assert isinstance(groups, list)
        found: list[tuple[frozenset[str], Setting]] = []
        for group in groups:
            assert isinstance(group, Setting)
            paths = self._records.selection(group.arguments["what"]).paths
            found.append((frozenset(paths), group))
        return found

    def _combined(
        self, path: str, optimizer: Setting, groups: Sequence[Setting]
    ) -> tuple[Setting, float]:
        """Return the optimizer of what some groups select, and the scale of its learning rate."""
        given: dict[str, Argued] = {}
        for group in groups:
            for name, arg in overrides(group).items():
                if name in given and not same(given[name].value, arg.value):
                    _reject_contradiction(path, name, given[name], arg)
                given[name] = arg
        scale = given.pop(SCALE, None)
        if not groups:
            made: Object = optimizer
        elif len(groups) == 1:
            made = groups[0].arguments["optimizer"]
        else:
            made = adjusted(optimizer, given)
        if not isinstance(made, Setting):
            raise UnknownValueError
        return made, 1.0 if scale is None else self._records.one(float, scale.value)

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
        key = optimizer, type
        if key not in self._rules:
            self._rules[key] = self._made(optimizer, type)
        return self._rules[key]

    def _made(self, optimizer: Setting, type: TensorType) -> Graph:
        # onnxruntime takes long for a number times a tensor whose last axis is 1.
        shape = (product(type.shape),) if type.shape[-1:] == (1,) else type.shape
        base = self._bases.get(optimizer)
        if base is None:
            base = update_graph(optimizer, type, self._run)
            if base is None:
                raise UnknownValueError
            if not _elementwise(base):
                return base
            assert optimizer.call is not None
            if optimizer.call.function.module.source.library:
                self._bases[optimizer] = base  # these never look at the shape of a weight
        return base if shape == base.inputs[0].type.shape else _reshaped(base, shape)


def _reshaped(rule: Graph, shape: Shape) -> Graph:
    """Return a rule whose elements change by themselves, for a weight of another shape."""
    b, weight = Builder(), rule.inputs[0].type
    retyped = TensorType(weight.dtype, shape)
    sources = (*rule.inputs, *(state.value for state in rule.states))
    own = {v: b.fresh(v.name, retyped if v.type.shape == weight.shape else v.type) for v in sources}
    for node in rule.nodes:
        op = node.op
        if isinstance(op, Full) and op.shape == weight.shape:
            op = replace(op, shape=shape)
        made = b.add(op, *(own[v] for v in node.inputs))
        own.update(zip(node.outputs, made, strict=True))
    states = tuple(State(s.name, own[s.value], s.start, own[s.after]) for s in rule.states)
    outputs = {name: own[value] for name, value in rule.outputs.items()}
    inputs = tuple(own[value] for value in rule.inputs)
    return Graph(rule.name, inputs, {}, tuple(b.nodes), outputs, states)


def _reject_contradiction(path: str, name: str, first: Argued, second: Argued) -> NoReturn:
    reject(
        rules.CONTRADICTING_GROUPS,
        f"two groups give `{path}` different values of `{name}`",
        second.span,
        "the value of one group",
        secondary=(Label(first.span, "the value of another"),),
        helps=("leave it to one of them, or let only one of them select this parameter",),
    )


def _elementwise(rule: Graph) -> bool:
    """Return whether each element of the weight changes by itself, whatever its shape."""
    shapes = ((), rule.inputs[0].type.shape)
    for node in rule.nodes:
        ends = [value.type.shape for value in (*node.inputs, *node.outputs)]
        plain = node.op.pointwise or isinstance(node.op, Binary | Select | Full)
        if any(shape not in shapes for shape in ends) or not (plain or not any(ends)):
            return False
    return all(state.value.type.shape in shapes for state in rule.states)
