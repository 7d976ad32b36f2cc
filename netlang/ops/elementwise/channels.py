"""Operations with one number per channel (axis 1)."""

from __future__ import annotations

from abc import ABC
from collections.abc import Sequence
from typing import ClassVar

from netlang.ir.dims import Shape, symbol
from netlang.ir.graph import Builder, Cotangents, Values
from netlang.ir.op import OnnxBuilder, Operand, OperandError, Primitive, Sample, register
from netlang.ir.types import F32, TensorType, Types
from netlang.ops.checks import require_dtype_of, require_float, require_rank, require_vector
from netlang.ops.terms import terms
from netlang.system.numpy import Array, np

N = symbol("N")
H = symbol("H")


class OverChannels(Primitive, ABC, frozen=True):
    """Combine a tensor with one number per channel. Subclasses add no fields."""

    operands: ClassVar[tuple[str, ...]] = ("x", "b")
    pointwise = True
    onnx_name: ClassVar[str]

    def infer(self, *types: TensorType) -> Types:
        x, b = types
        require_float(self.name, x)
        require_rank(self.name, x, 2, "[N, C, ...]")
        require_vector(self.name, "b", b, x, operand=1)
        return (x,)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        x, v = operands
        return (b.add(self.onnx_name, x, aligned(b, v, x.type)),)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        shapes: tuple[Shape, ...] = ((N, 3, H, 2), (2, 3), (2, 1, 4), (0, 3, 2, 2, 2))
        return [
            Sample(cls(), (TensorType(F32, x), TensorType(F32, x[1:2])), sizes={"N": 2, "H": 3})
            for x in shapes
        ]


@register
class AddChannel(OverChannels, frozen=True):
    """Add one number per channel, such as a bias.

    ``f32[N, C, ...S], f32[C] -> f32[N, C, ...S]``.
    """

    name = "add_channel"
    passes_gradient = True
    onnx_name = "Add"

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        x, b = operands
        return (x + over_channels(b, x),)

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        del outputs
        (ct,) = terms(b, *cts)
        return ct.value, ct.sum([0, *range(2, ct.rank)]).value


@register
class MulChannel(OverChannels, frozen=True):
    """Multiply each channel by one number.

    ``f32[N, C, ...S], f32[C] -> f32[N, C, ...S]``.
    """

    name = "mul_channel"
    gradient_reads = ("others",)
    onnx_name = "Mul"

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        x, b = operands
        return (x * over_channels(b, x),)

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        del outputs
        x, v, ct = terms(b, *inputs, *cts)
        return ct.to(self, v).value, (ct * x).sum([0, *range(2, x.rank)]).value


def over_channels(v: Array, x: Array) -> Array:
    """Return ``v`` with trailing axes of size 1, so that NumPy aligns it with axis 1."""
    return v.reshape(-1, *(1,) * (x.ndim - 2))


def aligned(b: OnnxBuilder, v: Operand, x: TensorType) -> Operand | str:
    """Return ``v`` with trailing axes of size 1, so that ONNX aligns it with axis 1."""
    return v if x.rank == 2 else b.add("Unsqueeze", v, b.axes(range(1, x.rank - 1)))


@register
class PRelu(Primitive, frozen=True):
    """Multiply negative elements by a learned negative slope, one per channel.

    ``f32[N, C, ...S], f32[C] -> f32[N, C, ...S]``; one slope ``f32[1]`` applies to all channels.
    Source: He et al., 2015; ONNX PRelu.
    """

    name: ClassVar[str] = "prelu"
    gradient_reads = ("operands",)
    family = "activation"
    pointwise = True
    operands: ClassVar[tuple[str, ...]] = ("x", "slope")

    def infer(self, *types: TensorType) -> Types:
        x, slope = types
        require_float("prelu", x)
        require_dtype_of(x, slope, operand=1)
        if slope.shape != (1,) and (x.rank < 2 or slope.shape != (x.shape[1],)):
            raise OperandError(
                "`prelu` needs one negative slope for each channel, or one for all",
                operand=1,
                label=f"this is {slope}",
                notes=(f"the input is {x}",),
            )
        return (x,)

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        x, slope = operands
        aligned = slope.reshape(-1, *(1,) * (x.ndim - 2)) if x.ndim > 2 else slope
        return (np.where(x >= 0, x, x * (aligned if x.ndim else aligned[0])),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        x, slope = operands
        if x.type.rank == 0:
            return (b.add("PRelu", x, b.add("Squeeze", slope, b.axes((0,)))),)
        if x.type.rank <= 2 or slope.type.shape == (1,):
            return (b.add("PRelu", x, slope),)
        aligned = b.add("Unsqueeze", slope, b.axes(range(1, x.type.rank - 1)))
        return (b.add("PRelu", x, aligned),)

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        x, slope, ct = terms(b, *inputs, *cts)
        kept = x > 0.0
        by_slope = (ct * x).where(kept.unary("logical_not"))
        if slope.shape == (1,):
            aligned = slope.reshape(())
            total = by_slope.sum(range(x.rank)).reshape((1,))
        else:
            aligned = slope.reshape((*slope.shape, *(1,) * (x.rank - 2)))
            total = by_slope.sum([0, *range(2, x.rank)])
        return ct.where(kept, ct * aligned).value, total.value

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        def sample(x: Shape, slope: Shape) -> Sample:
            return Sample(
                cls(),
                (TensorType(F32, x), TensorType(F32, slope)),
                sizes={"N": 2},
            )

        return [
            sample((N, 3, 2, 2), (3,)),
            sample((N, 3, 4), (1,)),
            sample((2, 3), (3,)),
            sample((4,), (1,)),
            sample((), (1,)),
        ]
