"""Windows laid out as columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from netlang.ir.dims import Dim, product, symbol
from netlang.ir.op import OnnxBuilder, Operand, Primitive, Sample, TypeRefused, Window, register
from netlang.ir.types import F32, TensorType, Types
from netlang.numeric import Array, np
from netlang.ops.arguments import Arguments
from netlang.ops.checks import require_float
from netlang.ops.convolution import onnx_pads
from netlang.ops.windows import (
    Pads,
    Windows,
    padded,
    padding,
    per_axis,
    positions,
    spatial_shape,
    taps,
)


@register
@dataclass(frozen=True, slots=True)
class Unfold(Primitive):
    """Lay what each window sees into a column: im2col.

    ``[N, C, ...S] -> [N, C * window, places]``, as in PyTorch. ONNX: Conv with unit filters.
    """

    name: ClassVar[str] = "unfold"
    operands: ClassVar[tuple[str, ...]] = ("x",)

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    pad: Pads
    dilation: tuple[int, ...]

    @classmethod
    def make(cls, types: Types, attributes: Arguments) -> Self:
        spatial = spatial_shape(types[0], "unfolding")
        rank = len(spatial)
        kernel = per_axis(attributes, "kernel", rank)
        stride = per_axis(attributes, "stride", rank, 1)
        dilation = per_axis(attributes, "dilation", rank, 1)
        none = Windows(kernel, stride, ((0, 0),) * rank, dilation)
        none.check(spatial)
        pad = padding(attributes, spatial, none.extent, stride)
        return cls(kernel, stride, pad, dilation)

    def infer(self, *types: TensorType) -> Types:
        (x,) = types
        require_float("unfold", x)
        spatial = spatial_shape(x, "unfolding")
        windows = self._windows()
        windows.check(spatial)
        channels = x.shape[1]
        if isinstance(channels, Dim):
            raise TypeRefused(
                "the number of channels must be known", operand=0, label=f"this is {x}"
            )
        depth = channels * product(self.kernel)
        return (x.with_shape(x.shape[0], depth, product(windows.floor(spatial))),)

    def window(self, *types: TensorType) -> Window | None:
        del types
        return self._windows().seen()

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        (x,) = operands
        counts = positions(self._windows(), x)
        wide = padded(x, self.pad, 0.0)
        seen = [wide[(slice(None), slice(None), *tap)] for tap in taps(self._windows(), counts)]
        columns = np.stack(seen, axis=2)
        depth = x.shape[1] * len(seen)
        return (columns.reshape(x.shape[0], depth, int(np.prod(counts))),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        (x,) = operands
        channels, many = x.type.shape[1], int(np.prod(self.kernel))
        assert isinstance(channels, int)
        unit = np.eye(many).reshape(many, 1, *self.kernel)
        units = np.concatenate([unit] * channels)
        picked = b.add(
            "Conv",
            x,
            b.constant(units.tolist(), x.type.dtype),
            kernel_shape=list(self.kernel),
            strides=list(self.stride),
            pads=onnx_pads(self.pad),
            dilations=list(self.dilation),
            group=channels,
        )
        return (b.add("Reshape", picked, b.axes((0, channels * many, -1))),)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        none, one = ((0, 0), (0, 0)), ((1, 1), (1, 1))
        symbolic = TensorType(F32, (symbol("N"), 2, symbol("H"), symbol("W")))
        return [
            _sample(cls((2, 3), (1, 2), none, (1, 1)), 2, 3, 5, 6),
            _sample(cls((3, 2), (2, 1), one, (2, 1)), 1, 2, 6, 5),
            _sample(cls((3,), (1,), ((2, 0),), (1,)), 2, 3, 6),
            Sample(cls((3, 3), (1, 1), one, (1, 1)), (symbolic,), sizes={"N": 2, "H": 4, "W": 5}),
        ]

    def _windows(self) -> Windows:
        return Windows(self.kernel, self.stride, self.pad, self.dilation)


def _sample(op: Primitive, *shape: int) -> Sample:
    return Sample(op, (TensorType(F32, shape),))
