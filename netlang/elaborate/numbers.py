"""Numbers stay within bounds, whatever a program computes."""

from __future__ import annotations

from netlang.elaborate.budget import LENGTH_LIMIT
from netlang.elaborate.frame import refuse
from netlang.elaborate.values import IntRange, Object
from netlang.source import Span

INT_LIMIT = 2**63


def bounded(value: Object, span: Span) -> Object:
    if isinstance(value, int) and abs(value) >= INT_LIMIT:
        refuse("number-too-large", "this number is too large", span, "ints stay below 2**63")
    return value


def listed(value: Object, span: Span) -> Object:
    """Give a range as the list of its numbers, and any other value as it is."""
    if not isinstance(value, IntRange):
        return value
    in_bounds(len(value), span)
    return [*range(value.first, value.last + 1)]


def in_bounds(length: int, span: Span) -> None:
    """Refuse a list or a string before it grows out of bounds."""
    if length > LENGTH_LIMIT:
        refuse(
            "too-large",
            f"lists and strings end at {LENGTH_LIMIT:,} items",
            span,
            f"this would have {length:,}",
        )


def finite(value: float, span: Span) -> float:
    if value != value or abs(value) == float("inf"):
        refuse("number-too-large", "this number is too large", span, "it is no longer finite")
    return value
