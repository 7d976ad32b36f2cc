"""Activation functions that are one ONNX node or whose plain formula loses precision."""

from __future__ import annotations

import math
from abc import ABC
from collections.abc import Sequence
from typing import ClassVar

from netlang.ir.dims import symbol
from netlang.ir.graph import Builder, Cotangents, Values
from netlang.ir.op import NoGradientError, OnnxBuilder, Operand, Primitive, Sample, register
from netlang.ir.types import F32, TensorType, Types
from netlang.ops.checks import require_float, require_positive
from netlang.ops.elementwise.special import erf
from netlang.ops.terms import Term, terms
from netlang.system.numpy import Array, np

N = symbol("N")
SELU_ALPHA = 1.6732632423543772848
SELU_GAMMA = 1.0507009873554804934


class Activation(Primitive, ABC, frozen=True):
    """Apply a function to each element of a floating-point tensor."""

    operands: ClassVar[tuple[str, ...]] = ("x",)
    family = "activation"
    pointwise = True
    onnx_name: ClassVar[str]

    def infer(self, *types: TensorType) -> Types:
        (x,) = types
        require_float(self.name, x)
        return (x,)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        return (b.add(self.onnx_name, *operands),)

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        x, y, ct = terms(b, *inputs, *outputs, *cts)
        return (self.cotangent(x, y, ct).value,)

    def cotangent(self, x: Term, y: Term, ct: Term) -> Term:
        """Return the cotangent of ``x``, given that of ``y``."""
        return ct * self.derivative(x, y)

    def derivative(self, x: Term, y: Term) -> Term:
        """Return the derivative at ``x``, where the value is ``y``."""
        raise NoGradientError(f"`{self.name}` has no gradient")

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        return [
            Sample(cls(), (TensorType(F32, (2, 3)),)),
            Sample(cls(), (TensorType(F32, (N, 3, 1)),), low=-30, high=30, sizes={"N": 4}),
            Sample(cls(), (TensorType(F32, ()),)),
            Sample(cls(), (TensorType(F32, (0, 3)),)),
        ]


@register
class Relu(Activation, frozen=True):
    """Replace negative elements by 0: max(x, 0).

    ``f32[...S] -> f32[...S]``. Source: ONNX Relu.
    """

    name = "relu"
    gradient_reads = ("results",)
    onnx_name = "Relu"

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        (x,) = operands
        # NumPy compares with an array of zeros three times as fast as with a scalar.
        return (np.asarray(np.maximum(x, np.zeros(x.shape[-2:], x.dtype))),)

    def cotangent(self, x: Term, y: Term, ct: Term) -> Term:
        del x
        # Multiplying by 0 or 1 takes half the time of Where.
        return ct * (y > 0.0).cast(y.type.dtype)


@register
class Sigmoid(Activation, frozen=True):
    """Compute the logistic function of each element: 1 / (1 + exp(-x)).

    ``f32[...S] -> f32[...S]``. Source: ONNX Sigmoid.
    """

    name = "sigmoid"
    gradient_reads = ("results",)
    onnx_name = "Sigmoid"

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        (x,) = operands
        decay = np.exp(-np.abs(x))
        return (np.where(x >= 0, 1 / (1 + decay), decay / (1 + decay)),)

    def derivative(self, x: Term, y: Term) -> Term:
        del x
        return y * (1.0 - y)


@register
class Tanh(Activation, frozen=True):
    """Compute the hyperbolic tangent of each element.

    ``f32[...S] -> f32[...S]``. Source: ONNX Tanh.
    """

    name = "tanh"
    gradient_reads = ("results",)
    formula = "np.tanh({x})"
    onnx_name = "Tanh"
    on_numbers = math.tanh

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        (x,) = operands
        return (np.asarray(np.tanh(x)),)

    def derivative(self, x: Term, y: Term) -> Term:
        del x
        return 1.0 - y * y


@register
class Softplus(Activation, frozen=True):
    """Compute log(1 + exp(beta x)) / beta, a smooth relu, without overflow.

    ``f32[...S] -> f32[...S]``; a larger ``beta`` is closer to relu. Source: ONNX Softplus.
    """

    name: ClassVar[str] = "softplus"
    gradient_reads = ("operands",)
    beta: float = 1.0

    def infer(self, *types: TensorType) -> Types:
        require_positive(self.name, "beta", self.beta)
        return super().infer(*types)

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        (x,) = operands
        beta = x.dtype.type(self.beta)
        return (np.asarray(np.logaddexp(x.dtype.type(0), beta * x) / beta),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        (x,) = operands
        if self.beta == 1:
            return (b.add("Softplus", x),)
        beta = b.constant(float(self.beta), x.type.dtype)
        return (b.add("Div", b.add("Softplus", b.add("Mul", x, beta)), beta),)

    def derivative(self, x: Term, y: Term) -> Term:
        del y
        return (x if self.beta == 1 else x * self.beta).unary("sigmoid")

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        return [*super().samples(), Sample(cls(2.5), (TensorType(F32, (2, 3)),), low=-9, high=9)]


@register
class Softsign(Activation, frozen=True):
    """Compute x / (1 + abs(x)) for each element.

    ``f32[...S] -> f32[...S]``. Source: ONNX Softsign.
    """

    name = "softsign"
    gradient_reads = ("operands",)
    onnx_name = "Softsign"

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        (x,) = operands
        return (np.asarray(x / (1 + np.abs(x))),)

    def derivative(self, x: Term, y: Term) -> Term:
        del y
        root = x.unary("abs") + 1.0
        return 1.0 / (root * root)


@register
class Selu(Activation, frozen=True):
    """Compute the scaled elu, which preserves mean 0 and variance 1 of activations.

    ``f32[...S] -> f32[...S]``. Source: Klambauer et al., 2017; ONNX Selu.
    """

    name = "selu"
    gradient_reads = ("operands", "results")
    onnx_name = "Selu"

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        (x,) = operands
        zero = x.dtype.type(0)
        below = SELU_ALPHA * np.expm1(np.minimum(x, zero))
        return (np.asarray(SELU_GAMMA * (np.maximum(x, zero) + below), dtype=x.dtype),)

    def derivative(self, x: Term, y: Term) -> Term:
        return x.number(SELU_GAMMA).where(x > 0.0, y + SELU_GAMMA * SELU_ALPHA)


@register
class LeakyRelu(Activation, frozen=True):
    """Multiply negative elements by a small negative slope.

    ``f32[...S] -> f32[...S]``. Source: ONNX LeakyRelu.
    """

    name: ClassVar[str] = "leaky_relu"
    gradient_reads = ("operands",)
    slope: float = 0.01

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        (x,) = operands
        return (np.where(x >= 0, x, x * x.dtype.type(self.slope)),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        return (b.add("LeakyRelu", *operands, alpha=float(self.slope)),)

    def cotangent(self, x: Term, y: Term, ct: Term) -> Term:
        del y
        return ct.where(x > 0.0, ct * self.slope)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        x = TensorType(F32, (2, 3))
        return [
            Sample(cls(), (x,)),
            Sample(cls(0.2), (TensorType(F32, (N, 1)),), sizes={"N": 4}),
            Sample(cls(1.5), (x,)),
            Sample(cls(), (TensorType(F32, (0,)),)),
        ]


@register
class Elu(Activation, frozen=True):
    """Replace negative elements by alpha * (exp(x) - 1).

    ``f32[...S] -> f32[...S]``. Source: Clevert et al., 2015; ONNX Elu.
    """

    name: ClassVar[str] = "elu"
    gradient_reads = ("operands", "results")
    alpha: float = 1.0

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        (x,) = operands
        zero = x.dtype.type(0)
        return (np.where(x > 0, x, x.dtype.type(self.alpha) * np.expm1(np.minimum(x, zero))),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        return (b.add("Elu", *operands, alpha=float(self.alpha)),)

    def derivative(self, x: Term, y: Term) -> Term:
        return x.number(1.0).where(x > 0.0, y + self.alpha)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        x = TensorType(F32, (2, 3))
        return [
            Sample(cls(), (x,)),
            Sample(cls(0.5), (TensorType(F32, (N, 1)),), low=-90, high=90, sizes={"N": 4}),
            Sample(cls(), (TensorType(F32, ()),)),
        ]


@register
class Gelu(Activation, frozen=True):
    """Compute x * Phi(x), where Phi is the standard normal distribution function.

    ``f32[...S] -> f32[...S]``. With ``approximate``, Phi is approximated by tanh, as in
    GPT-2. Source: Hendrycks and Gimpel, 2016; ONNX Gelu (operator set 20).
    """

    name: ClassVar[str] = "gelu"
    gradient_reads = ("operands",)
    approximate: bool = False

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        (x,) = operands
        if self.approximate:
            inner = np.sqrt(2 / np.pi) * (x + 0.044715 * x * x * x)
            return (np.asarray(0.5 * x * (1 + np.tanh(inner)), dtype=x.dtype),)
        scaled = np.asarray(x, dtype=np.float64) * np.sqrt(0.5)
        return (np.asarray(0.5 * x * (1 + erf(scaled)), dtype=x.dtype),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        if b.opset >= 20:
            form = "tanh" if self.approximate else "none"
            return (b.add("Gelu", *operands, approximate=form),)
        (x,) = operands

        def number(value: float) -> str:
            return b.constant(value, x.type.dtype)

        if self.approximate:
            cube = b.add("Mul", b.add("Mul", x, x), x)
            inner = b.add("Add", x, b.add("Mul", cube, number(0.044715)))
            phi = b.add("Tanh", b.add("Mul", inner, number((2 / 3.141592653589793) ** 0.5)))
        else:
            phi = b.add("Erf", b.add("Div", x, number(2**0.5)))
        return (b.add("Mul", b.add("Mul", x, b.add("Add", phi, number(1.0))), number(0.5)),)

    def derivative(self, x: Term, y: Term) -> Term:
        del y
        if self.approximate:
            c = (2 / 3.141592653589793) ** 0.5
            t = (c * (x + 0.044715 * (x * x * x))).unary("tanh")
            return 0.5 * (1.0 + t) + 0.5 * c * x * (1.0 - t * t) * (1.0 + 0.134145 * (x * x))
        phi = 0.5 * (1.0 + (x * 0.5**0.5).unary("erf"))
        return phi + x * (-0.5 * (x * x)).unary("exp") * (2 * 3.141592653589793) ** -0.5

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        x = TensorType(F32, (2, 3))
        return [
            Sample(cls(), (x,)),
            Sample(cls(True), (x,)),
            Sample(cls(), (TensorType(F32, (N, 1)),), low=-9, high=9, sizes={"N": 40}),
            Sample(cls(True), (TensorType(F32, (N, 1)),), low=-9, high=9, sizes={"N": 40}),
            Sample(cls(), (TensorType(F32, ()),)),
        ]
