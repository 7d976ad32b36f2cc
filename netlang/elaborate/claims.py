"""Each weight-owning call has a path of its own."""

from __future__ import annotations

from netlang.diagnostics import Label
from netlang.elaborate.frame import Frame, join, refuse
from netlang.source import Span
from netlang.syntax import ast


def claim(node: ast.Expr, span: Span, frame: Frame) -> str:
    """Give a weight-owning call its path, and see that nothing else has it."""
    label = frame.labels.get(id(node))
    if label is not None:
        local = label
    else:
        local = join(frame.base, frame.sites.get(id(node), ""))
    before = frame.claims.get(local)
    if before is not None and before != span:
        shown = join(frame.path, local)
        refuse(
            "weights-collide",
            f"these two would own the same weights `{shown}.*`",
            span,
            "the second use of the name",
            secondary=(Label(before, "the first use of the name"),),
            notes=("a label is a name in the scope where it stands, like a binding",),
            helps=("give one of them another name with `as`",),
        )
    frame.claims[local] = span
    return join(frame.path, local)
