"""Operators that undo or repeat the one before them: exporters write many."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from netlang.ir.graph import Node, Value
from netlang.ir.op import Primitive
from netlang.ir.types import TensorType

Add = Callable[..., Value]
MOVING = ("transpose", "reshape", "squeeze", "unsqueeze", "cast", "flatten", "index")


def attribute(op: Primitive, name: str) -> object:
    """Return an attribute of an operator, whatever its class."""
    return getattr(op, name)


def whole(op: Primitive, name: str) -> int:
    """Return an attribute that is an integer."""
    value = attribute(op, name)
    assert isinstance(value, int)
    return value


def axes(op: Primitive, name: str) -> tuple[int, ...]:
    """Return an attribute that is a tuple of integers."""
    value = attribute(op, name)
    assert isinstance(value, tuple)
    return cast("tuple[int, ...]", value)


def simpler(
    op: Primitive, x: Value, result: TensorType, makers: dict[Value, Node], add: Add
) -> Value | None:
    """Return a value that is what an operator would make of another, with fewer operators."""
    before = makers.get(x)
    match op.name:
        case "transpose":
            return _transposed(axes(op, "order"), x, before, add)
        case "index":
            return _taken(op, x, before)
        case "cast":
            return x if result == x.type else None
        case _:
            pass
    if result == x.type:
        return x
    if before is None:
        return None
    source = before.inputs[0] if before.inputs else x
    if before.op.view and source.type == result:
        return source
    if op.name == before.op.name == "reshape":
        return add("reshape", source, shape=result.shape)
    if before.op.name in ("mean", "max", "sum", "min") and attribute(before.op, "keep"):
        return _dropped(before, result, add)
    if before.op.name == "transpose":
        return _squeezed(result, before, makers, add)
    return None


def _transposed(order: tuple[int, ...], x: Value, before: Node | None, add: Add) -> Value | None:
    if order == tuple(range(len(order))):
        return x
    if before is not None and before.op.name == "transpose":
        first = axes(before.op, "order")
        return add("transpose", before.inputs[0], order=tuple(first[axis] for axis in order))
    return None


def _taken(op: Primitive, x: Value, before: Node | None) -> Value | None:
    """Return what an axis was added to, of which an index takes the only element."""
    if before is None or before.op.name != "unsqueeze":
        return None
    axis = whole(before.op, "axis") % x.type.rank
    return before.inputs[0] if attribute(op, "items") == (*[None] * axis, 0) else None


def _dropped(before: Node, result: TensorType, add: Add) -> Value | None:
    """Return a reduction that drops the axes which another kept and this removes."""
    (x,) = before.inputs
    given = attribute(before.op, "axis")
    gone = range(x.type.rank) if given is None else axes(before.op, "axis")
    kept = tuple(n for axis, n in enumerate(x.type.shape) if axis not in gone)
    if kept != result.shape:
        return None
    return add(before.op.name, x, axis=None if given is None else list(gone), keep=False)


def _squeezed(
    result: TensorType, before: Node, makers: dict[Value, Node], add: Add
) -> Value | None:
    """Return a transpose of what an axis was added to, moved and removed again."""
    order = axes(before.op, "order")
    added = makers.get(before.inputs[0])
    if added is None or added.op.name != "unsqueeze":
        return None
    axis, source = whole(added.op, "axis") % len(order), added.inputs[0]
    rest = tuple(n - (n > axis) for n in order if n != axis)
    # The order of the elements is that of the other axes, wherever one of size 1 is.
    if tuple(source.type.shape[n] for n in rest) != result.shape:
        return None
    return add("transpose", source, order=rest)
