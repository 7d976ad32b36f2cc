"""The largest number of each window of a map, and what all pools share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from netlang.diagnostics import rules
from netlang.ir.dims import Shape, symbol
from netlang.ir.graph import Builder, Cotangents, Values
from netlang.ir.op import OnnxBuilder, Operand, OperandError, Primitive, Sample, Window, register
from netlang.ir.types import F32, TensorType, Types
from netlang.ops.arguments import Arguments, flag
from netlang.ops.checks import require_float
from netlang.ops.samples import sample
from netlang.ops.terms import terms
from netlang.ops.windows.windows import (
    Pads,
    Windows,
    fold,
    onnx_pads,
    padded,
    positions,
    read_windows,
    spatial_shape,
)
from netlang.system.numpy import Array, np


@register
@dataclass(frozen=True, slots=True)
class MaxPool(Primitive):
    """Take the largest number of each window.

    ``[N, C, ...S] -> [N, C, ...]``. Padding never wins. With ``ceil`` an incomplete last window
    counts if it starts inside the map or the padding before it. ONNX: MaxPool.
    """

    name: ClassVar[str] = "max_pool"
    family = "pooling"
    operands: ClassVar[tuple[str, ...]] = ("x",)

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    pad: Pads
    dilation: tuple[int, ...]
    ceil: bool = False

    @classmethod
    def make(cls, types: Types, attributes: Arguments) -> Self:
        w = pool_windows(types[0], attributes)
        return cls(w.kernel, w.stride, w.pad, w.dilation, flag(attributes, "ceil"))

    def infer(self, *types: TensorType) -> Types:
        (x,) = types
        return (pool_type(x, self._windows(), ceil=self.ceil),)

    def window(self, *types: TensorType) -> Window | None:
        del types
        return self._windows().seen()

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        (x,) = operands
        windows = stretched(self._windows(), ceil=self.ceil)
        counts = positions(windows, x)
        return (fold(padded(x, windows.pad, -np.inf), windows, counts, np.maximum),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        (x,) = operands
        windows = stretched(self._windows(), ceil=self.ceil)
        return largest(b, x, windows, outputs=1)[0]

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        del outputs
        from netlang.ops.windows.gradients_pooling import max_gradient

        x, ct = terms(b, *inputs, *cts)
        windows = stretched(self._windows(), ceil=self.ceil)
        return (max_gradient(x, ct, windows).value,)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        none, one = ((0, 0), (0, 0)), ((1, 1), (1, 1))
        return [
            sample(cls((2, 2), (2, 2), none, (1, 1)), 2, 3, 7, 6),
            sample(cls((3, 3), (2, 2), one, (1, 1)), 2, 3, 6, 7),
            sample(cls((3, 3), (2, 2), one, (1, 1), ceil=True), 2, 3, 6, 7),
            sample(cls((2, 2), (3, 3), none, (1, 1), ceil=True), 2, 3, 5, 7),
            sample(cls((3, 2), (2, 1), ((0, 1), (1, 0)), (2, 3)), 1, 2, 9, 8),
            sample(cls((3, 2), (2, 2), ((1, 1), (1, 1)), (2, 2), ceil=True), 1, 2, 9, 8),
            sample(cls((3,), (1,), ((1, 1),), (1,)), 2, 3, 8),
            sample(cls((2, 3, 2), (2, 1, 2), ((1, 0), (1, 1), (0, 0)), (1, 1, 1)), 1, 2, 5, 4, 6),
            symbolic_pool(cls((3, 3), (2, 2), one, (1, 1))),
            symbolic_pool(cls((3, 3), (2, 2), one, (1, 1), ceil=True)),
            symbolic_pool(cls((2, 2), (3, 3), none, (1, 1), ceil=True)),
        ]

    def _windows(self) -> Windows:
        return Windows(self.kernel, self.stride, self.pad, self.dilation)


def largest(
    b: OnnxBuilder, x: Operand, windows: Windows, *, outputs: int
) -> tuple[tuple[str, ...], Shape]:
    """Add a MaxPool; give its results and the spatial sizes of the map it looked at."""
    # Run times refuse padding as long as the kernel, which a dilated window may need.
    inside = tuple(
        (before, min(after, kernel - 1))
        for (before, after), kernel in zip(windows.pad, windows.kernel, strict=True)
    )
    rest = tuple((0, after - own) for (_, after), (_, own) in zip(windows.pad, inside, strict=True))
    made = b.add_many(
        "MaxPool",
        pad_by_concat(b, x, rest, -math.inf),
        outputs=outputs,
        kernel_shape=list(windows.kernel),
        strides=list(windows.stride),
        pads=onnx_pads(inside),
        dilations=list(windows.dilation),
    )
    return made, tuple(n + after for n, (_, after) in zip(x.type.shape[2:], rest, strict=True))


def pool_windows(x: TensorType, arguments: Arguments) -> Windows:
    return read_windows(arguments, spatial_shape(x, "a pool"), stride=None)


def pool_type(x: TensorType, windows: Windows, *, ceil: bool) -> TensorType:
    require_float("pool", x)
    spatial = spatial_shape(x, "a pool")
    windows.check(spatial)
    for (before, after), kernel in zip(windows.pad, windows.kernel, strict=True):
        if max(before, after) >= kernel:
            raise OperandError(
                f"the padding of a pool must be smaller than its window, not {max(before, after)}",
                rule=rules.OUT_OF_RANGE,
                label=f"the window is {kernel} long",
                notes=["else some windows would hold nothing but padding"],
                helps=[f"use `pad={kernel - 1}` or less"],
            )
    counts: Shape = windows.ceil(spatial) if ceil else windows.floor(spatial)
    return x.with_shape(*x.shape[:2], *counts)


def stretched(windows: Windows, *, ceil: bool) -> Windows:
    """Pad so far that rounding down counts every window."""
    if not ceil:
        return windows
    return Windows(windows.kernel, windows.stride, windows.covering(), windows.dilation)


def pad_by_concat(b: OnnxBuilder, x: Operand, pad: Pads, fill: float) -> Operand | str:
    """Pad by Concat: run times fuse Pad into a pool that follows it, which changes the result."""
    joined: Operand | str = x
    shape = list(x.type.shape)
    for axis, (before, after) in enumerate(pad, start=2):
        if not before and not after:
            continue
        front, behind = (
            [b.add("Expand", b.constant(fill, x.type.dtype), b.shape(tuple(sizes)))]
            if amount
            else []
            for amount in (before, after)
            for sizes in [[*shape[:axis], amount, *shape[axis + 1 :]]]
        )
        joined = b.add("Concat", *front, joined, *behind, axis=axis)
        shape[axis] = shape[axis] + before + after
    return joined


def symbolic_pool(op: Primitive) -> Sample:
    shape = (symbol("N"), 3, symbol("H"), symbol("W"))
    return Sample(op, (TensorType(F32, shape),), sizes={"N": 2, "H": 6, "W": 11})
