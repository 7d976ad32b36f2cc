"""Frames: the scope in which an expression is evaluated, and the calls that led to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NoReturn, Protocol, Unpack

from msgspec import Struct, field
from msgspec.structs import replace

from netlang.diagnostics.diagnostic import (
    Diagnostic,
    DiagnosticError,
    Diagnostics,
    Label,
    Parts,
    Severity,
    diagnostic,
)
from netlang.diagnostics.rules import Rule
from netlang.diagnostics.source import Span
from netlang.evaluate.context.budget import Budget
from netlang.evaluate.context.describe import short
from netlang.evaluate.context.origins import written
from netlang.evaluate.context.values import UNKNOWN, Function, Layer, Mode, Object
from netlang.ir.dims import Size
from netlang.ir.graph import Builder, Graph, Param, Scope, State, Value
from netlang.ir.types import TensorType
from netlang.syntax import ast

if TYPE_CHECKING:
    from netlang.evaluate.context.known_calls import KnownCalls
    from netlang.evaluate.context.memo import Recording
    from netlang.evaluate.modules.module import ModuleScope

DEPTH_LIMIT = 200
"""The limit on nested calls."""


class Made(Struct):
    """A parameter that exists: its value, its record, and where it was created."""

    value: Value
    param: Param
    frame: Frame


class LayerCall(Struct, frozen=True, eq=False):
    """A call of a layer of a train section: the tensors that enter and leave, by their names."""

    layer: str
    inputs: Mapping[str, Value]
    outputs: Mapping[str, Value]


class Noise(Struct, frozen=True, eq=False):
    """A sampled value in a train section: its distribution, and the name of its site."""

    kind: str
    site: str


class Balanced(Struct, frozen=True):
    """Weights of ``classes`` that balance a column of the training data, without ``ignore``."""

    column: str
    classes: int
    ignore: int | None


class Observer(Protocol):
    """Follows an evaluation, for a compiler that needs more than the graph it ends in."""

    def evaluated(self, expr: ast.Expr, frame: Frame, value: Object) -> None:
        """Take note of the value of an expression, or of a stage of a pipeline."""
        ...

    def entered(self, frame: Frame) -> None:
        """Take note of the frame of a call whose arguments are bound."""
        ...

    def iterated(self, loop: ast.Expr, frame: Frame, inner: Frame) -> None:
        """Take note of an iteration of a loop whose names are bound."""
        ...


class Run(Struct):
    """The state that the frames of one net share."""

    diagnostics: Diagnostics
    builder: Builder = field(default_factory=Builder)
    weights: dict[str, Made] = field(default_factory=dict[str, Made])
    made: list[Made] = field(default_factory=list[Made])
    """The same parameters in the order of their creation."""
    states: list[State] = field(default_factory=list[State])
    units: dict[str, int] = field(default_factory=dict[str, int])
    noise: dict[Value, Noise] = field(default_factory=dict[Value, Noise])
    balanced: dict[Value, Balanced] = field(default_factory=dict[Value, "Balanced"])
    """Weights of classes that the data of a train section determine: ones, while it is checked."""
    gradients: dict[Value, tuple[Value, Value]] = field(
        default_factory=dict[Value, "tuple[Value, Value]"]
    )
    """Gradients that a train section uses: of what, with respect to what."""
    calls: list[LayerCall] = field(default_factory=list[LayerCall])
    """The calls of a train section's layers, in order."""
    modes: dict[Value, Mode] = field(default_factory=dict[Value, Mode])
    """Which way losses and scores improve, as the definitions that made them declare."""
    budget: Budget = field(default_factory=Budget)
    weight: TensorType | None = None
    """The type of the parameter that an optimizer updates."""
    unchanged: frozenset[str] = frozenset()
    """States of an optimizer that no update changes: constants, which are not stored."""
    tensors: bool = True
    training: bool = False
    recordings: dict[tuple[object, ...], Recording] = field(
        default_factory=dict[tuple[object, ...], "Recording"]
    )
    graph_of: Callable[[Function, Mapping[str, Object]], Graph | None] = lambda _f, _a: None
    counts: dict[tuple[str, Graph], Size] = field(default_factory=dict[tuple[str, Graph], "Size"])
    """The counts of graphs, each computed once."""
    observer: Observer | None = None
    item: ast.Expr | None = None
    """The argument, or the item of a list, that is evaluated next."""
    bound: list[tuple[str, Span, Object]] | None = None
    """For an editor: every name that a value was given, where, and the value."""
    known_calls: KnownCalls | None = None
    """For an editor: the calls of the library in earlier versions."""

    def add_weight(self, made: Made) -> None:
        """Store a parameter under its path."""
        self.weights[made.param.path] = made
        self.made.append(made)


class CallSite(Struct, frozen=True, eq=False):
    """A call in the trace of a frame."""

    function: Function
    arguments: Mapping[str, Object]
    span: Span
    frame: Frame

    def __str__(self) -> str:
        shown = ", ".join(
            f"{name}: {short(value)}" if isinstance(value, Value) else f"{name}={short(value)}"
            for name, value in self.arguments.items()
        )
        return f"{self.function.name}({shown}), called on line {self.span.line}"


class Slot(Struct):
    """A bound name: its value, its expression, and where it was bound."""

    value: Object
    span: Span
    expr: ast.Expr | None = None


class Frame(Struct, eq=False):
    """A body that is being evaluated: a file, a block, one iteration of a loop.

    ``path`` is the prefix of the parameters created here, ``base`` the binding being evaluated,
    ``sites`` the names of the calls that own parameters, ``taken`` the paths already in use.
    """

    run: Run
    module: ModuleScope
    parent: Frame | None = None
    path: str = ""
    kind: str = "file"
    call: CallSite | None = None
    layer: Layer | None = None
    scope: Scope | None = None
    depth: int = 0
    names: dict[str, Slot] = field(default_factory=dict[str, Slot])
    taken: dict[str, Span] = field(default_factory=dict[str, Span])
    base: str = ""
    sites: Mapping[int, str] = field(default_factory=dict[int, str])
    labels: Mapping[int, str] = field(default_factory=dict[int, str])
    nexts: dict[str, Slot] = field(default_factory=dict[str, Slot])
    yields: list[Slot] = field(default_factory=list[Slot])

    def inner(self, kind: str, path: str) -> Frame:
        """Return a frame for an iteration of a loop, which sees every name of this one."""
        scope = self.scope
        if scope is not None and scope.path != path:
            scope = Scope(path, kind, scope.span, scope, scope.library)
        return Frame(
            self.run,
            self.module,
            self,
            path,
            kind,
            self.call,
            self.layer,
            scope,
            self.depth,
            sites=self.sites,
            labels=self.labels,
        )

    def find(self, name: str) -> Slot | None:
        """Return the local binding of a name, in this frame or an enclosing one."""
        frame: Frame | None = self
        while frame is not None:
            slot = frame.names.get(name)
            if slot is not None:
                return slot
            frame = frame.parent
        return None

    def bind(self, name: str, value: Object, span: Span, expr: ast.Expr | None = None) -> None:
        self.names[name] = Slot(value, span, expr)
        if self.run.bound is not None:
            self.run.bound.append((name, span, value))

    def visible(self) -> set[str]:
        """Return every name that can be used here, for suggestions."""
        found: set[str] = set(self.module.visible())
        frame: Frame | None = self
        while frame is not None:
            found |= frame.names.keys()
            frame = frame.parent
        return found

    def binding_path(self) -> str:
        """Return the path of the binding being evaluated."""
        return join(self.path, self.base)


def join(*parts: str) -> str:
    """Join the parts of a path, leaving out empty ones."""
    return ".".join(part for part in parts if part)


def reject(
    rule: Rule, message: str, span: Span, label: str = "", **parts: Unpack[Parts]
) -> NoReturn:
    """Stop the evaluation of an expression with an error."""
    raise DiagnosticError(diagnostic(rule, message, span, label, **parts))


def report(frame: Frame, found: Diagnostic) -> None:
    """Collect a diagnostic, located where the user can change the program.

    An error inside the library is shown at the innermost call outside of it; calls of the user's
    own blocks on the way are traced.
    """
    if found.suggestion is not None:
        found = frame.run.diagnostics.completed(found)
    span = found.span
    while span.source.library and frame.call is not None:
        call = frame.call
        span = written(span, frame)
        if span.source.library:
            span = call.span
        frame = call.frame
    while frame.module.source.library and frame.call is not None:
        frame = frame.call.frame
    label = found.primary.text if found.primary is not None else ""
    frame.run.diagnostics.report(
        replace(
            found,
            primary=Label(span, label),
            secondary=tuple(s for s in found.secondary if not s.span.source.library),
            fixes=tuple(f for f in found.fixes if not any(e.span.source.library for e in f.edits)),
            trace=_trace(frame),
        )
    )


def _trace(frame: Frame) -> tuple[str, ...]:
    """Describe the calls that led to a frame, innermost first, leaving out the middle of many."""
    calls: list[str] = []
    call = frame.call
    while call is not None:
        calls.append(str(call))
        call = call.frame.call
    if len(calls) > 6:
        calls = [*calls[:3], f"... {len(calls) - 5} more calls ...", *calls[-2:]]
    return tuple(calls)


def warn(
    frame: Frame, rule: Rule, message: str, span: Span, label: str = "", **parts: Unpack[Parts]
) -> None:
    """Collect a warning."""
    report(frame, diagnostic(rule, message, span, label, severity=Severity.WARNING, **parts))


def known(*values: Object) -> bool:
    """Return whether none of the values is unknown."""
    return not any(value is UNKNOWN for value in values)
