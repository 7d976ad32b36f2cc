"""Normalization by mean and variance, or by length."""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from netlang.ir.dims import Shape, divides, product, symbol
from netlang.ir.graph import Builder, Cotangents, Values
from netlang.ir.op import OnnxBuilder, Operand, Primitive, Sample, TypeRefused, register
from netlang.ir.types import F32, TensorType, Types
from netlang.numeric import Array, np
from netlang.ops import arguments
from netlang.ops.channels import aligned, over_channels
from netlang.ops.checks import (
    require_dtype_of,
    require_float,
    require_positive,
    require_rank,
    require_vector,
    shape_text,
)
from netlang.ops.terms import Term, terms

N = symbol("N")
H = symbol("H")


@register
@dataclass(frozen=True)
class NormalizeBatch(Primitive):
    """Normalize each channel by its stored mean and variance, then scale and shift it.

    ``f32[N, C, ...S], f32[C], f32[C], f32[C], f32[C] -> f32[N, C, ...S]``. ``momentum`` is the
    share of the new in the running statistics in training. Source: Ioffe and Szegedy, 2015;
    ONNX BatchNormalization.
    """

    name: ClassVar[str] = "normalize_batch"
    operands: ClassVar[tuple[str, ...]] = ("x", "scale", "shift", "mean", "var")
    eps: float = 1e-5
    momentum: float = 0.1

    @classmethod
    def make(cls, types: Types, attributes: Mapping[str, object]) -> Self:
        del types
        return cls(
            arguments.number(attributes, "eps", 1e-5), arguments.number(attributes, "momentum", 0.1)
        )

    def infer(self, *types: TensorType) -> Types:
        x, *vectors = types
        require_float(self.name, x)
        require_rank(self.name, x, 2, "[N, C, ...]")
        for position, v in enumerate(vectors, 1):
            require_vector(self.name, self.operands[position], v, x, operand=position)
        require_positive(self.name, "eps", self.eps)
        if not 0 <= self.momentum <= 1:
            raise TypeRefused(
                f"`momentum` must be between 0 and 1, not {self.momentum:g}", rule="out-of-range"
            )
        return (x,)

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        x = operands[0]
        scale, shift, mean, var = (over_channels(v, x) for v in operands[1:])
        slope = scale / np.sqrt(var + x.dtype.type(self.eps))
        # In place: a map is large, and each copy of it costs more than the arithmetic.
        y = np.asarray(x - mean)
        y *= slope
        y += shift
        return (y,)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        return (b.add("BatchNormalization", *operands, epsilon=float(self.eps)),)

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        del outputs
        x, scale, _, mean, var, ct = terms(b, *inputs, *cts)
        around = [0, *range(2, x.rank)]
        inverse = 1.0 / (var + self.eps).unary("sqrt")
        slope = scale * inverse
        total, dot = ct.sum(around), (ct * x.binary("add_channel", -mean)).sum(around)
        by_var = -0.5 * (dot * slope * inverse * inverse)
        by_x = ct.binary("mul_channel", slope)
        return (
            by_x.value,
            (dot * inverse).value,
            total.value,
            (-(total * slope)).value,
            by_var.value,
        )

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        def sample(op: Self, *shape: Shape) -> Sample:
            (x,) = shape
            types = (TensorType(F32, x), *(TensorType(F32, x[1:2]) for _ in range(4)))
            return Sample(op, types, low=0.1, high=2, sizes={"N": 2, "H": 3})

        return [
            sample(cls(), (N, 3, H, H)),
            sample(cls(eps=0.1, momentum=0.5), (2, 3)),
            sample(cls(), (2, 1, 4)),
            sample(cls(), (2, 3, 1, 2, 2)),
        ]


@dataclass(frozen=True)
class OverMap(Primitive, ABC):
    """Statistics of a map itself, then a scale and a shift for each channel."""

    operands: ClassVar[tuple[str, ...]] = ("x", "scale", "shift")

    def seen_whole(self, operand: int, rank: int) -> frozenset[int]:
        del operand
        return frozenset(range(2, rank))

    def check(self, *types: TensorType, rank: int, layout: str, eps: float) -> None:
        x, scale, shift = types
        require_float(self.name, x)
        require_rank(self.name, x, rank, layout)
        require_vector(self.name, "scale", scale, x, operand=1)
        require_vector(self.name, "shift", shift, x, operand=2)
        require_positive(self.name, "eps", eps)


@register
@dataclass(frozen=True)
class NormalizeGroup(OverMap):
    """Normalize groups of channels of each example together, then scale and shift each channel.

    ``f32[N, C, ...S], f32[C], f32[C] -> f32[N, C, ...S]``. Source: Wu and He, 2018.
    """

    name: ClassVar[str] = "normalize_group"
    groups: int
    eps: float = 1e-5

    @classmethod
    def make(cls, types: Types, attributes: Mapping[str, object]) -> Self:
        del types
        groups = arguments.integer(attributes, "groups")
        return cls(groups, arguments.number(attributes, "eps", 1e-5))

    def infer(self, *types: TensorType) -> Types:
        x = types[0]
        self.check(*types, rank=2, layout="[N, C, ...]", eps=self.eps)
        channels = x.shape[1]
        if self.groups < 1 or not divides(self.groups, channels):
            fits = isinstance(channels, int) and [
                g for g in range(1, min(channels, 64) + 1) if channels % g == 0
            ]
            raise TypeRefused(
                f"{channels} channels don't divide into {self.groups} groups",
                rule="groups-mismatch",
                operand=0,
                label=f"this is {x}",
                helps=(f"`groups` can be {', '.join(map(str, fits))}",) if fits else (),
            )
        return (x,)

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        x, scale, shift = operands
        grouped = x.reshape(x.shape[0], self.groups, -1) if x.size else x
        y = _standardized(grouped, (2,), self.eps) if x.size else x
        return (y.reshape(x.shape) * over_channels(scale, x) + over_channels(shift, x),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        # GroupNormalization changed its meaning in operator set 21 and runs nowhere as one node.
        x, scale, shift = operands
        rest = product(x.type.shape[1:]) // self.groups
        shape = (x.type.shape[0], self.groups, rest)
        grouped = b.add("Reshape", x, b.shape(shape, like=x))
        ones = b.constant([1.0] * self.groups, x.type.dtype)
        zeros = b.constant([0.0] * self.groups, x.type.dtype)
        y = b.add("InstanceNormalization", grouped, ones, zeros, epsilon=float(self.eps))
        like = Operand(y, x.type.with_shape(*shape))
        y = b.add("Reshape", y, b.shape(x.type.shape, like=like))
        y = b.add("Mul", y, aligned(b, scale, x.type))
        return (b.add("Add", y, aligned(b, shift, x.type)),)

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        del outputs
        x, scale, ct = terms(b, *inputs[:2], *cts)
        shape = (x.shape[0], self.groups, product(x.shape[1:]) // self.groups)
        weighted = ct.binary("mul_channel", scale).reshape(shape)
        by_x, standard = _pulled(x.reshape(shape), weighted, [2], self.eps)
        around = [0, *range(2, x.rank)]
        by_scale = (ct * standard.reshape(x.shape)).sum(around)
        return by_x.reshape(x.shape).value, by_scale.value, ct.sum(around).value

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        return [
            _map_sample(cls(2), (N, 4, H, 3)),
            _map_sample(cls(1), (2, 3, 5)),
            _map_sample(cls(3, 0.1), (N, 6, 2, 2, 2)),
            _map_sample(cls(2), (2, 8)),
            _map_sample(cls(4), (N, 4, H, H)),
        ]


@register
@dataclass(frozen=True)
class NormalizeInstance(OverMap):
    """Normalize each channel of each example by itself, then scale and shift it.

    ``f32[N, C, ...S], f32[C], f32[C] -> f32[N, C, ...S]``. Source: Ulyanov et al., 2016;
    ONNX InstanceNormalization.
    """

    name: ClassVar[str] = "normalize_instance"
    eps: float = 1e-5

    @classmethod
    def make(cls, types: Types, attributes: Mapping[str, object]) -> Self:
        del types
        return cls(arguments.number(attributes, "eps", 1e-5))

    def infer(self, *types: TensorType) -> Types:
        self.check(*types, rank=3, layout="[N, C, L], [N, C, H, W], ...", eps=self.eps)
        return types[:1]

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        x, scale, shift = operands
        y = _standardized(x, tuple(range(2, x.ndim)), self.eps)
        return (y * over_channels(scale, x) + over_channels(shift, x),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        return (b.add("InstanceNormalization", *operands, epsilon=float(self.eps)),)

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        del outputs
        x, scale, ct = terms(b, *inputs[:2], *cts)
        axes, around = range(2, x.rank), [0, *range(2, x.rank)]
        by_x, standard = _pulled(x, ct.binary("mul_channel", scale), axes, self.eps)
        return by_x.value, (ct * standard).sum(around).value, ct.sum(around).value

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        return [
            _map_sample(cls(), (N, 3, H, 2)),
            _map_sample(cls(0.1), (2, 1, 5)),
            _map_sample(cls(), (2, 2, 2, 2, 2)),
        ]


@register
@dataclass(frozen=True)
class NormalizeLayer(Primitive):
    """Normalize over an axis and all after it, then scale and shift element by element.

    ``f32[...B, D], f32[D], f32[D] -> f32[...B, D]``. Source: Ba et al., 2016;
    ONNX LayerNormalization.
    """

    name: ClassVar[str] = "normalize_layer"
    operands: ClassVar[tuple[str, ...]] = ("x", "scale", "shift")
    axis: int = -1
    eps: float = 1e-5

    def seen_whole(self, operand: int, rank: int) -> frozenset[int]:
        del operand
        return frozenset(range(self.axis % rank, rank))

    @classmethod
    def make(cls, types: Types, attributes: Mapping[str, object]) -> Self:
        axis = arguments.axis_of(types[0], arguments.integer(attributes, "axis", -1))
        return cls(axis, arguments.number(attributes, "eps", 1e-5))

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
        return (_standardized(x, axes, self.eps) * scale + shift,)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        eps = float(self.eps)
        return (b.add("LayerNormalization", *operands, axis=self.axis, epsilon=eps),)

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        del outputs
        x, scale, ct = terms(b, *inputs[:2], *cts)
        first = self.axis % x.rank
        by_x, standard = _pulled(x, ct * scale, range(first, x.rank), self.eps)
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
@dataclass(frozen=True)
class NormalizeRms(Primitive):
    """Divide by the root of the mean square over an axis and all after it, then scale.

    ``f32[...B, D], f32[D] -> f32[...B, D]``. Source: Zhang and Sennrich, 2019;
    ONNX RMSNormalization (operator set 23).
    """

    name: ClassVar[str] = "normalize_rms"
    operands: ClassVar[tuple[str, ...]] = ("x", "scale")
    axis: int = -1
    eps: float = 1e-6

    def seen_whole(self, operand: int, rank: int) -> frozenset[int]:
        del operand
        return frozenset(range(self.axis % rank, rank))

    @classmethod
    def make(cls, types: Types, attributes: Mapping[str, object]) -> Self:
        axis = arguments.axis_of(types[0], arguments.integer(attributes, "axis", -1))
        return cls(axis, arguments.number(attributes, "eps", 1e-6))

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
@dataclass(frozen=True)
class L2Normalize(Primitive):
    """Divide by the length along an axis, or by ``eps`` where the length is below it.

    ``f32[...S] -> f32[...S]``.
    """

    name: ClassVar[str] = "l2_normalize"
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
        turned = (ct * y).sum(axes, keep=True).where(long)
        return (((ct - y * turned) / length).value,)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        return [
            Sample(cls(1), (TensorType(F32, (N, 3)),)),
            Sample(cls(1), (TensorType(F32, (2, 3, H)),)),
            Sample(cls(), (TensorType(F32, (4,)),)),
            Sample(cls(0, 10.0), (TensorType(F32, (2, 3)),)),
        ]


def _standardized(x: Array, axes: tuple[int, ...], eps: float) -> Array:
    centred = x - np.mean(x, axis=axes, keepdims=True)
    var = np.mean(centred * centred, axis=axes, keepdims=True)
    return centred / np.sqrt(var + x.dtype.type(eps))


def _pulled(x: Term, ct: Term, axes: Sequence[int], eps: float) -> tuple[Term, Term]:
    """Take a cotangent back through standardization; give it, and the standardized ``x``."""
    centred = x - x.mean(axes, keep=True)
    inverse = 1.0 / ((centred * centred).mean(axes, keep=True) + eps).unary("sqrt")
    y = centred * inverse
    rest = ct - ct.mean(axes, keep=True) - y * (ct * y).mean(axes, keep=True)
    return inverse * rest, y


def _require_shape(
    op: str, name: str, v: TensorType, x: TensorType, shape: Shape, operand: int
) -> None:
    require_dtype_of(x, v, operand=operand)
    if v.shape != shape:
        raise TypeRefused(
            f"`{name}` of `{op}` must be {v.dtype}{shape_text(shape)}",
            operand=operand,
            label=f"this is {v}",
            notes=(f"the input is {x}",),
        )


def _map_sample(op: Primitive, x: Shape) -> Sample:
    types = (TensorType(F32, x), TensorType(F32, x[1:2]), TensorType(F32, x[1:2]))
    return Sample(op, types, sizes={"N": 2, "H": 3})
