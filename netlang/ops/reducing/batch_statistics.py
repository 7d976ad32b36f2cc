"""Batch normalization in training mode, with the statistics of the batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from netlang.ir.dims import Shape, Size, product, symbol
from netlang.ir.graph import Builder, Cotangents, Values
from netlang.ir.op import OnnxBuilder, Operand, Sample, register
from netlang.ir.types import F32, TensorType, Types
from netlang.ops.elementwise.channels import aligned, over_channels
from netlang.ops.reducing.normalization import NormalizeBatch, OperandNormalization
from netlang.ops.terms import terms
from netlang.system.numpy import Array, np


@register
class NormalizeBatchTraining(OperandNormalization, frozen=True):
    """Normalize each channel by the mean and variance of the batch, then scale and shift it.

    ``f32[N, C, ...S], f32[C], f32[C] -> f32[N, C, ...S], f32[C], f32[C]``: the result, the mean and
    the biased variance (running statistics use the unbiased one). Source: Ioffe
    and Szegedy, 2015; ONNX ReduceMean, BatchNormalization.
    """

    name: ClassVar[str] = "normalize_batch_training"
    gradient_reads = ("operands", "results")
    eps: float = 1e-5

    def infer(self, *types: TensorType) -> Types:
        self.check(*types, rank=2, layout="[N, C, ...]", eps=self.eps)
        return types[0], types[1], types[1]

    def workspace(self, *types: TensorType) -> Sequence[Size]:
        return [types[0].size] * 2  # the differences from the mean, and their squares

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        x, scale, shift = operands
        axes = (0, *range(2, x.ndim))
        mean: Array = np.mean(x, axis=axes, dtype=np.float64).astype(x.dtype)
        centered = x - over_channels(mean, x)
        var: Array = np.mean(centered * centered, axis=axes, dtype=np.float64).astype(x.dtype)
        factor = scale / np.sqrt(var + x.dtype.type(self.eps))
        return centered * over_channels(factor, x) + over_channels(shift, x), mean, var

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        x, scale, shift = operands
        mean = _mean(b, x.name, x.type.rank)
        centered = b.add("Sub", x, aligned(b, Operand(mean, scale.type), x.type))
        var = _mean(b, b.add("Mul", centered, centered), x.type.rank)
        y = b.add("BatchNormalization", x, scale, shift, mean, var, epsilon=float(self.eps))
        return y, mean, var

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        x, scale, mean, var = terms(b, *inputs[:2], *outputs[1:])
        ct, by_mean, by_var = terms(b, *cts)
        around = [0, *range(2, x.rank)]
        count = ct.count(product(x.shape[axis] for axis in around))
        inverse = 1.0 / (var + self.eps).unary("sqrt")
        factor = scale * inverse
        centered = x.binary("add_channel", -mean)
        total, dot = ct.sum(around), (ct * centered).sum(around)
        # Per channel, the cotangent of x is an affine function of ct and x.
        by_x = (2.0 * by_var - factor * inverse * inverse * dot) / count
        constant = (by_mean - factor * total) / count
        # A batch norm computes a product and a sum in one pass.
        op = NormalizeBatch(self.eps)
        line = x.to(op, by_x / inverse, constant, mean, var)
        return (
            (ct.binary("mul_channel", factor) + line).value,
            (dot * inverse).value,
            total.value,
        )

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        def sample(op: NormalizeBatchTraining, shape: Shape) -> Sample:
            vector = TensorType(F32, shape[1:2])
            return Sample(op, (TensorType(F32, shape), vector, vector), sizes={"N": 3, "H": 4})

        n, h = symbol("N"), symbol("H")
        return [
            sample(cls(), (n, 3, h, h)),
            sample(cls(0.1), (5, 3)),
            sample(cls(), (n, 2, 4)),
            sample(cls(), (2, 3, 2, 2, 2)),
        ]


def _mean(b: OnnxBuilder, x: str, rank: int) -> str:
    """Average over all axes but the channels, in two stages for the precision of long sums."""
    for axes in ([*range(2, rank)], [0]):
        if axes and b.opset >= 18:
            x = b.add("ReduceMean", x, b.axes(axes), keepdims=0)
        elif axes:
            x = b.add("ReduceMean", x, axes=axes, keepdims=0)
    return x
