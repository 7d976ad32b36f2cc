"""Tensors whose elements are written in the program: ``tensor([[1.0, 2.0], [3.0, 4.0]])``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Label
from netlang.diagnostics.fix import replacement
from netlang.diagnostics.source import Span
from netlang.evaluate.context.describe import describe
from netlang.evaluate.context.frame import Frame, reject
from netlang.evaluate.context.limits import listed, readable
from netlang.evaluate.context.values import Argued, Object
from netlang.evaluate.emit import add
from netlang.ir.graph import Value
from netlang.ir.op import OPS
from netlang.ir.types import BOOL, F32, I64, DType
from netlang.syntax import ast

Elements = list[tuple[int | float | bool, Span]]

MOST = 100_000
"""The most elements of a tensor that is written in a program."""


def tensor_of(arg: Argued, dtype: Argued | None, span: Span, frame: Frame) -> Value:
    """Add the tensor that nested lists of numbers denote.

    Integers alone are ``i64``, floats ``f32``, Booleans ``bool``, unless ``dtype``
    is given. All lists at one depth have the same length.
    """
    frame.run.budget.weigh(arg.value, arg.span)
    elements: Elements = []
    shape = _flattened(arg, frame, elements)
    readable(shape, arg.span)
    kind = _dtype_of(elements, dtype)
    exact = [_converted(value, at, kind, dtype) for value, at in elements]
    value = _nested(exact, shape)
    op = OPS["constant"].make((), {"value": value, "dtype": kind})
    (made,) = add(op, (), span, frame)
    return made


def _flattened(arg: Argued, frame: Frame, elements: Elements) -> tuple[int, ...]:
    """Append the elements of a nested list in order, and return its shape."""
    value = listed(arg.value, arg.span, frame.run.budget)
    if not isinstance(value, list | tuple):
        elements.append((_element(value, arg), arg.span))
        return ()
    if not value:
        reject(
            rules.OUT_OF_RANGE,
            "an empty list has no shape and no element type",
            arg.span,
            helps=("a tensor without elements is `full([0], 0.0)`",),
        )
    if len(elements) + len(value) > MOST:
        reject(
            rules.TOO_LARGE,
            f"a tensor in a program has at most {MOST:,} elements",
            arg.span,
            helps=("make it an input of the net, and keep its values in a file",),
        )
    frame.run.budget.spend(len(value), arg.span)
    rows = _rows(value, arg)
    first = _flattened(rows[0], frame, elements)
    for row in rows[1:]:
        shape = _flattened(row, frame, elements)
        if shape != first:
            _reject_ragged(rows, row, first, shape)
    return (len(value), *first)


def _rows(value: Sequence[Object], arg: Argued) -> list[Argued]:
    """Return the items of a list, each at its own position where the program writes it."""
    expr = arg.expr
    while isinstance(expr, ast.Paren):
        expr = expr.value
    if isinstance(expr, ast.List | ast.Tuple) and len(expr.items) == len(value):
        return [Argued(v, e.span, e) for v, e in zip(value, expr.items, strict=True)]
    return [Argued(v, arg.span) for v in value]


def _element(value: Object, arg: Argued) -> int | float | bool:
    if isinstance(value, int | float):
        return value
    helps: tuple[str, ...] = ()
    if isinstance(value, Value):
        helps = ("tensors are put together by `stack([a, b], axis=0)` or `concat`",)
    reject(
        rules.WRONG_TYPE,
        "a tensor is written as numbers in lists",
        arg.span,
        f"this is {describe(value)}",
        helps=helps,
    )


def _reject_ragged(
    rows: Sequence[Argued], row: Argued, first: tuple[int, ...], shape: tuple[int, ...]
) -> NoReturn:
    written = row.span != rows[0].span
    number = next(i for i, each in enumerate(rows) if each is row)
    label = _extent(shape) if written else f"item {number} is {_extent(shape)}"
    reject(
        rules.SHAPE_MISMATCH,
        "the lists of a tensor have different lengths",
        row.span,
        label if written else f"{label}, and item 0 is {_extent(first)}",
        secondary=(Label(rows[0].span, _extent(first)),) if written else (),
        notes=("a tensor has the same number of elements in every row",),
    )


def _extent(shape: tuple[int, ...]) -> str:
    if not shape:
        return "one number"
    return f"a list of {shape[0]}" if len(shape) == 1 else f"lists of {list(shape)}"


def _dtype_of(elements: Elements, dtype: Argued | None) -> DType:
    if dtype is not None and isinstance(dtype.value, DType):
        return dtype.value
    bools = [isinstance(value, bool) for value, _ in elements]
    if all(bools):
        return BOOL
    if any(bools):
        _reject_mixture(elements, bools)
    return F32 if any(isinstance(value, float) for value, _ in elements) else I64


def _reject_mixture(elements: Elements, bools: Sequence[bool]) -> NoReturn:
    (first, start), (value, at) = elements[0], elements[bools.index(not bools[0])]
    flag, place = (first, start) if bools[0] else (value, at)
    number = "1" if flag else "0"
    written = place.text in ("true", "false")
    reject(
        rules.DTYPE_MISMATCH,
        "a tensor holds either Booleans or numbers",
        at,
        f"this is {describe(value)}",
        secondary=(Label(start, f"this is {describe(first)}"),) if start != at else (),
        helps=(f"write `{number}` for `{place.text}`",) if written else (),
        fixes=(replacement(place, number),) if written else (),
    )


def _converted(
    value: int | float | bool, at: Span, kind: DType, dtype: Argued | None
) -> int | float | bool:
    """Return an element as its type has it; reject one that the type does not hold."""
    if (kind is BOOL) != isinstance(value, bool) or (isinstance(value, float) and kind.is_integer):
        assert dtype is not None
        fitting = BOOL if isinstance(value, bool) else F32 if isinstance(value, float) else I64
        help = f"write `{fitting}` for `{kind}`"
        reject(
            rules.DTYPE_MISMATCH,
            f"`{kind}` has no such element",
            at,
            f"this is {describe(value)}",
            secondary=(Label(dtype.span, "the element type of all of them"),),
            helps=(help,),
            fixes=(replacement(dtype.span, str(fitting)),),
        )
    low, high = kind.limits
    if not low <= value <= high:
        reject(
            rules.NUMBER_TOO_LARGE,
            f"this number is too large for `{kind}`",
            at,
            f"its elements are from {low:g} to {high:g}",
        )
    return float(value) if kind.is_float else value


def _nested(elements: Sequence[object], shape: tuple[int, ...]) -> object:
    if not shape:
        return elements[0]
    step = len(elements) // shape[0]
    parts = range(0, len(elements), step)
    return tuple(_nested(elements[at : at + step], shape[1:]) for at in parts)
