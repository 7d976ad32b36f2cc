"""Unique paths for the calls that own parameters."""

from __future__ import annotations

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Label
from netlang.diagnostics.source import Span
from netlang.evaluate.context.frame import Frame, join, reject
from netlang.syntax import ast


def claim(node: ast.Expr, span: Span, frame: Frame) -> str:
    """Return the path of a call that owns parameters, after checking that it is unique."""
    label = frame.labels.get(id(node))
    site = join(frame.base, frame.sites.get(id(node), ""))
    local = site if label is None else label
    before = frame.taken.get(local)
    if before is not None and before != span:
        shown = join(frame.path, local)
        reject(
            rules.WEIGHTS_COLLIDE,
            f"these two would own the same parameters `{shown}.*`",
            span,
            "the second use of the name",
            secondary=(Label(before, "the first use of the name"),),
            notes=("a label is a name in its scope, like a binding",),
            helps=("give one of them another name with `as`",),
        )
    frame.taken[local] = span
    return join(frame.path, local)


def origin(frame: Frame) -> object:
    """Return the calls and iterations that lead to a frame, up to the net or a layer's `new`.

    Uses of one layer have one origin, whichever call they are in; nothing else has.
    """
    way: list[object] = []
    at = frame
    while True:
        if at.parent is not None:
            way.append(at.path)
            at = at.parent
            continue
        site = at.call
        if site is None:
            return tuple(way)
        if at.layer is not None and at.layer is not site.frame.layer:
            return (*way, at.layer.origin)
        way.append(site.span)
        at = site.frame


def users_span(span: Span, frame: Frame) -> Span:
    """Return the location outside of the library that led to one inside it."""
    while span.source.library and frame.call is not None:
        span, frame = frame.call.span, frame.call.frame
    return span
