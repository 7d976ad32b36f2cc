"""The signature and the fields that an ``extern op`` must declare."""

from __future__ import annotations

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Diagnostic, Diagnostics, Label
from netlang.diagnostics.rules import Rule
from netlang.diagnostics.suggestions import did_you_mean
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
            _report(
                diagnostics,
                rules.EXTERN_TYPE,
                f"the parameter `{param.name.text}` of `{name}` needs a type",
                Label(param.span, "an `extern op` states every type in its signature"),
                (f"write `{param.name.text}: f32[N, …]`",),
            )
    for out in definition.outs:
        if not isinstance(out.type, ast.ShapeType):
            _report(
                diagnostics,
                rules.EXTERN_TYPE,
                f"the result `{out.name.text}` of `{name}` has no known shape",
                Label(out.span, "an `extern op` states every shape in its signature"),
                (f"write `{out.name.text}: f32[N, …]`",),
            )
    for bind in definition.fields:
        _check_field(bind, name, diagnostics)


def _check_field(bind: ast.Bind, name: str, diagnostics: Diagnostics) -> None:
    field = bind.targets[0]
    if field.text not in FIELDS:
        _report(
            diagnostics,
            rules.UNKNOWN_PARAMETER,
            f"`{name}` can't have a field `{field.text}`",
            Label(field.span),
            did_you_mean(field.text, FIELDS),
            tuple(f"{field} is {what}" for field, what in FIELDS.items()),
        )
    elif not isinstance(bind.value, ast.Str):
        _report(
            diagnostics,
            rules.WRONG_TYPE,
            f"the field `{field.text}` must be a string",
            Label(bind.value.span, FIELDS[field.text]),
            (),
        )


def _report(
    diagnostics: Diagnostics,
    rule: Rule,
    message: str,
    label: Label,
    helps: tuple[str, ...],
    notes: tuple[str, ...] = (),
) -> None:
    diagnostics.report(Diagnostic(rule, message, label, notes=notes, helps=helps))
