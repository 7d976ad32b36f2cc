"""From a name in the library back to what the user wrote for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netlang.diagnostics.source import Span
from netlang.syntax import ast

if TYPE_CHECKING:
    from netlang.evaluate.context.frame import Frame


def written(span: Span, frame: Frame | None) -> Span:
    """Follow a parameter of the library to the argument outside of it.

    ``frame`` is where the text of ``span`` stands. What is no plain parameter, or was left to its
    default, stays where it is.
    """
    place, at = span, frame
    while place.source.library:
        if at is None or at.call is None:
            return span
        slot = at.names.get(place.text)
        param = next((p for p in at.call.function.params if p.name.text == place.text), None)
        if slot is None or param is None or slot.span == param.span:
            return span
        place, at = slot.span, at.call.frame
    return place


def surroundings(frame: Frame) -> Frame | None:
    """Give the frame in which the operands of a node are written."""
    if frame.call is None or isinstance(frame.call.function.definition, ast.Definition):
        return frame
    return frame.call.frame
