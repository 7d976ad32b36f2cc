"""Built-ins for lists."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from netlang.diagnostics import rules
from netlang.diagnostics.source import Span
from netlang.evaluate.builtins.registry import Args, Values, compile_time
from netlang.evaluate.context.describe import describe
from netlang.evaluate.context.frame import Frame, reject
from netlang.evaluate.context.limits import bounded, finite
from netlang.evaluate.context.values import IntRange, Object, is_number
from netlang.ir.dims import Dim, Size
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
def _enumerate(values: Values, args: Args, _n: ast.Expr, span: Span, frame: Frame) -> Object:
    items = _list(values)
    _reserve_tuples(len(items), 2, span, frame)
    return list(enumerate(items))


@compile_time("zip")
def _zip(values: Values, args: Args, _n: ast.Expr, span: Span, frame: Frame) -> Object:
    lists = [v for v in values.values() if isinstance(v, list)]
    lengths = [len(v) for v in lists]
    if len(set(lengths)) > 1:
        reject(
            rules.COUNT_MISMATCH,
            "`zip` takes lists of one length",
            span,
            f"these have {' and '.join(map(str, lengths))} items",
        )
    _reserve_tuples(lengths[0], len(lists), span, frame)
    return list(zip(*lists, strict=True))


def _reserve_tuples(count: int, size: int, span: Span, frame: Frame) -> None:
    """Count a list of tuples before it is built."""
    frame.run.budget.reserve(count * (2 + size), span)


@compile_time("flat")
def _flat(values: Values, args: Args, _n: ast.Expr, span: Span, frame: Frame) -> Object:
    lists: list[list[Object]] = []
    for value in _list(values):
        if not isinstance(value, list):
            reject(
                rules.WRONG_TYPE,
                "`flat` takes a list of lists",
                span,
                f"it holds {describe(value)}",
            )
        lists.append(value)
    frame.run.budget.reserve(sum(map(len, lists)), span)
    return [item for items in lists for item in items]


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
    help = "to add tensors, write `sum(stack(xs, axis=0), axis=0)`"
    return _fold(_list(values), operator.add, 0, span, "`total` adds a list of numbers", help)


@compile_time("product")
def _product(values: Values, args: Args, _n: ast.Expr, span: Span, _f: Frame) -> Object:
    message = "`product` multiplies a list of numbers"
    return _fold(_list(values), operator.mul, 1, span, message)


def _fold(
    items: list[Object],
    combine: Callable[[Any, Any], Size | float],
    start: int,
    span: Span,
    message: str,
    *helps: str,
) -> Size | float:
    """Combine the numbers of a list, each result within the bounds of numbers and formulas."""
    result: Size | float = start
    for value in items:
        if not is_number(value) or not isinstance(value, int | float | Dim):
            reject(rules.WRONG_TYPE, message, span, f"it holds {describe(value)}", helps=helps)
        if {type(result), type(value)} == {Dim, float}:
            reject(rules.UNDECIDED_SIZE, "a free dimension can't be part of a float", span)
        result = combine(result, value)
        if isinstance(result, float):
            finite(result, span)
        else:
            bounded(result, span)
    return result


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
