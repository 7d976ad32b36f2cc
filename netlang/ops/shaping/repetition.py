"""Repetition, strides and reversal along axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

from netlang.diagnostics import rules
from netlang.ir.dims import Shape, symbol
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
from netlang.ir.types import F32, I64, TensorType, Types
from netlang.ops.arguments import Arguments, axis_of, integer, integers, rejected, sizes
from netlang.ops.samples import sample
from netlang.ops.terms import terms
from netlang.system.numpy import Array, np

# ONNX reads this end as "before the first element" when it steps backwards.
_BEFORE_FIRST = -(2**63)


@register
class Expand(Primitive, frozen=True):
    """Broadcast to a shape: repeat axes of size 1, and add leading axes.

    ``[1, D] -> [N, D]``; a size of -1 keeps that of the operand. ONNX: Expand.
    """

    name: ClassVar[str] = "expand"
    formula: ClassVar[str] = "np.broadcast_to({x}, {shape})"
    retypes = True
    operands: ClassVar[tuple[str, ...]] = ("x",)

    shape: Shape

    @classmethod
    def make(cls, types: Types, attributes: Arguments) -> Self:
        (x,) = types
        shape = sizes(attributes, "shape")
        lead = len(shape) - x.rank
        kept = tuple(
            x.shape[i - lead] if size == -1 and 0 <= i - lead < x.rank else size
            for i, size in enumerate(shape)
        )
        return cls(kept)

    def infer(self, *types: TensorType) -> Types:
        (x,) = types
        target = f"[{', '.join(map(str, self.shape))}]"
        for size in self.shape:
            if isinstance(size, int) and size < 0:
                raise rejected("shape", "must hold sizes, or -1 for an axis that stays", size)
        lead = len(self.shape) - x.rank
        if lead < 0:
            raise OperandError(
                f"this can't be expanded to {target}",
                rule=rules.EXPAND_MISMATCH,
                operand=0,
                label=f"this is {x}",
                notes=[f"it has {x.rank} axes already, and {target} has {len(self.shape)}"],
            )
        for axis, (have, want) in enumerate(zip(x.shape, self.shape[lead:], strict=True)):
            if have not in (1, want):
                raise OperandError(
                    f"this can't be expanded to {target}",
                    rule=rules.EXPAND_MISMATCH,
                    operand=0,
                    label=f"this is {x}",
                    notes=[f"axis {axis} is {have} here and {want} there: only a 1 is repeated"],
                    helps=["to repeat a whole axis, use `tile`"],
                )
        return (x.with_shape(*self.shape),)

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        shape = tuple(n for n in self.shape if isinstance(n, int))
        return (np.broadcast_to(operands[0], shape).copy(),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        return (b.add("Expand", *operands, b.shape(self.shape)),)

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        del outputs
        (ct,) = terms(b, *cts)
        return (ct.sum_to(inputs[0].type.shape).value,)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        n, h = symbol("N"), symbol("H")
        symbolic = Sample(cls((n, 3, h)), (TensorType(F32, (n, 1, h)),), sizes={"N": 2, "H": 4})
        return [
            sample(cls((4, 2, 3)), 2, 3),
            sample(cls((2, 4, 3)), 2, 1, 3),
            sample(cls((2, 3))),
            symbolic,
        ]


@register
class Tile(Primitive, frozen=True):
    """Repeat the whole tensor along each axis.

    ``[A, B] -> [A*r, B*s]`` with ``repeats`` r, s. ONNX: Tile.
    """

    name: ClassVar[str] = "tile"
    formula: ClassVar[str] = "np.tile({x}, {repeats})"
    operands: ClassVar[tuple[str, ...]] = ("x",)

    repeats: Shape

    @classmethod
    def make(cls, types: Types, attributes: Arguments) -> Self:
        del types
        return cls(sizes(attributes, "repeats"))

    def infer(self, *types: TensorType) -> Types:
        (x,) = types
        if len(self.repeats) != x.rank:
            raise OperandError(
                f"`repeats` names {len(self.repeats)} of {x.rank} axes",
                rule=rules.OUT_OF_RANGE,
                operand=0,
                label=f"this is {x}",
                helps=["give one number per axis; 1 leaves an axis as it is"],
            )
        for repeat in self.repeats:
            if isinstance(repeat, int) and repeat < 1:
                raise rejected("repeats", "must be 1 or more", repeat)
        return (x.with_shape(*(n * r for n, r in zip(x.shape, self.repeats, strict=True))),)

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        return (np.tile(operands[0], tuple(r for r in self.repeats if isinstance(r, int))),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        return (b.add("Tile", *operands, b.shape(self.repeats)),)

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        del outputs
        (ct,) = terms(b, *cts)
        shape: Shape = ()
        for repeat, size in zip(self.repeats, inputs[0].type.shape, strict=True):
            shape = (*shape, repeat, size)
        return (ct.reshape(shape).sum(range(0, len(shape), 2)).value,)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        n = symbol("N")
        return [
            sample(cls((2, 3)), 2, 3),
            sample(cls((1, 2, 1)), 2, 3, 2),
            Sample(cls((1, 2)), (TensorType(F32, (n, 3)),), sizes={"N": 2}),
        ]


@register
class Flip(Primitive, frozen=True):
    """Reverse the order of elements along axes.

    ``[...S] -> [...S]``. ONNX: Slice with step -1.
    """

    name: ClassVar[str] = "flip"
    formula: ClassVar[str] = "np.flip({x}, {axis})"
    operands: ClassVar[tuple[str, ...]] = ("x",)

    axis: tuple[int, ...]

    def seen_whole(self, operand: int, rank: int) -> frozenset[int]:
        del operand
        return frozenset(axis % rank for axis in self.axis)

    @classmethod
    def make(cls, types: Types, attributes: Arguments) -> Self:
        return cls(tuple(sorted({axis_of(types[0], a) for a in integers(attributes, "axis")})))

    def infer(self, *types: TensorType) -> Types:
        (x,) = types
        for axis in self.axis:
            axis_of(x, axis)
        return (x,)

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        return (np.flip(operands[0], self.axis).copy(),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        return (_reversed(b, operands[0], self.axis),)

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        del inputs, outputs
        (ct,) = terms(b, *cts)
        return (ct.to(self).value,)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        n, t = symbol("N"), symbol("T")
        return [
            sample(cls((0,)), 3, 2),
            sample(cls((1, 2)), 2, 3, 4),
            Sample(cls((1,)), (TensorType(F32, (n, t, 3)),), sizes={"N": 2, "T": 5}),
        ]


@register
class Every(Primitive, frozen=True):
    """Select every ``by``-th slice along an axis, from the first one.

    ``[N, T] -> [N, ceil(T / by)]``. ONNX: Slice.
    """

    name: ClassVar[str] = "every"
    operands: ClassVar[tuple[str, ...]] = ("x",)

    by: int
    axis: int

    @classmethod
    def make(cls, types: Types, attributes: Arguments) -> Self:
        return cls(integer(attributes, "by"), axis_of(types[0], integer(attributes, "axis")))

    def infer(self, *types: TensorType) -> Types:
        (x,) = types
        if self.by < 1:
            raise rejected("by", "must be 1 or more", self.by)
        axis = axis_of(x, self.axis)
        kept = (x.shape[axis] + self.by - 1) // self.by
        return (x.with_shape(*x.shape[:axis], kept, *x.shape[axis + 1 :]),)

    def axis_window(self, axis: int, *types: TensorType) -> AxisWindow | None:
        del types
        return AxisWindow(1, self.by) if axis == self.axis else None

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        (x,) = operands
        return (np.array(x[(slice(None),) * self.axis + (slice(None, None, self.by),)]),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        (x,) = operands
        start, end = b.axes([0]), b.axes([np.iinfo(np.int64).max])
        return (b.add("Slice", x, start, end, b.axes([self.axis]), b.axes([self.by])),)

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        shape = inputs[0].type.shape
        (ct,) = terms(b, *cts)
        # Insert zeros after each number, and cut off those past the end.
        spread = ct.unsqueeze(self.axis + 1).surround(self.axis + 1, 0, self.by - 1)
        kept = outputs[0].type.shape[self.axis] * self.by
        whole = spread.reshape((*shape[: self.axis], kept, *shape[self.axis + 1 :]))
        return (whole.part(self.axis, 0, shape[self.axis]).value,)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        n, t = symbol("N"), symbol("T")
        symbolic = TensorType(F32, (n, t, 3))
        return [
            sample(cls(2, 0), 4, 2),
            sample(cls(2, 1), 2, 5, 3),
            sample(cls(3, 2), 1, 2, 8),
            sample(cls(5, 0), 3),
            sample(cls(1, 0), 3),
            Sample(cls(2, 1), (symbolic,), sizes={"N": 2, "T": 5}),
            Sample(cls(3, 0), (symbolic,), sizes={"N": 6, "T": 2}),
        ]


@register
class ReverseTime(Primitive, frozen=True):
    """Reverse the time axis; with lengths, only the part of each sequence that is not padding.

    ``x [N, T, ...S], length [N] -> [N, T, ...S]``. ONNX: Slice with step -1, ReverseSequence.
    """

    name: ClassVar[str] = "reverse_time"
    operands: ClassVar[tuple[str, ...]] = ("x", "length*")

    def infer(self, *types: TensorType) -> Types:
        x, *length = types
        if x.rank < 2:
            raise OperandError("time is axis 1, and this has none", operand=0, label=f"this is {x}")
        for given in length:
            if given != TensorType(I64, x.shape[:1]):
                raise OperandError(
                    f"`length` must be i64[{x.shape[0]}]: one number per row",
                    operand=1,
                    label=f"this is {given}",
                )
        return (x,)

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        x, *length = operands
        if not length:
            return (np.flip(x, 1).copy(),)
        time = np.arange(int(x.shape[1]))[None, :]
        last: Array = length[0][:, None]
        indices: Array = np.where(time < last, last - 1 - time, time)
        return (x[np.arange(x.shape[0])[:, None], indices],)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        if len(operands) == 1:
            return (_reversed(b, operands[0], (1,)),)
        return (b.add("ReverseSequence", *operands, batch_axis=0, time_axis=1),)

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        del outputs
        ct, *length = terms(b, *cts, *inputs[1:])
        return ct.to(self, *length).value, *(None for _ in length)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        n, t = symbol("N"), symbol("T")
        symbolic = (TensorType(F32, (n, t, 3)), TensorType(I64, (n,)))
        return [
            sample(cls(), 2, 4, 3),
            Sample(cls(), (TensorType(F32, (4, 5)), TensorType(I64, (4,))), low=1, high=6),
            Sample(cls(), symbolic, low=1, high=5, sizes={"N": 3, "T": 4}),
        ]


def _reversed(b: OnnxBuilder, x: Operand, axes: Sequence[int]) -> str:
    count = len(axes)
    starts, ends, steps = [-1] * count, [_BEFORE_FIRST] * count, [-1] * count
    return b.add("Slice", x, b.axes(starts), b.axes(ends), b.axes(axes), b.axes(steps))
