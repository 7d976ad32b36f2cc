"""Calls of `extern op`: the types of the results follow from the signature."""

from __future__ import annotations

from collections.abc import Mapping

from netlang.diagnostics import rules
from netlang.diagnostics.source import Span
from netlang.evaluate.context.frame import Frame, reject
from netlang.evaluate.context.values import Argued, Function, Object, Results
from netlang.evaluate.emit import add
from netlang.evaluate.evaluate import evaluate
from netlang.evaluate.types.shapes import resolve_shape
from netlang.ir.graph import Value
from netlang.ir.op import OPS
from netlang.ir.types import TensorType
from netlang.syntax import ast


def call_extern_op(
    function: Function,
    definition: ast.Extern,
    values: Mapping[str, Object],
    span: Span,
    frame: Frame,
) -> Object:
    """Add a node for an operator that is implemented elsewhere."""
    types: list[TensorType] = []
    for out in definition.outs:
        type = resolve_shape(out.type, frame) if isinstance(out.type, ast.ShapeType) else None
        if type is None:
            reject(
                rules.EXTERN_TYPE,
                f"the result `{out.name.text}` of `{function.name}` has no known shape",
                out.span,
                "an `extern op` states every shape in its signature",
            )
        types.append(type)
    fields = {b.targets[0].text: evaluate(b.value, frame) for b in definition.fields}
    operands = [Argued(v, span) for v in values.values() if isinstance(v, Value)]
    settings = tuple(
        (name, value) for name, value in values.items() if isinstance(value, int | float | str)
    )
    op = OPS["extern_call"].make(
        (),
        {
            "results": tuple(types),
            "node": str(fields.get("onnx", "")),
            "function": str(fields.get("numpy", "")),
            "settings": settings,
        },
    )
    made = add(op, operands, span, frame)
    if len(made) == 1:
        return made[0]
    names = [out.name.text for out in definition.outs]
    return Results(dict(zip(names, made, strict=True)))
