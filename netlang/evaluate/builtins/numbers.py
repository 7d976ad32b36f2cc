"""Built-ins for numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import cast

from netlang.diagnostics import rules
from netlang.diagnostics.source import Span
from netlang.evaluate.builtins.registry import (
    COMPILE_TIME,
    NUMERIC,
    Args,
    Numeric,
    Values,
    compile_time,
)
from netlang.evaluate.context.describe import describe
from netlang.evaluate.context.frame import Frame, reject
from netlang.evaluate.context.limits import bounded, finite
from netlang.evaluate.context.values import Object
from netlang.ir.dims import Dim, Size
from netlang.ir.op import OPS
from netlang.syntax import ast


def numeric(name: str, definition: ast.Extern) -> Numeric | None:
    """Return what a function of the prelude means where all its arguments are numbers."""
    if name in NUMERIC:
        return NUMERIC[name]
    named = isinstance(definition.outs[0].type, ast.NameType)
    if definition.kind != "op" or named or name in COMPILE_TIME:
        return None
    compute = OPS[name].on_numbers
    return partial(_apply, compute) if compute is not None else None


def _apply(compute: Callable[..., object], values: Values, span: Span) -> Object:
    numbers = [n for n in values.values() if isinstance(n, int | float | Dim)]
    if len(numbers) > 1 and len(set(map(str, numbers))) == 1:
        return numbers[0]
    try:
        made = compute(*numbers)
    except TypeError:
        several = len(numbers) > 1
        reject(
            rules.UNDECIDED_SIZE,
            "which is larger is only known at run time"
            if several
            else "a free dimension has no value yet",
            span,
            ", ".join(map(describe, numbers)),
        )
    except (ValueError, OverflowError):
        reject(rules.OUT_OF_RANGE, "this has no value", span, f"of {numbers[0]:g}")
    return finite(made, span) if isinstance(made, float) else bounded(cast("Size", made), span)


NUMERIC.update(
    int=partial(_apply, math.trunc), larger=partial(_apply, max), smaller=partial(_apply, min)
)


NUMERIC["is_known"] = lambda values, _: isinstance(values["n"], int)


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
