"""Normalization over trailing axes or one axis, without running statistics."""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping, Sequence
from typing import ClassVar, Self

from netlang.ir.dims import Shape, symbol
from netlang.ir.graph import Builder, Cotangents, Values
from netlang.ir.op import OnnxBuilder, Operand, OperandError, Primitive, Sample, register
from netlang.ir.types import F32, TensorType, Types
from netlang.ops import arguments
from netlang.ops.checks import (
    require_dtype_of,
    require_float,
    require_positive,
    require_rank,
    shape_text,
)
from netlang.ops.reducing.standardizing import standard_gradient, standardized
from netlang.ops.terms import terms
from netlang.system.numpy import Array, np

N = symbol("N")
H = symbol("H")


class TrailingNormalization(Primitive, ABC, frozen=True):
    """Normalize by statistics over an axis and all axes after it."""

    family = "normalization"
    axis: int = -1
    eps: float = 1e-5

    def seen_whole(self, operand: int, rank: int) -> frozenset[int]:
        del operand
        return frozenset(range(self.axis % rank, rank))

    @classmethod
    def make(cls, types: Types, attributes: Mapping[str, object]) -> Self:
        axis = arguments.axis_of(types[0], arguments.integer(attributes, "axis", -1))
        return cls(axis, arguments.number(attributes, "eps", cls.eps))


@register
class NormalizeLayer(TrailingNormalization, frozen=True):
    """Normalize over an axis and all axes after it, then scale and shift each element.

    ``f32[...B, D], f32[D], f32[D] -> f32[...B, D]``. Source: Ba et al., 2016;
    ONNX LayerNormalization.
    """

    name: ClassVar[str] = "normalize_layer"
    gradient_reads = ("operands",)
    operands: ClassVar[tuple[str, ...]] = ("x", "scale", "shift")

    def infer(self, *types: TensorType) -> Types:
        x, *weights = types
        require_float(self.name, x)
        require_positive(self.name, "eps", self.eps)
        normal = x.shape[arguments.axis_of(x, self.axis) :]
        for position, weight in enumerate(weights, 1):
            _require_shape(self.name, self.operands[position], weight, x, normal, position)
        return (x,)

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        x, scale, shift = operands
        axes = tuple(range(self.axis % x.ndim, x.ndim))
        return (standardized(x, axes, self.eps) * scale + shift,)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        eps = float(self.eps)
        if b.opset >= 17:
            return (b.add("LayerNormalization", *operands, axis=self.axis, epsilon=eps),)
        x, scale, shift = operands
        axes = list(range(self.axis % x.type.rank, x.type.rank))
        centered = b.add("Sub", x, b.add("ReduceMean", x, axes=axes, keepdims=1))
        variance = b.add("ReduceMean", b.add("Mul", centered, centered), axes=axes, keepdims=1)
        deviation = b.add("Sqrt", b.add("Add", variance, b.constant(eps, x.type.dtype)))
        standard = b.add("Div", centered, deviation)
        return (b.add("Add", b.add("Mul", standard, scale), shift),)

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        del outputs
        x, scale, ct = terms(b, *inputs[:2], *cts)
        first = self.axis % x.rank
        by_x, standard = standard_gradient(x, ct * scale, range(first, x.rank), self.eps)
        return by_x.value, (ct * standard).sum(range(first)).value, ct.sum(range(first)).value

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        def sample(op: Self, x: Shape, normal: Shape) -> Sample:
            types = (TensorType(F32, x), TensorType(F32, normal), TensorType(F32, normal))
            return Sample(op, types, sizes={"N": 2, "H": 3})

        return [
            sample(cls(), (N, H, 8), (8,)),
            sample(cls(1), (2, 5), (5,)),
            sample(cls(1, 0.1), (N, 3, 2, 2), (3, 2, 2)),
            sample(cls(0), (6,), (6,)),
        ]


@register
class NormalizeRms(TrailingNormalization, frozen=True):
    """Divide by the root mean square over an axis and all axes after it, then scale.

    ``f32[...B, D], f32[D] -> f32[...B, D]``. Source: Zhang and Sennrich, 2019;
    ONNX RMSNormalization (operator set 23).
    """

    name: ClassVar[str] = "normalize_rms"
    gradient_reads = ("operands",)
    operands: ClassVar[tuple[str, ...]] = ("x", "scale")
    eps: float = 1e-6

    def infer(self, *types: TensorType) -> Types:
        x, scale = types
        require_float(self.name, x)
        require_rank(self.name, x, 1, "[..., D]")
        require_positive(self.name, "eps", self.eps)
        normal = x.shape[arguments.axis_of(x, self.axis) :]
        _require_shape(self.name, "scale", scale, x, normal, 1)
        return (x,)

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        x, scale = operands
        axes = tuple(range(self.axis % x.ndim, x.ndim))
        if not x.size:
            return (x,)  # NumPy warns of a mean over nothing
        power = np.mean(x * x, axis=axes, keepdims=True)
        return (x / np.sqrt(power + x.dtype.type(self.eps)) * scale,)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        x, scale = operands
        square = b.add("Mul", x, x)
        axes = list(range(self.axis % x.type.rank, x.type.rank))
        if b.opset >= 18:
            power = b.add("ReduceMean", square, b.axes(axes), keepdims=1)
        else:
            power = b.add("ReduceMean", square, axes=axes, keepdims=1)
        root = b.add("Sqrt", b.add("Add", power, b.constant(float(self.eps), x.type.dtype)))
        return (b.add("Mul", b.add("Div", x, root), scale),)

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        del outputs
        x, scale, ct = terms(b, *inputs, *cts)
        first = self.axis % x.rank
        axes = range(first, x.rank)
        inverse = 1.0 / ((x * x).mean(axes, keep=True) + self.eps).unary("sqrt")
        standard, weighted = x * inverse, ct * scale
        by_x = inverse * (weighted - standard * (weighted * standard).mean(axes, keep=True))
        return by_x.value, (ct * standard).sum(range(first)).value

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        return [
            Sample(cls(), (TensorType(F32, (N, H, 8)), TensorType(F32, (8,)))),
            Sample(cls(eps=0.1), (TensorType(F32, (5,)), TensorType(F32, (5,)))),
            Sample(cls(1), (TensorType(F32, (N, 3, 4)), TensorType(F32, (3, 4)))),
        ]


@register
class L2Normalize(Primitive, frozen=True):
    """Divide by the L2 norm along an axis, or by ``eps`` if the norm is smaller.

    ``f32[...S] -> f32[...S]``.
    """

    name: ClassVar[str] = "l2_normalize"
    gradient_reads = ("operands", "results")
    family = "normalization"
    operands: ClassVar[tuple[str, ...]] = ("x",)
    axis: int = -1
    eps: float = 1e-12

    def seen_whole(self, operand: int, rank: int) -> frozenset[int]:
        del operand
        return frozenset({self.axis % rank})

    @classmethod
    def make(cls, types: Types, attributes: Mapping[str, object]) -> Self:
        axis = arguments.axis_of(types[0], arguments.integer(attributes, "axis", -1))
        return cls(axis, arguments.number(attributes, "eps", 1e-12))

    def infer(self, *types: TensorType) -> Types:
        (x,) = types
        require_float(self.name, x)
        arguments.axis_of(x, self.axis)
        require_positive(self.name, "eps", self.eps)
        return (x,)

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        (x,) = operands
        length = np.sqrt(np.sum(x * x, axis=self.axis, keepdims=True))
        return (x / np.maximum(length, x.dtype.type(self.eps)),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        (x,) = operands
        if b.opset >= 18:
            length = b.add("ReduceL2", x, b.axes((self.axis,)), keepdims=1)
        else:
            length = b.add("ReduceL2", x, axes=[self.axis], keepdims=1)
        return (b.add("Div", x, b.add("Max", length, b.constant(self.eps, x.type.dtype))),)

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        x, y, ct = terms(b, *inputs, *outputs, *cts)
        axes = [self.axis % x.rank]
        square = (x * x).sum(axes, keep=True)
        long = square > self.eps * self.eps
        length = square.where(long, self.eps * self.eps).unary("sqrt")
        projection = (ct * y).sum(axes, keep=True).where(long)
        return (((ct - y * projection) / length).value,)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        return [
            Sample(cls(1), (TensorType(F32, (N, 3)),)),
            Sample(cls(1), (TensorType(F32, (2, 3, H)),)),
            Sample(cls(), (TensorType(F32, (4,)),)),
            Sample(cls(0, 10.0), (TensorType(F32, (2, 3)),)),
        ]


def _require_shape(
    op: str, name: str, v: TensorType, x: TensorType, shape: Shape, operand: int
) -> None:
    require_dtype_of(x, v, operand=operand)
    if v.shape != shape:
        raise OperandError(
            f"`{name}` of `{op}` must be {v.dtype}{shape_text(shape)}",
            operand=operand,
            label=f"this is {v}",
            notes=(f"the input is {x}",),
        )
