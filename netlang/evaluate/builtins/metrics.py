"""What metrics are called."""

from __future__ import annotations

from collections import Counter

from netlang.evaluate.bodies import made_by
from netlang.syntax import ast


def metric_names(expr: ast.Expr) -> list[str]:
    """Name metrics: by label, by binding, else by function; a second of one name has a number."""
    while isinstance(expr, ast.Paren):
        expr = expr.value
    if not isinstance(expr, ast.List):
        return []
    counts: Counter[str] = Counter()
    names: list[str] = []
    for item in expr.items:
        name = _metric_name(item)
        counts[name] += 1
        names.append(name if counts[name] == 1 else f"{name}{counts[name]}")
    return names


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
