"""Operators batched over the time steps of a sequence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

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
class Batched:
    """An operator on whole sequences, and the operands that first need a time axis."""

    op: Primitive
    unsqueezed: frozenset[int] = frozenset()


def batch(op: Primitive, types: Sequence[TensorType], steps: Sequence[bool]) -> Batched | None:
    """Return an operator on sequences ``[N, T, ...]`` for one on their steps ``[N, ...]``.

    ``steps`` marks the operands that are steps; the others are loop-invariant. ``None`` if applying
    the operator to a sequence differs from applying it to each step.
    """
    if any(step and type.rank == 0 for step, type in zip(steps, types, strict=True)):
        return None
    match op:
        case Linear() | Matmul():
            last = types[1].rank == 2 and types[0].rank >= 2
            return Batched(op) if last and steps[0] and not any(steps[1:]) else None
        case GatherRows():
            return Batched(op) if steps[1] and not steps[0] else None
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
            position = axis + types[0].rank + 1 if axis < 0 else axis
            return _shifted(position, Unsqueeze)
        case Squeeze(axis=axes):
            positions = [axis_of(types[0], axis) for axis in axes]
            return Batched(Squeeze(tuple(a + 1 for a in positions))) if 0 not in positions else None
        case Unary() | Activation() | Cast() | Clamp() | LogicalNot() | OneHot():
            return Batched(op)
        case _:
            return None


def _shifted(axis: int, make: Callable[[int], Primitive]) -> Batched | None:
    """Shift an axis past the time axis; an operator along the batch axis cannot be batched."""
    return Batched(make(axis + 1)) if axis > 0 else None


def _broadcast(op: Primitive, types: Sequence[TensorType], steps: Sequence[bool]) -> Batched | None:
    """Unsqueeze loop-invariant operands whose batch axis would meet the time axis."""
    ranks = {type.rank for type, step in zip(types, steps, strict=True) if step}
    (rank,) = ranks if len(ranks) == 1 else (-1,)
    others = [i for i, step in enumerate(steps) if not step]
    if any(types[i].rank > rank for i in others):
        return None
    return Batched(op, frozenset(i for i in others if types[i].rank == rank))
