"""Softmax and its logarithm."""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping, Sequence
from typing import Self

from netlang.ir.dims import symbol
from netlang.ir.op import OnnxBuilder, Operand, Sample, register
from netlang.ir.types import F32, TensorType, Types
from netlang.ops import arguments
from netlang.ops.checks import require_elements, require_float
from netlang.ops.elementwise.activation import Activation
from netlang.ops.terms import Term
from netlang.system.numpy import Array, np

N = symbol("N")


class Normalizer(Activation, ABC, frozen=True):
    """Compute a distribution over the elements along one axis."""

    pointwise = False
    axis: int = -1

    def seen_whole(self, operand: int, rank: int) -> frozenset[int]:
        del operand
        return frozenset({self.axis % rank})

    @classmethod
    def make(cls, types: Types, attributes: Mapping[str, object]) -> Self:
        return cls(arguments.axis_of(types[0], arguments.integer(attributes, "axis", -1)))

    def infer(self, *types: TensorType) -> Types:
        (x,) = types
        require_float(self.name, x)
        require_elements(self.name, x, (arguments.axis_of(x, self.axis),))
        return (x,)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        return (b.add(self.onnx_name, *operands, axis=self.axis),)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        return [
            Sample(cls(1), (TensorType(F32, (2, 3)),)),
            Sample(cls(0), (TensorType(F32, (4,)),), low=-90, high=90),
            Sample(cls(-2), (TensorType(F32, (N, 3, 2)),), sizes={"N": 2}),
            Sample(cls(0), (TensorType(F32, (N, 3, 2)),), sizes={"N": 5}),
            Sample(cls(1), (TensorType(F32, (3, 1)),)),
            Sample(cls(1), (TensorType(F32, (0, 3)),)),
        ]


@register
class Softmax(Normalizer, frozen=True):
    """Compute exp(x) / sum(exp(x)) along an axis.

    ``f32[...S] -> f32[...S]``, without overflow. Source: ONNX Softmax.
    """

    name = "softmax"
    gradient_reads = ("results",)
    onnx_name = "Softmax"

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        (x,) = operands
        e = np.exp(x - np.max(x, axis=self.axis, keepdims=True))
        return (e / np.sum(e, axis=self.axis, keepdims=True),)

    def cotangent(self, x: Term, y: Term, ct: Term) -> Term:
        return y * (ct - (ct * y).sum((self.axis % x.rank,), keep=True))


@register
class LogSoftmax(Normalizer, frozen=True):
    """Compute the logarithm of softmax directly, which is more precise.

    ``f32[...S] -> f32[...S]``; finite where softmax underflows to 0. Source: ONNX LogSoftmax.
    """

    name = "log_softmax"
    gradient_reads = ("results",)
    onnx_name = "LogSoftmax"

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        (x,) = operands
        shifted = x - np.max(x, axis=self.axis, keepdims=True)
        return (shifted - np.log(np.sum(np.exp(shifted), axis=self.axis, keepdims=True)),)

    def cotangent(self, x: Term, y: Term, ct: Term) -> Term:
        return ct - y.unary("exp") * ct.sum((self.axis % x.rank,), keep=True)
