"""Types and expressions, printed as the program wrote them."""

from __future__ import annotations

from netlang.syntax import ast


def spell(type: ast.TypeExpr) -> str:
    """Print a type as the program wrote it."""
    return " ".join(type.span.text.split())


def format_expr(expr: ast.Expr) -> str:
    """Print an expression as the program wrote it."""
    return " ".join(expr.span.text.split())
