"""Numbers stay within bounds, whatever a program computes."""

from __future__ import annotations

from netlang.elaborate.frame import refuse
from netlang.elaborate.values import Object
from netlang.source import Span

INT_LIMIT = 2**63


def bounded(value: Object, span: Span) -> Object:
    if isinstance(value, int) and abs(value) >= INT_LIMIT:
        refuse("number-too-large", "this number is too large", span, "ints stay below 2**63")
    return value


def finite(value: float, span: Span) -> float:
    if value != value or abs(value) == float("inf"):
        refuse("number-too-large", "this number is too large", span, "it is no longer finite")
    return value
