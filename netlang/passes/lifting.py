"""Operators that do the same to every step of a sequence at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from netlang.ir.op import Primitive
from netlang.ir.types import TensorType
from netlang.ops.arguments import axis_of
from netlang.ops.elementwise.activation import Activation
from netlang.ops.elementwise.arithmetic import Binary
from netlang.ops.elementwise.choice import Cast, Clamp, Select
from netlang.ops.elementwise.comparison import LogicalNot
from netlang.ops.elementwise.unary import Unary
from netlang.ops.reducing.linear import Linear, Matmul
from netlang.ops.reducing.softmax import Normalizer
from netlang.ops.reducing.vector_normalization import NormalizeLayer
from netlang.ops.shaping.creation import OneHot
from netlang.ops.shaping.gathering import GatherRows
from netlang.ops.shaping.joining import Concat, Split
from netlang.ops.shaping.transposition import Squeeze, Unsqueeze


@dataclass(frozen=True, slots=True)
class Lifted:
    """An operator on whole sequences, and the operands that need an axis for the steps first."""

    op: Primitive
    widened: frozenset[int] = frozenset()


def lift(op: Primitive, types: Sequence[TensorType], steps: Sequence[bool]) -> Lifted | None:
    """Turn an operator on slices ``[N, ...]`` into one on sequences ``[N, T, ...]``.

    ``steps`` tells which operands are slices; the others are the same at every step. ``None``
    where the operator does something else to a sequence than to each of its slices.
    """
    if any(step and type.rank == 0 for step, type in zip(steps, types, strict=True)):
        return None
    match op:
        case Linear() | Matmul():
            last = types[1].rank == 2 and types[0].rank >= 2
            return Lifted(op) if last and steps[0] and not any(steps[1:]) else None
        case GatherRows():
            return Lifted(op) if steps[1] and not steps[0] else None
        case Binary() | Select():
            return _broadcast(op, types, steps)
        case NormalizeLayer(axis=axis, eps=eps) if steps[0] and not any(steps[1:]):
            return _shifted(axis_of(types[0], axis), lambda a: NormalizeLayer(a, eps))
        case Concat(axis=axis) if all(steps):
            return _shifted(axis_of(types[0], axis), Concat)
        case Split(parts=parts, axis=axis):
            return _shifted(axis_of(types[0], axis), lambda a: Split(parts, a))
        case Normalizer(axis=axis):
            return _shifted(axis_of(types[0], axis), lambda a: replace(op, axis=a))
        case Unsqueeze(axis=axis):
            place = axis + types[0].rank + 1 if axis < 0 else axis
            return _shifted(place, Unsqueeze)
        case Squeeze(axis=axes):
            places = [axis_of(types[0], axis) for axis in axes]
            return Lifted(Squeeze(tuple(a + 1 for a in places))) if 0 not in places else None
        case Unary() | Activation() | Cast() | Clamp() | LogicalNot() | OneHot():
            return Lifted(op)
        case _:
            return None


def _shifted(axis: int, make: Callable[[int], Primitive]) -> Lifted | None:
    """Move an axis behind that of the steps; along the batch there is nothing to lift."""
    return Lifted(make(axis + 1)) if axis > 0 else None


def _broadcast(op: Primitive, types: Sequence[TensorType], steps: Sequence[bool]) -> Lifted | None:
    """Put the axis of the steps where it meets nothing of what is the same at every step."""
    ranks = {type.rank for type, step in zip(types, steps, strict=True) if step}
    (rank,) = ranks if len(ranks) == 1 else (-1,)
    others = [i for i, step in enumerate(steps) if not step]
    if any(types[i].rank > rank for i in others):
        return None
    return Lifted(op, frozenset(i for i in others if types[i].rank == rank))
