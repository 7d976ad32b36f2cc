"""Average and p-norm pooling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Self

from netlang.ir.graph import Builder, Cotangents, Values
from netlang.ir.op import OnnxBuilder, Operand, Primitive, Sample, Window, register
from netlang.ir.types import TensorType, Types
from netlang.ops.arguments import Arguments, flag, integer, rejected
from netlang.ops.samples import sample
from netlang.ops.terms import terms
from netlang.ops.windows.pools import (
    ceil_padded,
    pad_by_concat,
    pool_type,
    pool_windows,
    symbolic_pool,
)
from netlang.ops.windows.windows import Pads, Windows, covering, onnx_pads, padded, reduce_windows
from netlang.system.numpy import Array, np


@register
class AvgPool(Primitive, frozen=True):
    """Compute the mean of each window.

    ``[N, C, ...S] -> [N, C, ...]``. With ``count_pad`` the zeros of the padding count; what
    ``ceil`` adds beyond the padding never does. ONNX: AveragePool.
    """

    name: ClassVar[str] = "avg_pool"
    usual: ClassVar[Mapping[str, int]] = {"pad": 0}
    family = "pooling"
    operands: ClassVar[tuple[str, ...]] = ("x",)

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    pad: Pads
    ceil: bool = False
    count_pad: bool = True
    dilation: tuple[int, ...] = ()
    """Empty: no dilation."""

    @classmethod
    def make(cls, types: Types, attributes: Arguments) -> Self:
        w = pool_windows(types[0], attributes)
        ceil, count_pad = flag(attributes, "ceil"), flag(attributes, "count_pad", True)
        return cls(w.kernel, w.stride, w.pad, ceil, count_pad, _dilation(w))

    def infer(self, *types: TensorType) -> Types:
        (x,) = types
        return (pool_type(x, self._windows(), ceil=self.ceil),)

    def window(self, *types: TensorType) -> Window | None:
        del types
        return self._windows().seen()

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        (x,) = operands
        kernel, stride, pad = self.kernel, self.stride, self.pad
        dilation = self.dilation or (1,) * len(kernel)
        cover = covering(kernel, stride, pad, dilation) if self.ceil else pad
        total = reduce_windows(padded(x, cover, 0.0), kernel, stride, dilation, np.add)
        # The number of elements in each window; what is beyond the padding never counts.
        inside = np.ones((1, 1, *x.shape[2:]))
        rest = tuple((0, c - p) for (_, c), (_, p) in zip(cover, pad, strict=True))
        counted = padded(padded(inside, pad, float(self.count_pad)), rest, 0.0)
        count = reduce_windows(counted, kernel, stride, dilation, np.add)
        return ((total / count).astype(x.dtype),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        (x,) = operands
        windows = ceil_padded(self._windows(), ceil=self.ceil)
        if self.dilation:
            return (self._by_sums(b, x, windows),)
        padded_x: Operand | str = x
        pad = windows.pad
        counted = self.count_pad and any(map(sum, self.pad))
        if counted and pad != self.pad:
            # The padding counts, and what is beyond it does not: that takes zeros of our own.
            # They are concatenated, because runtimes fuse Pad into a pool incorrectly.
            padded_x = pad_by_concat(b, x, self.pad, 0.0)
            pad = tuple(
                (0, after - own) for (_, after), (_, own) in zip(pad, self.pad, strict=True)
            )
            counted = False
        return (
            b.add(
                "AveragePool",
                padded_x,
                kernel_shape=list(self.kernel),
                strides=list(self.stride),
                pads=onnx_pads(pad),
                count_include_pad=int(counted),
            ),
        )

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        del outputs
        from netlang.ops.windows.gradients_pooling import divisors, spread

        spatial = inputs[0].type.shape[2:]
        (ct,) = terms(b, *cts)
        windows = ceil_padded(self._windows(), ceil=self.ceil)
        bounds = self.pad if self.count_pad else ((0, 0),) * len(self.pad)
        return (spread(ct / divisors(ct, windows, spatial, bounds), windows, spatial).value,)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        none, one = ((0, 0), (0, 0)), ((1, 1), (1, 1))
        return [
            sample(cls((2, 2), (2, 2), none), 2, 3, 7, 6),
            sample(cls((3, 3), (2, 2), one), 2, 3, 6, 7),
            sample(cls((3, 3), (2, 2), one, count_pad=False), 2, 3, 6, 7),
            sample(cls((3, 3), (2, 2), none, ceil=True), 2, 3, 6, 8),
            sample(cls((3, 3), (2, 2), one, ceil=True), 2, 3, 6, 8),
            sample(cls((3, 3), (2, 2), one, ceil=True, count_pad=False), 2, 3, 6, 8),
            sample(cls((2, 2), (3, 3), none, ceil=True), 2, 3, 5, 7),
            sample(cls((2, 3), (3, 4), ((1, 0), (2, 1)), ceil=True), 2, 3, 5, 7),
            sample(cls((4,), (4,), ((0, 0),)), 2, 3, 11),
            sample(cls((2, 2, 3), (2, 1, 2), ((1, 0), (0, 0), (1, 1))), 1, 2, 5, 4, 6),
            sample(cls((3, 2), (2, 1), none, dilation=(2, 3)), 2, 3, 9, 8),
            sample(cls((3, 3), (2, 2), one, True, False, (2, 2)), 2, 3, 9, 8),
            sample(cls((3, 3), (2, 2), one, True, True, (2, 2)), 2, 3, 9, 8),
            symbolic_pool(cls((2, 2), (2, 2), none)),
            symbolic_pool(cls((2, 2), (1, 1), one, True, True, (2, 2))),
            symbolic_pool(cls((3, 3), (2, 2), one, ceil=True)),
            symbolic_pool(cls((3, 3), (2, 2), one, ceil=True, count_pad=False)),
        ]

    def _windows(self) -> Windows:
        dilation = self.dilation or (1,) * len(self.kernel)
        return Windows(self.kernel, self.stride, self.pad, dilation)

    def _by_sums(self, b: OnnxBuilder, x: Operand, windows: Windows) -> str:
        """Divide the sum of each window by the number of elements that count."""
        own = self.pad if self.count_pad else ((0, 0),) * len(self.pad)
        inside = tuple(n + sum(pair) for n, pair in zip(x.type.shape[2:], own, strict=True))
        rest = tuple(
            (before - b0, after - a0)
            for (before, after), (b0, a0) in zip(windows.pad, own, strict=True)
        )
        cover = x.type.with_shape(1, 1, *inside)
        ones = b.add("Expand", b.constant(1.0, x.type.dtype), b.shape(cover.shape))
        without = Windows(self.kernel, self.stride, rest, windows.dilation)
        total = window_sums(b, x.name, x.type, windows)
        return b.add("Div", total, window_sums(b, ones, cover, without))


@register
class LpPool(Primitive, frozen=True):
    """Compute the p-norm of each window: ``(sum of |x|**p) ** (1 / p)``.

    ``[N, C, ...S] -> [N, C, ...]``. ONNX: LpPool.
    """

    name: ClassVar[str] = "lp_pool"
    gradient_reads = ("operands", "results")
    usual: ClassVar[Mapping[str, int]] = {"pad": 0}
    family = "pooling"
    operands: ClassVar[tuple[str, ...]] = ("x",)

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    pad: Pads
    p: int = 2
    dilation: tuple[int, ...] = ()
    """Empty: no dilation."""
    ceil: bool = False

    @classmethod
    def make(cls, types: Types, attributes: Arguments) -> Self:
        w = pool_windows(types[0], attributes)
        p, ceil = integer(attributes, "p", 2), flag(attributes, "ceil")
        return cls(w.kernel, w.stride, w.pad, p, _dilation(w), ceil)

    def infer(self, *types: TensorType) -> Types:
        (x,) = types
        if self.p < 1:
            raise rejected("p", "must be 1 or more", self.p)
        windows = Windows(self.kernel, self.stride, self.pad, self._windows().dilation)
        return (pool_type(x, windows, ceil=self.ceil),)

    def window(self, *types: TensorType) -> Window | None:
        del types
        return self._windows().seen()

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        (x,) = operands
        kernel, stride, pad = self.kernel, self.stride, self.pad
        dilation = self.dilation or (1,) * len(kernel)
        cover = covering(kernel, stride, pad, dilation) if self.ceil else pad
        powers = padded(np.abs(x) ** self.p, cover, 0.0)
        total = reduce_windows(powers, kernel, stride, dilation, np.add)
        return ((total ** (1.0 / self.p)).astype(x.dtype),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        (x,) = operands
        if self.dilation:
            powers = b.add("Pow", b.add("Abs", x), b.constant(float(self.p), x.type.dtype))
            total = window_sums(b, powers, x.type, self._windows())
            return (b.add("Pow", total, b.constant(1.0 / self.p, x.type.dtype)),)
        return (
            b.add(
                "LpPool",
                x,
                kernel_shape=list(self.kernel),
                strides=list(self.stride),
                pads=onnx_pads(self._windows().pad),
                p=self.p,
            ),
        )

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        from netlang.ops.windows.gradients_pooling import spread

        x, y, ct = terms(b, *inputs, *outputs, *cts)
        if self.p == 1:
            return ((x.unary("sign") * spread(ct, self._windows(), x.shape[2:])).value,)
        # If a whole window is 0, so are the derivatives by its elements.
        length = y.where(y > 0.0, 1.0)
        share = (ct / length ** (self.p - 1.0)).where(y > 0.0)
        power = x if self.p == 2 else x * x.unary("abs") ** (self.p - 2.0)
        return ((power * spread(share, self._windows(), x.shape[2:])).value,)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        return [
            sample(cls((3, 3), (2, 2), ((0, 0), (0, 0))), 2, 3, 7, 6),
            sample(cls((2, 3), (2, 1), ((1, 0), (1, 1)), 1), 2, 3, 7, 6),
            sample(cls((2,), (2,), ((0, 0),), 3), 2, 3, 8),
            sample(cls((2, 3), (2, 1), ((1, 0), (1, 1)), 2, (2, 2)), 2, 3, 7, 6),
            sample(cls((2, 2), (3, 3), ((0, 0), (0, 0)), ceil=True), 2, 3, 5, 6),
            symbolic_pool(cls((2, 2), (2, 2), ((0, 0), (0, 0)))),
        ]

    def _windows(self) -> Windows:
        # Zeros add nothing, so an incomplete last window is one over wider padding.
        dilation = self.dilation or (1,) * len(self.kernel)
        windows = Windows(self.kernel, self.stride, self.pad, dilation)
        return ceil_padded(windows, ceil=self.ceil)


def _dilation(windows: Windows) -> tuple[int, ...]:
    return windows.dilation if any(d > 1 for d in windows.dilation) else ()


def window_sums(b: OnnxBuilder, x: str, type: TensorType, windows: Windows) -> str:
    """Sum each window by a convolution with ones, channel by channel."""
    batch, channels, *spatial = type.shape
    separate = type.with_shape(batch * channels, 1, *spatial)
    maps = b.add("Reshape", x, b.shape(separate.shape))
    total = b.add(
        "Conv",
        maps,
        b.constant(np.ones((1, 1, *windows.kernel)).tolist(), type.dtype),
        kernel_shape=list(windows.kernel),
        strides=list(windows.stride),
        pads=onnx_pads(windows.pad),
        dilations=list(windows.dilation),
    )
    return b.add("Reshape", total, b.shape((batch, channels, *windows.floor(type.shape[2:]))))
