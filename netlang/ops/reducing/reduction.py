"""Reductions along axes, and cumulative sums."""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

from msgspec.structs import replace

from netlang.ir.dims import Shape, product, symbol
from netlang.ir.graph import Builder, Cotangents, Values
from netlang.ir.op import NoGradientError, OnnxBuilder, Operand, Primitive, Sample, register
from netlang.ir.types import F32, I64, TensorType, Types
from netlang.ops import arguments
from netlang.ops.axes import without
from netlang.ops.checks import normal_axes, require_elements, require_float, require_number
from netlang.ops.terms import Term, terms
from netlang.system.numpy import Array, np

N = symbol("N")
LONG = 1 << 16
"""The number of elements from which a single float32 pass in onnxruntime loses precision."""


class Reduction(Primitive, ABC, frozen=True):
    """Reduce the elements along some axes, or along all axes for ``axis=none``.

    Subclasses add no fields, so they need no decorator of their own.
    """

    operands: ClassVar[tuple[str, ...]] = ("x",)
    onnx_name: ClassVar[str]
    axis: tuple[int, ...] | None = None
    keep: bool = False

    def moved(self, axis: int, source: Shape, target: Shape) -> int | None:
        if self.keep:
            return super().moved(axis, source, target)
        return without(axis, self.seen_whole(0, len(source)))

    def seen_whole(self, operand: int, rank: int) -> frozenset[int]:
        del operand
        return frozenset(range(rank) if self.axis is None else (a % rank for a in self.axis))

    @classmethod
    def make(cls, types: Types, attributes: Mapping[str, object]) -> Self:
        keep = arguments.flag(attributes, "keep")
        if attributes.get("axis") is None:
            return cls(None, keep)
        return cls(normal_axes(arguments.integers(attributes, "axis"), types[0]), keep)

    def infer(self, *types: TensorType) -> Types:
        (x,) = types
        self.check(x)
        return (x.with_shape(*self.shape(x)),)

    def check(self, x: TensorType) -> None:
        require_float(self.name, x)

    def shape(self, x: TensorType) -> Shape:
        gone = self.axes(x)
        kept = enumerate(x.shape)
        if self.keep:
            return tuple(1 if axis in gone else size for axis, size in kept)
        return tuple(size for axis, size in kept if axis not in gone)

    def axes(self, x: TensorType) -> tuple[int, ...]:
        return tuple(range(x.rank)) if self.axis is None else normal_axes(self.axis, x)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        (x,) = operands
        axes = self.axes(x.type)
        if not axes and x.type.rank:
            # No axes: no reduction. In ONNX, no axes mean all axes.
            return (x.name,)
        if self.in_two_stages(x.type):
            rows = self.reduce(b, x, (x.type.rank - 1,), keep=True)
            return (self.reduce(b, rows, axes, keep=self.keep),)
        return (self.reduce(b, x, None if self.axis is None else axes, keep=self.keep),)

    def in_two_stages(self, x: TensorType) -> bool:
        """Return whether to reduce rows first, for the precision of a long sum."""
        del x
        return False

    def reduce(
        self, b: OnnxBuilder, x: Operand | str, axes: tuple[int, ...] | None, *, keep: bool
    ) -> str:
        keepdims = int(keep)
        if axes is None:
            return b.add(self.onnx_name, x, keepdims=keepdims)
        if b.opset >= 18 or self.onnx_name == "ReduceSum":
            return b.add(self.onnx_name, x, b.axes(axes), keepdims=keepdims)
        return b.add(self.onnx_name, x, axes=list(axes), keepdims=keepdims)

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        x, y, ct = terms(b, *inputs, *outputs, *cts)
        kept = tuple(1 if i in self.axes(x.type) else n for i, n in enumerate(x.shape))
        return (self.cotangent(x, y.reshape(kept), ct.reshape(kept)).expand(x.shape).value,)

    def cotangent(self, x: Term, y: Term, ct: Term) -> Term:
        """Return the cotangent of ``x``; ``y`` and ``ct`` have the reduced axes with size 1."""
        raise NoGradientError(f"`{self.name}` has no gradient")

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        x = TensorType(F32, (2, 3, 4))
        return [
            Sample(cls(), (x,)),
            Sample(cls(None, True), (x,)),
            Sample(cls((1,)), (x,)),
            Sample(cls((-1,), True), (x,)),
            Sample(cls((0, 2)), (x,)),
            Sample(cls(()), (x,)),
            Sample(cls((0,)), (TensorType(F32, (5,)),)),
            Sample(cls((0, 1), True), (TensorType(F32, (N, 3)),), sizes={"N": 4}),
            Sample(cls(), (TensorType(F32, ()),)),
        ]


class Accumulation(Reduction, ABC, frozen=True):
    """Add elements: float32 is accumulated in float64, and by rows in onnxruntime."""

    def in_two_stages(self, x: TensorType) -> bool:
        everything = len(self.axes(x)) == x.rank > 1
        return everything and not (isinstance(x.size, int) and x.size < LONG)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        return [*super().samples(), Sample(cls(), (TensorType(F32, (300, 301)),))]


class Extreme(Reduction, ABC, frozen=True):
    """Return the largest or smallest of at least one element."""

    def check(self, x: TensorType) -> None:
        require_number(self.name, x)
        require_elements(self.name, x, self.axes(x))

    def cotangent(self, x: Term, y: Term, ct: Term) -> Term:
        # Equal elements share the gradient, as in PyTorch's amax.
        hit = x.equals(y).cast(x.type.dtype)
        return hit * (ct / hit.sum(self.axes(x.type), keep=True))

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        whole = Sample(cls((1,)), (TensorType(I64, (2, 3)),), low=-9, high=9)
        return [*super().samples(), whole]


@register
class Sum(Accumulation, frozen=True):
    """Add the elements along some axes.

    ``f32[N, C, H, W], axis=(2, 3) -> f32[N, C]``. Source: ONNX ReduceSum.
    """

    name = "sum"
    onnx_name = "ReduceSum"

    def check(self, x: TensorType) -> None:
        require_number(self.name, x)

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        (x,) = operands
        wide = np.float64 if x.dtype.kind == "f" else x.dtype
        total = np.sum(x, axis=self.axis, keepdims=self.keep, dtype=wide)
        return (np.asarray(total, dtype=x.dtype),)

    def cotangent(self, x: Term, y: Term, ct: Term) -> Term:
        del x, y
        return ct

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        return [*super().samples(), Sample(cls((0,)), (TensorType(F32, (0, 3)),))]


@register
class Mean(Accumulation, frozen=True):
    """Average the elements along some axes.

    ``f32[N, C, H, W], axis=(2, 3) -> f32[N, C]``. Source: ONNX ReduceMean.
    """

    name = "mean"
    onnx_name = "ReduceMean"

    def check(self, x: TensorType) -> None:
        require_float(self.name, x)
        require_elements(self.name, x, self.axes(x))

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        (x,) = operands
        total = np.asarray(np.sum(x, axis=self.axis, keepdims=self.keep, dtype=np.float64))
        return (np.asarray(total / (x.size // max(total.size, 1)), dtype=x.dtype),)

    def cotangent(self, x: Term, y: Term, ct: Term) -> Term:
        del y
        return ct / ct.count(product(x.shape[axis] for axis in self.axes(x.type)))


@register
class Prod(Reduction, frozen=True):
    """Multiply the elements along some axes.

    ``f32[N, C], axis=1 -> f32[N]``. Source: ONNX ReduceProd.
    """

    name = "prod"
    gradient_reads = ("operands", "results")
    formula = "np.prod({x}, axis={axis}, keepdims={keep}, dtype={x}.dtype)"
    onnx_name = "ReduceProd"

    def check(self, x: TensorType) -> None:
        require_number(self.name, x)

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        (x,) = operands
        return (np.asarray(np.prod(x, axis=self.axis, keepdims=self.keep, dtype=x.dtype)),)

    def cotangent(self, x: Term, y: Term, ct: Term) -> Term:
        # The derivative by a single 0 is the product of the other factors; with two zeros, it is 0.
        nothing = x.equals(0.0)
        others = x.where(nothing.unary("logical_not"), 1.0)
        axes = self.axes(x.type)
        zeros = nothing.cast(x.type.dtype).sum(axes, keep=True)
        product_of_others = others.to(Prod(axes, True)) if axes else others
        alone = product_of_others.where(nothing.binary("logical_and", zeros.equals(1.0)))
        return ct * (y / others).where(zeros.equals(0.0), alone)


@register
class Max(Extreme, frozen=True):
    """Return the largest element along some axes.

    ``f32[N, C], axis=1 -> f32[N]``. Source: ONNX ReduceMax.
    """

    name = "max"
    gradient_reads = ("operands", "results")
    onnx_name = "ReduceMax"

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        (x,) = operands
        lowest = _lowest(x)
        return (np.asarray(np.max(x, axis=self.axis, keepdims=self.keep, initial=lowest)),)


@register
class Min(Extreme, frozen=True):
    """Return the smallest element along some axes.

    ``f32[N, C], axis=1 -> f32[N]``. Source: ONNX ReduceMin.
    """

    name = "min"
    gradient_reads = ("operands", "results")
    onnx_name = "ReduceMin"

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        (x,) = operands
        highest = _highest(x)
        return (np.asarray(np.min(x, axis=self.axis, keepdims=self.keep, initial=highest)),)


@register
class Logsumexp(Reduction, frozen=True):
    """Compute log(sum(exp(x))) along some axes, without overflow.

    ``f32[N, C], axis=1 -> f32[N]``. Source: ONNX ReduceLogSumExp.
    """

    name = "logsumexp"
    gradient_reads = ("operands", "results")
    onnx_name = "ReduceLogSumExp"

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        (x,) = operands
        top: Array = np.asarray(np.max(x, axis=self.axis, keepdims=True, initial=-np.inf))
        # An infinite maximum is the result; subtracting it would make NaN.
        top = np.asarray(np.where(np.isfinite(top), top, np.zeros_like(top)))
        total = np.sum(np.exp(x - top), axis=self.axis, keepdims=True)
        result: Array = np.asarray(np.log(total) + top)
        return (result if self.keep else np.squeeze(result, self.axis),)

    def cotangent(self, x: Term, y: Term, ct: Term) -> Term:
        return ct * (x - y).unary("exp")

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        large = Sample(cls((1,)), (TensorType(F32, (2, 30)),), low=-200, high=200)
        return [*super().samples(), large]


def _lowest(x: Array) -> Any:
    """Return the identity of max: the result where a size turns out to be 0 at run time."""
    return -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min


def _highest(x: Array) -> Any:
    return np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).max


@register
class Cumsum(Primitive, frozen=True):
    """Compute the cumulative sum along an axis.

    ``f32[N, T], axis=1 -> f32[N, T]``. With ``reverse``, sum from the end; with ``exclusive``,
    exclude the element itself. Source: ONNX CumSum.
    """

    name: ClassVar[str] = "cumsum"
    operands: ClassVar[tuple[str, ...]] = ("x",)
    axis: int
    exclusive: bool = False
    reverse: bool = False

    def seen_whole(self, operand: int, rank: int) -> frozenset[int]:
        del operand
        return frozenset({self.axis % rank})

    @classmethod
    def make(cls, types: Types, attributes: Mapping[str, object]) -> Self:
        return cls(
            arguments.axis_of(types[0], arguments.integer(attributes, "axis")),
            arguments.flag(attributes, "exclusive"),
            arguments.flag(attributes, "reverse"),
        )

    def infer(self, *types: TensorType) -> Types:
        (x,) = types
        require_number("cumsum", x)
        arguments.axis_of(x, self.axis)
        return (x,)

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        (x,) = operands
        ordered = np.flip(x, self.axis) if self.reverse else x
        total = np.cumsum(ordered, axis=self.axis, dtype=x.dtype)
        if self.exclusive:
            total = total - ordered
        return (np.ascontiguousarray(np.flip(total, self.axis) if self.reverse else total),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        (x,) = operands
        axis = b.constant(self.axis, I64)
        flags = {"exclusive": int(self.exclusive), "reverse": int(self.reverse)}
        return (b.add("CumSum", x, axis, **flags),)

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        del inputs, outputs
        (ct,) = terms(b, *cts)
        return (ct.to(replace(self, reverse=not self.reverse)).value,)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        x = TensorType(F32, (2, 4))
        return [
            Sample(cls(1), (x,)),
            Sample(cls(0, reverse=True), (x,)),
            Sample(cls(1, exclusive=True), (x,)),
            Sample(cls(-1, exclusive=True, reverse=True), (TensorType(F32, (N, 5)),)),
            Sample(cls(0), (TensorType(I64, (3,)),), low=-5, high=5),
        ]
