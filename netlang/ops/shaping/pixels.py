"""Rearrangement of channels to space and back."""

from __future__ import annotations

from abc import ABC
from collections.abc import Sequence
from typing import ClassVar, Self

from netlang.ir.dims import Size, exact_quotient, substitute, symbol
from netlang.ir.graph import Builder, Cotangents, Values
from netlang.ir.op import (
    AxisWindow,
    OnnxBuilder,
    Operand,
    OperandError,
    Primitive,
    Sample,
    register,
)
from netlang.ir.types import F32, TensorType, Types
from netlang.ops.arguments import Arguments, integer, rejected
from netlang.ops.clauses import Sizes, where_help
from netlang.ops.samples import sample
from netlang.ops.terms import terms
from netlang.system.numpy import Array


def _multiples(size: Size, unit: int) -> list[str]:
    """Return the help with the numbers of channels around one that is not a multiple."""
    if not isinstance(size, int):
        return []
    below = size - size % unit
    return [f"give it {f'{below} or ' if below else ''}{below + unit} channels"]


class PixelOperator(Primitive, ABC, frozen=True):
    """Exchange squares of ``factor`` by ``factor`` points for channels.

    Subclasses add no fields, so they need no decorator of their own.
    """

    operands: ClassVar[tuple[str, ...]] = ("x",)

    factor: int

    @classmethod
    def make(cls, types: Types, attributes: Arguments) -> Self:
        del types
        return cls(integer(attributes, "factor"))

    def check(self, x: TensorType) -> None:
        if self.factor < 1:
            raise rejected("factor", "must be 1 or more", self.factor)
        if x.rank != 4:
            raise OperandError("this works on [N, C, H, W]", operand=0, label=f"this is {x}")


@register
class PixelShuffle(PixelOperator, frozen=True):
    """Rearrange channels into a larger feature map.

    ``[N, C*r*r, H, W] -> [N, C, H*r, W*r]`` with ``factor`` r. Shi et al., "Real-time single image
    and video super-resolution", 2016. ONNX: DepthToSpace.
    """

    name = "pixel_shuffle"

    def axis_window(self, axis: int, *types: TensorType) -> AxisWindow | None:
        del types
        return AxisWindow(1, 1 / self.factor) if axis >= 2 else None

    def infer(self, *types: TensorType) -> Types:
        (x,) = types
        self.check(x)
        n, c, h, w = x.shape
        square = self.factor**2
        channels = exact_quotient(c, square)
        if channels is None:
            raise OperandError(
                f"{c} channels are not a multiple of {self.factor} * {self.factor} = {square}",
                operand=0,
                label=f"this is {x}",
                helps=_multiples(c, square),
            )
        return (x.with_shape(n, channels, h * self.factor, w * self.factor),)

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        (x,) = operands
        r = self.factor
        n, c, h, w = x.shape
        parts = x.reshape(n, c // (r * r), r, r, h, w).transpose(0, 1, 4, 2, 5, 3)
        return (parts.reshape(n, c // (r * r), h * r, w * r),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        return (b.add("DepthToSpace", *operands, blocksize=self.factor, mode="CRD"),)

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        del inputs, outputs
        (ct,) = terms(b, *cts)
        return (ct.to(PixelUnshuffle(self.factor)).value,)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        symbolic = TensorType(F32, (symbol("N"), 8, symbol("H"), symbol("W")))
        return [
            sample(cls(3), 1, 9, 4, 4),
            sample(cls(2), 2, 12, 3, 2),
            Sample(cls(2), (symbolic,), sizes={"N": 2, "H": 3, "W": 4}),
        ]


@register
class PixelUnshuffle(PixelOperator, frozen=True):
    """Rearrange squares of points into channels; the inverse of ``pixel_shuffle``.

    ``[N, C, H*r, W*r] -> [N, C*r*r, H, W]`` with ``factor`` r. ONNX: Reshape, Transpose.
    """

    name = "pixel_unshuffle"

    def axis_window(self, axis: int, *types: TensorType) -> AxisWindow | None:
        del types
        return AxisWindow(self.factor, self.factor) if axis >= 2 else None

    def infer(self, *types: TensorType) -> Types:
        (x,) = types
        self.check(x)
        n, c, h, w = x.shape
        height, width = exact_quotient(h, self.factor), exact_quotient(w, self.factor)
        if height is None or width is None:
            raise self._indivisible(x)
        return (x.with_shape(n, c * self.factor**2, height, width),)

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        (x,) = operands
        r = self.factor
        n, c, h, w = x.shape
        parts = x.reshape(n, c, h // r, r, w // r, r).transpose(0, 1, 3, 5, 2, 4)
        return (parts.reshape(n, c * r * r, h // r, w // r),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        (x,) = operands
        (y,) = self.infer(x.type)
        r = self.factor
        n, c, h, w = x.type.shape
        cut = b.add("Reshape", x, b.shape((n, c, h // r, r, w // r, r)))
        transposed = b.add("Transpose", cut, perm=[0, 1, 3, 5, 2, 4])
        return (b.add("Reshape", transposed, b.shape(y.shape)),)

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        del inputs, outputs
        (ct,) = terms(b, *cts)
        return (ct.to(PixelShuffle(self.factor)).value,)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        symbolic = TensorType(F32, (symbol("N"), 2, symbol("H", 2), symbol("W", 2)))
        return [
            sample(cls(3), 1, 2, 6, 3),
            sample(cls(2), 2, 3, 2, 4),
            Sample(cls(2), (symbolic,), sizes={"N": 2, "H": 4, "W": 6}),
        ]

    def _indivisible(self, x: TensorType) -> OperandError:
        def divides(values: Sizes) -> bool:
            sizes = (substitute(n, values) for n in x.shape[2:])
            return all(exact_quotient(n, self.factor) is not None for n in sizes)

        return OperandError(
            f"the map doesn't divide into squares of {self.factor} by {self.factor}",
            operand=0,
            label=f"this is {x}",
            helps=where_help(x.shape[2:], divides, [self.factor]),
        )
