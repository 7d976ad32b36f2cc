"""Transposition, and axes of size 1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

from netlang.diagnostics import rules
from netlang.ir.dims import Shape, symbol
from netlang.ir.graph import Builder, Cotangents, Values
from netlang.ir.op import OnnxBuilder, Operand, OperandError, Primitive, Sample, register
from netlang.ir.types import TensorType, Types
from netlang.ops.arguments import Arguments, axis_of, integer, integers, new_axis
from netlang.ops.axes import without
from netlang.ops.samples import f32, sample
from netlang.ops.shaping.shape import View
from netlang.ops.terms import terms
from netlang.system.numpy import Array, np


@register
class Transpose(Primitive, frozen=True):
    """Permute the axes; without an order, transpose a matrix.

    ``[A, B, C] -> [C, A, B]`` with the order 2, 0, 1. ONNX: Transpose.
    """

    name: ClassVar[str] = "transpose"
    formula: ClassVar[str] = "{x}.transpose({order})"
    operands: ClassVar[tuple[str, ...]] = ("x",)

    order: tuple[int, ...]

    def moved(self, axis: int, source: Shape, target: Shape) -> int | None:
        del source, target
        return self.order.index(axis)

    @classmethod
    def make(cls, types: Types, attributes: Arguments) -> Self:
        (x,) = types
        given = integers(attributes, "order") if attributes.get("order") is not None else ()
        if not given and x.rank > 2:
            raise _unordered(x)
        order = tuple(axis_of(x, axis) for axis in given)
        return cls(order or tuple(reversed(range(x.rank))))

    def infer(self, *types: TensorType) -> Types:
        (x,) = types
        if sorted(self.order) != list(range(x.rank)):
            raise OperandError(
                "the order must name each axis once",
                rule=rules.AXIS_OUT_OF_RANGE,
                operand=0,
                label=f"this is {x}",
                notes=[f"the order is {list(self.order)}, the axes are {list(range(x.rank))}"],
            )
        return (x.with_shape(*(x.shape[axis] for axis in self.order)),)

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        return (operands[0].transpose(self.order),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        return (b.add("Transpose", *operands, perm=list(self.order)),)

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        del inputs, outputs
        (ct,) = terms(b, *cts)
        return (ct.transpose([self.order.index(axis) for axis in range(ct.rank)]).value,)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        symbolic = f32(symbol("N"), 3, symbol("H"), 5)
        return [
            sample(cls((1, 0)), 2, 3),
            sample(cls((2, 0, 1)), 2, 3, 4),
            Sample(cls((0, 2, 3, 1)), (symbolic,), sizes={"N": 2, "H": 4}),
        ]


@register
class Squeeze(View, frozen=True):
    """Remove axes of size 1.

    ``[N, 1, D] -> [N, D]`` with axis 1. ONNX: Squeeze.
    """

    name: ClassVar[str] = "squeeze"
    formula: ClassVar[str] = "np.squeeze({x}, axis={axis})"

    axis: tuple[int, ...]

    def moved(self, axis: int, source: Shape, target: Shape) -> int | None:
        del target
        return without(axis, frozenset(gone % len(source) for gone in self.axis))

    @classmethod
    def make(cls, types: Types, attributes: Arguments) -> Self:
        return cls(tuple(sorted({axis_of(types[0], a) for a in integers(attributes, "axis")})))

    def infer(self, *types: TensorType) -> Types:
        (x,) = types
        dropped = {axis_of(x, axis) for axis in self.axis}
        for axis in sorted(dropped):
            if x.shape[axis] != 1:
                raise OperandError(
                    f"axis {axis} can't be dropped: its size is {x.shape[axis]}, not 1",
                    operand=0,
                    label=f"this is {x}",
                    helps=[_droppable(x)],
                )
        return (x.with_shape(*(n for i, n in enumerate(x.shape) if i not in dropped)),)

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        return (np.squeeze(operands[0], axis=self.axis),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        return (b.add("Squeeze", *operands, b.axes(self.axis)),)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        return [
            sample(cls((1,)), 2, 1, 3),
            sample(cls((0, -1)), 1, 3, 1),
            Sample(cls((-1,)), (f32(symbol("N"), 1),), sizes={"N": 2}),
        ]


@register
class Unsqueeze(View, frozen=True):
    """Insert an axis of size 1.

    ``[N, D] -> [N, 1, D]`` with axis 1. ONNX: Unsqueeze.
    """

    name: ClassVar[str] = "unsqueeze"
    formula: ClassVar[str] = "np.expand_dims({x}, {axis})"

    axis: int

    def moved(self, axis: int, source: Shape, target: Shape) -> int | None:
        del target
        return axis + (axis >= self.axis % (len(source) + 1))

    @classmethod
    def make(cls, types: Types, attributes: Arguments) -> Self:
        return cls(new_axis(integer(attributes, "axis"), types[0]))

    def infer(self, *types: TensorType) -> Types:
        (x,) = types
        axis = new_axis(self.axis, x)
        return (x.with_shape(*x.shape[:axis], 1, *x.shape[axis:]),)

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        return (np.expand_dims(operands[0], self.axis),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        return (b.add("Unsqueeze", *operands, b.axes((self.axis,))),)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        return [
            sample(cls(1), 2, 3),
            sample(cls(-1), 2, 3),
            sample(cls(0)),
            Sample(cls(2), (f32(symbol("N"), 3),), sizes={"N": 2}),
        ]


def _unordered(x: TensorType) -> OperandError:
    """Return the error for a batch of matrices: NumPy would reverse all axes, the batch too."""
    axes = list(range(x.rank))
    swapped = [*axes[:-2], axes[-1], axes[-2]]
    helps = ["to swap the last two axes, write `{call}`"]
    if x.rank > 3:
        helps.append(f"to bring the channels from last to second: {[0, axes[-1], *axes[1:-1]]}")
    return OperandError(
        f"`transpose` needs an order of the {x.rank} axes",
        rule=rules.MISSING_ARGUMENT,
        operand=0,
        label=f"this is {x}",
        notes=(f"without one, it would reverse all axes, the batch too: {axes[::-1]}",),
        helps=helps,
        arguments={"order": str(swapped)},
    )


def _droppable(x: TensorType) -> str:
    axes = [str(i) for i, n in enumerate(x.shape) if n == 1]
    if not axes:
        return "no axis has size 1; select an index along an axis: `x[:, 0]`"
    return f"of size 1: axis {', '.join(axes)}"
