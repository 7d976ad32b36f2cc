"""Methods of tensors in other frameworks, as the calls that they are here."""

from __future__ import annotations

from msgspec.structs import replace

from netlang.advice.definitions import advice_for, ours_of
from netlang.advice.parameters import our_parameter
from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Diagnostic
from netlang.diagnostics.fix import replacement
from netlang.evaluate.context.frame import Frame
from netlang.syntax import ast


def with_function(found: Diagnostic, call: ast.Call, frame: Frame) -> Diagnostic:
    """Return the error that a tensor has no fields with the call of a function to write instead."""
    field = call.callee
    if found.rule is not rules.NO_FIELD or not isinstance(field, ast.Field):
        return found
    name = field.name
    if found.span != name.span or advice_for(name.text) is not None:
        return found
    ours = ours_of(name.text) or name.text
    if name.text == "transpose" and len(call.args) == 2:
        ours = "swap_axes"
    function = frame.module.function(ours)
    if function is None:
        return found
    parts = [a.span.text for a in call.args if a.name is None]
    given = [p for p in function.params[1:] if not p.keyword_only]
    free = [p.name.text for p in given]
    as_list = bool(given) and isinstance(given[0].type, ast.ListType)
    if as_list and not any(part.startswith("[") for part in parts):
        parts = [f"[{', '.join(parts)}]"]
    named = [p.name.text for p in function.params if p.keyword_only]
    written = [field.value.span.text, *parts[: len(free)]]
    rest = parts[len(free) :]
    if len(rest) > len(named):
        return found
    written += [f"{key}={part}" for key, part in zip(named, rest, strict=False)]
    known = {p.name.text for p in function.params}
    written += [
        f"{our_parameter(a.name.text, known)}={a.value.span.text}" for a in call.args if a.name
    ]
    text = f"{ours}({', '.join(written)})"
    if "\n" in text:
        return found
    help = f"write it as a call: `{text}`"
    return replace(found, helps=(help,), fixes=(replacement(call.span, text),))
