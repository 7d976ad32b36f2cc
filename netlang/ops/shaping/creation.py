"""Tensors created from sizes, numbers and class indices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

from netlang.ir.arrays import numpy_dtype
from netlang.ir.dims import Dim, Shape, Size, symbol
from netlang.ir.op import OnnxBuilder, Operand, Primitive, Sample, register
from netlang.ir.types import BOOL, F32, I64, DType, TensorType, Types
from netlang.ops.arguments import (
    Arguments,
    dtype,
    number,
    rejected,
    size,
    sizes,
)
from netlang.ops.checks import require_integer
from netlang.system.numpy import Array, np


@register
class Iota(Primitive, frozen=True):
    """Return the integers from 0 to n - 1: ``i64[n]``. ONNX: Range."""

    name: ClassVar[str] = "iota"
    formula: ClassVar[str] = "np.arange({n})"
    operands: ClassVar[tuple[str, ...]] = ()
    no_gradient: ClassVar[str] = "it depends on no tensor"

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
class Full(Primitive, frozen=True):
    """Return a tensor filled with one number. ONNX: Expand."""

    name: ClassVar[str] = "full"
    formula: ClassVar[str] = "np.full({shape}, {value}, {dtype})"
    operands: ClassVar[tuple[str, ...]] = ()
    no_gradient: ClassVar[str] = "it depends on no tensor"

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
class Measure(Primitive, frozen=True):
    """Return a size as a tensor of rank 0, such as the length of a sequence. ONNX: Shape."""

    name: ClassVar[str] = "measure"
    formula: ClassVar[str] = "{dtype}({size})"
    operands: ClassVar[tuple[str, ...]] = ()
    no_gradient: ClassVar[str] = "it depends on a size alone"
    size: Size
    dtype: DType = F32

    def infer(self, *types: TensorType) -> Types:
        del types
        return (TensorType(self.dtype, ()),)

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        del operands
        return (np.asarray(self.size, dtype=numpy_dtype(self.dtype)),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        del operands
        whole = b.add("Squeeze", b.shape((self.size,)), b.axes([0]))
        return (whole if self.dtype is I64 else b.add("Cast", whole, to=self.dtype),)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        return [Sample(cls(3), ()), Sample(cls(7, I64), ())]


@register
class OneHot(Primitive, frozen=True):
    """Encode class indices as rows with a single 1; an index out of range becomes a row of zeros.

    ``ids [...S] -> [...S, classes]``. ONNX: Equal, Cast.
    """

    name: ClassVar[str] = "one_hot"
    operands: ClassVar[tuple[str, ...]] = ("ids",)
    no_gradient: ClassVar[str] = "its operand is an integer"

    classes: Size
    dtype: DType = F32

    @classmethod
    def make(cls, types: Types, attributes: Arguments) -> Self:
        del types
        return cls(size(attributes, "classes"), dtype(attributes, "dtype", F32))

    def infer(self, *types: TensorType) -> Types:
        (ids,) = types
        require_integer("one_hot", ids, help="class indices are integers: `cast({0}, i64)`")
        return (TensorType(self.dtype, (*ids.shape, _positive(self.classes, "classes"))),)

    def indexed(self, *types: TensorType) -> tuple[int, Size]:
        del types
        return 0, self.classes

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        (ids,) = operands
        classes = np.arange(_fixed(self.classes))
        return ((ids[..., None] == classes).astype(numpy_dtype(self.dtype)),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        (ids,) = operands
        wide: Operand | str = ids
        if ids.type.dtype is not I64:
            wide = b.add("Cast", ids, to=I64)
        as_column = b.add("Unsqueeze", wide, b.axes((-1,)))
        hit = b.add("Equal", as_column, _count(b, self.classes))
        return (b.add("Cast", hit, to=self.dtype),)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        ids = TensorType(I64, (symbol("N"), 3))
        return [
            Sample(cls(4), (TensorType(I64, (5,)),), low=0, high=4),
            Sample(cls(3, I64), (TensorType(DType.I32, (2, 3)),), low=-1, high=4),
            Sample(cls(4), (ids,), low=0, high=4, sizes={"N": 2}),
        ]


def _positive(given: Size, name: str) -> Size:
    if isinstance(given, int) and given < 0:
        raise rejected(name, "must be 0 or more", given)
    return given


def _fixed(given: Size) -> int:
    assert not isinstance(given, Dim)
    return given


def _count(b: OnnxBuilder, n: Size) -> str:
    """Return the name of the integers from 0 to ``n - 1``."""
    if isinstance(n, int):
        limit = b.constant(n, I64)
    else:
        limit = b.add("Squeeze", b.shape((n,)), b.axes((0,)))
    return b.add("Range", b.constant(0, I64), limit, b.constant(1, I64))
