"""The syntax tree: what a file says, with the place of every part.

Trees are immutable. A tree keeps what the formatter needs (parentheses, pipelines, the two
spellings of a call) and nothing about meaning.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from netlang.source import Source, Span


@dataclass(frozen=True, slots=True)
class Ident:
    """A name being defined, or a name after a dot, ``as`` or ``new``."""

    span: Span
    text: str


# ---- expressions ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Name:
    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Int:
    span: Span
    value: int


@dataclass(frozen=True, slots=True)
class Float:
    span: Span
    value: float


@dataclass(frozen=True, slots=True)
class Duration:
    """``10 epochs`` or ``500 steps``."""

    span: Span
    amount: float
    unit: Literal["epochs", "steps"]


@dataclass(frozen=True, slots=True)
class Str:
    """A string; ``value`` has its escapes resolved."""

    span: Span
    value: str


@dataclass(frozen=True, slots=True)
class Bool:
    span: Span
    value: bool


@dataclass(frozen=True, slots=True)
class Nothing:
    """The word ``none``."""

    span: Span


@dataclass(frozen=True, slots=True)
class Paren:
    span: Span
    value: Expr


@dataclass(frozen=True, slots=True)
class Tuple:
    span: Span
    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class List:
    span: Span
    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Comprehension:
    """``[body for names in source if condition]``"""

    span: Span
    body: Expr
    names: tuple[Ident, ...]
    source: Expr
    condition: Expr | None


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a call; ``name`` is ``None`` for a positional one."""

    span: Span
    name: Ident | None
    value: Expr


@dataclass(frozen=True, slots=True)
class Call:
    span: Span
    callee: Expr
    args: tuple[Argument, ...]


@dataclass(frozen=True, slots=True)
class New:
    """``new tower(depth=3)``; ``path`` is the dotted name."""

    span: Span
    path: tuple[Ident, ...]
    args: tuple[Argument, ...]


@dataclass(frozen=True, slots=True)
class Pipe:
    """``value |> stage |> stage``; a chain of any length is one node."""

    span: Span
    value: Expr
    stages: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Field:
    span: Span
    value: Expr
    name: Ident


@dataclass(frozen=True, slots=True)
class Slice:
    span: Span
    first: Expr | None
    last: Expr | None


@dataclass(frozen=True, slots=True)
class Dots:
    """The ``...`` of ``x[..., 0]``."""

    span: Span


@dataclass(frozen=True, slots=True)
class Index:
    """``x[0]``, ``x[:, 1:3]``; also the shape remark ``f32[N, 10]`` in a pipeline."""

    span: Span
    value: Expr
    items: tuple[Expr | Slice | Dots, ...]


@dataclass(frozen=True, slots=True)
class Label:
    """``conv(x, 8, 3) as stem``"""

    span: Span
    value: Expr
    name: Ident


@dataclass(frozen=True, slots=True)
class Unary:
    """``-x``, ``+x`` or ``not x``."""

    span: Span
    op: Literal["-", "+", "not"]
    operand: Expr


@dataclass(frozen=True, slots=True)
class Binary:
    """Arithmetic, comparison, ``and``, ``or``, ``in``, ``..``; ``op_span`` is the place of the sign."""

    span: Span
    op: str
    op_span: Span
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class If:
    span: Span
    condition: Expr
    then: Expr
    otherwise: Expr


@dataclass(frozen=True, slots=True)
class Carry:
    """``h = start`` after ``with``."""

    span: Span
    name: Ident
    value: Expr


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class NameType:
    """``int``, ``ints``, ``padding``, ``block``, ``op``, ..."""

    span: Span
    name: str


@dataclass(frozen=True, slots=True)
class Rest:
    """``...`` or ``...S`` in a shape: any number of axes."""

    span: Span
    name: Ident | None


@dataclass(frozen=True, slots=True)
class ShapeType:
    """``f32[N, 2 * C, H]``; no dims at all is one number."""

    span: Span
    element: Ident
    dims: tuple[Expr | Rest, ...]


@dataclass(frozen=True, slots=True)
class ListType:
    span: Span
    item: TypeExpr


@dataclass(frozen=True, slots=True)
class TupleType:
    span: Span
    items: tuple[TypeExpr, ...]


@dataclass(frozen=True, slots=True)
class OptionalType:
    span: Span
    inner: TypeExpr


TypeExpr = NameType | ShapeType | ListType | TupleType | OptionalType


# ---- statements ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Bind:
    """``a = value``, ``a, b = value`` or ``a: type = value``."""

    span: Span
    targets: tuple[Ident, ...]
    type: TypeExpr | None
    value: Expr


@dataclass(frozen=True, slots=True)
class Next:
    span: Span
    name: Ident
    value: Expr


@dataclass(frozen=True, slots=True)
class Yield:
    span: Span
    value: Expr


@dataclass(frozen=True, slots=True)
class State:
    span: Span
    name: Ident
    type: TypeExpr
    value: Expr


@dataclass(frozen=True, slots=True)
class Assert:
    span: Span
    condition: Expr
    message: Str | None


Statement = Bind | Next | Yield | State | Assert


# ---- definitions ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter of a signature; those after ``*`` are ``keyword_only``."""

    span: Span
    name: Ident
    type: TypeExpr | None
    default: Expr | None
    keyword_only: bool


@dataclass(frozen=True, slots=True)
class Out:
    span: Span
    name: Ident
    type: TypeExpr | None


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class Step:
    """One update of a train section: ``step judge { ... }``."""

    span: Span
    name: Ident
    binds: tuple[Bind, ...]


@dataclass(frozen=True, slots=True)
class Train:
    span: Span
    name: Ident
    params: tuple[Param, ...]
    has_parens: bool
    items: tuple[Bind | Step | Assert, ...]
    doc: str
    head: Span


@dataclass(frozen=True, slots=True)
class ImportName:
    span: Span
    name: Ident
    alias: Ident | None


@dataclass(frozen=True, slots=True)
class Import:
    """``from "blocks.net" import a, b as c`` or ``from std.vision import resnet``."""

    span: Span
    module: Str | tuple[Ident, ...]
    names: tuple[ImportName, ...]


Declaration = Definition | Extern | Train | Bind | Assert


@dataclass(frozen=True, slots=True)
class Comment:
    """A ``#`` comment: its place, its text with the ``#``, and whether code stands before it."""

    span: Span
    text: str
    trailing: bool


@dataclass(frozen=True, slots=True)
class File:
    source: Source
    version: Int | None
    imports: tuple[Import, ...]
    declarations: tuple[Declaration, ...]
    comments: tuple[Comment, ...]
