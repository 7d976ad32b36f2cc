"""Element-wise comparison and logic."""

from __future__ import annotations

from abc import ABC
from collections.abc import Sequence
from typing import ClassVar

from netlang.ir.dims import symbol
from netlang.ir.op import OnnxBuilder, Operand, Primitive, Sample, register
from netlang.ir.types import BOOL, F32, I64, DType, TensorType, Types
from netlang.ops.checks import require_bool
from netlang.ops.elementwise.arithmetic import Binary, pairs
from netlang.ops.elementwise.unary import Unary
from netlang.system.numpy import Array, np

N = symbol("N")


class Comparison(Binary, ABC, frozen=True):
    """Compare two tensors element by element."""

    no_gradient = "its result is true or false"

    def result(self, dtype: DType) -> DType:
        del dtype
        return BOOL


@register
class Equal(Comparison, frozen=True):
    """Return whether elements are equal.

    ``i64[2, 3], i64[3] -> bool[2, 3]``. Source: ONNX Equal.
    """

    name = "equal"
    sign = "=="
    numpy_name = "equal"
    onnx_name = "Equal"

    def check(self, a: TensorType, b: TensorType) -> None:
        del a, b

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        return [
            Sample(cls(), pairs(I64)[0], low=0, high=2),
            Sample(cls(), pairs(BOOL)[3]),
            Sample(cls(), pairs(F32)[-1], sizes={"N": 4}),
            Sample(cls(), pairs(I64)[-2], low=0, high=2),
        ]


@register
class NotEqual(Comparison, frozen=True):
    """Return whether elements differ.

    ``i64[2, 3], i64[3] -> bool[2, 3]``.
    """

    name = "not_equal"
    sign = "!="
    numpy_name = "not_equal"

    def check(self, a: TensorType, b: TensorType) -> None:
        del a, b

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        return (b.add("Not", b.add("Equal", *operands)),)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        return [Sample(cls(), s.types, s.low, s.high, s.sizes) for s in Equal.samples()]


@register
class Less(Comparison, frozen=True):
    """Return whether elements of the first tensor are less than those of the second.

    ``f32[2, 3], f32[3] -> bool[2, 3]``. Source: ONNX Less.
    """

    name = "less"
    sign = "<"
    numpy_name = "less"
    onnx_name = "Less"


@register
class LessEqual(Comparison, frozen=True):
    """Return whether elements of the first tensor are at most those of the second.

    ``f32[2, 3], f32[3] -> bool[2, 3]``. Source: ONNX LessOrEqual.
    """

    name = "less_equal"
    sign = "<="
    numpy_name = "less_equal"
    onnx_name = "LessOrEqual"


@register
class Greater(Comparison, frozen=True):
    """Return whether elements of the first tensor are greater than those of the second.

    ``f32[2, 3], f32[3] -> bool[2, 3]``. Source: ONNX Greater.
    """

    name = "greater"
    sign = ">"
    numpy_name = "greater"
    onnx_name = "Greater"


@register
class GreaterEqual(Comparison, frozen=True):
    """Return whether elements of the first tensor are at least those of the second.

    ``f32[2, 3], f32[3] -> bool[2, 3]``. Source: ONNX GreaterOrEqual.
    """

    name = "greater_equal"
    sign = ">="
    numpy_name = "greater_equal"
    onnx_name = "GreaterOrEqual"


class Predicate(Unary, ABC, frozen=True):
    """Test each element of a floating-point tensor."""

    no_gradient = "its result is true or false"

    def infer(self, *types: TensorType) -> Types:
        (x,) = Unary.infer(self, *types)
        return (TensorType(BOOL, x.shape),)


@register
class IsNan(Predicate, frozen=True):
    """Return whether elements are NaN.

    ``f32[...S] -> bool[...S]``. Source: ONNX IsNaN.
    """

    name = "is_nan"
    numpy_name = "isnan"
    onnx_name = "IsNaN"


@register
class IsInf(Predicate, frozen=True):
    """Return whether elements are positive or negative infinity.

    ``f32[...S] -> bool[...S]``. Source: ONNX IsInf.
    """

    name = "is_inf"
    numpy_name = "isinf"
    onnx_name = "IsInf"


class Logical(Binary, ABC, frozen=True):
    """Combine two tensors of Booleans element by element."""

    no_gradient = "its result is true or false"
    formula = "np.{numpy_name}({a}, {b})"

    def check(self, a: TensorType, b: TensorType) -> None:
        require_bool(self.sign, a, b)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        return [Sample(cls(), types, sizes={"N": 4}) for types in pairs(BOOL)]


@register
class LogicalAnd(Logical, frozen=True):
    """Return whether both elements are true.

    ``bool[2, 3], bool[3] -> bool[2, 3]``. Source: ONNX And.
    """

    name = "logical_and"
    sign = "and"
    numpy_name = "logical_and"
    onnx_name = "And"


@register
class LogicalOr(Logical, frozen=True):
    """Return whether at least one of two elements is true.

    ``bool[2, 3], bool[3] -> bool[2, 3]``. Source: ONNX Or.
    """

    name = "logical_or"
    sign = "or"
    numpy_name = "logical_or"
    onnx_name = "Or"


@register
class LogicalXor(Logical, frozen=True):
    """Return whether exactly one of two elements is true.

    ``bool[2, 3], bool[3] -> bool[2, 3]``. Source: ONNX Xor.
    """

    name = "logical_xor"
    sign = "logical_xor"
    numpy_name = "logical_xor"
    onnx_name = "Xor"


@register
class LogicalNot(Primitive, frozen=True):
    """Negate each element.

    ``bool[...S] -> bool[...S]``. Source: ONNX Not.
    """

    name: ClassVar[str] = "logical_not"
    formula: ClassVar[str] = "~{x}"
    pointwise = True
    operands: ClassVar[tuple[str, ...]] = ("x",)
    no_gradient: ClassVar[str] = "its result is true or false"

    def infer(self, *types: TensorType) -> Types:
        (x,) = types
        require_bool("not", x)
        return (x,)

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        (x,) = operands
        return (np.asarray(np.logical_not(x)),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        return (b.add("Not", *operands),)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        return [
            Sample(cls(), (TensorType(BOOL, shape),), sizes={"N": 3})
            for shape in ((2, 3), (), (N, 1))
        ]
