"""What a convolution's gradients are made of: two operators, each the gradient of the other.

With the convolution they are one trilinear form: fix two of map, filters and cotangent, and the
form is linear in the third.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar

from netlang.ir.dims import Dim, Shape, Size, product, symbol
from netlang.ir.graph import Builder, Cotangents, Values
from netlang.ir.op import OnnxBuilder, Operand, Primitive, Sample, TypeRefused, register
from netlang.ir.types import F32, TensorType, Types
from netlang.numeric import Array, np
from netlang.ops.convolution import Convolve, onnx_pads
from netlang.ops.windows import Pads, Windows, padded, taps

_SMALL, _MANY = 64, 32
"""Positions of a map up to which, and filters from which, one product for the whole batch beats
one for each image, although its result must be turned."""


@register
@dataclass(frozen=True, slots=True)
class ConvolveInputGradient(Primitive):
    """Take the cotangent of a convolution's result back to its map.

    ``ct [N, O, ...], w [O, C // groups, ...K] -> [N, C, ...size]``. ONNX: ConvTranspose; Gemm,
    Col2Im.
    """

    name: ClassVar[str] = "convolve_input_gradient"
    operands: ClassVar[tuple[str, ...]] = ("ct", "w")

    size: Shape
    stride: tuple[int, ...]
    pad: Pads
    dilation: tuple[int, ...]
    groups: int = 1

    def infer(self, *types: TensorType) -> Types:
        ct, w = types
        _require_axes(len(self.stride), ct, w)
        x = ct.with_shape(ct.shape[0], w.shape[1] * self.groups, *self.size)
        forward = Convolve(self.stride, self.pad, self.dilation, self.groups)
        if forward.infer(x, w) != (ct,):
            raise TypeRefused("this is no cotangent of that convolution", label=f"this is {ct}")
        return (x,)

    def macs(self, *types: TensorType) -> Size:
        ct, w = types
        return ct.size * product(w.shape[1:])

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        ct, w = operands
        windows = Windows(w.shape[2:], self.stride, self.pad, self.dilation)
        counts, groups, filters = ct.shape[2:], self.groups, w.shape[0]
        flat = w.reshape(groups, filters // groups, -1).transpose(0, 2, 1)
        columns = np.matmul(flat, ct.reshape(ct.shape[0], groups, filters // groups, -1))
        columns = columns.reshape(ct.shape[0], groups * w.shape[1], -1, *counts)
        sizes = [n for n in self.size if isinstance(n, int)]
        whole = [n + sum(pair) for n, pair in zip(sizes, self.pad, strict=True)]
        y = np.zeros((ct.shape[0], groups * w.shape[1], *whole), ct.dtype)
        for i, tap in enumerate(taps(windows, counts)):
            y[(slice(None), slice(None), *tap)] += columns[:, :, i]
        kept = tuple(
            slice(before, before + n) for n, (before, _) in zip(sizes, self.pad, strict=True)
        )
        return (np.ascontiguousarray(y[(slice(None), slice(None), *kept)]),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        return (lower_input_gradient(b, self, *operands),)

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        del outputs
        (ct, w), (h,) = inputs, cts
        form = (self.stride, self.pad, self.dilation, self.groups)
        by_w = ConvolveWeightGradient(_numbers(w.type.shape[2:]), *form)
        return b.one(Convolve(*form), h, w), b.one(by_w, h, ct)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        return [
            Sample(cls(x.shape[2:], op.stride, op.pad, op.dilation, op.groups), (y, w), sizes=sizes)
            for op, x, w, y, sizes in (*_samples(), *_samples(wide=True))
        ]


@register
@dataclass(frozen=True, slots=True)
class ConvolveWeightGradient(Primitive):
    """Take the cotangent of a convolution's result back to its filters.

    ``x [N, C, ...S], ct [N, O, ...] -> [O, C // groups, ...kernel]``. ONNX: Slice, Concat, Gemm.
    """

    name: ClassVar[str] = "convolve_weight_gradient"
    operands: ClassVar[tuple[str, ...]] = ("x", "ct")

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    pad: Pads
    dilation: tuple[int, ...]
    groups: int = 1

    def infer(self, *types: TensorType) -> Types:
        x, ct = types
        _require_axes(len(self.stride), x, ct)
        w = ct.with_shape(ct.shape[1], x.shape[1] // self.groups, *self.kernel)
        forward = Convolve(self.stride, self.pad, self.dilation, self.groups)
        if forward.infer(x, w) != (ct,):
            raise TypeRefused("this is no cotangent of that convolution", label=f"this is {ct}")
        return (w,)

    def macs(self, *types: TensorType) -> Size:
        x, ct = types
        return ct.size * (x.shape[1] // self.groups) * prod(self.kernel)

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        x, ct = operands
        groups, channels, filters = self.groups, x.shape[1], ct.shape[1]
        xp = padded(x, self.pad, 0.0).swapaxes(0, 1)
        rows = ct.swapaxes(0, 1).reshape(groups, filters // groups, -1)
        parts = [
            np.matmul(
                rows,
                xp[(slice(None), slice(None), *tap)]
                .reshape(groups, channels // groups, -1)
                .transpose(0, 2, 1),
            )
            for tap in taps(self.windows(), ct.shape[2:])
        ]
        return (np.stack(parts, axis=-1).reshape(filters, channels // groups, *self.kernel),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        return (lower_weight_gradient(b, self, *operands),)

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        del outputs
        (x, ct), (h,) = inputs, cts
        form = (self.stride, self.pad, self.dilation, self.groups)
        by_x = ConvolveInputGradient(x.type.shape[2:], *form)
        return b.one(by_x, ct, h), b.one(Convolve(*form), x, h)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        return [
            Sample(
                cls(_numbers(w.shape[2:]), op.stride, op.pad, op.dilation, op.groups),
                (x, y),
                sizes=sizes,
            )
            for op, x, w, y, sizes in _samples()
        ]

    def windows(self) -> Windows:
        return Windows(self.kernel, self.stride, self.pad, self.dilation)


def lower_input_gradient(b: OnnxBuilder, op: ConvolveInputGradient, ct: Operand, w: Operand) -> str:
    """Lower to the form that is fastest for these shapes."""
    area, filters = product(ct.type.shape[2:]), w.type.shape[0]
    small = isinstance(area, int) and area <= _SMALL
    many = isinstance(filters, int) and filters >= _MANY
    # onnxruntime's Col2Im is right for maps of two axes alone.
    known = op.groups == 1 and ct.type.rank == 4 and b.opset >= 18
    if known and small and many:
        return _by_columns(b, op, ct, w)
    return _by_transpose(b, op, ct, w)


def _by_columns(b: OnnxBuilder, op: ConvolveInputGradient, ct: Operand, w: Operand) -> str:
    """Make the columns of all images by one product, then add up where they overlap."""
    rank, filters, (channels, *window) = ct.type.rank, w.type.shape[0], w.type.shape[1:]
    area, depth = product(ct.type.shape[2:]), product((channels, *window))
    positions = ct.type.shape[0] * area
    rows = b.add("Transpose", ct, perm=[0, *range(2, rank), 1])
    rows = b.add("Reshape", rows, b.shape((positions, filters)))
    columns = b.add("Gemm", rows, b.add("Reshape", w, b.shape((filters, depth))))
    columns = b.add("Reshape", columns, b.shape((ct.type.shape[0], area, depth)))
    columns = b.add("Transpose", columns, perm=[0, 2, 1])
    if depth == channels and set(op.stride) == {1} and not any(map(sum, op.pad)):
        return b.add("Reshape", columns, b.shape((ct.type.shape[0], channels, *op.size)))
    return b.add(
        "Col2Im",
        columns,
        b.shape(op.size),
        b.shape(tuple(window)),
        strides=list(op.stride),
        pads=onnx_pads(op.pad),
        dilations=list(op.dilation),
    )


def _by_transpose(b: OnnxBuilder, op: ConvolveInputGradient, ct: Operand, w: Operand) -> str:
    """Lower by ConvTranspose, which spreads each position over the window it came from."""
    kernel = _numbers(w.type.shape[2:])
    windows = Windows(kernel, op.stride, op.pad, op.dilation)
    rests: list[int] = []
    cut: dict[int, Size] = {}
    for axis, (size, n, extent) in enumerate(
        zip(op.size, ct.type.shape[2:], windows.extent, strict=True)
    ):
        stride, pair = op.stride[axis], op.pad[axis]
        rest = size + sum(pair) - extent - (n - 1) * stride
        if isinstance(rest, Dim):
            # The windows leave a rest that only the run knows: make room for any, then cut.
            cut[axis + 2] = size
            rest = stride - 1
        rests.append(rest)
    y = b.add(
        "ConvTranspose",
        ct,
        w,
        kernel_shape=list(kernel),
        strides=list(op.stride),
        pads=onnx_pads(op.pad),
        output_padding=rests,
        dilations=list(op.dilation),
        group=op.groups,
    )
    if cut:
        ends = b.shape(tuple(cut.values()))
        y = b.add("Slice", y, b.axes([0] * len(cut)), ends, b.axes(list(cut)))
    return y


def lower_weight_gradient(
    b: OnnxBuilder, op: ConvolveWeightGradient, x: Operand, ct: Operand
) -> str:
    """Lower to one product of matrices over the whole batch.

    What each position sees becomes a column, as in a convolution by columns; with channels first
    a column is copied in long runs.
    """
    (w,) = op.infer(x.type, ct.type)
    order, groups = [1, 0, *range(2, x.type.rank)], op.groups
    sights = _sights(b, op, b.add("Transpose", x, perm=order), ct.type.shape[2:])
    spread = [b.add("Unsqueeze", sight, b.axes([1])) for sight in sights]
    columns = spread[0] if len(spread) == 1 else b.add("Concat", *spread, axis=1)
    depth, filters = product(w.shape[1:]), w.shape[0] // groups
    area = product(ct.type.shape[2:])
    positions = ct.type.shape[0] * area
    lead: Shape = () if groups == 1 else (groups,)
    columns = b.add("Reshape", columns, b.shape((*lead, depth, positions)))
    rows = b.add("Transpose", ct, perm=order)
    rows = b.add("Reshape", rows, b.shape((*lead, filters, positions)))
    # A product copies its right side. With few filters and many positions that side is better the
    # filters'; else turning the result costs more. A batch of unknown size is taken to be 32.
    many = positions if isinstance(positions, int) else 32 * area
    few = 4 * filters
    turned = isinstance(many, Dim) or isinstance(few, Dim) or many > few
    left, right = (columns, rows) if turned else (rows, columns)
    if groups == 1:
        y = b.add("Gemm", left, right, transB=1)
        if turned:
            # An axis between keeps onnxruntime from turning the product instead of its result.
            y = b.add("Reshape", y, b.shape((depth, 1, filters)))
            y = b.add("Transpose", y, perm=[2, 1, 0])
    else:
        y = b.add("MatMul", left, b.add("Transpose", right, perm=[0, 2, 1]))
        y = b.add("Transpose", y, perm=[0, 2, 1]) if turned else y
    return b.add("Reshape", y, b.shape(w.shape))


def _sights(b: OnnxBuilder, op: ConvolveWeightGradient, x: str, counts: Shape) -> list[str]:
    """Slice out, for each element of the window, what all positions see there: ``[C, N, ...]``."""
    axes = range(2, 2 + len(counts))
    if any(map(sum, op.pad)):
        befores, afters = zip(*op.pad, strict=True)
        x = b.add("Pad", x, b.axes([0, 0, *befores, 0, 0, *afters]))
    if prod(op.kernel) == 1 and all(s == 1 for s in op.stride):
        return [x]
    sights: list[str] = []
    for place in np.ndindex(*op.kernel):
        starts = tuple(tap * d for tap, d in zip(place, op.dilation, strict=True))
        ends = tuple(
            start + (n - 1) * s + 1 for start, n, s in zip(starts, counts, op.stride, strict=True)
        )
        steps = b.axes(op.stride)
        sights.append(b.add("Slice", x, b.axes(starts), b.shape(ends), b.axes(list(axes)), steps))
    return sights


def _require_axes(spatial: int, *types: TensorType) -> None:
    for operand, t in enumerate(types):
        if t.rank != spatial + 2:
            raise TypeRefused(
                f"a tensor of {spatial + 2} axes is needed here",
                rule="rank-mismatch",
                operand=operand,
                label=f"this is {t}",
            )


def _numbers(shape: Shape) -> tuple[int, ...]:
    return tuple(n for n in shape if isinstance(n, int))


_Case = tuple[Convolve, TensorType, TensorType, TensorType, dict[str, int]]


def _samples(*, wide: bool = False) -> Sequence[_Case]:
    """Give convolutions of every form; the wide ones have as many filters as real networks."""
    n, h, v = symbol("N"), symbol("H"), symbol("V")
    none, one = ((0, 0), (0, 0)), ((1, 1), (1, 1))
    both: list[tuple[Convolve, Shape, Shape]] = [
        (Convolve((1, 1), none, (1, 1)), (2, 3, 5, 4), (4, 3, 3, 2)),
        (Convolve((2, 1), ((1, 2), (0, 1)), (1, 1)), (2, 3, 7, 6), (4, 3, 3, 2)),
        (Convolve((1, 2), ((2, 2), (3, 1)), (2, 3)), (1, 2, 9, 10), (3, 2, 3, 2)),
        (Convolve((3, 3), none, (1, 1), 2), (2, 4, 9, 8), (6, 2, 3, 3)),
        (Convolve((2, 2), one, (1, 1), 4), (2, 4, 5, 6), (8, 1, 3, 3)),
        (Convolve((1, 1), none, (1, 1)), (2, 5, 4, 3), (7, 5, 1, 1)),
        (Convolve((2, 2), none, (1, 1), 2), (2, 4, 5, 5), (6, 2, 1, 1)),
        (Convolve((2,), ((4, 0),), (2,)), (2, 3, 8), (4, 3, 3)),
        (Convolve((1, 2, 1), ((1, 1),) * 3, (1, 1, 1)), (1, 2, 3, 5, 3), (3, 2, 2, 3, 2)),
        (Convolve((2, 3), one, (1, 1)), (n, 3, h, v), (4, 3, 3, 3)),
        (Convolve((1, 1), one, (1, 1), 3), (n, 3, h, h), (3, 1, 3, 3)),
    ]
    if wide:
        both = [(op, x, (_MANY, *w[1:])) for op, x, w in both if op.groups == 1]
    cases: list[_Case] = []
    for op, x, w in both:
        given, filters = TensorType(F32, x), TensorType(F32, w)
        (made,) = op.infer(given, filters)
        cases.append((op, given, filters, made, {"N": 2, "H": 6, "V": 8}))
    return cases
