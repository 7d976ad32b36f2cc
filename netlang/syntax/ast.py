"""The syntax tree: what a file says, with the span of every part.

Trees are immutable. A tree keeps what the formatter needs (parentheses, pipelines, the two
spellings of a call) and nothing about meaning.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from netlang.diagnostics.source import Source, Span


class Node(Struct, frozen=True, eq=False, tag=True, tag_field="node", array_like=True):
    """A part of the program, and the text it is from; in data, an array that begins with its name.

    Two nodes are equal only if they are the same node.
    """

    span: Span


class Ident(Node, frozen=True):
    """A name being defined, or a name after a dot, ``as`` or ``new``."""

    text: str


# ---- expressions ---------------------------------------------------------------------


class Name(Node, frozen=True):
    text: str


class Int(Node, frozen=True):
    value: int


class Float(Node, frozen=True):
    value: float


class Duration(Node, frozen=True):
    """``10 epochs`` or ``500 steps``."""

    amount: float
    unit: Literal["epochs", "steps"]


class Counted(Node, frozen=True):
    """``n epochs`` or ``n steps``."""

    count: Name
    unit: Literal["epochs", "steps"]


class Str(Node, frozen=True):
    """A string; ``value`` has its escapes resolved."""

    value: str


class Bool(Node, frozen=True):
    value: bool


class Nothing(Node, frozen=True):
    """The keyword ``none``."""


class Paren(Node, frozen=True):
    value: Expr


class Tuple(Node, frozen=True):
    """``(3, 16)``, or with a name for each item, ``(kernel=3, out=16)``."""

    items: tuple[Expr, ...]
    names: tuple[Ident, ...] = ()


class List(Node, frozen=True):
    items: tuple[Expr, ...]


class Comprehension(Node, frozen=True):
    """``[body for names in source if condition]``

    A clause after another one, ``[body for x in xs for y in ys]``, is a comprehension inside, the
    ``body`` of this one, whose lists are joined: then this one is ``nested``.
    """

    body: Expr
    names: tuple[Ident, ...]
    source: Expr
    condition: Expr | None
    nested: bool = False


class Argument(Node, frozen=True):
    """One argument of a call; ``name`` is ``None`` for a positional one."""

    name: Ident | None
    value: Expr


class Call(Node, frozen=True):
    callee: Expr
    args: tuple[Argument, ...]


class New(Node, frozen=True):
    """``new tower(depth=3)``; ``path`` is the dotted name."""

    path: tuple[Ident, ...]
    args: tuple[Argument, ...]


class Pipe(Node, frozen=True):
    """``value |> stage |> stage``; a chain of any length is one node."""

    value: Expr
    stages: tuple[Expr, ...]


class Field(Node, frozen=True):
    value: Expr
    name: Ident


class Slice(Node, frozen=True):
    """``1:-1``, or ``::2`` with a step."""

    first: Expr | None
    last: Expr | None
    step: Expr | None


class Dots(Node, frozen=True):
    """The ``...`` of ``x[..., 0]``."""


class Index(Node, frozen=True):
    """``x[0]``, ``x[:, 1:3]``; also the shape annotation ``f32[N, 10]`` in a pipeline."""

    value: Expr
    items: tuple[Expr | Slice | Dots, ...]


class Label(Node, frozen=True):
    """``conv(x, 8, 3) as stem``"""

    value: Expr
    name: Ident


class Unary(Node, frozen=True):
    """``-x``, ``+x`` or ``not x``."""

    op: Literal["-", "+", "not"]
    operand: Expr


class Binary(Node, frozen=True):
    """Arithmetic, comparison, logic, ``in`` and ``..``; ``op_span`` is the span of the operator."""

    op: str
    op_span: Span
    left: Expr
    right: Expr


class If(Node, frozen=True):
    condition: Expr
    then: Expr
    otherwise: Expr


class Carry(Node, frozen=True):
    """``h = start`` after ``with``."""

    name: Ident
    value: Expr


class For(Node, frozen=True):
    """``for names in source with carries { body }``, or the same with ``scan``."""

    kind: Literal["for", "scan"]
    names: tuple[Ident, ...]
    source: Expr
    carries: tuple[Carry, ...]
    body: tuple[Statement, ...]


Expr = (
    Name | Int | Float | Duration | Counted | Str | Bool | Nothing | Paren | Tuple | List
    | Comprehension | Call | New | Pipe | Field | Index | Label | Unary | Binary | If | For
)  # fmt: skip


# ---- types ---------------------------------------------------------------------------


class NameType(Node, frozen=True):
    """``int``, ``ints``, ``padding``, ``block``, ``op``, ..."""

    name: str


class Rest(Node, frozen=True):
    """``...`` or ``...S`` in a shape: any number of axes."""

    name: Ident | None


class ShapeType(Node, frozen=True):
    """``f32[N, 2 * C, H]``; without dimensions, a scalar."""

    element: Ident
    dims: tuple[Expr | Rest, ...]


class ListType(Node, frozen=True):
    item: TypeExpr


class TupleType(Node, frozen=True):
    items: tuple[TypeExpr, ...]


class OptionalType(Node, frozen=True):
    inner: TypeExpr


TypeExpr = NameType | ShapeType | ListType | TupleType | OptionalType


# ---- statements ----------------------------------------------------------------------


class Bind(Node, frozen=True):
    """``a = value``, ``a, b = value`` or ``a: type = value``."""

    targets: tuple[Ident, ...]
    type: TypeExpr | None
    value: Expr


class Next(Node, frozen=True):
    name: Ident
    value: Expr


class Yield(Node, frozen=True):
    value: Expr


class State(Node, frozen=True):
    """``state h: f32[N, 8] = 0.0``; ``type`` is ``None`` where it is that of the weight."""

    name: Ident
    type: TypeExpr | None
    value: Expr


class Assert(Node, frozen=True):
    condition: Expr
    message: Str | None


Statement = Bind | Next | Yield | State | Assert


class Suite(Node, frozen=True):
    """The statements between the braces of a definition."""

    statements: tuple[Statement, ...]


# ---- definitions ---------------------------------------------------------------------


class Param(Node, frozen=True):
    """One parameter of a signature; those after ``*`` are ``keyword_only``."""

    name: Ident
    type: TypeExpr | None
    default: Expr | None
    keyword_only: bool


class Out(Node, frozen=True):
    name: Ident
    type: TypeExpr | None


DefinitionKind = Literal["net", "block", "op", "optimizer", "schedule"]


class Definition(Node, frozen=True):
    """A ``net``, ``block``, ``op``, ``optimizer`` or ``schedule``.

    ``body`` is a suite, or the expression after ``=``.
    ``outs`` is empty where the signature has no ``->``. ``outs_in_parens`` tells ``-> (y)`` from
    ``-> y``; ``head`` is the span from the keyword to the end of the signature. ``doc`` is the
    text of the ``##`` comment before it.
    """

    kind: DefinitionKind
    name: Ident
    params: tuple[Param, ...]
    outs: tuple[Out, ...]
    where: tuple[Expr, ...]
    body: Suite | Expr
    doc: str
    head: Span
    outs_in_parens: bool = False


class Extern(Node, frozen=True):
    """``extern op`` or ``dataset``: a signature and fields, with no body in the language."""

    kind: Literal["op", "dataset"]
    name: Ident
    params: tuple[Param, ...]
    has_parens: bool
    outs: tuple[Out, ...]
    where: tuple[Expr, ...]
    fields: tuple[Bind, ...]
    doc: str
    head: Span
    outs_in_parens: bool = False


class Step(Node, frozen=True):
    """One update of a train section: ``step judge { ... }``."""

    name: Ident
    binds: tuple[Bind, ...]


class Train(Node, frozen=True):
    """``train name(params) like other { ... }``; ``like`` is the one with the other settings."""

    name: Ident
    params: tuple[Param, ...]
    has_parens: bool
    items: tuple[Bind | Step | Assert, ...]
    doc: str
    head: Span
    like: Ident | None = None


class ImportName(Node, frozen=True):
    name: Ident
    alias: Ident | None


class Import(Node, frozen=True):
    """``from "blocks.net" import a, b as c`` or ``from std.vision import resnet``."""

    module: Str | tuple[Ident, ...]
    names: tuple[ImportName, ...]


Declaration = Definition | Extern | Train | Bind | Assert


class Comment(Node, frozen=True):
    """A ``#`` comment: its text with the ``#``, and whether code precedes it on its line."""

    text: str
    trailing: bool


class File(Struct, frozen=True, eq=False):
    source: Source
    version: Int | None
    imports: tuple[Import, ...]
    declarations: tuple[Declaration, ...]
    comments: tuple[Comment, ...]
