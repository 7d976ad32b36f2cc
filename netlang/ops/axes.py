"""Following axes from an operand to a result."""

from __future__ import annotations

from netlang.ir.dims import Shape, Size, product


def without(axis: int, gone: frozenset[int]) -> int | None:
    """Give the place of an axis once some are gone; ``None`` where it is one of them."""
    return None if axis in gone else axis - sum(other < axis for other in gone)


def aligned(source: Shape, axis: int, target: Shape) -> int | None:
    """Find an axis with the same size and as much before it or behind it."""
    before, behind = product(source[:axis]), product(source[axis + 1 :])
    for at, size in enumerate(target):
        if size == source[axis] and (
            product(target[:at]) == before or product(target[at + 1 :]) == behind
        ):
            return at
    return None


def ratio(source: Size, target: Size) -> float | None:
    """Divide two sizes that are both known or of which one is a multiple of the other."""
    if isinstance(source, int) and isinstance(target, int):
        return source / target
    up, down = target // source, source // target
    if isinstance(up, int) and up > 0:
        return 1 / up
    return float(down) if isinstance(down, int) and down > 0 else None
