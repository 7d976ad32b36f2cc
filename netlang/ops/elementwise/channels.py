"""What acts on whole channels (axis 1), or across them."""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from netlang.diagnostics import rules
from netlang.ir.dims import Shape, product, symbol
from netlang.ir.graph import Builder, Cotangents, Values
from netlang.ir.op import OnnxBuilder, Operand, OperandError, Primitive, Sample, register
from netlang.ir.types import F32, TensorType, Types
from netlang.ops import arguments
from netlang.ops.checks import require_dtype_of, require_float, require_rank, require_vector
from netlang.ops.terms import Term, terms
from netlang.system.numpy import Array, np

N = symbol("N")
H = symbol("H")


@register
@dataclass(frozen=True)
class LocalResponseNorm(Primitive):
    """Divide each element by a power of the mean square of its neighbours across channels.

    ``f32[N, C, ...S] -> f32[N, C, ...S]``: x / (k + alpha / size * sum of squares) ** beta.
    Source: Krizhevsky et al., 2012; ONNX LRN, where ``k`` is called bias.
    """

    name: ClassVar[str] = "local_response_norm"
    family = "normalization"
    operands: ClassVar[tuple[str, ...]] = ("x",)
    size: int
    alpha: float = 1e-4
    beta: float = 0.75
    k: float = 1.0

    @classmethod
    def make(cls, types: Types, attributes: Mapping[str, object]) -> Self:
        del types
        return cls(
            arguments.integer(attributes, "size"),
            arguments.number(attributes, "alpha", 1e-4),
            arguments.number(attributes, "beta", 0.75),
            arguments.number(attributes, "k", 1.0),
        )

    def infer(self, *types: TensorType) -> Types:
        (x,) = types
        require_float(self.name, x)
        require_rank(self.name, x, 3, "[N, C, L], [N, C, H, W], ...")
        if self.size < 1 or self.size % 2 == 0:
            near = max(1, self.size + 1)
            raise OperandError(
                f"`size` must be odd, so that each channel is in the middle, not {self.size}",
                rule=rules.OUT_OF_RANGE,
                helps=(f"write `size={near}`",),
            )
        return (x,)

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        (x,) = operands
        reach = self.size // 2
        square = x * x
        total = np.copy(square)
        for step in range(1, min(reach, x.shape[1] - 1) + 1):
            total[:, step:] += square[:, :-step]
            total[:, :-step] += square[:, step:]
        spread = x.dtype.type(self.k) + x.dtype.type(self.alpha / self.size) * total
        return (x / spread ** x.dtype.type(self.beta),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        (x,) = operands
        attributes = {
            "size": self.size,
            "alpha": float(self.alpha),
            "beta": float(self.beta),
            "bias": float(self.k),
        }
        if x.type.rank == 4:
            return (b.add("LRN", x, **attributes),)
        # onnxruntime takes maps of two spatial axes only.
        batch, channels, *spatial = x.type.shape
        shape = (batch, channels, product(spatial), 1)
        flat = b.add("Reshape", x, b.shape(shape, like=x))
        like = Operand(b.add("LRN", flat, **attributes), x.type.with_shape(*shape))
        return (b.add("Reshape", like, b.shape(x.type.shape, like=like)),)

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        del outputs
        x, ct = terms(b, *inputs, *cts)
        spread = self._around(x * x) * self.alpha + self.k
        scale = spread**-self.beta
        shares = self._around(ct * x * scale / spread)
        return ((ct * scale - x * shares * (2 * self.alpha * self.beta)).value,)

    def _around(self, x: Term) -> Term:
        """Average over neighbours across channels; those that are missing count as 0."""
        from netlang.ops.windows.averaging import AvgPool

        reach = self.size // 2
        one = x.reshape((x.shape[0], 1, x.shape[1], product(x.shape[2:])))
        return one.to(AvgPool((self.size, 1), (1, 1), ((reach, reach), (0, 0)))).reshape(x.shape)

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
        ]


@dataclass(frozen=True)
class OverChannels(Primitive, ABC):
    """One number for each channel, taken together with a map. Subclasses add no fields."""

    operands: ClassVar[tuple[str, ...]] = ("x", "b")
    pointwise = True
    onnx_name: ClassVar[str]

    def infer(self, *types: TensorType) -> Types:
        x, b = types
        require_float(self.name, x)
        require_rank(self.name, x, 2, "[N, C, ...]")
        require_vector(self.name, "b", b, x, operand=1)
        return (x,)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        x, v = operands
        return (b.add(self.onnx_name, x, aligned(b, v, x.type)),)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        shapes: tuple[Shape, ...] = ((N, 3, H, 2), (2, 3), (2, 1, 4), (0, 3, 2, 2, 2))
        return [
            Sample(cls(), (TensorType(F32, x), TensorType(F32, x[1:2])), sizes={"N": 2, "H": 3})
            for x in shapes
        ]


@register
class AddChannel(OverChannels):
    """Add one number for each channel.

    ``f32[N, C, ...S], f32[C] -> f32[N, C, ...S]``.
    """

    name = "add_channel"
    onnx_name = "Add"

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        x, b = operands
        return (x + over_channels(b, x),)

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        del outputs
        (ct,) = terms(b, *cts)
        return ct.value, ct.sum([0, *range(2, ct.rank)]).value


@register
class MulChannel(OverChannels):
    """Multiply each channel by one number.

    ``f32[N, C, ...S], f32[C] -> f32[N, C, ...S]``.
    """

    name = "mul_channel"
    onnx_name = "Mul"

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        x, b = operands
        return (x * over_channels(b, x),)

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        del outputs
        x, v, ct = terms(b, *inputs, *cts)
        return ct.to(self, v).value, (ct * x).sum([0, *range(2, x.rank)]).value


def over_channels(v: Array, x: Array) -> Array:
    """Put axes of size 1 behind the channels, so that NumPy lines ``v`` up with axis 1."""
    return v.reshape(-1, *(1,) * (x.ndim - 2))


def aligned(b: OnnxBuilder, v: Operand, x: TensorType) -> Operand | str:
    """Put axes of size 1 behind the channels, so that ONNX lines ``v`` up with axis 1."""
    return v if x.rank == 2 else b.add("Unsqueeze", v, b.axes(range(1, x.rank - 1)))


@register
@dataclass(frozen=True)
class PRelu(Primitive):
    """Keep positive elements and multiply the others by a learned slope, one for each channel.

    ``f32[N, C, ...S], f32[C] -> f32[N, C, ...S]``; a slope ``f32[1]`` serves all channels.
    Source: He et al., 2015; ONNX PRelu.
    """

    name: ClassVar[str] = "prelu"
    family = "activation"
    pointwise = True
    operands: ClassVar[tuple[str, ...]] = ("x", "slope")

    def infer(self, *types: TensorType) -> Types:
        x, slope = types
        require_float("prelu", x)
        require_dtype_of(x, slope, operand=1)
        if slope.shape != (1,) and (x.rank < 2 or slope.shape != (x.shape[1],)):
            raise OperandError(
                "`prelu` needs one slope for each channel, or one for all",
                operand=1,
                label=f"this is {slope}",
                notes=(f"the input is {x}",),
            )
        return (x,)

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        x, slope = operands
        aligned = slope.reshape(-1, *(1,) * (x.ndim - 2)) if x.ndim > 2 else slope
        return (np.where(x >= 0, x, x * (aligned if x.ndim else aligned[0])),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        x, slope = operands
        if x.type.rank == 0:
            return (b.add("PRelu", x, b.add("Squeeze", slope, b.axes((0,)))),)
        if x.type.rank <= 2 or slope.type.shape == (1,):
            return (b.add("PRelu", x, slope),)
        aligned = b.add("Unsqueeze", slope, b.axes(range(1, x.type.rank - 1)))
        return (b.add("PRelu", x, aligned),)

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        x, slope, ct = terms(b, *inputs, *cts)
        kept = x > 0.0
        by_slope = (ct * x).where(kept.unary("logical_not"))
        if slope.shape == (1,):
            aligned = slope.reshape(())
            total = by_slope.sum(range(x.rank)).reshape((1,))
        else:
            aligned = slope.reshape((*slope.shape, *(1,) * (x.rank - 2)))
            total = by_slope.sum([0, *range(2, x.rank)])
        return ct.where(kept, ct * aligned).value, total.value

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        def sample(x: Shape, slope: Shape) -> Sample:
            return Sample(
                cls(),
                (TensorType(F32, x), TensorType(F32, slope)),
                sizes={"N": 2},
            )

        return [
            sample((N, 3, 2, 2), (3,)),
            sample((N, 3, 4), (1,)),
            sample((2, 3), (3,)),
            sample((4,), (1,)),
            sample((), (1,)),
        ]
