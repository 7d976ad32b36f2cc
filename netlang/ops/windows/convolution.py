"""Convolutions and their gradients, which are differentiated through each other."""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping, Sequence
from math import prod
from typing import ClassVar, Self

from msgspec.structs import replace

from netlang.diagnostics import rules
from netlang.ir.dims import Shape, Size, product, symbol
from netlang.ir.graph import Builder, Cotangents, Values
from netlang.ir.op import OnnxBuilder, Operand, OperandError, Primitive, Sample, Window, register
from netlang.ir.types import F32, TensorType, Types
from netlang.ops.arguments import Arguments, integer
from netlang.ops.elementwise.channels import over_channels
from netlang.ops.reducing.products import multiply
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
    first_fitting,
    known_sizes,
    onnx_pads,
    padded,
    padding,
    patches,
    per_axis,
    positions,
    spatial_shape,
    sum_patches,
    taps,
)
from netlang.system.numpy import Array, np


@register
class Convolve(Primitive, frozen=True):
    """Convolve with filters, and add a bias per filter if there is one.

    ``x [N, C, ...S], w [O, C // groups, ...K], bias [O] -> [N, O, ...]`` with one to three spatial
    axes. ``pad`` holds the padding before and after each axis. ONNX: Conv.
    """

    name: ClassVar[str] = "convolve"
    gradient_reads = ("others",)
    usual: ClassVar[Mapping[str, int]] = {"stride": 1, "pad": 0, "dilation": 1}
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

    def toward(self, wanted: Shape, *types: TensorType) -> Mapping[str, int]:
        rank, widest = len(self.stride), max(kernel_of(types[1], types[0].shape[2:]))
        if widest == 1:
            strides = (({"stride": s}, replace(self, stride=(s,) * rank)) for s in (2, 4, 8))
            return first_fitting(strides, wanted, types)
        pads = (({"pad": p}, replace(self, pad=((p, p),) * rank)) for p in range(widest))
        return first_fitting(pads, wanted, types)

    def macs(self, *types: TensorType) -> Size:
        (y,) = self.infer(*types)
        return y.size * product(types[1].shape[1:])

    def workspace(self, *types: TensorType) -> Sequence[Size]:
        # The result in the order of channels in which onnxruntime computes it.
        x, w = types[:2]
        counts = self._windows(w, x.shape[2:]).floor(x.shape[2:])
        return [product((x.shape[0], w.shape[0], *counts))]

    def gradient_workspace(self, *types: TensorType) -> Sequence[Size]:
        x, w = types[:2]
        windows = self._windows(w, x.shape[2:])
        y = x.with_shape(x.shape[0], w.shape[0], *windows.floor(x.shape[2:]))
        return weight_gradient_workspace(x, y, windows, self.groups)

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

    def plain(self, *operands: Array) -> tuple[Array, ...]:
        x, w, *bias = operands
        groups = self.groups
        seen = patches(padded(x, self.pad, 0.0), w.shape[2:], self.stride, self.dilation)
        batch, counts, filters = x.shape[0], seen.shape[3:], w.shape[0]
        rows = w.reshape(groups, filters // groups, prod(w.shape[1:]))
        columns = seen.reshape(batch, groups, rows.shape[2], prod(counts))
        y = (rows @ columns).reshape(batch, filters, *counts)
        return (y + over_channels(bias[0], y) if bias else y,)

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


class ConvolutionGradient(Primitive, ABC, frozen=True):
    """Compute a gradient of a convolution, of spatial sizes ``size``.

    Subclasses add no fields, so they need no decorator of their own.
    """

    family = "convolution"

    size: Shape
    stride: tuple[int, ...]
    pad: Pads
    dilation: tuple[int, ...]
    groups: int = 1

    def require_cotangent(self, x: TensorType, w: TensorType, ct: TensorType) -> None:
        """Raise ``OperandError`` unless ``ct`` has the type of ``x`` convolved with ``w``."""
        if self.convolution().infer(x, w) != (ct,):
            raise OperandError("this is not a cotangent of that convolution", label=f"this is {ct}")

    def convolution(self) -> Convolve:
        return Convolve(self.stride, self.pad, self.dilation, self.groups)

    def windows(self, kernel: Shape) -> Windows:
        return Windows(known_sizes(kernel), self.stride, self.pad, self.dilation)


@register
class ConvolveInputGradient(ConvolutionGradient, frozen=True):
    """Compute the cotangent of a convolution's input.

    ``ct [N, O, ...], w [O, C // groups, ...K] -> [N, C, ...size]``. ONNX: Conv;
    ConvTranspose; Gemm, Col2Im.
    """

    name = "convolve_input_gradient"
    gradient_reads = ("others",)
    operands = ("ct", "w")

    def infer(self, *types: TensorType) -> Types:
        ct, w = types
        _require_axes(len(self.stride), ct, w)
        x = ct.with_shape(ct.shape[0], w.shape[1] * self.groups, *self.size)
        self.require_cotangent(x, w, ct)
        return (x,)

    def macs(self, *types: TensorType) -> Size:
        ct, w = types
        return ct.size * product(w.shape[1:])

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        ct, w = operands
        counts, groups, filters = ct.shape[2:], self.groups, w.shape[0]
        flat = w.reshape(groups, filters // groups, -1).transpose(0, 2, 1)
        products = multiply(flat, ct.reshape(ct.shape[0], groups, filters // groups, -1))
        seen = products.reshape(ct.shape[0], groups * w.shape[1], -1, *counts)
        size, kernel = known_sizes(self.size), w.shape[2:]
        return (sum_patches(seen, size, self.stride, self.pad, kernel, self.dilation),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        from netlang.ops.windows.convolution_lowerings import input_gradient

        ct, w = operands
        windows = self.windows(w.type.shape[2:])
        return (input_gradient(b, windows, self.groups, self.size, ct, w),)

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        del outputs
        (ct, w), (h,) = inputs, cts
        form = (self.stride, self.pad, self.dilation, self.groups)
        by_w = ConvolveWeightGradient(w.type.shape[2:], *form)
        return b.one(self.convolution(), h, w), b.one(by_w, h, ct)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        return [
            Sample(cls(x.shape[2:], op.stride, op.pad, op.dilation, op.groups), (y, w), sizes=sizes)
            for op, x, w, y, sizes in _samples(gathered=True)
        ]


@register
class ConvolveWeightGradient(ConvolutionGradient, frozen=True):
    """Compute the cotangent of a convolution's filters.

    ``x [N, C, ...S], ct [N, O, ...] -> [O, C // groups, ...size]``. ONNX: Slice, Concat, Gemm;
    MatMul.
    """

    name = "convolve_weight_gradient"
    gradient_reads = ("others",)
    operands = ("x", "ct")

    def infer(self, *types: TensorType) -> Types:
        x, ct = types
        _require_axes(len(self.stride), x, ct)
        w = ct.with_shape(ct.shape[1], x.shape[1] // self.groups, *self.size)
        self.require_cotangent(x, w, ct)
        return (w,)

    def macs(self, *types: TensorType) -> Size:
        x, ct = types
        return ct.size * (x.shape[1] // self.groups) * product(self.size)

    def workspace(self, *types: TensorType) -> Sequence[Size]:
        x, ct = types
        return weight_gradient_workspace(x, ct, self.windows(self.size), self.groups)

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        x, ct = operands
        groups, channels, filters = self.groups, x.shape[1], ct.shape[1]
        xp = padded(x, self.pad, 0.0).swapaxes(0, 1)
        rows = ct.swapaxes(0, 1).reshape(groups, filters // groups, -1)
        parts = [
            multiply(
                rows,
                xp[(slice(None), slice(None), *tap)]
                .reshape(groups, channels // groups, -1)
                .transpose(0, 2, 1),
            )
            for tap in taps(self.windows(self.size), ct.shape[2:])
        ]
        return (
            np.stack(parts, axis=-1).reshape(filters, channels // groups, *known_sizes(self.size)),
        )

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        from netlang.ops.windows.convolution_lowerings import weight_gradient

        x, ct = operands
        (w,) = self.infer(x.type, ct.type)
        return (weight_gradient(b, self.windows(self.size), self.groups, w.shape, x, ct),)

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        del outputs
        (x, ct), (h,) = inputs, cts
        form = (self.stride, self.pad, self.dilation, self.groups)
        by_x = ConvolveInputGradient(x.type.shape[2:], *form)
        return b.one(by_x, ct, h), b.one(self.convolution(), x, h)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        return [
            Sample(
                cls(w.shape[2:], op.stride, op.pad, op.dilation, op.groups),
                (x, y),
                sizes=sizes,
            )
            for op, x, w, y, sizes in _samples()
        ]


_MOST_PARTS = 256


def weight_gradient_workspace(
    x: TensorType, ct: TensorType, windows: Windows, groups: int
) -> Sequence[Size]:
    """Return the sizes of the arrays that are made for the gradient of filters.

    These are ``x`` and ``ct`` with channels first, and the patches of ``x``, in parts and joined.
    """
    channels, filters = x.shape[1], ct.shape[1]
    copied, positions, parts = x.shape[0] * channels, product(ct.shape[2:]), prod(windows.kernel)
    alone = set(windows.stride) == {1} and groups == 1
    if alone and isinstance(channels, int) and isinstance(filters, int):
        if prod(windows.kernel) == 1 and not any(map(sum, windows.pad)):
            return [x.size]
        if channels >= 2 * filters:
            copied = ct.shape[0] * filters
        elif windows.kernel[-1] > 4 and x.rank == 4 and isinstance(x.shape[3], int):
            from netlang.ops.windows.convolution_lowerings import rows_are_best

            if rows_are_best(windows, filters, x.shape[3]):
                copied, positions, parts = x.size, 1, windows.kernel[0]
    part = copied * positions
    # Of a large kernel, the parts count as one array.
    patches = [part] * parts if parts <= _MOST_PARTS else [part * parts]
    return [x.size, ct.size, *patches, part * parts]


def _require_axes(spatial: int, *types: TensorType) -> None:
    for operand, t in enumerate(types):
        if t.rank != spatial + 2:
            raise OperandError(
                f"a tensor of {spatial + 2} axes is needed here",
                rule=rules.RANK_MISMATCH,
                operand=operand,
                label=f"this is {t}",
            )


_Case = tuple[Convolve, TensorType, TensorType, TensorType, dict[str, int]]


def _samples(*, gathered: bool = False) -> Sequence[_Case]:
    """Return convolutions that every lowering is chosen for.

    Which one is fastest depends on the numbers of filters and channels and on the window.
    ``gathered`` adds cases with many filters, which matter for the gradient by the input.
    """
    from netlang.ops.windows.convolution_lowerings import MANY

    n, h, v = symbol("N"), symbol("H"), symbol("V")
    none, one = ((0, 0), (0, 0)), ((1, 1), (1, 1))
    both: list[tuple[Convolve, Shape, Shape]] = [
        (Convolve((1, 1), none, (1, 1)), (2, 3, 5, 4), (4, 3, 3, 2)),
        (Convolve((2, 1), ((1, 2), (0, 1)), (1, 1)), (2, 3, 7, 6), (4, 3, 3, 2)),
        (Convolve((1, 2), ((2, 2), (3, 1)), (2, 3)), (1, 2, 9, 10), (3, 2, 3, 2)),
        (Convolve((3, 3), none, (1, 1), 2), (2, 4, 9, 8), (6, 2, 3, 3)),
        (Convolve((2, 2), one, (1, 1), 4), (2, 4, 5, 6), (8, 1, 3, 3)),
        (Convolve((1, 1), none, (1, 1)), (2, 5, 4, 3), (7, 5, 1, 1)),
        (Convolve((1, 1), none, (1, 1)), (2, 5, 2, 1), (7, 5, 1, 1)),
        (Convolve((2, 2), none, (1, 1), 2), (2, 4, 5, 5), (6, 2, 1, 1)),
        (Convolve((2,), ((4, 0),), (2,)), (2, 3, 8), (4, 3, 3)),
        (Convolve((1, 2, 1), ((1, 1),) * 3, (1, 1, 1)), (1, 2, 3, 5, 3), (3, 2, 2, 3, 2)),
        (Convolve((2, 3), one, (1, 1)), (n, 3, h, v), (4, 3, 3, 3)),
        (Convolve((1, 1), one, (1, 1), 3), (n, 3, h, h), (3, 1, 3, 3)),
    ]
    special: list[tuple[Convolve, Shape, Shape]] = [
        (Convolve((1, 1), ((2, 0), (1, 3)), (1, 2)), (2, 4, 5, 3), (2, 4, 3, 2)),
        (Convolve((1, 1), ((3, 3), (0, 1)), (1, 1)), (2, 2, 3, 4), (1, 2, 2, 3)),
        (Convolve((1, 1), one, (1, 1)), (n, 4, 5, 6), (2, 4, 3, 3)),
        (Convolve((1, 1), one, (1, 1)), (n, 2, h, v), (1, 2, 3, 3)),
        (Convolve((1, 1), one, (1, 1)), (1, 2, 9, 10), (2, 2, 3, 3)),
        (Convolve((1, 1), ((2, 2), (2, 2)), (1, 1)), (n, 1, 6, 5), (2, 1, 5, 5)),
        (Convolve((1, 1), ((1, 0), (0, 3)), (1, 1)), (2, 3, 4, 7), (4, 3, 2, 6)),
        (Convolve((1, 1), none, (2, 2)), (2, 2, 7, 11), (3, 2, 3, 5)),
        (Convolve((1,), ((1, 0),), (2,)), (2, 3, 6), (1, 3, 2)),
        (
            Convolve((1, 1, 1), ((1, 1), (0, 1), (2, 1)), (1, 1, 1)),
            (2, 2, 3, 2, 3),
            (1, 2, 2, 1, 3),
        ),
    ]
    many = [(op, x, (MANY, *w[1:])) for op, x, w in both if op.groups == 1 and gathered]
    cases: list[_Case] = []
    for op, x, w in (*both, *special, *many):
        given, filters = TensorType(F32, x), TensorType(F32, w)
        (made,) = op.infer(given, filters)
        cases.append((op, given, filters, made, {"N": 2, "H": 6, "V": 8}))
    return cases
