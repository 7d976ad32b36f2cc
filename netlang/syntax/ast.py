"""The syntax tree: what a file says, with the place of every part.

Trees are immutable. A tree keeps what the formatter needs (parentheses, pipelines, the two
spellings of a call) and nothing about meaning.
"""

from __future__ import annotations

from typing import Literal

from netlang.diagnostics.source import Source, Span
from netlang.ir.record import record


@record
class Ident:
    """A name being defined, or a name after a dot, ``as`` or ``new``."""

    span: Span
    text: str


# ---- expressions ---------------------------------------------------------------------


@record
class Name:
    span: Span
    text: str


@record
class Int:
    span: Span
    value: int


@record
class Float:
    span: Span
    value: float


@record
class Duration:
    """``10 epochs`` or ``500 steps``."""

    span: Span
    amount: float
    unit: Literal["epochs", "steps"]


@record
class Str:
    """A string; ``value`` has its escapes resolved."""

    span: Span
    value: str


@record
class Bool:
    span: Span
    value: bool


@record
class Nothing:
    """The word ``none``."""

    span: Span


@record
class Paren:
    span: Span
    value: Expr


@record
class Tuple:
    span: Span
    items: tuple[Expr, ...]


@record
class List:
    span: Span
    items: tuple[Expr, ...]


@record
class Comprehension:
    """``[body for names in source if condition]``"""

    span: Span
    body: Expr
    names: tuple[Ident, ...]
    source: Expr
    condition: Expr | None


@record
class Argument:
    """One argument of a call; ``name`` is ``None`` for a positional one."""

    span: Span
    name: Ident | None
    value: Expr


@record
class Call:
    span: Span
    callee: Expr
    args: tuple[Argument, ...]


@record
class New:
    """``new tower(depth=3)``; ``path`` is the dotted name."""

    span: Span
    path: tuple[Ident, ...]
    args: tuple[Argument, ...]


@record
class Pipe:
    """``value |> stage |> stage``; a chain of any length is one node."""

    span: Span
    value: Expr
    stages: tuple[Expr, ...]


@record
class Field:
    span: Span
    value: Expr
    name: Ident


@record
class Slice:
    """``1:-1``, or ``::2`` with a step."""

    span: Span
    first: Expr | None
    last: Expr | None
    step: Expr | None


@record
class Dots:
    """The ``...`` of ``x[..., 0]``."""

    span: Span


@record
class Index:
    """``x[0]``, ``x[:, 1:3]``; also the shape remark ``f32[N, 10]`` in a pipeline."""

    span: Span
    value: Expr
    items: tuple[Expr | Slice | Dots, ...]


@record
class Label:
    """``conv(x, 8, 3) as stem``"""

    span: Span
    value: Expr
    name: Ident


@record
class Unary:
    """``-x``, ``+x`` or ``not x``."""

    span: Span
    op: Literal["-", "+", "not"]
    operand: Expr


@record
class Binary:
    """Arithmetic, comparison, logic, ``in`` and ``..``; ``op_span`` is the place of the sign."""

    span: Span
    op: str
    op_span: Span
    left: Expr
    right: Expr


@record
class If:
    span: Span
    condition: Expr
    then: Expr
    otherwise: Expr


@record
class Carry:
    """``h = start`` after ``with``."""

    span: Span
    name: Ident
    value: Expr


@record
class For:
    """``for names in source with carries { body }``, or the same with ``scan``."""

    span: Span
    kind: Literal["for", "scan"]
    names: tuple[Ident, ...]
    source: Expr
    carries: tuple[Carry, ...]
    body: tuple[Statement, ...]


Expr = (
    Name | Int | Float | Duration | Str | Bool | Nothing | Paren | Tuple | List | Comprehension
    | Call | New | Pipe | Field | Index | Label | Unary | Binary | If | For
)  # fmt: skip


# ---- types ---------------------------------------------------------------------------


@record
class NameType:
    """``int``, ``ints``, ``padding``, ``block``, ``op``, ..."""

    span: Span
    name: str


@record
class Rest:
    """``...`` or ``...S`` in a shape: any number of axes."""

    span: Span
    name: Ident | None


@record
class ShapeType:
    """``f32[N, 2 * C, H]``; no dims at all is one number."""

    span: Span
    element: Ident
    dims: tuple[Expr | Rest, ...]


@record
class ListType:
    span: Span
    item: TypeExpr


@record
class TupleType:
    span: Span
    items: tuple[TypeExpr, ...]


@record
class OptionalType:
    span: Span
    inner: TypeExpr


TypeExpr = NameType | ShapeType | ListType | TupleType | OptionalType


# ---- statements ----------------------------------------------------------------------


@record
class Bind:
    """``a = value``, ``a, b = value`` or ``a: type = value``."""

    span: Span
    targets: tuple[Ident, ...]
    type: TypeExpr | None
    value: Expr


@record
class Next:
    span: Span
    name: Ident
    value: Expr


@record
class Yield:
    span: Span
    value: Expr


@record
class State:
    span: Span
    name: Ident
    type: TypeExpr
    value: Expr


@record
class Assert:
    span: Span
    condition: Expr
    message: Str | None


Statement = Bind | Next | Yield | State | Assert


# ---- definitions ---------------------------------------------------------------------


@record
class Param:
    """One parameter of a signature; those after ``*`` are ``keyword_only``."""

    span: Span
    name: Ident
    type: TypeExpr | None
    default: Expr | None
    keyword_only: bool


@record
class Out:
    span: Span
    name: Ident
    type: TypeExpr | None


@record
class Definition:
    """A ``net``, ``block`` or ``op``.

    ``body`` is a tuple of statements between braces, or the expression after ``=``.
    ``outs`` is empty where the signature has no ``->``. ``outs_in_parens`` tells ``-> (y)`` from
    ``-> y``; ``head`` is the span from the keyword to the end of the signature. ``doc`` is the
    text of the ``##`` comment before it.
    """

    span: Span
    kind: Literal["net", "block", "op"]
    name: Ident
    params: tuple[Param, ...]
    outs: tuple[Out, ...]
    where: tuple[Expr, ...]
    body: tuple[Statement, ...] | Expr
    doc: str
    head: Span
    outs_in_parens: bool = False


@record
class Extern:
    """``extern op`` or ``dataset``: a signature and fields, with no body in the language."""

    span: Span
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


@record
class Step:
    """One update of a train section: ``step judge { ... }``."""

    span: Span
    name: Ident
    binds: tuple[Bind, ...]


@record
class Train:
    span: Span
    name: Ident
    params: tuple[Param, ...]
    has_parens: bool
    items: tuple[Bind | Step | Assert, ...]
    doc: str
    head: Span


@record
class ImportName:
    span: Span
    name: Ident
    alias: Ident | None


@record
class Import:
    """``from "blocks.net" import a, b as c`` or ``from std.vision import resnet``."""

    span: Span
    module: Str | tuple[Ident, ...]
    names: tuple[ImportName, ...]


Declaration = Definition | Extern | Train | Bind | Assert


@record
class Comment:
    """A ``#`` comment: its place, its text with the ``#``, and whether code stands before it."""

    span: Span
    text: str
    trailing: bool


@record
class File:
    source: Source
    version: Int | None
    imports: tuple[Import, ...]
    declarations: tuple[Declaration, ...]
    comments: tuple[Comment, ...]
