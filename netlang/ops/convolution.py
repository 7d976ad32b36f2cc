"""Convolutions and transposed convolutions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from netlang.ir.dims import Dim, Shape, Size, divides, product, symbol
from netlang.ir.graph import Builder, Cotangents, Values
from netlang.ir.op import (
    OnnxBuilder,
    Operand,
    Primitive,
    Sample,
    TypeRefused,
    Window,
    register,
)
from netlang.ir.types import F32, TensorType, Types
from netlang.numeric import Array, np
from netlang.ops.arguments import Arguments, integer, refused
from netlang.ops.checks import require_dtype_of, require_float
from netlang.ops.columns import by_columns, depthwise, pointwise
from netlang.ops.products import multiply
from netlang.ops.terms import terms
from netlang.ops.windows import (
    Pads,
    Windows,
    padded,
    padding,
    per_axis,
    positions,
    spatial_shape,
    taps,
    wrong_count,
)


@register
@dataclass(frozen=True, slots=True)
class Convolve(Primitive):
    """Slide filters over a map; with a bias, add one number per filter.

    ``x [N, C, ...S], w [O, C // groups, ...K], bias [O] -> [N, O, ...]`` with one to three spatial
    axes. ``pad`` holds the positions added before and after each axis. ONNX: Conv.
    """

    name: ClassVar[str] = "convolve"
    operands: ClassVar[tuple[str, ...]] = ("x", "w", "bias*")

    stride: tuple[int, ...]
    pad: Pads
    dilation: tuple[int, ...]
    groups: int = 1

    @classmethod
    def make(cls, types: Types, attributes: Arguments) -> Self:
        x, w = types[:2]
        spatial = spatial_shape(x, "a convolution")
        kernel = _kernel(w, spatial)
        rank = len(spatial)
        stride = per_axis(attributes, "stride", rank, 1)
        dilation = per_axis(attributes, "dilation", rank, 1)
        none = Windows(kernel, stride, ((0, 0),) * rank, dilation)
        none.check(spatial)
        pad = padding(attributes, spatial, none.extent, stride)
        return cls(stride, pad, dilation, integer(attributes, "groups", 1))

    def infer(self, *types: TensorType) -> Types:
        x, w, *bias = types
        _floats(x, w, *bias)
        spatial = spatial_shape(x, "a convolution")
        windows = self._windows(w, spatial)
        filters = w.shape[0]
        _grouped(self.groups, x.shape[1], filters, operand=0)
        _channels(x, w, w.shape[1] * self.groups)
        _bias(bias, filters)
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
        return (by_columns(x, w, windows, counts, self.groups, bias),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        x, w, *_ = operands
        kernel = w.type.shape[2:]
        if self.groups == 1 and b.carried(w):
            from netlang.ops.convolution_lowerings import by_one_product, one_product_is_best

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
        from netlang.ops.gradients_convolution import ConvolveInputGradient, ConvolveWeightGradient

        x, w, ct = terms(b, *inputs[:2], *cts)
        form = (self.stride, self.pad, self.dilation, self.groups)
        by_x = ct.to(ConvolveInputGradient(x.shape[2:], *form), w)
        by_w = x.to(ConvolveWeightGradient(_kernel(w.type, x.shape[2:]), *form), ct)
        biases = [ct.sum([0, *range(2, ct.rank)]).value for _ in inputs[2:]]
        return by_x.value, by_w.value, *biases

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        n, h, w = symbol("N"), symbol("H"), symbol("W")
        flat = ((0, 0), (0, 0))
        return [
            _sample(cls((1, 1), flat, (1, 1)), (2, 3, 7, 6), (4, 3, 3, 2), bias=False),
            _sample(cls((2, 1), ((1, 2), (0, 1)), (1, 1)), (2, 3, 7, 6), (4, 3, 3, 2)),
            _sample(cls((1, 2), ((2, 2), (3, 1)), (2, 3)), (1, 2, 9, 10), (3, 2, 3, 2)),
            _sample(cls((1, 1), ((1, 1), (1, 1)), (1, 1), 2), (2, 4, 5, 5), (6, 2, 3, 3)),
            _sample(cls((2, 2), ((1, 1), (1, 1)), (1, 1), 4), (2, 4, 5, 6), (4, 1, 3, 3)),
            _sample(cls((1, 1), ((2, 2), (2, 2)), (2, 2), 3), (1, 3, 6, 6), (6, 1, 3, 3)),
            _sample(cls((1, 1), flat, (1, 1)), (2, 5, 4, 3), (7, 5, 1, 1)),
            _sample(cls((2, 2), flat, (1, 1), 2), (2, 4, 5, 5), (6, 2, 1, 1), bias=False),
            _sample(cls((1,), ((4, 0),), (2,)), (2, 3, 8), (4, 3, 3)),
            _sample(cls((2,), ((1, 1),), (1,), 3), (2, 3, 9), (3, 1, 4), bias=False),
            _sample(cls((1, 2, 1), ((1, 1),) * 3, (1, 1, 1)), (1, 2, 4, 5, 3), (3, 2, 3, 3, 2)),
            Sample(
                cls((2, 2), ((1, 1), (1, 1)), (1, 1)),
                (TensorType(F32, (n, 3, h, w)), TensorType(F32, (4, 3, 3, 3))),
                sizes={"N": 2, "H": 7, "W": 10},
            ),
        ]

    def _windows(self, w: TensorType, spatial: Shape) -> Windows:
        windows = Windows(_kernel(w, spatial), self.stride, self.pad, self.dilation)
        windows.check(spatial)
        return windows


@register
@dataclass(frozen=True, slots=True)
class ConvolveTranspose(Primitive):
    """Spread each position of a map over a window of a larger map: a convolution's transpose.

    ``x [N, C, ...S], w [C, O // groups, ...K], bias [O] -> [N, O, ...]`` of size
    ``(size - 1) * stride - before - after + extent + out_pad``. ONNX: ConvTranspose.
    """

    name: ClassVar[str] = "convolve_transpose"
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
        kernel = _kernel(w, spatial)
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
        _floats(x, w, *bias)
        spatial = spatial_shape(x, "a transposed convolution")
        windows = self._windows(w, spatial)
        filters = w.shape[1] * self.groups
        _grouped(self.groups, x.shape[1], filters, operand=0)
        _channels(x, w, w.shape[0])
        _bias(bias, filters)
        out = self._sizes(windows, spatial)
        for size, given in zip(out, spatial, strict=True):
            if isinstance(size, int) and size < 1:
                raise TypeRefused(
                    "the padding cuts everything away",
                    rule="window-too-big",
                    label=f"a size of {given} would become {size}",
                    helps=["use a smaller `pad`"],
                )
        return (x.with_shape(x.shape[0], filters, *out),)

    def macs(self, *types: TensorType) -> Size:
        x, w = types[:2]
        return x.size * product(w.shape[1:])

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        x, w, *bias = operands
        windows = Windows(w.shape[2:], self.stride, self.pad, self.dilation)
        counts = x.shape[2:]
        batch, channels, groups = x.shape[0], x.shape[1], self.groups
        flat = w.reshape(groups, channels // groups, -1).transpose(0, 2, 1)
        columns = multiply(flat, x.reshape(batch, groups, channels // groups, -1))
        columns = columns.reshape(batch, groups * w.shape[1], -1, *counts)
        whole = tuple(
            (n - 1) * s + e + o
            for n, s, e, o in zip(counts, self.stride, windows.extent, self.out_pad, strict=True)
        )
        y = np.zeros((batch, groups * w.shape[1], *whole), x.dtype)
        for i, tap in enumerate(taps(windows, counts)):
            y[(slice(None), slice(None), *tap)] += columns[:, :, i]
        kept = tuple(slice(b, n - a) for n, (b, a) in zip(whole, self.pad, strict=True))
        return (_add_bias(np.ascontiguousarray(y[(slice(None), slice(None), *kept)]), bias),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
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
        from netlang.ops.gradients_convolution import ConvolveWeightGradient

        x, w, ct = terms(b, *inputs[:2], *cts)
        form = (self.stride, self.pad, self.dilation, self.groups)
        by_w = ct.to(ConvolveWeightGradient(_kernel(w.type, x.shape[2:]), *form), x)
        biases = [ct.sum([0, *range(2, ct.rank)]).value for _ in inputs[2:]]
        return ct.to(Convolve(*form), w).value, by_w.value, *biases

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        n, h = symbol("N"), symbol("H")
        one, none = ((1, 1), (1, 1)), ((0, 0), (0, 0))
        return [
            _sample(cls((1, 1), none, (0, 0), (1, 1)), (2, 3, 4, 5), (3, 4, 3, 2), bias=False),
            _sample(cls((2, 2), one, (1, 1), (1, 1)), (2, 3, 4, 5), (3, 4, 3, 3), out=4),
            _sample(cls((2, 1), ((0, 1), (2, 0)), (0, 0), (1, 1)), (1, 2, 4, 3), (2, 3, 4, 5),
                    out=3),
            _sample(cls((3, 2), none, (1, 1), (2, 3)), (1, 2, 3, 4), (2, 3, 3, 2), out=3),
            _sample(cls((2, 2), one, (0, 0), (1, 1), 2), (2, 4, 3, 4), (4, 3, 4, 4), out=6),
            _sample(cls((2,), ((1, 1),), (0,), (1,)), (2, 3, 6), (3, 2, 4), out=2),
            _sample(cls((1, 2, 1), ((0, 0),) * 3, (0, 1, 0), (1, 1, 1)), (1, 2, 2, 3, 2),
                    (2, 3, 2, 2, 3), out=3),
            Sample(
                cls((2, 2), one, (0, 0), (1, 1)),
                (TensorType(F32, (n, 3, h, h)), TensorType(F32, (3, 2, 4, 4))),
                sizes={"N": 2, "H": 5},
            ),
        ]  # fmt: skip

    def _windows(self, w: TensorType, spatial: Shape) -> Windows:
        windows = Windows(_kernel(w, spatial), self.stride, self.pad, self.dilation)
        windows.check(spatial)
        if len(self.out_pad) != len(spatial):
            raise wrong_count("out_pad", len(self.out_pad), len(spatial))
        for extra, stride in zip(self.out_pad, self.stride, strict=True):
            if not 0 <= extra < stride:
                raise TypeRefused(
                    f"`out_pad` must be 0 or more and less than the stride, not {extra}",
                    rule="out-of-range",
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


def onnx_pads(pad: Pads) -> list[int]:
    """Order padding as ONNX does: all before, then all after."""
    return [before for before, _ in pad] + [after for _, after in pad]


def _transposed_padding(
    arguments: Arguments, spatial: Shape, windows: Windows, out_pad: Sequence[int]
) -> Pads:
    match arguments.get("pad"):
        case "causal":
            raise refused("pad", "of a transposed convolution can be a number, `same`, `half` "
                          "or `valid`", "causal")  # fmt: skip
        case "same":
            totals = [
                extent - stride + extra
                for extent, stride, extra in zip(
                    windows.extent, windows.stride, out_pad, strict=True
                )
            ]
            if min(totals) < 0:
                raise TypeRefused(
                    "`pad=same` needs a kernel as large as the stride",
                    rule="out-of-range",
                    helps=["use a larger kernel, or `out_pad`"],
                )
            return tuple((total // 2, total - total // 2) for total in totals)
        case _:
            return padding(arguments, spatial, windows.extent, windows.stride)


def _kernel(w: TensorType, spatial: Shape) -> tuple[int, ...]:
    sizes = w.shape[2:]
    if w.rank < 3 or len(sizes) != len(spatial):
        raise TypeRefused(
            f"these filters must have {len(spatial) + 2} axes",
            operand=1,
            label=f"this is {w}",
            notes=["two for channels, and one per spatial axis of the map"],
        )
    kernel: list[int] = []
    for size in sizes:
        if isinstance(size, Dim):
            raise TypeRefused("the size of a window must be known", operand=1, label=f"this is {w}")
        if size < 1:
            raise refused("kernel", "must be 1 or more", size)
        kernel.append(size)
    return tuple(kernel)


def _floats(*types: TensorType) -> None:
    require_float("convolve", types[0])
    for i, t in enumerate(types[1:], start=1):
        require_dtype_of(types[0], t, operand=i)


def _grouped(groups: int, channels: Size, filters: Size, *, operand: int) -> None:
    if groups < 1:
        raise refused("groups", "must be 1 or more", groups)
    for what, size in (("channels", channels), ("filters", filters)):
        if size == 0:
            raise TypeRefused(f"a convolution of no {what} makes nothing", rule="out-of-range")
        if divides(groups, size):
            continue
        both = [n for n in (channels, filters) if isinstance(n, int)]
        fits = [d for d in range(1, min(both, default=1) + 1) if all(n % d == 0 for n in both)]
        raise TypeRefused(
            f"{size} {what} don't divide into {groups} groups",
            rule="groups-mismatch",
            operand=operand if what == "channels" else None,
            label=f"this has {size} channels" if what == "channels" else "",
            notes=[
                f"{channels} channels come in, {filters} go out; each group gets an equal share"
            ],
            helps=[f"`groups` can be {_choices(fits)}"],
        )


def _choices(values: Sequence[int]) -> str:
    texts = [str(v) for v in values]
    if len(texts) > 8:
        texts = [*texts[:6], "...", texts[-1]]
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} or {texts[-1]}"


def _channels(x: TensorType, w: TensorType, expected: Size) -> None:
    if x.shape[1] != expected:
        raise TypeRefused(
            f"the map has {x.shape[1]} channels, and the filters want {expected}",
            operand=0,
            label=f"this is {x}",
            notes=[f"the filters are {w}"],
        )


def _bias(bias: Sequence[TensorType], filters: Size) -> None:
    if len(bias) > 1:
        raise TypeRefused("a convolution takes one bias", operand=3, label="one too many")
    if bias and bias[0].shape != (filters,):
        raise TypeRefused(
            "the bias must have one number per filter",
            operand=2,
            label=f"this is {bias[0]}, not [{filters}]",
        )


def _add_bias(y: Array, bias: Sequence[Array]) -> Array:
    if bias:
        y += bias[0].reshape(-1, *(1,) * (y.ndim - 2))
    return y


def _sample(
    op: Primitive, x: Shape, w: Shape, *, bias: bool = True, out: int | None = None
) -> Sample:
    last = [TensorType(F32, (w[0] if out is None else out,))] if bias else []
    return Sample(op, (TensorType(F32, x), TensorType(F32, w), *last))
