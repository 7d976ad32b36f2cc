"""Bounds on the numbers, sizes and lists that a program computes."""

from __future__ import annotations

from collections.abc import Iterable

from netlang.diagnostics import rules
from netlang.diagnostics.source import Span
from netlang.evaluate.context.budget import LENGTH_LIMIT, Budget, reject_length
from netlang.evaluate.context.describe import describe
from netlang.evaluate.context.frame import reject
from netlang.evaluate.context.values import IntRange, Object
from netlang.ir.dims import Dim, Size, parts
from netlang.ir.types import RANK_LIMIT

INT_LIMIT = 2**63


PARTS_LIMIT = 64
"""Terms in the formula of one size."""


def bounded(value: Object, span: Span) -> Object:
    """Reject a number or a formula that is out of bounds."""
    if isinstance(value, Dim):
        if any(abs(coefficient) >= INT_LIMIT for _, coefficient in value.terms):
            reject(
                rules.NUMBER_TOO_LARGE, "this number is too large", span, "ints stay below 2**63"
            )
        readable((value,), span)
    if isinstance(value, int) and abs(value) >= INT_LIMIT:
        reject(rules.NUMBER_TOO_LARGE, "this number is too large", span, "ints stay below 2**63")
    return value


def known_int(name: str, value: Object, span: Span) -> int:
    """Return the value of an ``int`` parameter; reject a size that is symbolic."""
    if not isinstance(value, int):
        reject(
            rules.UNDECIDED_SIZE,
            f"`{name}` must be known when the file is checked",
            span,
            f"this is {describe(value)}",
        )
    return value


def readable(shape: Iterable[Size], span: Span) -> None:
    """Reject a shape of too many axes, and a size whose formula is too long to read."""
    sizes = tuple(shape)
    if len(sizes) > RANK_LIMIT:
        reject(
            rules.TOO_LARGE,
            f"no tensor has more than {RANK_LIMIT} axes",
            span,
            f"this would have {len(sizes):,}",
        )
    for size in sizes:
        if isinstance(size, Dim) and parts(size, PARTS_LIMIT) > PARTS_LIMIT:
            reject(
                rules.TOO_LARGE,
                "this size is too long a formula",
                span,
                f"it has more than {PARTS_LIMIT} parts",
                helps=("give the dimensions numbers",),
            )


def listed(value: Object, span: Span, budget: Budget) -> Object:
    """Return a range as the list of its numbers, and any other value unchanged."""
    if not isinstance(value, IntRange):
        return value
    budget.reserve(len(value), span)
    return [*range(value.first, value.last + 1)]


def in_bounds(length: int, span: Span) -> None:
    """Reject a list or a string before it grows out of bounds."""
    if length > LENGTH_LIMIT:
        reject_length(length, span)


def finite(value: float, span: Span) -> float:
    if value != value or abs(value) == float("inf"):
        reject(rules.NUMBER_TOO_LARGE, "this number is too large", span, "it is no longer finite")
    return value
