"""Calls without a value for a parameter that has no default."""

from __future__ import annotations

import re
from collections.abc import Mapping

from netlang.advice.calls import completed, with_tensor
from netlang.diagnostics import rules
from netlang.diagnostics.fix import Edit, Fix, replacement
from netlang.diagnostics.source import Span
from netlang.evaluate.context.describe import signature
from netlang.evaluate.context.frame import reject
from netlang.evaluate.context.values import Argued, Function, is_number, takes_tensor
from netlang.ir.dims import Dim
from netlang.ir.graph import Value
from netlang.ir.op import OPS


def check_missing(
    function: Function,
    assigned: Mapping[str, Argued],
    preset: frozenset[str],
    span: Span,
    *,
    waiting: bool = False,
) -> None:
    """Reject a call without a value for each parameter that has no default.

    ``waiting`` is true of a block with some of its arguments, where a tensor belongs.
    """
    missing = [
        p.name.text
        for p in function.params
        if p.default is None and p.name.text not in assigned and p.name.text not in preset
    ]
    if not missing:
        return
    shown = " and ".join(f"`{name}`" for name in missing)
    op = OPS.get(function.name) if missing == ["axis"] else None
    axis = _joining_axis(assigned) if op is not None and op.joins else None
    if axis is not None:
        whole = completed(span, function.name, missing).replace("axis=…", f"axis={axis[0]}")
        reject(
            rules.MISSING_ARGUMENT,
            f"`{function.name}` needs {shown}",
            span,
            notes=(f"its parameters: {signature(function)}",),
            helps=(f"{axis[1]}: write `{whole}`",),
            fixes=(replacement(span, whole),) if "…" not in whole else (),
        )
    helps = (f"write `{completed(span, function.name, missing)}`",)
    first = function.params[0].name.text
    tensor_first = takes_tensor(function.params[0])
    if waiting or (first in assigned and tensor_first and is_number(assigned[first].value)):
        helps = with_tensor(span, function.name)
    elif tensor_first and first in missing:
        helps = ()
    reject(
        rules.MISSING_ARGUMENT,
        f"`{function.name}` needs {shown}",
        span,
        notes=(f"its parameters: {signature(function)}",),
        helps=helps,
        fixes=_made_first(function, assigned, span),
    )


def _made_first(function: Function, assigned: Mapping[str, Argued], span: Span) -> tuple[Fix, ...]:
    """Return the fix that makes a layer, where the name of a call without tensors is called."""
    if any(isinstance(a.value, Value) for a in assigned.values()):
        return ()
    text = span.source.text
    line = text[text.rfind("\n", 0, span.start) + 1 : span.start]
    bound = re.fullmatch(r"\s*(\w+) = ", line)
    rest = text[span.end :].partition("\n}")[0]
    if bound is None or function.kind not in ("block", "net"):
        return ()
    if re.search(rf"\b{bound[1]}\(|\|> {bound[1]}\b", rest) is None:
        return ()
    at = Span(span.source, span.start, span.start)
    return (Fix("insert `new`", (Edit(at, "new "),)),)


def _joining_axis(assigned: Mapping[str, Argued]) -> tuple[int, str] | None:
    """Return the axis along which the tensors of a list are to be concatenated, and why."""
    lists = [a.value for a in assigned.values() if isinstance(a.value, list)]
    shapes = [v.type.shape for v in (lists[0] if lists else ()) if isinstance(v, Value)]
    if len(shapes) < 2 or len({len(shape) for shape in shapes}) > 1:
        return None
    different = [axis for axis, sizes in enumerate(zip(*shapes, strict=True)) if len({*sizes}) > 1]
    if len(different) == 1:
        return different[0], f"they differ in dimension {different[0]}"
    if different or len(shapes[0]) == 3 or not isinstance(shapes[0][0], Dim):
        return None
    return 1, "the features of each example are in dimension 1"
