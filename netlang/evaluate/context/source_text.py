"""Types and expressions, printed as in the program."""

from __future__ import annotations

from netlang.syntax import ast


def source_text(node: ast.Expr | ast.TypeExpr) -> str:
    """Return the source text of a type or an expression on one line."""
    return " ".join(node.span.text.split())
