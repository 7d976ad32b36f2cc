"""Trigonometric and hyperbolic functions of each element, and their inverses."""

from __future__ import annotations

import math

from netlang.ir.op import register
from netlang.ops.elementwise.unary import Unary
from netlang.ops.terms import Term


@register
class Sin(Unary, frozen=True):
    """Compute the sine of each element, in radians.

    ``f32[...S] -> f32[...S]``. Source: ONNX Sin.
    """

    name = "sin"
    gradient_reads = ("operands",)
    on_numbers = math.sin
    numpy_name = "sin"
    onnx_name = "Sin"

    def derivative(self, x: Term, y: Term) -> Term:
        del y
        return x.unary("cos")


@register
class Cos(Unary, frozen=True):
    """Compute the cosine of each element, in radians.

    ``f32[...S] -> f32[...S]``. Source: ONNX Cos.
    """

    name = "cos"
    gradient_reads = ("operands",)
    on_numbers = math.cos
    numpy_name = "cos"
    onnx_name = "Cos"

    def derivative(self, x: Term, y: Term) -> Term:
        del y
        return -x.unary("sin")


@register
class Tan(Unary, frozen=True):
    """Compute the tangent of each element, in radians.

    ``f32[...S] -> f32[...S]``. Source: ONNX Tan.
    """

    name = "tan"
    gradient_reads = ("results",)
    numpy_name = "tan"
    onnx_name = "Tan"
    low, high = -1.0, 1.0

    def derivative(self, x: Term, y: Term) -> Term:
        del x
        return y * y + 1.0


@register
class Atan(Unary, frozen=True):
    """Compute the inverse tangent of each element, in radians.

    ``f32[...S] -> f32[...S]``. Source: ONNX Atan.
    """

    name = "atan"
    gradient_reads = ("operands",)
    numpy_name = "arctan"
    onnx_name = "Atan"

    def derivative(self, x: Term, y: Term) -> Term:
        del y
        return 1.0 / (x * x + 1.0)


@register
class Asin(Unary, frozen=True):
    """Compute the inverse sine of each element, in radians.

    ``f32[...S] -> f32[...S]``; NaN outside -1 to 1. Source: ONNX Asin.
    """

    name = "asin"
    gradient_reads = ("operands",)
    numpy_name = "arcsin"
    onnx_name = "Asin"
    low, high = -1.0, 1.0

    def derivative(self, x: Term, y: Term) -> Term:
        del y
        return 1.0 / (1.0 - x * x).unary("sqrt")


@register
class Acos(Unary, frozen=True):
    """Compute the inverse cosine of each element, in radians.

    ``f32[...S] -> f32[...S]``; NaN outside -1 to 1. Source: ONNX Acos.
    """

    name = "acos"
    gradient_reads = ("operands",)
    numpy_name = "arccos"
    onnx_name = "Acos"
    low, high = -1.0, 1.0

    def derivative(self, x: Term, y: Term) -> Term:
        del y
        return -1.0 / (1.0 - x * x).unary("sqrt")


@register
class Sinh(Unary, frozen=True):
    """Compute the hyperbolic sine of each element.

    ``f32[...S] -> f32[...S]``. Source: ONNX Sinh.
    """

    name = "sinh"
    gradient_reads = ("operands",)
    numpy_name = "sinh"
    onnx_name = "Sinh"

    def derivative(self, x: Term, y: Term) -> Term:
        del y
        return x.unary("cosh")


@register
class Cosh(Unary, frozen=True):
    """Compute the hyperbolic cosine of each element.

    ``f32[...S] -> f32[...S]``. Source: ONNX Cosh.
    """

    name = "cosh"
    gradient_reads = ("operands",)
    numpy_name = "cosh"
    onnx_name = "Cosh"

    def derivative(self, x: Term, y: Term) -> Term:
        del y
        return x.unary("sinh")


@register
class Asinh(Unary, frozen=True):
    """Compute the inverse hyperbolic sine of each element.

    ``f32[...S] -> f32[...S]``. Source: ONNX Asinh.
    """

    name = "asinh"
    gradient_reads = ("operands",)
    numpy_name = "arcsinh"
    onnx_name = "Asinh"

    def derivative(self, x: Term, y: Term) -> Term:
        del y
        return 1.0 / (x * x + 1.0).unary("sqrt")


@register
class Acosh(Unary, frozen=True):
    """Compute the inverse hyperbolic cosine of each element, at least 0.

    ``f32[...S] -> f32[...S]``; NaN below 1. Source: ONNX Acosh.
    """

    name = "acosh"
    gradient_reads = ("operands",)
    numpy_name = "arccosh"
    onnx_name = "Acosh"
    low, high = 1.0, 9.0

    def derivative(self, x: Term, y: Term) -> Term:
        del y
        return 1.0 / (x * x - 1.0).unary("sqrt")


@register
class Atanh(Unary, frozen=True):
    """Compute the inverse hyperbolic tangent of each element.

    ``f32[...S] -> f32[...S]``; NaN outside -1 to 1. Source: ONNX Atanh.
    """

    name = "atanh"
    gradient_reads = ("operands",)
    numpy_name = "arctanh"
    onnx_name = "Atanh"
    low, high = -0.9, 0.9

    def derivative(self, x: Term, y: Term) -> Term:
        del y
        return 1.0 / (1.0 - x * x)
