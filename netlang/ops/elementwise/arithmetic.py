"""Element-wise arithmetic of two tensors."""

from __future__ import annotations

from abc import ABC
from collections.abc import Sequence
from typing import ClassVar

from netlang.ir.dims import symbol
from netlang.ir.graph import Builder, Cotangents, Values
from netlang.ir.op import NoGradientError, OnnxBuilder, Operand, Primitive, Sample, register
from netlang.ir.types import F32, I64, DType, TensorType, Types
from netlang.ops.checks import (
    broadcast,
    require_float,
    require_integer,
    require_number,
    require_same_dtype,
)
from netlang.ops.elementwise.special import numpy_function
from netlang.ops.terms import Term, terms
from netlang.system.numpy import Array, np

N = symbol("N")


class Binary(Primitive, ABC, frozen=True):
    """Combine two tensors element by element, with broadcasting.

    Subclasses add no fields, so they need no decorator of their own, which would double the import
    time of this module.
    """

    operands: ClassVar[tuple[str, ...]] = ("a", "b")
    formula = "{a} {sign} {b}"
    sign: ClassVar[str]
    """The operator as it is written, for error messages."""
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
        return (np.asarray(numpy_function(self.numpy_name)(a, b)),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        return (b.add(self.onnx_name, *operands),)

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        x, y, z, ct = terms(b, *inputs, *outputs, *cts)
        left, right = self.cotangents(x, y, z, ct)
        return left.sum_to(x.shape).value, right.sum_to(y.shape).value

    def cotangents(self, x: Term, y: Term, z: Term, ct: Term) -> tuple[Term, Term]:
        """Return the cotangents of both operands, in the shape of the result ``z``."""
        raise NoGradientError(f"`{self.sign}` has no gradient")

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        return [Sample(cls(), types) for types in pairs(F32)[:-1]] + [
            Sample(cls(), pairs(F32)[-1], sizes={"N": 4}),
            Sample(cls(), (TensorType(I64, (2, 3)), TensorType(I64, (3,))), low=-9, high=9),
        ]


@register
class Add(Binary, frozen=True):
    """Add two tensors element by element.

    ``f32[2, 3], f32[3] -> f32[2, 3]``. Source: ONNX Add.
    """

    name = "add"
    passes_gradient = True
    family = "join"
    sign = "+"
    numpy_name = "add"
    onnx_name = "Add"

    def cotangents(self, x: Term, y: Term, z: Term, ct: Term) -> tuple[Term, Term]:
        del x, y, z
        return ct, ct


@register
class Sub(Binary, frozen=True):
    """Subtract the second tensor from the first element by element.

    ``f32[2, 3], f32[3] -> f32[2, 3]``. Source: ONNX Sub.
    """

    name = "sub"
    passes_gradient = True
    family = "join"
    sign = "-"
    numpy_name = "subtract"
    onnx_name = "Sub"

    def cotangents(self, x: Term, y: Term, z: Term, ct: Term) -> tuple[Term, Term]:
        del x, y, z
        return ct, -ct


@register
class Mul(Binary, frozen=True):
    """Multiply two tensors element by element.

    ``f32[2, 3], f32[3] -> f32[2, 3]``. Source: ONNX Mul.
    """

    name = "mul"
    gradient_reads = ("others",)
    family = "join"
    sign = "*"
    numpy_name = "multiply"
    onnx_name = "Mul"

    def cotangents(self, x: Term, y: Term, z: Term, ct: Term) -> tuple[Term, Term]:
        del z
        return ct * y, ct * x


@register
class Maximum(Binary, frozen=True):
    """Return the larger of two elements.

    ``f32[2, 3], f32[3] -> f32[2, 3]``. Source: ONNX Max.
    """

    name = "maximum"
    gradient_reads = ("operands",)
    formula = "np.{numpy_name}({a}, {b})"
    family = "join"
    on_numbers = max
    sign = "maximum"
    numpy_name = "maximum"
    onnx_name = "Max"

    def cotangents(self, x: Term, y: Term, z: Term, ct: Term) -> tuple[Term, Term]:
        del z
        # Equal elements share the gradient, as in PyTorch.
        both = (ct * 0.5).where(x.equals(y))
        return both + ct.where(x > y), both + ct.where(x < y)


@register
class Minimum(Binary, frozen=True):
    """Return the smaller of two elements.

    ``f32[2, 3], f32[3] -> f32[2, 3]``. Source: ONNX Min.
    """

    name = "minimum"
    gradient_reads = ("operands",)
    formula = "np.{numpy_name}({a}, {b})"
    family = "join"
    on_numbers = min
    sign = "minimum"
    numpy_name = "minimum"
    onnx_name = "Min"

    def cotangents(self, x: Term, y: Term, z: Term, ct: Term) -> tuple[Term, Term]:
        del z
        both = (ct * 0.5).where(x.equals(y))
        return both + ct.where(x < y), both + ct.where(x > y)


@register
class Div(Binary, frozen=True):
    """Divide floating-point tensors element by element.

    ``f32[2, 3], f32[3] -> f32[2, 3]``. Source: ONNX Div.
    """

    name = "div"
    gradient_reads = ("others", "results by the last")
    family = "join"
    sign = "/"
    numpy_name = "divide"
    onnx_name = "Div"

    def check(self, a: TensorType, b: TensorType) -> None:
        require_float(self.sign, a, b)

    def cotangents(self, x: Term, y: Term, z: Term, ct: Term) -> tuple[Term, Term]:
        del x
        return ct / y, -(ct * z / y)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        return [Sample(cls(), types, low=0.5, high=3, sizes={"N": 4}) for types in pairs(F32)]


@register
class Pow(Binary, frozen=True):
    """Raise the first tensor to the power of the second element by element.

    ``f32[2, 3], f32[] -> f32[2, 3]``. Source: ONNX Pow.
    """

    name = "pow"
    gradient_reads = ("operands", "results by the last")
    sign = "**"
    numpy_name = "power"
    onnx_name = "Pow"

    def check(self, a: TensorType, b: TensorType) -> None:
        require_float(self.sign, a, b)

    def cotangents(self, x: Term, y: Term, z: Term, ct: Term) -> tuple[Term, Term]:
        # Avoid 0 to the power of -1, and logarithms of numbers that are not positive.
        less = (y - 1.0).where(y.binary("not_equal", 0.0), 1.0)
        log = x.where(x > 0.0, 1.0).unary("log")
        return ct * y * x**less, ct * z * log

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        return [Sample(cls(), types, low=0.1, high=3, sizes={"N": 4}) for types in pairs(F32)]


@register
class FloorDiv(Binary, frozen=True):
    """Divide integers and round toward negative infinity, as in Python.

    ``i64[2, 3], i64[] -> i64[2, 3]``.
    """

    name = "floor_div"
    sign = "//"
    numpy_name = "floor_divide"
    no_gradient = "its result is an integer"

    def check(self, a: TensorType, b: TensorType) -> None:
        require_integer(self.sign, a, b, help="for floating-point numbers: `floor({0} / {1})`")

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        # ONNX rounds toward zero; after subtracting the remainder, the division is exact.
        x, y = operands
        rest = b.add("Mod", x, y)
        return (b.add("Div", b.add("Sub", x, rest), y),)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        return [Sample(cls(), types, low=1, high=40, sizes={"N": 4}) for types in pairs(I64)]


@register
class Mod(Binary, frozen=True):
    """Return the remainder of integer division, with the sign of the divisor, as in Python.

    ``i64[2, 3], i64[] -> i64[2, 3]``. Source: ONNX Mod.
    """

    name = "mod"
    sign = "%"
    numpy_name = "remainder"
    onnx_name = "Mod"
    no_gradient = "its result is an integer"

    def check(self, a: TensorType, b: TensorType) -> None:
        require_integer(
            self.sign, a, b, help="for floating-point numbers: `{0} - floor({0} / {1}) * {1}`"
        )

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        return [Sample(cls(), types, low=1, high=40, sizes={"N": 4}) for types in pairs(I64)]


@register
class Fmod(Binary, frozen=True):
    """Return the remainder of division toward zero, with the sign of the dividend, as in C.

    ``f32[2, 3], f32[] -> f32[2, 3]``. Source: ONNX Mod with fmod.
    """

    name = "fmod"
    gradient_reads = ("operands", "results")
    formula = "np.{numpy_name}({a}, {b})"
    sign = "fmod"
    numpy_name = "fmod"

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        return (b.add("Mod", *operands, fmod=1),)

    def cotangents(self, x: Term, y: Term, z: Term, ct: Term) -> tuple[Term, Term]:
        return ct, -(ct * (x - z) / y)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        whole = (TensorType(I64, (2, 3)), TensorType(I64, (3,)))
        # Near an integer quotient, the last digit would decide the remainder.
        floats = [Sample(cls(), types, 4.1, 7.9, {"N": 4}) for types in pairs(F32)]
        return [*floats, Sample(cls(), whole, low=1, high=40)]


def pairs(dtype: DType) -> list[Types]:
    """Return operand types that exercise every broadcasting rule; the last one is symbolic."""
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
