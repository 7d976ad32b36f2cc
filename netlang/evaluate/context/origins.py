"""The user's text behind a name in the library."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netlang.diagnostics.source import Span
from netlang.syntax import ast

if TYPE_CHECKING:
    from netlang.evaluate.context.frame import Frame


def written(span: Span, frame: Frame | None) -> Span:
    """Return the span of the user's argument for a parameter of the library.

    ``frame`` is the one that ``span`` belongs to. Anything but a plain parameter, or one with its
    default value, keeps its own span.
    """
    location, at = span, frame
    while location.source.library:
        if at is None or at.call is None:
            return span
        slot = at.names.get(location.text)
        param = next((p for p in at.call.function.params if p.name.text == location.text), None)
        if slot is None or param is None or slot.span == param.span:
            return span
        location, at = slot.span, at.call.frame
    return location


def surroundings(frame: Frame) -> Frame | None:
    """Return the frame in which the operands of a node are written."""
    if frame.call is None or isinstance(frame.call.function.definition, ast.Definition):
        return frame
    return frame.call.frame
