"""Memoization of calls with the same arguments and tensors of the same types.

A block depends only on its arguments and the names of its file, so a second call of the same kind
creates the same nodes and parameters under another path. They are copied instead of evaluated: the
time to check a network of many equal units depends on the number of distinct ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from msgspec import Struct
from msgspec.structs import replace

from netlang.diagnostics.source import Span
from netlang.evaluate.context.budget import STEPS_PER_COPY
from netlang.evaluate.context.frame import Frame, Made, Run
from netlang.evaluate.context.values import (
    Argued,
    Bound,
    Examples,
    Function,
    Layer,
    NamedTuple,
    Object,
    Part,
    Results,
    Setting,
    Unknown,
)
from netlang.ir.graph import Graph, Node, Param, Scope, Value
from netlang.ir.op import Primitive

Key = tuple[object, ...]


class UnrepeatableError(Exception):
    """An argument or a result that prevents a call from being copied."""


class Recording(Struct, frozen=True, eq=False):
    """What one call created: its nodes and parameters, in terms of its arguments."""

    path: str
    scope: Scope
    operands: tuple[Value, ...]
    nodes: tuple[Node, ...]
    stems: tuple[str, ...]
    weights: tuple[Made, ...]
    result: Object


def key_of(function: Function, assigned: Mapping[str, Argued]) -> tuple[Key, list[Value]] | None:
    """Return what a call depends on and its tensors, or ``None`` if it cannot be copied."""
    tensors: list[Value] = []
    try:
        parts = [(name, _part(arg.value, tensors)) for name, arg in sorted(assigned.items())]
    except UnrepeatableError:
        return None
    return (id(function.definition), *parts), tensors


def _part(value: Object, tensors: list[Value]) -> object:
    match value:
        case Value():
            if value not in tensors:
                tensors.append(value)
            return (Value, tensors.index(value), value.type)
        case Function():
            return (Function, id(value.definition))
        case Bound(function=function, arguments=arguments):
            given = ((name, _part(arg.value, tensors)) for name, arg in arguments.items())
            return (Bound, id(function.definition), *given)
        case list() | tuple():
            names = value.names if isinstance(value, NamedTuple) else ()
            return (type(value), names, *(_part(v, tensors) for v in value))
        case Setting():
            arguments = sorted(value.arguments.items())
            return (Setting, value.name, *((k, _part(v, tensors)) for k, v in arguments))
        case Layer() | Part() | Examples() | Results() | Unknown():
            raise UnrepeatableError
        case _:
            return (type(value), value)


class Mark(Struct, frozen=True, eq=False):
    """The state of a run before a call."""

    nodes: int
    weights: int
    diagnostics: int
    noted: int
    modes: int
    spent: int


def mark(run: Run) -> Mark:
    """Return the state of the run where a call begins."""
    return Mark(
        len(run.builder.nodes),
        len(run.made),
        len(run.diagnostics.items),
        _noted(run),
        len(run.modes),
        run.budget.spent,
    )


def _noted(run: Run) -> int:
    """Return how many values the run has notes on, which a copy would not have."""
    return len(run.noise) + len(run.gradients) + len(run.balanced)


def remember(
    key: Key, tensors: list[Value], before: Mark, inner: Frame, result: Object
) -> Recording | None:
    """Record a call without diagnostics, so that it can be copied; ``None`` if it can't."""
    run = inner.run
    if len(run.diagnostics.items) != before.diagnostics or run.states or inner.scope is None:
        return None
    if _noted(run) != before.noted:
        return None
    try:
        _part(list(result.values.values()) if isinstance(result, Results) else result, [])
    except UnrepeatableError:
        return None
    recording = run.recordings[key] = Recording(
        inner.path,
        inner.scope,
        tuple(tensors),
        tuple(run.builder.nodes[before.nodes :]),
        tuple(run.builder.stems[before.nodes :]),
        tuple(run.made[before.weights :]),
        result,
    )
    return recording


def repeat(
    recording: Recording,
    tensors: list[Value],
    path: str,
    span: Span,
    frame: Frame,
    scope: Scope | None = None,
) -> Object | None:
    """Copy the nodes and parameters of a recorded call to another path, into a scope if given.

    Returns ``None`` if a parameter with that path exists: evaluating the call reports why.
    """
    run = frame.run
    old = recording.scope
    copier = _Copier(frame, recording, path, span)
    copier.scopes[old] = scope or replace(old, path=path, span=span, parent=frame.scope)
    copier.values.update(zip(recording.operands, tensors, strict=True))
    if any(copier.moved(made.param.path) in run.weights for made in recording.weights):
        return None
    run.budget.spend(STEPS_PER_COPY * (len(recording.nodes) + len(recording.weights)), span)
    for made in recording.weights:
        copier.weight(made)
    for node, stem in zip(recording.nodes, recording.stems, strict=True):
        copier.node(node, stem)
    return copier.result(recording.result)


class _Copier:
    """Replaces recorded values with new ones."""

    __slots__ = ("builder", "frame", "new", "old", "old_span", "scopes", "span", "values")

    def __init__(self, frame: Frame, recording: Recording, path: str, span: Span) -> None:
        self.frame = frame
        self.builder = frame.run.builder
        self.old, self.new = recording.path, path
        self.old_span, self.span = recording.scope.span, span
        self.scopes: dict[Scope, Scope] = {}
        self.values: dict[Value, Value] = {}

    def moved(self, path: str) -> str:
        """Return the new path for a recorded one."""
        rest = path[len(self.old) :] if self.old else f".{path}" if path else ""
        return (self.new + rest).lstrip(".")

    def weight(self, made: Made) -> None:
        old = made.param
        path = self.moved(old.path)
        value = self.builder.fresh(path, old.type)
        param = Param(path, old.type, old.init, old.trained, old.span)
        self.frame.run.add_weight(Made(value, param, made.frame))
        self.values[made.value] = value

    def node(self, node: Node, stem: str) -> None:
        stem = self.moved(stem)
        values = self.values
        fresh = self.builder.fresh
        outputs = tuple(fresh(stem, v.type) for v in node.outputs)
        values.update(zip(node.outputs, outputs, strict=True))
        inputs = tuple(values[v] for v in node.inputs)
        scope = self.scopes.get(node.scope) if node.scope is not None else None
        if scope is None:
            scope = self.scope(node.scope)
        op = node.op
        if getattr(op, "body", None) is not None:
            op = self.op(op)
        self.builder.put(Node(op, inputs, outputs, scope, node.span), stem)

    def op(self, op: Primitive) -> Primitive:
        """Return an operator; the nodes in the body of a loop get new scopes."""
        body = getattr(op, "body", None)
        if not isinstance(body, Graph):
            return op
        moved = (replace(n, op=self.op(n.op), scope=self.scope(n.scope)) for n in body.nodes)
        return replace(op, body=replace(body, nodes=tuple(moved)))

    def scope(self, scope: Scope | None) -> Scope | None:
        if scope is None:
            return None
        found = self.scopes.get(scope)
        if found is None:
            # The scope of a loop has the span of the enclosing call.
            span = self.span if scope.span is self.old_span else scope.span
            parent = self.scope(scope.parent)
            found = replace(scope, path=self.moved(scope.path), span=span, parent=parent)
            self.scopes[scope] = found
        return found

    def result(self, value: Object) -> Object:
        match value:
            case Value():
                return self.values.get(value, value)
            case Bound():
                moved = {
                    n: replace(a, value=self.result(a.value)) for n, a in value.arguments.items()
                }
                return replace(value, arguments=moved)
            case list():
                return [self.result(v) for v in value]
            case NamedTuple():
                return NamedTuple([self.result(v) for v in value], value.names)
            case tuple():
                return tuple(self.result(v) for v in cast("tuple[Object, ...]", value))
            case Results(values=values):
                return Results({name: self.result(v) for name, v in values.items()})
            case _:
                return value
