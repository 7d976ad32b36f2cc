"""What to write where a value does not have the shape that its declaration promises."""

from __future__ import annotations

import re

from msgspec.structs import replace

from netlang.advice.calls import ending
from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Diagnostic
from netlang.diagnostics.fix import Fix, apply_to, replacement
from netlang.diagnostics.source import Span
from netlang.diagnostics.suggestions import Suggestion
from netlang.evaluate.context.frame import Frame
from netlang.evaluate.context.values import Function
from netlang.evaluate.repairs import first_dense, resized
from netlang.evaluate.types.axis_order import suspected
from netlang.evaluate.types.conversions import applied, certain, changes, stage_before
from netlang.evaluate.types.shapes import resolve_shape
from netlang.ir.dims import Dim, Shape
from netlang.ir.graph import Value
from netlang.ir.types import TensorType
from netlang.syntax import ast

_WINDOWS = frozenset({"conv", "conv_transpose", "depthwise_conv", "max_pool", "avg_pool"})


def repaired(
    found: Diagnostic, value: Value, type: ast.ShapeType, made: str, span: Span, frame: Frame
) -> Diagnostic:
    """Return the error about a promised shape with what would keep the promise, if that is known.

    ``made`` is the function that produces the value, and ``span`` its call.
    """
    if found.rule is not rules.SHAPE_MISMATCH or span.source.library:
        return found
    actual, wanted = value.type, resolve_shape(type, frame)
    shape = wanted.shape if wanted is not None else None
    suggestion = suspected(actual, shape, frame) or _missing_stage(
        value, len(type.dims), shape, made, span, frame
    )
    if suggestion is None and shape is not None:
        suggestion = (
            _kept_axis(actual, shape, frame.module.function(made), span)
            or _changed(actual, shape, span)
            or _last_size(actual, shape, made, span)
            or resized(value, shape, frame)
            or _enlarged(actual, shape)
        )
    if suggestion is None:
        return found
    fixes = suggestion["fixes"] if certain(frame) else ()
    return replace(found, helps=suggestion["helps"], fixes=fixes)


def _help(text: str, *fixes: Fix) -> Suggestion:
    return {"helps": (text,), "fixes": fixes}


def _missing_stage(
    value: Value, rank: int, wanted: Shape | None, made: str, span: Span, frame: Frame
) -> Suggestion | None:
    """Suggest how a classifier gets one vector for each example."""
    actual = value.type
    if rank != 2 or actual.rank < 3:
        return None
    if actual.rank == 3 and isinstance(actual.shape[1], Dim):
        return _help(_one_step(actual.shape[1], span))
    if made == "dense":
        why = "`dense` works on the last dimension only"
        if actual.rank == 3:
            return _help(f"{why}: put `flatten` before it")
        first = first_dense(value, frame) or span
        fixes = stage_before(first, "flatten", ())[1]
        if first.start == span.start:
            return _help(f"{why}: put `flatten` before it", *fixes)
        line = first.source.line_col(first.start)[0]
        return _help(f"{why}: put `flatten` before the first one, on line {line}", *fixes)
    if actual.rank > 3 and made in _WINDOWS:
        code, fix = applied(span, "global_avg_pool", ())
        text = f"average over the height and width: `{code}`"
        return _help(text, fix) if wanted in (None, actual.shape[:2]) else None
    if actual.rank == 4:
        return _help("put `flatten` or `global_avg_pool` before the classifier")
    return None


def _one_step(steps: Dim, span: Span) -> str:
    """Return how to reduce a sequence to one vector, as for a classifier."""
    text = " ".join(span.text.split())
    last, mean = f"`{text}[:, -1]`", f"`mean({text}, axis=1)`"
    if span.text.startswith("(") or not text.endswith(")") or len(text) > 40:
        last, mean = "`h[:, -1]`", "`mean(h, axis=1)`"
    return (
        f"{steps}, the steps, are left over: take the last step, {last}, or the mean, {mean}; "
        "a recurrent layer returns its last state as `.h`"
    )


def _kept_axis(
    actual: TensorType, wanted: Shape, made: Function | None, span: Span
) -> Suggestion | None:
    """Suggest `keep=true` for a reduction that drops the axis it reduces."""
    if made is None or all(p.name.text != "keep" for p in made.params):
        return None
    if not span.text.endswith(")") or "keep" in span.text:
        return None
    if all(wanted[:i] + wanted[i + 1 :] != actual.shape for i, n in enumerate(wanted) if n == 1):
        return None
    fix = Fix("add `keep=true`", (ending(span, "keep=true"),))
    return _help(f"keep the axis, as one of size 1: `{apply_to(span, fix)}`", fix)


def _changed(actual: TensorType, wanted: Shape, span: Span) -> Suggestion | None:
    """Suggest the change of shape that keeps all elements and makes the promised one."""
    for function, arguments, made in changes(actual):
        if made.shape == wanted:
            code, fix = applied(span, function, arguments)
            return _help(f"{_PURPOSES[function]}: `{code}`", fix)
    return None


_PURPOSES = {
    "flatten": "make it one vector for each example",
    "squeeze": "drop the dimension of size 1",
    "unsqueeze": "insert a dimension of size 1",
    "transpose": "bring the axes into that order",
}


def _last_size(actual: TensorType, wanted: Shape, made: str, span: Span) -> Suggestion | None:
    """Suggest the number that gives the last layer the promised size."""
    axis = {"dense": actual.rank - 1, "conv": 1, "conv_transpose": 1}.get(made)
    text = " ".join(span.text.split())
    if axis is None or len(wanted) != actual.rank or len(text) > 60:
        return None
    other = {i for i in range(actual.rank) if actual.shape[i] != wanted[i]}
    found = re.findall(rf"\b{actual.shape[axis]}\b", text)
    fixed = re.sub(rf"\b{actual.shape[axis]}\b", str(wanted[axis]), text)
    if len(found) != 1 or fixed == text:
        return None
    fixes = (replacement(span, fixed),) if other == {axis} else ()
    return _help(f"to give {wanted[axis]}, write `{fixed}`", *fixes)


def _enlarged(actual: TensorType, wanted: Shape) -> Suggestion | None:
    """Suggest how to double or quadruple the sides of a feature map."""
    if actual.rank != len(wanted) or actual.rank < 3 or actual.shape[:2] != wanted[:2]:
        return None
    for factor in (2, 4, 8):
        if tuple(factor * n for n in actual.shape[2:]) == wanted[2:]:
            return _help(
                f'enlarge it: `upsample(…, {factor}, mode="nearest")`, or a layer '
                f"`conv_transpose` with `stride={factor}`"
            )
    return None
