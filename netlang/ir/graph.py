"""The typed graph: values, nodes, graphs, and the builder that makes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct, field

from netlang.diagnostics.source import Span
from netlang.ir.op import Primitive
from netlang.ir.types import TensorType, Types


class Value(Struct, frozen=True, eq=False):
    """One tensor in a graph. Two values are the same only if they are one object."""

    name: str
    type: TensorType

    def __str__(self) -> str:
        return f"%{self.name}"


Values = tuple[Value, ...]
Cotangents = tuple[Value | None, ...]
"""One for each operand of an operator; ``None`` where there is no gradient."""


class Init(Struct, frozen=True):
    """An initializer of a weight: the name of a rule and its numbers.

    ``constant value``, ``normal std mean``, ``uniform low high``, and the rules that look at the
    shape (``xavier_uniform gain``, ``kaiming_uniform gain``, ``fan_in_uniform gain``, ...).
    """

    rule: str
    arguments: tuple[float, ...] = ()

    def __str__(self) -> str:
        return f"{self.rule}({', '.join(f'{a:g}' for a in self.arguments)})"


class Param(Struct, frozen=True, eq=False):
    """A weight: its path, type and initializer, and whether training changes it."""

    path: str
    type: TensorType
    init: Init
    trained: bool
    span: Span | None = None


class Scope(Struct, frozen=True, eq=False):
    """A call that led to a node: the path of its weights and the position in the program.

    ``path`` is the full dotted path, ``kind`` the name of what was called (``conv``, ``basic``);
    ``library`` distinguishes a prelude call from one of a user's block; ``doc`` is the ``##``
    comment of what was called, and ``block`` whether that is a block or a net of the user's.
    """

    path: str
    kind: str
    span: Span | None
    parent: Scope | None
    library: bool = False
    doc: str = ""
    block: bool = False


class Node(Struct, frozen=True, eq=False):
    op: Primitive
    inputs: Values
    outputs: Values
    scope: Scope | None = None
    span: Span | None = None


class State(Struct, frozen=True, eq=False):
    """A value that persists between calls: enters as ``value``, leaves as ``after``."""

    name: str
    value: Value
    start: float
    after: Value

    @property
    def next_name(self) -> str:
        """The name under which a call returns the state for the next one."""
        return f"{self.name}_next"


class Graph(Struct, frozen=True, eq=False):
    """Nodes in topological order. Immutable: a pass returns a new graph.

    ``outputs`` maps the names of the signature to values, in order. A state's values are neither
    inputs nor outputs. ``units`` maps each symbolic size to the number it is a multiple of.
    """

    name: str
    inputs: Values
    params: Mapping[Value, Param]
    nodes: tuple[Node, ...]
    outputs: Mapping[str, Value]
    states: tuple[State, ...] = ()
    units: Mapping[str, int] = field(default_factory=dict[str, int])

    def __str__(self) -> str:
        return f"graph {self.name}"

    @property
    def results(self) -> dict[str, Value]:
        """All that a call returns: the outputs, and each state ``h`` of the next as ``h_next``."""
        return dict(self.outputs) | {state.next_name: state.after for state in self.states}


def written_at(node: Node) -> str:
    """Return ``file:line`` of the user's text that made a node, ``""`` if there is none."""
    span = origin(node)
    return f"{span.source.name}:{span.line}" if span is not None else ""


def origin(node: Node) -> Span | None:
    """Return the span of the user's text that made a node."""
    span, scope = node.span, node.scope
    while scope is not None and (span is None or span.source.library):
        span, scope = scope.span, scope.parent
    return span


def types(values: Sequence[Value]) -> Types:
    return tuple(v.type for v in values)


class Builder(Struct):
    """Makes nodes: infers types, keeps names unique, and records scope and span."""

    nodes: list[Node] = field(default_factory=list[Node])
    stems: list[str] = field(default_factory=list[str])
    """The names of the values of each node before numbers make them unique."""
    scope: Scope | None = None
    span: Span | None = None
    _taken: dict[str, int] = field(default_factory=dict[str, int])

    def fresh(self, stem: str, type: TensorType) -> Value:
        """Return a value called ``stem``, or ``stem.1``, ``stem.2``, … if that is taken."""
        name = stem
        while name in self._taken:
            self._taken[stem] += 1
            name = f"{stem}.{self._taken[stem]}"
        self._taken[name] = 0
        return Value(name, type)

    def inside(self) -> Builder:
        """Return a builder for the body of a loop, with distinct names of values."""
        return Builder(scope=self.scope, span=self.span, _taken=self._taken)

    def adopt(self, values: Sequence[Value]) -> None:
        """Reserve the names of values made elsewhere."""
        for v in values:
            self._taken.setdefault(v.name, 0)

    def clashes(self, values: Sequence[Value]) -> bool:
        """Return whether the name of one of the values is in use."""
        return any(v.name in self._taken for v in values)

    def share_names(self, other: Builder) -> None:
        """Keep names unique across two builders."""
        self._taken = other._taken

    def add(self, op: Primitive, *inputs: Value, name: str | None = None) -> Values:
        """Add a node; raises ``OperandError`` if the operator rejects its operands."""
        path = self.scope.path if self.scope is not None else ""
        stem = name or (f"{path}.{op.name}" if path else op.name)
        outputs = tuple(self.fresh(stem, t) for t in op.infer(*types(inputs)))
        self.put(Node(op, inputs, outputs, self.scope, self.span), stem)
        return outputs

    def put(self, node: Node, stem: str) -> None:
        """Add a node that is already made."""
        self.nodes.append(node)
        self.stems.append(stem)

    def one(self, op: Primitive, *inputs: Value) -> Value:
        """Add an operator known to have one result."""
        (output,) = self.add(op, *inputs)
        return output


class GraphError(Exception):
    """A pass broke the graph, which is a bug of ours."""


def verify(graph: Graph) -> None:
    """Check that uses follow definitions, names are unique and types are as inferred."""
    sources = [*graph.inputs, *graph.params, *(s.value for s in graph.states)]
    defined = set(sources)
    count = len(sources)
    for node in graph.nodes:
        if missing := [v for v in node.inputs if v not in defined]:
            raise GraphError(f"{node.op} uses {', '.join(map(str, missing))} before definition")
        inferred = node.op.infer(*types(node.inputs))
        if inferred != types(node.outputs):
            raise GraphError(f"{node.op} records {types(node.outputs)} but infers {inferred}")
        defined.update(node.outputs)
        count += len(node.outputs)
    ends = [*graph.outputs.values(), *(s.after for s in graph.states)]
    if missing := [v for v in ends if v not in defined]:
        raise GraphError(f"never defined: {', '.join(map(str, missing))}")
    if count != len(defined) or len({v.name for v in defined}) != len(defined):
        raise GraphError(f"{graph.name} defines a value or a name twice")
