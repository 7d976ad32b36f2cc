"""Functions of numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from netlang.diagnostics import rules
from netlang.diagnostics.source import Span
from netlang.evaluate.builtins.registry import NUMERIC, Args, Numeric, Values, compile_time
from netlang.evaluate.context.describe import describe
from netlang.evaluate.context.frame import Frame, reject
from netlang.evaluate.context.limits import bounded, finite
from netlang.evaluate.context.values import Object
from netlang.ir.dims import Dim
from netlang.syntax import ast


def _of_float(compute: Callable[[float], float]) -> Numeric:
    def apply(values: Mapping[str, Object], span: Span) -> Object:
        (value,) = values.values()
        if not isinstance(value, int | float):
            reject(rules.UNDECIDED_SIZE, "a free dimension has no value yet", span, describe(value))
        try:
            return finite(compute(float(value)), span)
        except (ValueError, OverflowError):
            reject(rules.OUT_OF_RANGE, "this has no value", span, f"of {value:g}")

    return apply


def _to_int(compute: Callable[[float], int]) -> Numeric:
    def apply(values: Mapping[str, Object], span: Span) -> Object:
        (value,) = values.values()
        if isinstance(value, int | Dim):
            return value
        assert isinstance(value, float)
        return bounded(compute(value), span)

    return apply


def _absolute(values: Mapping[str, Object], span: Span) -> Object:
    (value,) = values.values()
    if isinstance(value, Dim):
        reject(rules.UNDECIDED_SIZE, "a free dimension has no value yet", span, describe(value))
    assert isinstance(value, int | float)
    return abs(value)


def _greater(larger: bool) -> Numeric:
    def apply(values: Mapping[str, Object], span: Span) -> Object:
        numbers = list(values.values())
        if any(isinstance(n, Dim) for n in numbers):
            if len(set(map(str, numbers))) == 1:
                return numbers[0]
            reject(
                rules.UNDECIDED_SIZE,
                "which is larger is only known at run time",
                span,
                ", ".join(describe(n) for n in numbers),
            )
        known = [n for n in numbers if isinstance(n, int | float)]
        return max(known) if larger else min(known)

    return apply


NUMERIC.update(
    {
        "sqrt": _of_float(math.sqrt),
        "exp": _of_float(math.exp),
        "log": _of_float(math.log),
        "sin": _of_float(math.sin),
        "cos": _of_float(math.cos),
        "tanh": _of_float(math.tanh),
        "floor": _to_int(math.floor),
        "ceil": _to_int(math.ceil),
        "round": _to_int(round),
        "int": _to_int(int),
        "abs": _absolute,
        "larger": _greater(True),
        "smaller": _greater(False),
        "maximum": _greater(True),
        "minimum": _greater(False),
    }
)


@compile_time("float")
def _float(values: Values, args: Args, _n: ast.Expr, span: Span, _f: Frame) -> Object:
    value = values["x"]
    if not isinstance(value, int | float):
        reject(rules.UNDECIDED_SIZE, "a free dimension can't be a float", span, describe(value))
    return float(value)


@compile_time("int")
def _int(values: Values, args: Args, _n: ast.Expr, span: Span, _f: Frame) -> Object:
    reject(
        rules.WRONG_TYPE, "`int` takes a number", args["x"].span, f"this is {describe(values['x'])}"
    )
