"""Reshaping."""

from __future__ import annotations

from abc import ABC
from collections.abc import Sequence
from math import gcd
from typing import ClassVar, Self

from netlang.diagnostics import rules
from netlang.ir.dims import Shape, Size, exact_quotient, product, substitute, symbol
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
from netlang.ir.types import TensorType, Types
from netlang.ops.arguments import Arguments, axis_of, integer, rejected, sizes
from netlang.ops.axes import aligned, outer, ratio
from netlang.ops.clauses import Sizes, where_help
from netlang.ops.samples import f32, sample
from netlang.ops.terms import terms
from netlang.system.numpy import Array, np


class View(Primitive, ABC, frozen=True):
    """Return the elements in the same order, in another shape."""

    operands: ClassVar[tuple[str, ...]] = ("x",)
    view = True
    retypes = True

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        del outputs
        (ct,) = terms(b, *cts)
        return (ct.reshape(inputs[0].type.shape).value,)


@register
class Flatten(View, frozen=True):
    """Merge the axes from ``start`` to ``end`` into one.

    ``[N, C, H, W] -> [N, C*H*W]`` with ``start`` 1. ONNX: Flatten, Reshape.
    """

    name: ClassVar[str] = "flatten"

    start: int = 1
    end: int = -1

    def moved(self, axis: int, source: Shape, target: Shape) -> int | None:
        return aligned(source, axis, target)

    @classmethod
    def make(cls, types: Types, attributes: Arguments) -> Self:
        (x,) = types
        start = axis_of(x, integer(attributes, "start", 1))
        end = axis_of(x, integer(attributes, "end", -1))
        if end < start:
            raise OperandError(
                f"the axes from {start} to {end} are none",
                rule=rules.AXIS_OUT_OF_RANGE,
                operand=0,
                label=f"this is {x}",
                helps=["`start` is the first axis to join and `end` the last"],
            )
        return cls(start, end - x.rank)

    def infer(self, *types: TensorType) -> Types:
        (x,) = types
        start, stop = axis_of(x, self.start), axis_of(x, self.end) + 1
        joined = product(x.shape[start:stop])
        return (x.with_shape(*x.shape[:start], joined, *x.shape[stop:]),)

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        (x,) = operands
        start, stop = self.start % x.ndim, self.end % x.ndim + 1
        joined = int(np.prod(x.shape[start:stop]))
        return (x.reshape(*x.shape[:start], joined, *x.shape[stop:]),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        (x,) = operands
        if self.start == 1 and self.end % x.type.rank == x.type.rank - 1:
            return (b.add("Flatten", x, axis=1),)
        (y,) = self.infer(x.type)
        return (b.add("Reshape", x, b.shape(y.shape, like=x)),)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        n, h = symbol("N"), symbol("H")
        return [
            sample(cls(), 2, 3, 4, 5),
            sample(cls(2), 2, 3, 4, 5),
            sample(cls(1, -2), 2, 3, 4, 5),
            sample(cls(0), 2, 3),
            sample(cls(), 2, 3),
            sample(cls(-2), 2, 3, 4),
            Sample(cls(), (f32(n, 3, h, h),), sizes={"N": 2, "H": 4}),
            Sample(cls(2), (f32(n, 3, h, 5),), sizes={"N": 2, "H": 4}),
            Sample(cls(1, -2), (f32(n, 3, h, 5),), sizes={"N": 2, "H": 4}),
            Sample(cls(0), (f32(n, 3, h),), sizes={"N": 2, "H": 4}),
        ]


@register
class Reshape(View, frozen=True):
    """Return the elements in another shape, in the same order.

    One size may be -1: it is inferred. ``[N, 12] -> [N, 3, 4]``. ONNX: Reshape.
    """

    name: ClassVar[str] = "reshape"
    formula: ClassVar[str] = "{x}.reshape({shape})"

    shape: Shape

    def moved(self, axis: int, source: Shape, target: Shape) -> int | None:
        same = aligned(source, axis, target)
        return outer(source, axis, target) if same is None else same

    def axis_window(self, axis: int, *types: TensorType) -> AxisWindow | None:
        source, target = types[0].shape, self.infer(*types)[0].shape
        at = outer(source, axis, target)
        if at is None or aligned(source, axis, target) is not None:
            return None
        stride = ratio(source[axis], target[at])
        return None if stride is None else AxisWindow(max(1, int(stride)), stride)

    @classmethod
    def make(cls, types: Types, attributes: Arguments) -> Self:
        del types
        return cls(sizes(attributes, "shape"))

    def infer(self, *types: TensorType) -> Types:
        (x,) = types
        for size in self.shape:
            if isinstance(size, int) and size < -1:
                raise rejected("shape", "must hold sizes, or one -1", size)
        open_axes = [i for i, size in enumerate(self.shape) if size == -1]
        if len(open_axes) > 1:
            raise OperandError(
                "only one size can be left open",
                rule=rules.RESHAPE_MISMATCH,
                label="-1 stands here more than once",
                helps=["write all sizes but one"],
            )
        if not open_axes:
            if product(self.shape) != x.size:
                raise _misfit(x, self.shape)
            return (x.with_shape(*self.shape),)
        (axis,) = open_axes
        if product(_known(self.shape)) == 0:
            raise OperandError(
                "no size can be left open next to a size of 0",
                rule=rules.RESHAPE_MISMATCH,
                helps=["write all sizes"],
            )
        rest = exact_quotient(x.size, product(_known(self.shape)))
        if rest is None:
            raise _misfit(x, self.shape)
        return (x.with_shape(*self.shape[:axis], rest, *self.shape[axis + 1 :]),)

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        (x,) = operands
        return (x.reshape(tuple(int(str(n)) for n in self.shape)),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        (x,) = operands
        (y,) = self.infer(x.type)
        return (b.add("Reshape", x, b.shape(y.shape, like=x)),)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        n, t, d = symbol("N"), symbol("T"), symbol("D", 4)
        fixed = {"N": 2, "T": 3, "D": 8}
        return [
            sample(cls((2, 3, 4)), 2, 12),
            sample(cls((4, -1)), 2, 6),
            sample(cls((24,)), 2, 3, 4),
            sample(cls(()), 1, 1),
            Sample(cls((n, 4, 3)), (f32(n, 12),), sizes=fixed),
            Sample(cls((n, t, 4, d // 4)), (f32(n, t, d),), sizes=fixed),
            Sample(cls((n, -1, 4)), (f32(n, t, d),), sizes=fixed),
            Sample(cls((t * n, d)), (f32(n, t, d),), sizes=fixed),
        ]


def _known(shape: Shape) -> list[Size]:
    return [size for size in shape if size != -1]


def _misfit(x: TensorType, shape: Shape) -> OperandError:
    """Return the error for a shape with another number of elements, without common factors."""
    known, open_size = _known(shape), -1 in shape
    have, want = list(x.shape), list(known)
    for size in known:
        if size in have:
            have.remove(size)
            want.remove(size)
    a, b = product(have), product(want)
    if isinstance(a, int) and isinstance(b, int) and b and open_size:
        common = gcd(a, b)
        a, b = a // common, b // common
    target = f"[{', '.join(map(str, shape))}]"
    reason = f"{a} doesn't divide by {b}" if open_size else f"{a} isn't {_written(want)}"

    def fits(values: Sizes) -> bool:
        total = substitute(x.size, values)
        filled = product(substitute(size, values) for size in known)
        return exact_quotient(total, filled) is not None if open_size else total == filled

    return OperandError(
        f"this can't be reshaped to {target}: {reason}",
        rule=rules.RESHAPE_MISMATCH,
        operand=0,
        label=f"this is {x}",
        notes=[f"it has {x.size} elements"],
        helps=where_help([*x.shape, *shape], fits) or _repaired(x, shape),
    )


def _written(factors: Sequence[Size]) -> str:
    total = product(factors)
    if len(factors) < 2:
        return str(total)
    texts = (str(n) for n in factors)
    written = "*".join(f"({text})" if set(text) & set("+/ ") else text for text in texts)
    return written if written == str(total) else f"{written} = {total}"


def _repaired(x: TensorType, shape: Shape) -> list[str]:
    """Propose the shape with one size changed, preferably a late one."""
    for axis in range(len(shape) - 1, -1, -1):
        others = [n for i, n in enumerate(shape) if i != axis]
        if -1 in others:
            continue
        size = exact_quotient(x.size, product(others))
        if size is not None:
            fitting = (*shape[:axis], size, *shape[axis + 1 :])
            return [f"`[{', '.join(map(str, fitting))}]` would fit"]
    return []
