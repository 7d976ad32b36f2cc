"""Extraction of patches (im2col) and its transpose (col2im)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import ClassVar, Self

from netlang.diagnostics import rules
from netlang.ir.dims import Dim, exact_quotient, product, symbol
from netlang.ir.graph import Builder, Cotangents, Values
from netlang.ir.op import OnnxBuilder, Operand, OperandError, Primitive, Sample, Window, register
from netlang.ir.types import F32, TensorType, Types
from netlang.ops.arguments import Arguments, integers, rejected
from netlang.ops.checks import require_float
from netlang.ops.samples import sample
from netlang.ops.terms import terms
from netlang.ops.windows.windows import (
    Pads,
    Windows,
    onnx_pads,
    padded,
    patches,
    read_windows,
    spatial_shape,
    sum_patches,
)
from netlang.system.numpy import Array, np


@register
class Unfold(Primitive, frozen=True):
    """Extract sliding patches as columns (im2col).

    ``[N, C, ...S] -> [N, C * window, positions]``, as in PyTorch. ONNX: Conv with unit filters.
    """

    name: ClassVar[str] = "unfold"
    usual: ClassVar[Mapping[str, int]] = {"stride": 1, "pad": 0, "dilation": 1}
    operands: ClassVar[tuple[str, ...]] = ("x",)

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    pad: Pads
    dilation: tuple[int, ...]

    @classmethod
    def make(cls, types: Types, attributes: Arguments) -> Self:
        w = read_windows(attributes, spatial_shape(types[0], "unfolding"))
        return cls(w.kernel, w.stride, w.pad, w.dilation)

    def infer(self, *types: TensorType) -> Types:
        (x,) = types
        require_float("unfold", x)
        spatial = spatial_shape(x, "unfolding")
        windows = self._windows()
        windows.check(spatial)
        channels = x.shape[1]
        if isinstance(channels, Dim):
            raise OperandError(
                "the number of channels must be known", operand=0, label=f"this is {x}"
            )
        depth = channels * product(self.kernel)
        return (x.with_shape(x.shape[0], depth, product(windows.floor(spatial))),)

    def window(self, *types: TensorType) -> Window | None:
        del types
        return self._windows().seen()

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        (x,) = operands
        seen = patches(padded(x, self.pad, 0.0), self.kernel, self.stride, self.dilation)
        return (seen.reshape(x.shape[0], x.shape[1] * seen.shape[2], prod(seen.shape[3:])),)

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
        # State the number of positions if it is known, or an empty batch could not be reshaped.
        count = self.infer(x.type)[0].shape[2]
        positions = count if isinstance(count, int) else -1
        return (b.add("Reshape", picked, b.axes((0, channels * many, positions))),)

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        del outputs
        from netlang.ops.shaping.creation import Iota, OneHot
        from netlang.ops.windows.convolution import ConvolveInputGradient

        (ct,) = terms(b, *cts)
        x, many = inputs[0].type, product(self.kernel)
        spatial = x.shape[2:]
        maps = x.shape[0] * x.shape[1]
        patches = ct.reshape((maps, many, *self._windows().floor(spatial)))
        unit = ct.make(Iota(many)).to(OneHot(many, x.dtype)).reshape((many, 1, *self.kernel))
        op = ConvolveInputGradient(spatial, self.stride, self.pad, self.dilation)
        return (patches.to(op, unit).reshape(x.shape).value,)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        none, one = ((0, 0), (0, 0)), ((1, 1), (1, 1))
        symbolic = TensorType(F32, (symbol("N"), 2, symbol("H"), symbol("W")))
        return [
            sample(cls((2, 3), (1, 2), none, (1, 1)), 2, 3, 5, 6),
            sample(cls((3, 2), (2, 1), one, (2, 1)), 1, 2, 6, 5),
            sample(cls((3,), (1,), ((2, 0),), (1,)), 2, 3, 6),
            Sample(cls((3, 3), (1, 1), one, (1, 1)), (symbolic,), sizes={"N": 2, "H": 4, "W": 5}),
        ]

    def _windows(self) -> Windows:
        return Windows(self.kernel, self.stride, self.pad, self.dilation)


@register
class Fold(Primitive, frozen=True):
    """Sum patches into a feature map of the given size, adding where they overlap (col2im).

    ``[N, C * window, positions] -> [N, C, ...size]``, as in PyTorch. ONNX: ConvTranspose with unit
    filters.
    """

    name: ClassVar[str] = "fold"
    usual: ClassVar[Mapping[str, int]] = {"stride": 1, "pad": 0, "dilation": 1}
    operands: ClassVar[tuple[str, ...]] = ("x",)

    size: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    pad: Pads
    dilation: tuple[int, ...]

    @classmethod
    def make(cls, types: Types, attributes: Arguments) -> Self:
        del types
        size = integers(attributes, "size")
        if not 1 <= len(size) <= 3:
            raise rejected("size", "must name 1 to 3 sizes", len(size))
        w = read_windows(attributes, size)
        return cls(size, w.kernel, w.stride, w.pad, w.dilation)

    def infer(self, *types: TensorType) -> Types:
        (x,) = types
        require_float("fold", x)
        if x.rank != 3:
            raise OperandError(
                "folding works on columns [N, C * window, positions]",
                rule=rules.RANK_MISMATCH,
                operand=0,
                label=f"this is {x}",
            )
        windows = self._windows()
        windows.check(self.size)
        batch, depth, count = x.shape
        channels = exact_quotient(depth, product(self.kernel))
        if channels is None or isinstance(channels, Dim):
            raise OperandError(
                f"a column of {depth} isn't made of windows of {product(self.kernel)}",
                operand=0,
                label=f"this is {x}",
            )
        counts = windows.floor(self.size)
        if count != product(counts):
            raise OperandError(
                f"a map of this size has {product(counts)} windows, not {count}",
                operand=0,
                label=f"this is {x}",
            )
        return (x.with_shape(batch, channels, *self.size),)

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        (x,) = operands
        size, kernel, stride, dilation = self.size, self.kernel, self.stride, self.dilation
        whole = zip(size, self.pad, kernel, stride, dilation, strict=True)
        counts = [(n + sum(p) - (k - 1) * d - 1) // s + 1 for n, p, k, s, d in whole]
        many = prod(kernel)
        seen = x.reshape(x.shape[0], x.shape[1] // many, many, *counts)
        return (sum_patches(seen, size, stride, self.pad, kernel, dilation),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        (x,) = operands
        many, depth = int(np.prod(self.kernel)), x.type.shape[1]
        assert isinstance(depth, int)
        laid = b.add("Reshape", x, b.axes((0, depth, *self._counts())))
        unit = np.eye(many).reshape(many, 1, *self.kernel)
        rests = [
            size + sum(pair) - (n - 1) * stride - extent
            for size, pair, n, stride, extent in zip(
                self.size, self.pad, self._counts(), self.stride, self._windows().extent,
                strict=True,
            )
        ]  # fmt: skip
        made = b.add(
            "ConvTranspose",
            laid,
            b.constant(np.concatenate([unit] * (depth // many)).tolist(), x.type.dtype),
            kernel_shape=list(self.kernel),
            strides=list(self.stride),
            pads=onnx_pads(self.pad),
            output_padding=rests,
            dilations=list(self.dilation),
            group=depth // many,
        )
        return (made,)

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        del inputs, outputs
        (ct,) = terms(b, *cts)
        return (ct.to(Unfold(self.kernel, self.stride, self.pad, self.dilation)).value,)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        none, one = ((0, 0), (0, 0)), ((1, 1), (1, 1))
        return [
            sample(cls((5, 6), (2, 3), (1, 2), none, (1, 1)), 2, 18, 8),
            sample(cls((6, 5), (3, 2), (2, 1), one, (2, 1)), 1, 12, 12),
            sample(cls((6,), (3,), (1,), ((2, 0),), (1,)), 2, 9, 6),
            Sample(
                cls((4, 4), (3, 3), (1, 1), one, (1, 1)),
                (TensorType(F32, (symbol("N"), 9, 16)),),
                sizes={"N": 2},
            ),
        ]

    def _windows(self) -> Windows:
        return Windows(self.kernel, self.stride, self.pad, self.dilation)

    def _counts(self) -> tuple[int, ...]:
        return tuple(n for n in self._windows().floor(self.size) if isinstance(n, int))
