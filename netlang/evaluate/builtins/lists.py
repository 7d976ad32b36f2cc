"""Built-ins for lists."""

from __future__ import annotations

from netlang.diagnostics import rules
from netlang.diagnostics.source import Span
from netlang.evaluate.builtins.registry import Args, Values, compile_time
from netlang.evaluate.context.describe import describe
from netlang.evaluate.context.frame import Frame, reject
from netlang.evaluate.context.limits import bounded, in_bounds
from netlang.evaluate.context.values import IntRange, Object, is_number
from netlang.ir.dims import Dim, Size, product
from netlang.syntax import ast


def _list(values: Values, name: str = "xs") -> list[Object]:
    value = values[name]
    assert isinstance(value, list)
    return value


@compile_time("len")
def _len(values: Values, args: Args, _n: ast.Expr, span: Span, _f: Frame) -> Object:
    value = values["xs"]
    if isinstance(value, list | tuple | str | IntRange):
        return len(value)
    reject(rules.WRONG_TYPE, "`len` counts a list", args["xs"].span, f"this is {describe(value)}")


@compile_time("reverse")
def _reverse(values: Values, args: Args, _n: ast.Expr, _s: Span, _f: Frame) -> Object:
    return _list(values)[::-1]


@compile_time("enumerate")
def _enumerate(values: Values, args: Args, _n: ast.Expr, _s: Span, _f: Frame) -> Object:
    return [(i, v) for i, v in enumerate(_list(values))]


@compile_time("zip")
def _zip(values: Values, args: Args, _n: ast.Expr, span: Span, _f: Frame) -> Object:
    lists = [v for v in values.values() if isinstance(v, list)]
    lengths = [len(v) for v in lists]
    if len(set(lengths)) > 1:
        reject(
            rules.COUNT_MISMATCH,
            "`zip` takes lists of one length",
            span,
            f"these have {' and '.join(map(str, lengths))} items",
        )
    return [tuple(row) for row in zip(*lists, strict=True)]


@compile_time("flat")
def _flat(values: Values, args: Args, _n: ast.Expr, span: Span, _f: Frame) -> Object:
    items: list[Object] = []
    for value in _list(values):
        if not isinstance(value, list):
            reject(
                rules.WRONG_TYPE,
                "`flat` takes a list of lists",
                span,
                f"it holds {describe(value)}",
            )
        in_bounds(len(items) + len(value), span)
        items.extend(value)
    return items


def _numbers(values: Values, span: Span) -> list[int | float]:
    found: list[int | float] = []
    for value in _list(values):
        if not isinstance(value, int | float) or isinstance(value, bool):
            reject(
                rules.WRONG_TYPE,
                "this takes a list of numbers",
                span,
                f"it holds {describe(value)}",
            )
        found.append(value)
    return found


@compile_time("total")
def _total(values: Values, args: Args, _n: ast.Expr, span: Span, _f: Frame) -> Object:
    items = _list(values)
    total: Size | float = 0
    for value in items:
        if not is_number(value) or not isinstance(value, int | float | Dim):
            reject(
                rules.WRONG_TYPE,
                "`total` adds a list of numbers",
                span,
                f"it holds {describe(value)}",
                helps=("to add tensors, write `sum(stack(xs, axis=0), axis=0)`",),
            )
        if (isinstance(total, Dim) and isinstance(value, float)) or (
            isinstance(total, float) and isinstance(value, Dim)
        ):
            reject(rules.UNDECIDED_SIZE, "a free dimension can't be part of a float", span)
        total = _added(total, value)
    return total


def _added(a: Size | float, b: Size | float) -> Size | float:
    if isinstance(a, float) or isinstance(b, float):
        assert isinstance(a, int | float) and isinstance(b, int | float)
        return a + b
    return a + b


@compile_time("product")
def _product(values: Values, args: Args, _n: ast.Expr, span: Span, _f: Frame) -> Object:
    return bounded(product(v for v in _list(values) if isinstance(v, int | Dim)), span)


@compile_time("greatest")
def _greatest(values: Values, args: Args, _n: ast.Expr, span: Span, _f: Frame) -> Object:
    return max(_some(_numbers(values, span), span))


@compile_time("least")
def _least(values: Values, args: Args, _n: ast.Expr, span: Span, _f: Frame) -> Object:
    return min(_some(_numbers(values, span), span))


def _some(numbers: list[int | float], span: Span) -> list[int | float]:
    if not numbers:
        reject(rules.OUT_OF_RANGE, "an empty list has no such item", span)
    return numbers
