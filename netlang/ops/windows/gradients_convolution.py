"""What a convolution's gradients are made of: two operators, each the gradient of the other.

With the convolution they are one trilinear form: fix two of map, filters and cotangent, and the
form is linear in the third.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar

from netlang.diagnostics import rules
from netlang.ir.dims import Shape, Size, product, symbol
from netlang.ir.graph import Builder, Cotangents, Values
from netlang.ir.op import OnnxBuilder, Operand, OperandError, Primitive, Sample, register
from netlang.ir.types import F32, TensorType, Types
from netlang.ops.reducing.products import multiply
from netlang.ops.windows.convolution import Convolve
from netlang.ops.windows.convolution_lowerings import MANY, input_gradient, weight_gradient
from netlang.ops.windows.windows import Pads, Windows, padded, taps
from netlang.system.numpy import Array, np


@register
@dataclass(frozen=True, slots=True)
class ConvolveInputGradient(Primitive):
    """Take the cotangent of a convolution's result back to its map.

    ``ct [N, O, ...], w [O, C // groups, ...K] -> [N, C, ...size]``. ONNX: Conv;
    ConvTranspose; Gemm, Col2Im.
    """

    name: ClassVar[str] = "convolve_input_gradient"
    family = "convolution"
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
            raise OperandError("this is no cotangent of that convolution", label=f"this is {ct}")
        return (x,)

    def macs(self, *types: TensorType) -> Size:
        ct, w = types
        return ct.size * product(w.shape[1:])

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        ct, w = operands
        windows = Windows(w.shape[2:], self.stride, self.pad, self.dilation)
        counts, groups, filters = ct.shape[2:], self.groups, w.shape[0]
        flat = w.reshape(groups, filters // groups, -1).transpose(0, 2, 1)
        columns = multiply(flat, ct.reshape(ct.shape[0], groups, filters // groups, -1))
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
        ct, w = operands
        windows = Windows(_numbers(w.type.shape[2:]), self.stride, self.pad, self.dilation)
        return (input_gradient(b, windows, self.groups, self.size, ct, w),)

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
            for op, x, w, y, sizes in _samples(gathered=True)
        ]


@register
@dataclass(frozen=True, slots=True)
class ConvolveWeightGradient(Primitive):
    """Take the cotangent of a convolution's result back to its filters.

    ``x [N, C, ...S], ct [N, O, ...] -> [O, C // groups, ...kernel]``. ONNX: Slice, Concat, Gemm;
    MatMul.
    """

    name: ClassVar[str] = "convolve_weight_gradient"
    family = "convolution"
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
            raise OperandError("this is no cotangent of that convolution", label=f"this is {ct}")
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
            multiply(
                rows,
                xp[(slice(None), slice(None), *tap)]
                .reshape(groups, channels // groups, -1)
                .transpose(0, 2, 1),
            )
            for tap in taps(self.windows(), ct.shape[2:])
        ]
        return (np.stack(parts, axis=-1).reshape(filters, channels // groups, *self.kernel),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        x, ct = operands
        (w,) = self.infer(x.type, ct.type)
        return (weight_gradient(b, self.windows(), self.groups, w.shape, x, ct),)

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


def _require_axes(spatial: int, *types: TensorType) -> None:
    for operand, t in enumerate(types):
        if t.rank != spatial + 2:
            raise OperandError(
                f"a tensor of {spatial + 2} axes is needed here",
                rule=rules.RANK_MISMATCH,
                operand=operand,
                label=f"this is {t}",
            )


def _numbers(shape: Shape) -> tuple[int, ...]:
    return tuple(n for n in shape if isinstance(n, int))


_Case = tuple[Convolve, TensorType, TensorType, TensorType, dict[str, int]]


def _samples(*, gathered: bool = False) -> Sequence[_Case]:
    """Give convolutions of every form.

    With fewer filters than channels, with wide windows, and with as many filters as in real
    networks, other sums are cheaper.
    ``gathered`` are those that many filters make different where maps are wanted.
    """
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
