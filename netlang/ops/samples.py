"""Samples written short."""

from __future__ import annotations

from netlang.ir.dims import Size
from netlang.ir.op import Primitive, Sample
from netlang.ir.types import F32, TensorType


def f32(*shape: Size) -> TensorType:
    """Give the type of a tensor of f32."""
    return TensorType(F32, shape)


def sample(op: Primitive, *shape: Size) -> Sample:
    """Give the sample of an operator on one tensor of f32."""
    return Sample(op, (f32(*shape),))
