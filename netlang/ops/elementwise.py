"""Arithmetic, comparison and logic, element by element."""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from netlang.arrays import numpy_dtype
from netlang.ir.dims import symbol
from netlang.ir.op import OnnxBuilder, Operand, Primitive, Sample, TypeRefused, register
from netlang.ir.types import BOOL, F32, I64, DType, TensorType, Types
from netlang.numeric import Array, np
from netlang.ops import arguments
from netlang.ops.checks import (
    broadcast,
    require_bool,
    require_float,
    require_integer,
    require_number,
    require_same_dtype,
)
from netlang.ops.special import erf

N = symbol("N")


@dataclass(frozen=True)
class Binary(Primitive, ABC):
    """Two tensors, taken together by the broadcasting rule.

    Subclasses add no fields, so they need no decorator of their own: it would double the time it
    takes to import this module.
    """

    operands: ClassVar[tuple[str, ...]] = ("a", "b")
    sign: ClassVar[str]
    """How the operator is written, for messages."""
    numpy_name: ClassVar[str]
    onnx_name: ClassVar[str]

    def infer(self, *types: TensorType) -> Types:
        a, b = types
        self.check(a, b)
        require_same_dtype(a, b)
        return (TensorType(self.result(a.dtype), broadcast(a, b)),)

    def check(self, a: TensorType, b: TensorType) -> None:
        require_number(self.sign, a, b)

    def result(self, dtype: DType) -> DType:
        return dtype

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        a, b = operands
        return (np.asarray(_numpy(self.numpy_name)(a, b)),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        return (b.add(self.onnx_name, *operands),)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        return [Sample(cls(), types) for types in _pairs(F32)[:-1]] + [
            Sample(cls(), _pairs(F32)[-1], sizes={"N": 4}),
            Sample(cls(), (TensorType(I64, (2, 3)), TensorType(I64, (3,))), low=-9, high=9),
        ]


@register
class Add(Binary):
    """Add two tensors element by element.

    ``f32[2, 3], f32[3] -> f32[2, 3]``. Source: ONNX Add.
    """

    name = "add"
    sign = "+"
    numpy_name = "add"
    onnx_name = "Add"


@register
class Sub(Binary):
    """Subtract the second tensor from the first element by element.

    ``f32[2, 3], f32[3] -> f32[2, 3]``. Source: ONNX Sub.
    """

    name = "sub"
    sign = "-"
    numpy_name = "subtract"
    onnx_name = "Sub"


@register
class Mul(Binary):
    """Multiply two tensors element by element.

    ``f32[2, 3], f32[3] -> f32[2, 3]``. Source: ONNX Mul.
    """

    name = "mul"
    sign = "*"
    numpy_name = "multiply"
    onnx_name = "Mul"


@register
class Maximum(Binary):
    """Take the larger of two tensors element by element.

    ``f32[2, 3], f32[3] -> f32[2, 3]``. Source: ONNX Max.
    """

    name = "maximum"
    sign = "maximum"
    numpy_name = "maximum"
    onnx_name = "Max"


@register
class Minimum(Binary):
    """Take the smaller of two tensors element by element.

    ``f32[2, 3], f32[3] -> f32[2, 3]``. Source: ONNX Min.
    """

    name = "minimum"
    sign = "minimum"
    numpy_name = "minimum"
    onnx_name = "Min"


@register
class Div(Binary):
    """Divide floating-point tensors element by element.

    ``f32[2, 3], f32[3] -> f32[2, 3]``. Source: ONNX Div.
    """

    name = "div"
    sign = "/"
    numpy_name = "divide"
    onnx_name = "Div"

    def check(self, a: TensorType, b: TensorType) -> None:
        require_float(self.sign, a, b)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        return [Sample(cls(), types, low=0.5, high=3, sizes={"N": 4}) for types in _pairs(F32)]


@register
class Pow(Binary):
    """Raise the first tensor to the power of the second element by element.

    ``f32[2, 3], f32[] -> f32[2, 3]``. Source: ONNX Pow.
    """

    name = "pow"
    sign = "**"
    numpy_name = "power"
    onnx_name = "Pow"

    def check(self, a: TensorType, b: TensorType) -> None:
        require_float(self.sign, a, b)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        return [Sample(cls(), types, low=0.1, high=3, sizes={"N": 4}) for types in _pairs(F32)]


@register
class FloorDiv(Binary):
    """Divide integers and round towards minus infinity, as Python does.

    ``i64[2, 3], i64[] -> i64[2, 3]``.
    """

    name = "floor_div"
    sign = "//"
    numpy_name = "floor_divide"

    def check(self, a: TensorType, b: TensorType) -> None:
        require_integer(self.sign, a, b, help="for numbers with a point: `floor({0} / {1})`")

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        # ONNX divides towards zero; without the rest the division is exact either way.
        x, y = operands
        rest = b.add("Mod", x, y)
        return (b.add("Div", b.add("Sub", x, rest), y),)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        return [Sample(cls(), types, low=1, high=40, sizes={"N": 4}) for types in _pairs(I64)]


@register
class Mod(Binary):
    """Give the rest of an integer division; it has the sign of the divisor, as in Python.

    ``i64[2, 3], i64[] -> i64[2, 3]``. Source: ONNX Mod.
    """

    name = "mod"
    sign = "%"
    numpy_name = "remainder"
    onnx_name = "Mod"

    def check(self, a: TensorType, b: TensorType) -> None:
        require_integer(
            self.sign, a, b, help="for numbers with a point: `{0} - floor({0} / {1}) * {1}`"
        )

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        return [Sample(cls(), types, low=1, high=40, sizes={"N": 4}) for types in _pairs(I64)]


class Comparison(Binary, ABC):
    """Two tensors compared element by element."""

    def result(self, dtype: DType) -> DType:
        del dtype
        return BOOL


@register
class Equal(Comparison):
    """Tell where two tensors are equal.

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
            Sample(cls(), _pairs(I64)[0], low=0, high=2),
            Sample(cls(), _pairs(BOOL)[3]),
            Sample(cls(), _pairs(F32)[-1], sizes={"N": 4}),
            Sample(cls(), _pairs(I64)[-2], low=0, high=2),
        ]


@register
class NotEqual(Comparison):
    """Tell where two tensors differ.

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
class Less(Comparison):
    """Tell where the first tensor is below the second.

    ``f32[2, 3], f32[3] -> bool[2, 3]``. Source: ONNX Less.
    """

    name = "less"
    sign = "<"
    numpy_name = "less"
    onnx_name = "Less"


@register
class LessEqual(Comparison):
    """Tell where the first tensor is below the second or equal to it.

    ``f32[2, 3], f32[3] -> bool[2, 3]``. Source: ONNX LessOrEqual.
    """

    name = "less_equal"
    sign = "<="
    numpy_name = "less_equal"
    onnx_name = "LessOrEqual"


@register
class Greater(Comparison):
    """Tell where the first tensor is above the second.

    ``f32[2, 3], f32[3] -> bool[2, 3]``. Source: ONNX Greater.
    """

    name = "greater"
    sign = ">"
    numpy_name = "greater"
    onnx_name = "Greater"


@register
class GreaterEqual(Comparison):
    """Tell where the first tensor is above the second or equal to it.

    ``f32[2, 3], f32[3] -> bool[2, 3]``. Source: ONNX GreaterOrEqual.
    """

    name = "greater_equal"
    sign = ">="
    numpy_name = "greater_equal"
    onnx_name = "GreaterOrEqual"


class Logical(Binary, ABC):
    """Two tensors of truth values joined element by element."""

    def check(self, a: TensorType, b: TensorType) -> None:
        require_bool(self.sign, a, b)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        return [Sample(cls(), types, sizes={"N": 4}) for types in _pairs(BOOL)]


@register
class LogicalAnd(Logical):
    """Tell where both tensors are true.

    ``bool[2, 3], bool[3] -> bool[2, 3]``. Source: ONNX And.
    """

    name = "logical_and"
    sign = "and"
    numpy_name = "logical_and"
    onnx_name = "And"


@register
class LogicalOr(Logical):
    """Tell where at least one of two tensors is true.

    ``bool[2, 3], bool[3] -> bool[2, 3]``. Source: ONNX Or.
    """

    name = "logical_or"
    sign = "or"
    numpy_name = "logical_or"
    onnx_name = "Or"


@register
class LogicalXor(Logical):
    """Tell where exactly one of two tensors is true.

    ``bool[2, 3], bool[3] -> bool[2, 3]``. Source: ONNX Xor.
    """

    name = "logical_xor"
    sign = "logical_xor"
    numpy_name = "logical_xor"
    onnx_name = "Xor"


@register
@dataclass(frozen=True)
class Constant(Primitive):
    """Give one number; it goes with a tensor of any shape.

    ``-> f32[]``. Source: ONNX Constant.
    """

    name: ClassVar[str] = "constant"
    operands: ClassVar[tuple[str, ...]] = ()
    value: float | int | bool
    dtype: DType = F32

    def infer(self, *types: TensorType) -> Types:
        del types
        return (TensorType(self.dtype, ()),)

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        del operands
        return (np.asarray(self.value, dtype=numpy_dtype(self.dtype)),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        del operands
        return (b.constant(self.value, self.dtype),)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        return [Sample(cls(0.1), ()), Sample(cls(-3, I64), ()), Sample(cls(True, BOOL), ())]


@register
@dataclass(frozen=True)
class Select(Primitive):
    """Take elements of ``yes`` where the mask is true and of ``no`` elsewhere.

    ``bool[T, T], f32[N, T, T], f32[] -> f32[N, T, T]``; all three broadcast. Source: ONNX Where.
    """

    name: ClassVar[str] = "select"
    operands: ClassVar[tuple[str, ...]] = ("mask", "yes", "no")

    def infer(self, *types: TensorType) -> Types:
        mask, yes, no = types
        require_bool("select", mask)
        require_same_dtype(yes, no, first=1)
        value = TensorType(yes.dtype, broadcast(yes, no, first=1))
        return (value.with_shape(*broadcast(mask, value)),)

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        mask, yes, no = operands
        return (np.where(mask, yes, no),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        return (b.add("Where", *operands),)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        def sample(mask: tuple[int, ...], yes: tuple[int, ...], no: tuple[int, ...]) -> Sample:
            return Sample(
                cls(), (TensorType(BOOL, mask), TensorType(F32, yes), TensorType(F32, no))
            )

        symbolic = (TensorType(BOOL, (N, 1)), TensorType(I64, (N, 3)), TensorType(I64, ()))
        return [
            sample((2, 3), (2, 3), (2, 3)),
            sample((3, 3), (2, 3, 3), ()),
            sample((2, 1), (2, 4), (4,)),
            sample((4,), (), ()),
            sample((0, 2), (0, 2), ()),
            Sample(cls(), symbolic, low=0, high=9, sizes={"N": 5}),
        ]


@register
@dataclass(frozen=True)
class Clamp(Primitive):
    """Keep every element between two bounds.

    ``f32[...S] -> f32[...S]``. Source: ONNX Clip.
    """

    name: ClassVar[str] = "clamp"
    operands: ClassVar[tuple[str, ...]] = ("x",)
    low: float
    high: float

    def infer(self, *types: TensorType) -> Types:
        (x,) = types
        require_float("clamp", x)
        if not self.low <= self.high:
            raise TypeRefused(
                f"the lower bound {self.low} of `clamp` is above the upper bound {self.high}",
                rule="out-of-range",
            )
        return (x,)

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        (x,) = operands
        return (np.asarray(np.clip(x, x.dtype.type(self.low), x.dtype.type(self.high))),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        (x,) = operands
        low = b.constant(float(self.low), x.type.dtype)
        return (b.add("Clip", x, low, b.constant(float(self.high), x.type.dtype)),)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        return [
            Sample(cls(-0.5, 0.5), (TensorType(F32, (2, 3)),)),
            Sample(cls(0.0, 6.0), (TensorType(F32, (N, 3)),), sizes={"N": 4}),
            Sample(cls(0.0, 0.0), (TensorType(F32, ()),)),
        ]


@register
@dataclass(frozen=True)
class Cast(Primitive):
    """Convert the elements to another type; fractions are cut off, bools become 0 and 1.

    ``f32[...S] -> i64[...S]``. Source: ONNX Cast.
    """

    name: ClassVar[str] = "cast"
    operands: ClassVar[tuple[str, ...]] = ("x",)
    to: DType

    @classmethod
    def make(cls, types: Types, attributes: Mapping[str, object]) -> Self:
        del types
        return cls(arguments.dtype(attributes, "to", F32))

    def infer(self, *types: TensorType) -> Types:
        (x,) = types
        return (TensorType(self.to, x.shape),)

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        (x,) = operands
        return (x.astype(numpy_dtype(self.to)),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        (x,) = operands
        return (x.name if x.type.dtype is self.to else b.add("Cast", x, to=self.to),)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        return [
            Sample(cls(I64), (TensorType(F32, (2, 3)),), low=-9, high=9),
            Sample(cls(F32), (TensorType(I64, (N, 3)),), low=-9, high=9, sizes={"N": 2}),
            Sample(cls(F32), (TensorType(BOOL, (4,)),)),
            Sample(cls(BOOL), (TensorType(I64, (4,)),), low=0, high=2),
            Sample(cls(F32), (TensorType(F32, ()),)),
            Sample(cls(DType.F64), (TensorType(F32, (0, 2)),)),
        ]


@dataclass(frozen=True)
class Unary(Primitive, ABC):
    """One tensor, element by element. Subclasses add no fields and no decorator."""

    operands: ClassVar[tuple[str, ...]] = ("x",)
    numpy_name: ClassVar[str]
    onnx_name: ClassVar[str]
    low: ClassVar[float | None] = None
    high: ClassVar[float | None] = None

    def infer(self, *types: TensorType) -> Types:
        (x,) = types
        require_float(self.name, x)
        return (x,)

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        (x,) = operands
        return (np.asarray(_numpy(self.numpy_name)(x)),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        return (b.add(self.onnx_name, *operands),)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        shapes = ((2, 3), (), (0, 3), (N, 2, 1))
        return [
            Sample(cls(), (TensorType(F32, shape),), cls.low, cls.high, {"N": 4})
            for shape in shapes
        ]


class Signed(Unary, ABC):
    """One tensor of numbers that have a sign, integers too."""

    def infer(self, *types: TensorType) -> Types:
        (x,) = types
        require_number(self.name, x)
        return (x,)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        whole = Sample(cls(), (TensorType(I64, (2, 3)),), low=-5, high=5)
        return [Sample(cls(), (TensorType(F32, s),)) for s in ((2, 3), (), (0, 3))] + [whole]


@register
class Neg(Signed):
    """Change the sign of every element.

    ``f32[...S] -> f32[...S]``. Source: ONNX Neg.
    """

    name = "neg"
    numpy_name = "negative"
    onnx_name = "Neg"


@register
class Abs(Signed):
    """Take the absolute value of every element.

    ``f32[...S] -> f32[...S]``. Source: ONNX Abs.
    """

    name = "abs"
    numpy_name = "abs"
    onnx_name = "Abs"


@register
class Sign(Signed):
    """Give -1, 0 or 1 for every element.

    ``f32[...S] -> f32[...S]``. Source: ONNX Sign.
    """

    name = "sign"
    numpy_name = "sign"
    onnx_name = "Sign"


@register
class Sqrt(Unary):
    """Take the square root of every element.

    ``f32[...S] -> f32[...S]``. Source: ONNX Sqrt.
    """

    name = "sqrt"
    numpy_name = "sqrt"
    onnx_name = "Sqrt"
    low, high = 0.0, 9.0


@register
class Exp(Unary):
    """Raise e to the power of every element.

    ``f32[...S] -> f32[...S]``. Source: ONNX Exp.
    """

    name = "exp"
    numpy_name = "exp"
    onnx_name = "Exp"


@register
class Log(Unary):
    """Take the natural logarithm of every element.

    ``f32[...S] -> f32[...S]``. Source: ONNX Log.
    """

    name = "log"
    numpy_name = "log"
    onnx_name = "Log"
    low, high = 0.1, 9.0


@register
class Erf(Unary):
    """Take the error function of every element.

    ``f32[...S] -> f32[...S]``. Source: ONNX Erf.
    """

    name = "erf"
    onnx_name = "Erf"

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        (x,) = operands
        return (erf(x),)


@register
class Floor(Unary):
    """Round every element down.

    ``f32[...S] -> f32[...S]``. Source: ONNX Floor.
    """

    name = "floor"
    numpy_name = "floor"
    onnx_name = "Floor"
    low, high = -9.0, 9.0


@register
class Ceil(Unary):
    """Round every element up.

    ``f32[...S] -> f32[...S]``. Source: ONNX Ceil.
    """

    name = "ceil"
    numpy_name = "ceil"
    onnx_name = "Ceil"
    low, high = -9.0, 9.0


@register
class Round(Unary):
    """Round every element to the nearest whole number, halves to the even one.

    ``f32[...S] -> f32[...S]``. Source: ONNX Round.
    """

    name = "round"
    numpy_name = "round"
    onnx_name = "Round"
    low, high = -9.0, 9.0


@register
class Reciprocal(Unary):
    """Divide 1 by every element.

    ``f32[...S] -> f32[...S]``. Source: ONNX Reciprocal.
    """

    name = "reciprocal"
    numpy_name = "reciprocal"
    onnx_name = "Reciprocal"
    low, high = 0.5, 3.0


@register
class Sin(Unary):
    """Take the sine of every element, an angle in radians.

    ``f32[...S] -> f32[...S]``. Source: ONNX Sin.
    """

    name = "sin"
    numpy_name = "sin"
    onnx_name = "Sin"


@register
class Cos(Unary):
    """Take the cosine of every element, an angle in radians.

    ``f32[...S] -> f32[...S]``. Source: ONNX Cos.
    """

    name = "cos"
    numpy_name = "cos"
    onnx_name = "Cos"


@register
class Tan(Unary):
    """Take the tangent of every element, an angle in radians.

    ``f32[...S] -> f32[...S]``. Source: ONNX Tan.
    """

    name = "tan"
    numpy_name = "tan"
    onnx_name = "Tan"
    low, high = -1.0, 1.0


@register
class Atan(Unary):
    """Give the angle in radians whose tangent every element is.

    ``f32[...S] -> f32[...S]``. Source: ONNX Atan.
    """

    name = "atan"
    numpy_name = "arctan"
    onnx_name = "Atan"


@register
@dataclass(frozen=True)
class LogicalNot(Primitive):
    """Turn true into false and false into true.

    ``bool[...S] -> bool[...S]``. Source: ONNX Not.
    """

    name: ClassVar[str] = "logical_not"
    operands: ClassVar[tuple[str, ...]] = ("x",)

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


def _numpy(name: str) -> Callable[..., Any]:
    return getattr(np, name)


def _pairs(dtype: DType) -> list[Types]:
    """List operand types that meet every part of the broadcasting rule; the last is symbolic."""
    shapes = [
        ((2, 3), (2, 3)),
        ((2, 3), ()),
        ((), (2, 3)),
        ((2, 3), (3,)),
        ((3, 1), (2, 3, 4)),
        ((2, 1), (1, 3)),
        ((), ()),
        ((0, 3), (3,)),
        ((N, 3), (1, 3)),
    ]
    return [(TensorType(dtype, a), TensorType(dtype, b)) for a, b in shapes]
