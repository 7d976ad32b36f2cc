"""Transposed convolutions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from math import ceil, prod
from typing import ClassVar, Self

from msgspec.structs import replace

from netlang.diagnostics import rules
from netlang.ir.dims import Shape, Size, product, symbol
from netlang.ir.graph import Builder, Cotangents, Values
from netlang.ir.op import (
    AxisWindow,
    OnnxBuilder,
    Operand,
    OperandError,
    Primitive,
    Sample,
    register,
)
from netlang.ir.types import F32, TensorType, Types
from netlang.ops.arguments import Arguments, integer, rejected
from netlang.ops.elementwise.channels import over_channels
from netlang.ops.reducing.products import multiply
from netlang.ops.terms import terms
from netlang.ops.windows.convolution import Convolve
from netlang.ops.windows.filters import (
    kernel_of,
    require_bias,
    require_channels,
    require_floats,
    require_groups,
    sample,
)
from netlang.ops.windows.windows import (
    Pads,
    Windows,
    first_fitting,
    onnx_pads,
    padding,
    per_axis,
    spatial_shape,
    sum_patches,
    wrong_count,
)
from netlang.system.numpy import Array


@register
class ConvolveTranspose(Primitive, frozen=True):
    """Compute the transpose of a convolution, which adds each position to a window of the output.

    ``x [N, C, ...S], w [C, O // groups, ...K], bias [O] -> [N, O, ...]`` of size
    ``(size - 1) * stride - before - after + extent + out_pad``. ONNX: ConvTranspose.
    """

    name: ClassVar[str] = "convolve_transpose"
    gradient_reads = ("others",)
    usual: ClassVar[Mapping[str, int]] = {"stride": 1, "pad": 0, "out_pad": 0, "dilation": 1}
    family = "convolution"
    linear = True
    operands: ClassVar[tuple[str, ...]] = ("x", "w", "bias*")

    stride: tuple[int, ...]
    pad: Pads
    out_pad: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int = 1

    @classmethod
    def make(cls, types: Types, attributes: Arguments) -> Self:
        x, w = types[:2]
        spatial = spatial_shape(x, "a transposed convolution")
        kernel = kernel_of(w, spatial)
        rank = len(spatial)
        stride = per_axis(attributes, "stride", rank, 1)
        dilation = per_axis(attributes, "dilation", rank, 1)
        out_pad = per_axis(attributes, "out_pad", rank, 0)
        none = Windows(kernel, stride, ((0, 0),) * rank, dilation)
        none.check(spatial)
        pad = _transposed_padding(attributes, spatial, none, out_pad)
        return cls(stride, pad, out_pad, dilation, integer(attributes, "groups", 1))

    def infer(self, *types: TensorType) -> Types:
        x, w, *bias = types
        require_floats(x, w, *bias)
        spatial = spatial_shape(x, "a transposed convolution")
        windows = self._windows(w, spatial)
        filters = w.shape[1] * self.groups
        require_groups(self.groups, x.shape[1], filters, operand=0)
        require_channels(x, w, w.shape[0])
        require_bias(bias, filters)
        out = self._sizes(windows, spatial)
        for size, given in zip(out, spatial, strict=True):
            if isinstance(size, int) and size < 1:
                raise OperandError(
                    "the padding cuts everything away",
                    rule=rules.WINDOW_TOO_BIG,
                    label=f"a size of {given} would become {size}",
                    helps=["use a smaller `pad`"],
                )
        return (x.with_shape(x.shape[0], filters, *out),)

    def toward(self, wanted: Shape, *types: TensorType) -> Mapping[str, int]:
        rank, most = len(self.stride), max(self.stride)
        more = (({"out_pad": o}, replace(self, out_pad=(o,) * rank)) for o in range(most))
        less = (({"pad": p}, replace(self, pad=((p, p),) * rank)) for p in range(most + 1))
        return first_fitting(chain(more, less), wanted, types)

    def macs(self, *types: TensorType) -> Size:
        x, w = types[:2]
        return x.size * product(w.shape[1:])

    def axis_window(self, axis: int, *types: TensorType) -> AxisWindow | None:
        at, kernel = axis - 2, types[1].shape[axis]
        if at < 0 or not isinstance(kernel, int):
            return None
        span, stride = self.dilation[at] * (kernel - 1), self.stride[at]
        first = ceil((self.pad[at][0] - span) / stride)
        return AxisWindow(span // stride + 1, 1 / stride, first)

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        x, w, *bias = operands
        counts, groups, channels = x.shape[2:], self.groups, x.shape[1] // self.groups
        flat = w.reshape(groups, channels, -1).transpose(0, 2, 1)
        products = multiply(flat, x.reshape(x.shape[0], groups, channels, prod(counts)))
        return (self._summed(products, counts, w, *bias),)

    def plain(self, *operands: Array) -> tuple[Array, ...]:
        x, w, *bias = operands
        groups = self.groups
        counts, channels = x.shape[2:], x.shape[1] // groups
        flat = w.reshape(groups, channels, -1).transpose(0, 2, 1)
        products = flat @ x.reshape(x.shape[0], groups, channels, prod(counts))
        return (self._summed(products, counts, w, *bias),)

    def _summed(self, products: Array, counts: Sequence[int], w: Array, *bias: Array) -> Array:
        """Add up the products of all elements of the kernel where they belong."""
        kernel = w.shape[2:]
        stride, dilation = self.stride, self.dilation
        each = zip(counts, stride, kernel, dilation, self.out_pad, self.pad, strict=True)
        size = [(n - 1) * s + (k - 1) * d + 1 + o - sum(p) for n, s, k, d, o, p in each]
        filters = self.groups * w.shape[1]
        patches = products.reshape(products.shape[0], filters, prod(kernel), *counts)
        y = sum_patches(patches, size, stride, self.pad, kernel, dilation)
        return y + over_channels(bias[0], y) if bias else y

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        from netlang.ops.windows.convolution_lowerings import by_im2col, few_positions

        x, w, *bias = operands
        if self.groups == 1 and b.carried(w) and few_positions(b, x.type, w.type):
            windows = self._windows(w.type, x.type.shape[2:])
            (size,) = (t.shape[2:] for t in self.infer(*(o.type for o in operands)))
            y = by_im2col(b, windows, size, x, w)
            for v in bias:
                y = b.add("Add", y, b.add("Unsqueeze", v, b.axes(range(1, x.type.rank - 1))))
            return (y,)
        return (
            b.add(
                "ConvTranspose",
                *operands,
                kernel_shape=list(operands[1].type.shape[2:]),
                strides=list(self.stride),
                pads=onnx_pads(self.pad),
                output_padding=list(self.out_pad),
                dilations=list(self.dilation),
                group=self.groups,
            ),
        )

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        del outputs
        from netlang.ops.windows.convolution import ConvolveWeightGradient

        x, w, ct = terms(b, *inputs[:2], *cts)
        form = (self.stride, self.pad, self.dilation, self.groups)
        by_w = ct.to(ConvolveWeightGradient(kernel_of(w.type, x.shape[2:]), *form), x)
        biases = [ct.sum([0, *range(2, ct.rank)]).value for _ in inputs[2:]]
        return ct.to(Convolve(*form), w).value, by_w.value, *biases

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        n, h = symbol("N"), symbol("H")
        one, none = ((1, 1), (1, 1)), ((0, 0), (0, 0))
        return [
            sample(cls((1, 1), none, (0, 0), (1, 1)), (2, 3, 4, 5), (3, 4, 3, 2), bias=False),
            sample(cls((2, 2), one, (1, 1), (1, 1)), (2, 3, 4, 5), (3, 4, 3, 3), out=4),
            sample(cls((2, 1), ((0, 1), (2, 0)), (0, 0), (1, 1)), (1, 2, 4, 3), (2, 3, 4, 5),
                    out=3),
            sample(cls((3, 2), none, (1, 1), (2, 3)), (1, 2, 3, 4), (2, 3, 3, 2), out=3),
            sample(cls((2, 2), one, (0, 0), (1, 1), 2), (2, 4, 3, 4), (4, 3, 4, 4), out=6),
            sample(cls((2,), ((1, 1),), (0,), (1,)), (2, 3, 6), (3, 2, 4), out=2),
            sample(cls((1, 2, 1), ((0, 0),) * 3, (0, 1, 0), (1, 1, 1)), (1, 2, 2, 3, 2),
                    (2, 3, 2, 2, 3), out=3),
            Sample(
                cls((2, 2), one, (0, 0), (1, 1)),
                (TensorType(F32, (n, 3, h, h)), TensorType(F32, (3, 2, 4, 4))),
                sizes={"N": 2, "H": 5},
            ),
        ]  # fmt: skip

    def _windows(self, w: TensorType, spatial: Shape) -> Windows:
        windows = Windows(kernel_of(w, spatial), self.stride, self.pad, self.dilation)
        windows.check(spatial)
        if len(self.out_pad) != len(spatial):
            raise wrong_count("out_pad", len(self.out_pad), len(spatial))
        for extra, stride in zip(self.out_pad, self.stride, strict=True):
            if not 0 <= extra < stride:
                raise OperandError(
                    f"`out_pad` must be 0 or more and less than the stride, not {extra}",
                    rule=rules.OUT_OF_RANGE,
                    label=f"the stride is {stride}",
                    notes=["it chooses between the sizes the stride cannot tell apart"],
                    helps=[f"use `out_pad={stride - 1}` or less, or reduce `pad`"],
                )
        return windows

    def _sizes(self, windows: Windows, spatial: Shape) -> Shape:
        return tuple(
            (size - 1) * stride - before - after + extent + extra
            for size, stride, (before, after), extent, extra in zip(
                spatial, self.stride, self.pad, windows.extent, self.out_pad, strict=True
            )
        )


def _transposed_padding(
    arguments: Arguments, spatial: Shape, windows: Windows, out_pad: Sequence[int]
) -> Pads:
    match arguments.get("pad"):
        case "causal":
            raise rejected("pad", "of a transposed convolution can be a number, `same`, `half` "
                          "or `valid`", "causal")  # fmt: skip
        case "same":
            totals = [
                extent - stride + extra
                for extent, stride, extra in zip(
                    windows.extent, windows.stride, out_pad, strict=True
                )
            ]
            if min(totals) < 0:
                raise OperandError(
                    "`pad=same` needs a kernel as large as the stride",
                    rule=rules.OUT_OF_RANGE,
                    helps=["use a larger kernel, or `out_pad`"],
                )
            return tuple((total // 2, total - total // 2) for total in totals)
        case _:
            return padding(arguments, spatial, windows.extent, windows.stride)
