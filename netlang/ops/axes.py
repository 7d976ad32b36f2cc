"""Follow axes from an operand to a result."""

from __future__ import annotations

from netlang.ir.dims import Shape, Size, exact_quotient, product


def without(axis: int, gone: frozenset[int]) -> int | None:
    """Return the index of an axis after some are removed; ``None`` if it is one of them."""
    return None if axis in gone else axis - sum(other < axis for other in gone)


def aligned(source: Shape, axis: int, target: Shape) -> int | None:
    """Return the axis of ``target`` with the same size and the same product before or after it."""
    before, after = product(source[:axis]), product(source[axis + 1 :])
    for at, size in enumerate(target):
        if size == source[axis] and (
            product(target[:at]) == before or product(target[at + 1 :]) == after
        ):
            return at
    return None


def outer(source: Shape, axis: int, target: Shape) -> int | None:
    """Return the axis of ``target`` that is the slower part of this one, or of which it is.

    Splitting ``H`` into ``[H // 2, 2]`` makes the first of the two its slower part, and merging
    ``[H, 2]`` makes ``H`` the slower part of the result.

    >>> outer((5, 8), 1, (5, 4, 2)), outer((5, 4, 2), 1, (5, 8)), outer((5, 8), 1, (40,))
    (1, 1, None)
    """
    before, size = product(source[:axis]), source[axis]
    for at, other in enumerate(target):
        if other != 1 and product(target[:at]) == before:
            divides = exact_quotient(size, other) or exact_quotient(other, size)
            return None if divides is None else at
    return None


def ratio(source: Size, target: Size) -> float | None:
    """Return the quotient of two sizes if both are known or one is a multiple of the other."""
    if isinstance(source, int) and isinstance(target, int):
        return source / target
    up, down = target // source, source // target
    if isinstance(up, int) and up > 0:
        return 1 / up
    return float(down) if isinstance(down, int) and down > 0 else None
