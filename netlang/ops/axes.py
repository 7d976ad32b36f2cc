"""Follow axes from an operand to a result."""

from __future__ import annotations

from netlang.ir.dims import Shape, Size, product


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


def ratio(source: Size, target: Size) -> float | None:
    """Return the quotient of two sizes if both are known or one is a multiple of the other."""
    if isinstance(source, int) and isinstance(target, int):
        return source / target
    up, down = target // source, source // target
    if isinstance(up, int) and up > 0:
        return 1 / up
    return float(down) if isinstance(down, int) and down > 0 else None
