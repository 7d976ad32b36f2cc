"""The signature and the fields that an ``extern op`` must declare."""

from __future__ import annotations

from functools import partial

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Diagnostics, diagnostic
from netlang.diagnostics.suggestions import suggest
from netlang.syntax import ast

FIELDS = {
    "onnx": "the ONNX operator, as `domain::Name`",
    "numpy": "the Python function, as `package:name`",
    "grad": "the Python function of its gradient, as `package:name`",
}


def check_extern_op(definition: ast.Extern, diagnostics: Diagnostics) -> None:
    """Report parts of an extern op without a type, and unknown fields."""
    name = definition.name.text
    for param in definition.params:
        if param.type is None:
            diagnostics.report(
                diagnostic(
                    rules.EXTERN_TYPE,
                    f"the parameter `{param.name.text}` of `{name}` needs a type",
                    param.span,
                    "an `extern op` states every type in its signature",
                    helps=(f"write `{param.name.text}: f32[N, …]`",),
                )
            )
    for out in definition.outs:
        if not isinstance(out.type, ast.ShapeType):
            diagnostics.report(
                diagnostic(
                    rules.EXTERN_TYPE,
                    f"the result `{out.name.text}` of `{name}` has no known shape",
                    out.span,
                    "an `extern op` states every shape in its signature",
                    helps=(f"write `{out.name.text}: f32[N, …]`",),
                )
            )
    for bind in definition.fields:
        _check_field(bind, name, diagnostics)


_COLUMNS = {"int": "i64[]", "float": "f32[]", "number": "f32[]", "bool": "bool[]", "str": "i64[]"}
"""Types of columns that are meant by types of other values."""


def check_columns(definition: ast.Extern, diagnostics: Diagnostics) -> None:
    """Report columns of a dataset that are not tensors."""
    for out in definition.outs:
        unknown = isinstance(out.type, ast.NameType) and out.type.name not in _COLUMNS
        if isinstance(out.type, ast.ShapeType) or unknown:
            continue  # the name of an unknown type is reported already
        name, given = out.name.text, out.type.span.text if out.type is not None else ""
        meant = _COLUMNS.get(given)
        helps = (f"write `{name}: {meant or 'f32[…]'}`",)
        if given == "str":
            helps = (
                f"the classes in a column are numbered by name: write `{name}: i64[]`",
                f"texts are lists of numbers, from a function: `{name}: i64[T]` and `python = …`",
            )
        diagnostics.report(
            diagnostic(
                rules.WRONG_TYPE,
                f"the column `{name}` of `{definition.name.text}` must be a tensor",
                out.span,
                "a column has an element type and a shape",
                helps=helps,
            )
        )


def _check_field(bind: ast.Bind, name: str, diagnostics: Diagnostics) -> None:
    field = bind.targets[0]
    if field.text not in FIELDS:
        diagnostics.report(
            diagnostic(
                rules.UNKNOWN_PARAMETER,
                f"`{name}` can't have a field `{field.text}`",
                field.span,
                notes=tuple(f"{field} is {what}" for field, what in FIELDS.items()),
                suggestion=partial(suggest, field.span, FIELDS),
            )
        )
    elif not isinstance(bind.value, ast.Str):
        diagnostics.report(
            diagnostic(
                rules.WRONG_TYPE,
                f"the field `{field.text}` must be a string",
                bind.value.span,
                FIELDS[field.text],
            )
        )
