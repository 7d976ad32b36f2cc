"""Convolutions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from netlang.ir.dims import Shape, Size, product, symbol
from netlang.ir.graph import Builder, Cotangents, Values
from netlang.ir.op import OnnxBuilder, Operand, Primitive, Sample, Window, register
from netlang.ir.types import F32, TensorType, Types
from netlang.ops.arguments import Arguments, integer
from netlang.ops.terms import terms
from netlang.ops.windows.filters import (
    kernel_of,
    require_bias,
    require_channels,
    require_floats,
    require_groups,
    sample,
)
from netlang.ops.windows.im2col import by_im2col, depthwise, pointwise
from netlang.ops.windows.windows import (
    Pads,
    Windows,
    onnx_pads,
    padded,
    padding,
    per_axis,
    positions,
    spatial_shape,
    taps,
)
from netlang.system.numpy import Array


@register
@dataclass(frozen=True, slots=True)
class Convolve(Primitive):
    """Slide filters over a map; with a bias, add one number per filter.

    ``x [N, C, ...S], w [O, C // groups, ...K], bias [O] -> [N, O, ...]`` with one to three spatial
    axes. ``pad`` holds the positions added before and after each axis. ONNX: Conv.
    """

    name: ClassVar[str] = "convolve"
    family = "convolution"
    linear = True
    operands: ClassVar[tuple[str, ...]] = ("x", "w", "bias*")

    stride: tuple[int, ...]
    pad: Pads
    dilation: tuple[int, ...]
    groups: int = 1

    @classmethod
    def make(cls, types: Types, attributes: Arguments) -> Self:
        x, w = types[:2]
        spatial = spatial_shape(x, "a convolution")
        kernel = kernel_of(w, spatial)
        rank = len(spatial)
        stride = per_axis(attributes, "stride", rank, 1)
        dilation = per_axis(attributes, "dilation", rank, 1)
        none = Windows(kernel, stride, ((0, 0),) * rank, dilation)
        none.check(spatial)
        pad = padding(attributes, spatial, none.extent, stride)
        return cls(stride, pad, dilation, integer(attributes, "groups", 1))

    def infer(self, *types: TensorType) -> Types:
        x, w, *bias = types
        require_floats(x, w, *bias)
        spatial = spatial_shape(x, "a convolution")
        windows = self._windows(w, spatial)
        filters = w.shape[0]
        require_groups(self.groups, x.shape[1], filters, operand=0)
        require_channels(x, w, w.shape[1] * self.groups)
        require_bias(bias, filters)
        return (x.with_shape(x.shape[0], filters, *windows.floor(spatial)),)

    def macs(self, *types: TensorType) -> Size:
        (y,) = self.infer(*types)
        return y.size * product(types[1].shape[1:])

    def window(self, *types: TensorType) -> Window | None:
        x, w = types[:2]
        return self._windows(w, x.shape[2:]).seen()

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        x, w, *rest = operands
        bias = rest[0] if rest else None
        windows = Windows(w.shape[2:], self.stride, self.pad, self.dilation)
        counts = positions(windows, x)
        if w.shape[1] == 1 and w.shape[0] == self.groups:
            return (depthwise(x, w, windows, counts, bias),)
        if all(k == 1 for k in w.shape[2:]):
            strided = padded(x, self.pad, 0.0)[(..., *taps(windows, counts)[0])]
            return (pointwise(strided, w, self.groups, bias),)
        return (by_im2col(x, w, windows, counts, self.groups, bias),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        x, w, *_ = operands
        kernel = w.type.shape[2:]
        if self.groups == 1 and b.carried(w):
            from netlang.ops.windows.convolution_lowerings import (
                by_one_product,
                one_product_is_best,
            )

            windows = self._windows(w.type, x.type.shape[2:])
            if one_product_is_best(windows, x.type, w.type):
                return (by_one_product(b, windows, *operands),)
        return (
            b.add(
                "Conv",
                *operands,
                kernel_shape=list(kernel),
                strides=list(self.stride),
                pads=onnx_pads(self.pad),
                dilations=list(self.dilation),
                group=self.groups,
            ),
        )

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        del outputs
        from netlang.ops.windows.gradients_convolution import (
            ConvolveInputGradient,
            ConvolveWeightGradient,
        )

        x, w, ct = terms(b, *inputs[:2], *cts)
        form = (self.stride, self.pad, self.dilation, self.groups)
        by_x = ct.to(ConvolveInputGradient(x.shape[2:], *form), w)
        by_w = x.to(ConvolveWeightGradient(kernel_of(w.type, x.shape[2:]), *form), ct)
        biases = [ct.sum([0, *range(2, ct.rank)]).value for _ in inputs[2:]]
        return by_x.value, by_w.value, *biases

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        n, h, w = symbol("N"), symbol("H"), symbol("W")
        flat = ((0, 0), (0, 0))
        return [
            sample(cls((1, 1), flat, (1, 1)), (2, 3, 7, 6), (4, 3, 3, 2), bias=False),
            sample(cls((2, 1), ((1, 2), (0, 1)), (1, 1)), (2, 3, 7, 6), (4, 3, 3, 2)),
            sample(cls((1, 2), ((2, 2), (3, 1)), (2, 3)), (1, 2, 9, 10), (3, 2, 3, 2)),
            sample(cls((1, 1), ((1, 1), (1, 1)), (1, 1), 2), (2, 4, 5, 5), (6, 2, 3, 3)),
            sample(cls((2, 2), ((1, 1), (1, 1)), (1, 1), 4), (2, 4, 5, 6), (4, 1, 3, 3)),
            sample(cls((1, 1), ((2, 2), (2, 2)), (2, 2), 3), (1, 3, 6, 6), (6, 1, 3, 3)),
            sample(cls((1, 1), flat, (1, 1)), (2, 5, 4, 3), (7, 5, 1, 1)),
            sample(cls((2, 2), flat, (1, 1), 2), (2, 4, 5, 5), (6, 2, 1, 1), bias=False),
            sample(cls((1,), ((4, 0),), (2,)), (2, 3, 8), (4, 3, 3)),
            sample(cls((2,), ((1, 1),), (1,), 3), (2, 3, 9), (3, 1, 4), bias=False),
            sample(cls((1, 2, 1), ((1, 1),) * 3, (1, 1, 1)), (1, 2, 4, 5, 3), (3, 2, 3, 3, 2)),
            Sample(
                cls((2, 2), ((1, 1), (1, 1)), (1, 1)),
                (TensorType(F32, (n, 3, h, w)), TensorType(F32, (4, 3, 3, 3))),
                sizes={"N": 2, "H": 7, "W": 10},
            ),
        ]

    def _windows(self, w: TensorType, spatial: Shape) -> Windows:
        windows = Windows(kernel_of(w, spatial), self.stride, self.pad, self.dilation)
        windows.check(spatial)
        return windows
