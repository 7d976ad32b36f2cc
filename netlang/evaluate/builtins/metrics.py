"""What metrics are called."""

from __future__ import annotations

from collections.abc import Container, Iterator

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Diagnostic, diagnostic
from netlang.diagnostics.fix import replacement
from netlang.diagnostics.source import Span
from netlang.evaluate.bodies import made_by
from netlang.evaluate.context.parameter_names import bare
from netlang.syntax import ast

OWN = frozenset({"loss", "gradient_norm", "draw", "share"})
"""The results of every step, and inputs that it may have."""


def metric_names(expr: ast.Expr, count: int) -> list[str]:
    """Name metrics: by label, by binding, else by function; a second of one name has a number.

    Those of a list that is computed have one name, from the body of a comprehension or the binding.
    """
    while isinstance(expr, ast.Paren):
        expr = expr.value
    items = expr.items if isinstance(expr, ast.List) else ()
    if len(items) != count:
        items = (expr.body if isinstance(expr, ast.Comprehension) else expr,) * count
    names: list[str] = []
    for item in items:
        match bare(item):
            case ast.Name(text="loss"):
                own = OWN - {"loss"}
            case _:
                own = OWN
        names.append(numbered(_metric_name(item), {*names, *own}))
    return names


def inner_labels(expr: ast.Expr) -> Iterator[Diagnostic]:
    """Yield the errors of `a - b as name` among metrics, where the label names `b` alone."""
    inner = bare(expr)
    for item in inner.items if isinstance(inner, ast.List) else (inner,):
        last = item
        while isinstance(last, ast.Binary | ast.Unary):
            last = last.right if isinstance(last, ast.Binary) else last.operand
        if last is item or not isinstance(last, ast.Label):
            continue
        start = item.span.start
        operation = Span(item.span.source, start, last.value.span.end).text
        whole = f"({operation}) as {last.name.text}"
        yield diagnostic(
            rules.METRIC_LABEL,
            f"`{last.name.text}` names `{last.value.span.text}`, not the whole metric",
            last.name.span,
            helps=(f"write `{whole}`",),
            fixes=(replacement(item.span, whole),),
        )


def numbered(name: str, taken: Container[str]) -> str:
    """Return a name, or the first of ``name2``, ``name3``, … that is not taken."""
    found, number = name, 1
    while found in taken:
        number += 1
        found = f"{name}{number}"
    return found


def _metric_name(expr: ast.Expr) -> str:
    match expr:
        case ast.Label(name=name):
            return name.text
        case ast.Paren(value=value):
            return _metric_name(value)
        case ast.Name(text=text):
            return text
        case ast.Field(name=name):
            return name.text
        case _:
            return made_by(expr) or "metric"
