"""Normalization by neighbors: across channels, or within each of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Self

from netlang.diagnostics import rules
from netlang.ir.dims import Shape, product, symbol
from netlang.ir.graph import Builder, Cotangents, Values
from netlang.ir.op import OnnxBuilder, Operand, OperandError, Primitive, Sample, register
from netlang.ir.types import F32, TensorType, Types
from netlang.ops import arguments
from netlang.ops.checks import require_float, require_rank
from netlang.ops.terms import Term, terms
from netlang.system.numpy import Array, np

N = symbol("N")
H = symbol("H")


def sum_near(x: Array, axis: int, radius: int) -> Array:
    """Sum each element and those up to ``radius`` before and after it along an axis."""
    total = np.copy(x)
    front = (slice(None),) * axis
    for step in range(1, min(radius, x.shape[axis] - 1) + 1):
        later, earlier = (*front, slice(step, None)), (*front, slice(None, -step))
        total[later] += x[earlier]
        total[earlier] += x[later]
    return total


@register
class LocalResponseNorm(Primitive, frozen=True):
    """Divide each element by a power of the mean square of its neighbors.

    ``f32[N, C, ...S] -> f32[N, C, ...S]``: x / (k + alpha * mean of squares) ** beta. The neighbors
    are ``size`` channels, or with ``within`` the elements of a window of ``size`` along each
    spatial axis; those outside of the input count as 0.
    Source: Krizhevsky et al., 2012; ONNX LRN, where ``k`` is called bias; Caffe for ``within``.
    """

    name: ClassVar[str] = "local_response_norm"
    gradient_reads = ("operands",)
    family = "normalization"
    operands: ClassVar[tuple[str, ...]] = ("x",)
    size: int
    alpha: float = 1e-4
    beta: float = 0.75
    k: float = 1.0
    within: bool = False

    @classmethod
    def make(cls, types: Types, attributes: Mapping[str, object]) -> Self:
        del types
        return cls(
            arguments.integer(attributes, "size"),
            arguments.number(attributes, "alpha", 1e-4),
            arguments.number(attributes, "beta", 0.75),
            arguments.number(attributes, "k", 1.0),
            bool(attributes.get("within", False)),
        )

    def infer(self, *types: TensorType) -> Types:
        (x,) = types
        require_float(self.name, x)
        require_rank(self.name, x, 3, "[N, C, L], [N, C, H, W], ...")
        if self.size < 1 or self.size % 2 == 0:
            near = max(1, self.size + 1)
            raise OperandError(
                f"`size` must be odd, so that each {'element' if self.within else 'channel'} is in "
                f"the middle, not {self.size}",
                rule=rules.OUT_OF_RANGE,
                helps=(f"write `size={near}`",),
            )
        return (x,)

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        (x,) = operands
        total = x * x
        axes = range(2, x.ndim) if self.within else (1,)
        for axis in axes:
            total = sum_near(total, axis, self.size // 2)
        share = x.dtype.type(self.alpha / self.size ** len(axes))
        spread = x.dtype.type(self.k) + share * total
        return (x / spread ** x.dtype.type(self.beta),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        (x,) = operands
        if self.within:
            return (self._within(b, x),)
        attributes = {
            "size": self.size,
            "alpha": float(self.alpha),
            "beta": float(self.beta),
            "bias": float(self.k),
        }
        if x.type.rank == 4:
            return (b.add("LRN", x, **attributes),)
        # onnxruntime supports two spatial axes only.
        batch, channels, *spatial = x.type.shape
        shape = (batch, channels, product(spatial), 1)
        flat = b.add("Reshape", x, b.shape(shape, like=x))
        like = Operand(b.add("LRN", flat, **attributes), x.type.with_shape(*shape))
        return (b.add("Reshape", like, b.shape(x.type.shape, like=like)),)

    def _within(self, b: OnnxBuilder, x: Operand) -> str:
        axes = x.type.rank - 2
        square = Operand(b.add("Mul", x, x), x.type)
        pads = [self.size // 2] * (2 * axes)
        near = b.add(
            "AveragePool", square, kernel_shape=[self.size] * axes, pads=pads, count_include_pad=1
        )
        share, k, beta = (
            b.constant(float(n), x.type.dtype) for n in (self.alpha, self.k, self.beta)
        )
        return b.add("Div", x, b.add("Pow", b.add("Add", b.add("Mul", near, share), k), beta))

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        del outputs
        x, ct = terms(b, *inputs, *cts)
        spread = self._around(x * x) * self.alpha + self.k
        scale = spread**-self.beta
        shares = self._around(ct * x * scale / spread)
        return ((ct * scale - x * shares * (2 * self.alpha * self.beta)).value,)

    def _around(self, x: Term) -> Term:
        """Average over neighbors; missing ones count as 0."""
        from netlang.ops.windows.averaging import AvgPool

        radius = self.size // 2
        if self.within:
            axes = len(x.shape) - 2
            return x.to(AvgPool((self.size,) * axes, (1,) * axes, ((radius, radius),) * axes))
        one = x.reshape((x.shape[0], 1, x.shape[1], product(x.shape[2:])))
        return one.to(AvgPool((self.size, 1), (1, 1), ((radius, radius), (0, 0)))).reshape(x.shape)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        def sample(op: Self, *shape: Shape) -> Sample:
            (x,) = shape
            return Sample(op, (TensorType(F32, x),), low=-3, high=3, sizes={"N": 2, "H": 3})

        return [
            sample(cls(5, 1e-4, 0.75, 2.0), (N, 7, H, 2)),
            sample(cls(3, 0.5, 0.5, 1.0), (2, 4, 5)),
            sample(cls(9, 1.0, 1.0, 0.1), (2, 3, 2, 2)),
            sample(cls(1, 2.0, 0.75, 1.0), (N, 3, H, 2, 2)),
            sample(cls(5, 1.0), (2, 1, 1, 1)),
            sample(cls(3, 0.5, 0.75, 2.0, True), (2, 3, 5, 4)),
            sample(cls(5, 1.0, 0.5, 1.0, True), (N, 2, 7)),
        ]
