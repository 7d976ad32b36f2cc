"""Normalization of feature maps: over a batch, groups of channels, or single channels."""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping, Sequence
from typing import ClassVar, Self

from netlang.diagnostics import rules
from netlang.ir.dims import Shape, Size, divides, divisors, product, symbol
from netlang.ir.graph import Builder, Cotangents, Values
from netlang.ir.op import OnnxBuilder, Operand, OperandError, Primitive, Sample, register
from netlang.ir.types import F32, TensorType, Types
from netlang.ops import arguments
from netlang.ops.checks import require_float, require_positive, require_rank, require_vector
from netlang.ops.elementwise.channels import aligned, over_channels
from netlang.ops.reducing.standardizing import standard_gradient, standardized
from netlang.ops.terms import terms
from netlang.system.numpy import Array, np
from netlang.system.threads import COPY, parallel_for, part_count, split

N = symbol("N")
H = symbol("H")


@register
class NormalizeBatch(Primitive, frozen=True):
    """Normalize each channel by its stored mean and variance, then scale and shift it.

    ``f32[N, C, ...S], f32[C], f32[C], f32[C], f32[C] -> f32[N, C, ...S]``. ``momentum`` is the
    weight of the batch in the running statistics in training. Source: Ioffe and Szegedy, 2015;
    ONNX BatchNormalization.
    """

    name: ClassVar[str] = "normalize_batch"
    gradient_reads = ("operands",)
    family = "normalization"
    pointwise = True
    normalizes_channels = True
    running_statistics = True
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
            raise OperandError(
                f"`momentum` must be between 0 and 1, not {self.momentum:g}",
                rule=rules.OUT_OF_RANGE,
            )
        return (x,)

    def workspace(self, *types: TensorType) -> Sequence[Size]:
        return [types[0].size] * 2  # in a step, which computes the statistics of the batch

    def gradient_workspace(self, *types: TensorType) -> Sequence[Size]:
        return [types[0].size] * 2

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        x = operands[0]
        scale, shift, mean, var = (over_channels(v, x) for v in operands[1:])
        factor = scale / np.sqrt(var + x.dtype.type(self.eps))
        y = np.empty_like(x)
        channels = split(x.shape[1], part_count(x.size, least=COPY))

        def work(i: int) -> None:
            # In place: copying a large feature map costs more than the arithmetic.
            own, part = channels[i], y[:, channels[i]]
            np.subtract(x[:, own], mean[own], out=part)
            part *= factor[own]
            part += shift[own]

        parallel_for(work, len(channels))
        return (y,)

    def plain(self, *operands: Array) -> tuple[Array, ...]:
        x, scale, shift, mean, var = operands
        factor = scale / np.sqrt(var + x.dtype.type(self.eps))
        centered = x - over_channels(mean, x)
        return (centered * over_channels(factor, x) + over_channels(shift, x),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        return (b.add("BatchNormalization", *operands, epsilon=float(self.eps)),)

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        del outputs
        x, scale, _, mean, var, ct = terms(b, *inputs, *cts)
        around = [0, *range(2, x.rank)]
        inverse = 1.0 / (var + self.eps).unary("sqrt")
        factor = scale * inverse
        total, dot = ct.sum(around), (ct * x.binary("add_channel", -mean)).sum(around)
        by_var = -0.5 * (dot * factor * inverse * inverse)
        by_x = ct.binary("mul_channel", factor)
        return (
            by_x.value,
            (dot * inverse).value,
            total.value,
            (-(total * factor)).value,
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


class OperandNormalization(Primitive, ABC, frozen=True):
    """Normalize by statistics of the operand, then scale and shift each channel."""

    operands: ClassVar[tuple[str, ...]] = ("x", "scale", "shift")
    family = "normalization"
    normalizes_channels = True

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
class NormalizeGroup(OperandNormalization, frozen=True):
    """Normalize groups of channels of each example, then scale and shift each channel.

    ``f32[N, C, ...S], f32[C], f32[C] -> f32[N, C, ...S]``. Source: Wu and He, 2018.
    """

    name: ClassVar[str] = "normalize_group"
    gradient_reads = ("operands",)
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
            fits = [d for d in divisors(channels) if d <= 64] if isinstance(channels, int) else []
            raise OperandError(
                f"{channels} channels don't divide into {self.groups} groups",
                rule=rules.GROUPS_MISMATCH,
                operand=0,
                label=f"this is {x}",
                helps=(f"`groups` can be {', '.join(map(str, fits))}",) if fits else (),
            )
        return (x,)

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        x, scale, shift = operands
        grouped = x.reshape(x.shape[0], self.groups, -1) if x.size else x
        y = standardized(grouped, (2,), self.eps)
        return (y.reshape(x.shape) * over_channels(scale, x) + over_channels(shift, x),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        # GroupNormalization changed its meaning in operator set 21; no runtime has it as one node.
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
        by_x, standard = standard_gradient(x.reshape(shape), weighted, [2], self.eps)
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
class NormalizeInstance(OperandNormalization, frozen=True):
    """Normalize each channel of each example, then scale and shift it.

    ``f32[N, C, ...S], f32[C], f32[C] -> f32[N, C, ...S]``. Source: Ulyanov et al., 2016;
    ONNX InstanceNormalization.
    """

    name: ClassVar[str] = "normalize_instance"
    gradient_reads = ("operands",)
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
        y = standardized(x, tuple(range(2, x.ndim)), self.eps)
        return (y * over_channels(scale, x) + over_channels(shift, x),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        return (b.add("InstanceNormalization", *operands, epsilon=float(self.eps)),)

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        del outputs
        x, scale, ct = terms(b, *inputs[:2], *cts)
        axes, around = range(2, x.rank), [0, *range(2, x.rank)]
        by_x, standard = standard_gradient(x, ct.binary("mul_channel", scale), axes, self.eps)
        return by_x.value, (ct * standard).sum(around).value, ct.sum(around).value

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        return [
            _map_sample(cls(), (N, 3, H, 2)),
            _map_sample(cls(0.1), (2, 1, 5)),
            _map_sample(cls(), (2, 2, 2, 2, 2)),
        ]


def _map_sample(op: Primitive, x: Shape) -> Sample:
    types = (TensorType(F32, x), TensorType(F32, x[1:2]), TensorType(F32, x[1:2]))
    return Sample(op, types, sizes={"N": 2, "H": 3})
