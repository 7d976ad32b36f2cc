"""Operators that act in training only; in evaluation they are the identity."""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping, Sequence
from typing import ClassVar, Self

from netlang.diagnostics import rules
from netlang.ir.dims import Shape, Size, product, symbol
from netlang.ir.graph import Builder, Cotangents, Values
from netlang.ir.op import OnnxBuilder, Operand, OperandError, Primitive, Sample, register
from netlang.ir.types import F32, TensorType, Types
from netlang.ops import arguments
from netlang.ops.checks import require_float, require_rank
from netlang.ops.random.randomness import WORKSPACE
from netlang.system.numpy import Array

N = symbol("N")


class Identity(Primitive, ABC, frozen=True):
    """Return the operand; an ONNX model has no node for it."""

    operands: ClassVar[tuple[str, ...]] = ("x",)
    formula = "{x}"
    pointwise = True

    def infer(self, *types: TensorType) -> Types:
        (x,) = types
        return (x,)

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        return operands

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        del b
        (x,) = operands
        return (x.name,)

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        del b, inputs, outputs
        return cts


class RandomDrop(Identity, ABC, frozen=True):
    """Set parts of a tensor to 0 at random in training, at the given rate."""

    random = True
    mask_axes: ClassVar[int | None] = None
    """The number of leading axes along which a mask varies; ``None`` for all axes."""
    rate: float

    @classmethod
    def make(cls, types: Types, attributes: Mapping[str, object]) -> Self:
        del types
        return cls(arguments.number(attributes, "rate"))

    def infer(self, *types: TensorType) -> Types:
        (x,) = types
        require_float(self.name, x)
        if not 0 <= self.rate < 1:
            raise OperandError(
                f"`{self.name}` drops a part of its input: `rate` must be at least 0 and below 1, "
                f"not {self.rate:g}",
                rule=rules.OUT_OF_RANGE,
                helps=self.correction(),
            )
        return (x,)

    def mask_shape(self, shape: Shape) -> Shape:
        """Return the shape of the mask for a tensor of a shape, to which it broadcasts."""
        own = shape[: self.mask_axes]
        return own + (1,) * (len(shape) - len(own))

    def workspace(self, *types: TensorType) -> Sequence[Size]:
        sample = self.mask(*types)
        return [sample, *[2 * sample] * WORKSPACE] if sample else ()

    def mask(self, *types: TensorType) -> Size:
        return product(self.mask_shape(types[0].shape)) if self.rate else 0

    def correction(self) -> tuple[str, ...]:
        if 2 <= self.rate < 100:
            return (f"for {self.rate:g} %, write `{self.rate / 100:g}`",)
        return ()

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        return [
            Sample(cls(0.5), (TensorType(F32, (2, 3)),)),
            Sample(cls(0.0), (TensorType(F32, (N, 3, 2)),), sizes={"N": 2}),
            Sample(cls(0.1), (TensorType(F32, (0, 3)),)),
        ]


@register
class Dropout(RandomDrop, frozen=True):
    """Set elements to 0 at random in training, and divide the others by 1 - rate.

    ``f32[...S] -> f32[...S]``; the identity in evaluation. Source: Srivastava et al., 2014.
    """

    name = "dropout"


@register
class DropPath(RandomDrop, frozen=True):
    """Set whole examples to 0 at random in training, and divide the others by 1 - rate.

    ``f32[N, ...S] -> f32[N, ...S]``; the identity in evaluation. Source: stochastic depth,
    Huang et al., 2016.
    """

    name = "drop_path"
    mask_axes = 1

    def infer(self, *types: TensorType) -> Types:
        (x,) = types
        require_rank("drop_path", x, 1, "[N, ...]")
        return RandomDrop.infer(self, x)


@register
class DropoutChannels(RandomDrop, frozen=True):
    """Set whole channels of each example to 0 at random in training, and scale up the others.

    ``f32[N, C, ...S] -> f32[N, C, ...S]``; the others are divided by 1 - rate; the
    identity in evaluation. Source: spatial dropout, Tompson et al., 2015.
    """

    name = "dropout_channels"
    mask_axes = 2

    def infer(self, *types: TensorType) -> Types:
        (x,) = types
        require_rank("dropout_channels", x, 2, "[N, C, ...]")
        return RandomDrop.infer(self, x)


@register
class StopGradient(Identity, frozen=True):
    """Return the operand, and block its gradient.

    ``f32[...S] -> f32[...S]``.
    """

    name = "stop_gradient"
    no_gradient = "it blocks gradients on purpose"
    stops_gradient = True

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        return [Sample(cls(), (TensorType(F32, (2, 3)),)), Sample(cls(), (TensorType(F32, ()),))]
