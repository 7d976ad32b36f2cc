"""Element-wise functions of one tensor."""

from __future__ import annotations

import math
from abc import ABC
from collections.abc import Sequence
from typing import ClassVar

from netlang.ir.dims import symbol
from netlang.ir.graph import Builder, Cotangents, Values
from netlang.ir.op import NoGradientError, OnnxBuilder, Operand, Primitive, Sample, register
from netlang.ir.types import F32, I64, TensorType, Types
from netlang.ops.checks import require_float, require_number
from netlang.ops.elementwise.special import erf, numpy_function
from netlang.ops.terms import Term, terms
from netlang.system.numpy import Array, np

N = symbol("N")


class Unary(Primitive, ABC, frozen=True):
    """Apply a function to each element. Subclasses add no fields and need no decorator."""

    operands: ClassVar[tuple[str, ...]] = ("x",)
    pointwise = True
    formula = "np.{numpy_name}({x})"
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
        return (np.asarray(numpy_function(self.numpy_name)(x)),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        return (b.add(self.onnx_name, *operands),)

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        x, y, ct = terms(b, *inputs, *outputs, *cts)
        return ((ct * self.derivative(x, y)).value,)

    def derivative(self, x: Term, y: Term) -> Term:
        """Return the derivative at ``x``, where the value is ``y``."""
        raise NoGradientError(f"`{self.name}` has no gradient")

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        shapes = ((2, 3), (), (0, 3), (N, 2, 1))
        return [
            Sample(cls(), (TensorType(F32, shape),), cls.low, cls.high, {"N": 4})
            for shape in shapes
        ]


class Signed(Unary, ABC, frozen=True):
    """Apply a function to each element, floating-point number or integer."""

    def infer(self, *types: TensorType) -> Types:
        (x,) = types
        require_number(self.name, x)
        return (x,)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        whole = Sample(cls(), (TensorType(I64, (2, 3)),), low=-5, high=5)
        return [Sample(cls(), (TensorType(F32, s),)) for s in ((2, 3), (), (0, 3))] + [whole]


@register
class Neg(Signed, frozen=True):
    """Negate each element.

    ``f32[...S] -> f32[...S]``. Source: ONNX Neg.
    """

    name = "neg"
    numpy_name = "negative"
    onnx_name = "Neg"

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        del inputs, outputs
        (ct,) = terms(b, *cts)
        return ((-ct).value,)


@register
class Abs(Signed, frozen=True):
    """Compute the absolute value of each element.

    ``f32[...S] -> f32[...S]``. Source: ONNX Abs.
    """

    name = "abs"
    gradient_reads = ("operands",)
    on_numbers = abs
    numpy_name = "abs"
    onnx_name = "Abs"

    def derivative(self, x: Term, y: Term) -> Term:
        del y
        return x.unary("sign")


@register
class Sign(Signed, frozen=True):
    """Return the sign of each element: -1, 0 or 1.

    ``f32[...S] -> f32[...S]``. Source: ONNX Sign.
    """

    name = "sign"
    numpy_name = "sign"
    onnx_name = "Sign"
    no_gradient = "it is piecewise constant"


@register
class Sqrt(Unary, frozen=True):
    """Compute the square root of each element.

    ``f32[...S] -> f32[...S]``. Source: ONNX Sqrt.
    """

    name = "sqrt"
    gradient_reads = ("results",)
    on_numbers = math.sqrt
    numpy_name = "sqrt"
    onnx_name = "Sqrt"
    low, high = 0.0, 9.0

    def derivative(self, x: Term, y: Term) -> Term:
        del x
        return 0.5 / y


@register
class Exp(Unary, frozen=True):
    """Compute the exponential of each element.

    ``f32[...S] -> f32[...S]``. Source: ONNX Exp.
    """

    name = "exp"
    gradient_reads = ("results",)
    on_numbers = math.exp
    numpy_name = "exp"
    onnx_name = "Exp"

    def derivative(self, x: Term, y: Term) -> Term:
        del x
        return y


@register
class Log(Unary, frozen=True):
    """Compute the natural logarithm of each element.

    ``f32[...S] -> f32[...S]``. Source: ONNX Log.
    """

    name = "log"
    gradient_reads = ("operands",)
    on_numbers = math.log
    numpy_name = "log"
    onnx_name = "Log"
    low, high = 0.1, 9.0

    def derivative(self, x: Term, y: Term) -> Term:
        del y
        return 1.0 / x


@register
class Erf(Unary, frozen=True):
    """Compute the error function of each element.

    ``f32[...S] -> f32[...S]``. Source: ONNX Erf.
    """

    name = "erf"
    gradient_reads = ("operands",)
    formula = ""
    onnx_name = "Erf"

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        (x,) = operands
        return (erf(x),)

    def derivative(self, x: Term, y: Term) -> Term:
        del y
        return (2 / math.pi**0.5) * (-(x * x)).unary("exp")


@register
class Floor(Unary, frozen=True):
    """Round each element down.

    ``f32[...S] -> f32[...S]``. Source: ONNX Floor.
    """

    name = "floor"
    on_numbers = math.floor
    numpy_name = "floor"
    onnx_name = "Floor"
    no_gradient = "it is piecewise constant"
    low, high = -9.0, 9.0


@register
class Ceil(Unary, frozen=True):
    """Round each element up.

    ``f32[...S] -> f32[...S]``. Source: ONNX Ceil.
    """

    name = "ceil"
    on_numbers = math.ceil
    numpy_name = "ceil"
    onnx_name = "Ceil"
    no_gradient = "it is piecewise constant"
    low, high = -9.0, 9.0


@register
class Round(Unary, frozen=True):
    """Round each element to the nearest integer, halves to even.

    ``f32[...S] -> f32[...S]``. Source: ONNX Round.
    """

    name = "round"
    on_numbers = round
    numpy_name = "round"
    onnx_name = "Round"
    no_gradient = "it is piecewise constant"
    low, high = -9.0, 9.0


@register
class Reciprocal(Unary, frozen=True):
    """Compute the reciprocal of each element.

    ``f32[...S] -> f32[...S]``. Source: ONNX Reciprocal.
    """

    name = "reciprocal"
    gradient_reads = ("results",)
    numpy_name = "reciprocal"
    onnx_name = "Reciprocal"
    low, high = 0.5, 3.0

    def derivative(self, x: Term, y: Term) -> Term:
        del x
        return -(y * y)
