"""Shorthands for samples."""

from __future__ import annotations

from netlang.ir.dims import Size
from netlang.ir.op import Primitive, Sample
from netlang.ir.types import F32, TensorType


def f32(*shape: Size) -> TensorType:
    """Return the type of an f32 tensor."""
    return TensorType(F32, shape)


def sample(op: Primitive, *shape: Size) -> Sample:
    """Return a sample of an operator on one f32 tensor."""
    return Sample(op, (f32(*shape),))
