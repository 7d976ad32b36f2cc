"""Tensors made from nothing, and orders of what is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from netlang.arrays import numpy_dtype
from netlang.ir.dims import Dim, Shape, Size, symbol
from netlang.ir.op import OnnxBuilder, Operand, Primitive, Sample, TypeRefused, register
from netlang.ir.types import BOOL, F32, I64, DType, TensorType, Types
from netlang.numeric import Array, np
from netlang.ops.arguments import (
    Arguments,
    axis_of,
    dtype,
    integer,
    number,
    refused,
    size,
    sizes,
)
from netlang.ops.checks import require_integer, require_number


@register
@dataclass(frozen=True, slots=True)
class Iota(Primitive):
    """Count from 0: ``i64[n]``. ONNX: Range."""

    name: ClassVar[str] = "iota"
    operands: ClassVar[tuple[str, ...]] = ()

    n: Size

    @classmethod
    def make(cls, types: Types, attributes: Arguments) -> Self:
        del types
        return cls(size(attributes, "n"))

    def infer(self, *types: TensorType) -> Types:
        del types
        return (TensorType(I64, (_positive(self.n, "n"),)),)

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        del operands
        return (np.arange(_fixed(self.n), dtype=np.int64),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        del operands
        return (_count(b, self.n),)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        return [Sample(cls(5), ()), Sample(cls(symbol("T")), (), sizes={"T": 4})]


@register
@dataclass(frozen=True, slots=True)
class Full(Primitive):
    """Fill a tensor with one number. ONNX: Expand."""

    name: ClassVar[str] = "full"
    operands: ClassVar[tuple[str, ...]] = ()

    shape: Shape
    value: float
    dtype: DType = F32

    @classmethod
    def make(cls, types: Types, attributes: Arguments) -> Self:
        del types
        shape, value = sizes(attributes, "shape"), number(attributes, "value")
        return cls(shape, value, dtype(attributes, "dtype", F32))

    def infer(self, *types: TensorType) -> Types:
        del types
        return (TensorType(self.dtype, tuple(_positive(n, "shape") for n in self.shape)),)

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        del operands
        shape = tuple(_fixed(n) for n in self.shape)
        return (np.full(shape, self.value, dtype=numpy_dtype(self.dtype)),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        del operands
        value = b.constant(self.value, self.dtype)
        return (b.add("Expand", value, b.shape(self.shape)) if self.shape else value,)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        n = symbol("N")
        return [
            Sample(cls((2, 3), 1.5), ()),
            Sample(cls((2,), 3.0, I64), ()),
            Sample(cls((2,), 1.0, BOOL), ()),
            Sample(cls((n, 2), -0.25), (), sizes={"N": 3}),
        ]


@register
@dataclass(frozen=True, slots=True)
class OneHot(Primitive):
    """Turn class numbers into rows with a single 1; a number that is no class gives a row of 0.

    ``ids [...S] -> [...S, classes]``. ONNX: Equal, Cast.
    """

    name: ClassVar[str] = "one_hot"
    operands: ClassVar[tuple[str, ...]] = ("ids",)

    classes: Size
    dtype: DType = F32

    @classmethod
    def make(cls, types: Types, attributes: Arguments) -> Self:
        del types
        return cls(size(attributes, "classes"), dtype(attributes, "dtype", F32))

    def infer(self, *types: TensorType) -> Types:
        (ids,) = types
        require_integer("one_hot", ids, help="class numbers are whole: `cast({0}, i64)`")
        return (TensorType(self.dtype, (*ids.shape, _positive(self.classes, "classes"))),)

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        (ids,) = operands
        places = np.arange(_fixed(self.classes))
        return ((ids[..., None] == places).astype(numpy_dtype(self.dtype)),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        (ids,) = operands
        wide: Operand | str = ids
        if ids.type.dtype is not I64:
            wide = b.add("Cast", ids, to=I64)
        column = b.add("Unsqueeze", wide, b.axes((-1,)))
        hit = b.add("Equal", column, _count(b, self.classes))
        return (b.add("Cast", hit, to=self.dtype),)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        ids = TensorType(I64, (symbol("N"), 3))
        return [
            Sample(cls(4), (TensorType(I64, (5,)),), low=0, high=4),
            Sample(cls(3, I64), (TensorType(DType.I32, (2, 3)),), low=-1, high=4),
            Sample(cls(4), (ids,), low=0, high=4, sizes={"N": 2}),
        ]


@register
@dataclass(frozen=True, slots=True)
class TopK(Primitive):
    """Give the ``k`` largest elements along an axis, largest first, and their places.

    ``[N, D] -> [N, k], i64[N, k]``; of equal elements the first one comes first. ONNX: TopK.
    """

    name: ClassVar[str] = "top_k"
    operands: ClassVar[tuple[str, ...]] = ("x",)

    k: int
    axis: int = -1

    @classmethod
    def make(cls, types: Types, attributes: Arguments) -> Self:
        axis = axis_of(types[0], integer(attributes, "axis", -1))
        return cls(integer(attributes, "k"), axis)

    def infer(self, *types: TensorType) -> Types:
        (x,) = types
        require_number("top_k", x)
        axis = axis_of(x, self.axis)
        have = x.shape[axis]
        if self.k < 1:
            raise refused("k", "must be 1 or more", self.k)
        if isinstance(have, int) and self.k > have:
            raise TypeRefused(
                f"there are no {self.k} elements to choose from",
                rule="out-of-range",
                operand=0,
                label=f"axis {axis} of {x} is {have} long",
            )
        shape = (*x.shape[:axis], self.k, *x.shape[axis + 1 :])
        return x.with_shape(*shape), TensorType(I64, shape)

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        (x,) = operands
        # Sorted backwards so that the stable order keeps the first of equal elements first.
        order = np.argsort(np.flip(x, self.axis), axis=self.axis, kind="stable")
        order = x.shape[self.axis] - 1 - np.flip(order, self.axis)
        places = np.take(order, np.arange(self.k), axis=self.axis).astype(np.int64)
        return np.take_along_axis(x, places, axis=self.axis), places

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        return b.add_many("TopK", *operands, b.axes((self.k,)), outputs=2, axis=self.axis)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        return [
            Sample(cls(2), (TensorType(F32, (3, 5)),)),
            Sample(cls(3, 0), (TensorType(I64, (6, 2)),), low=0, high=3),
            Sample(cls(1, 1), (TensorType(F32, (symbol("N"), 4, 2)),), sizes={"N": 2}),
        ]


def _positive(given: Size, name: str) -> Size:
    if isinstance(given, int) and given < 0:
        raise refused(name, "must be 0 or more", given)
    return given


def _fixed(given: Size) -> int:
    assert not isinstance(given, Dim)
    return given


def _count(b: OnnxBuilder, n: Size) -> str:
    """Name the numbers from 0 to ``n - 1``."""
    if isinstance(n, int):
        limit = b.constant(n, I64)
    else:
        limit = b.add("Squeeze", b.shape((n,)), b.axes((0,)))
    return b.add("Range", b.constant(0, I64), limit, b.constant(1, I64))
