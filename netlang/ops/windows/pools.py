"""What all pools share: their windows, their types, and how ONNX computes them."""

from __future__ import annotations

import math

from netlang.diagnostics import rules
from netlang.ir.dims import Shape, Size, symbol
from netlang.ir.op import OnnxBuilder, Operand, OperandError, Primitive, Sample
from netlang.ir.types import F32, TensorType
from netlang.ops.arguments import Arguments
from netlang.ops.checks import require_float
from netlang.ops.windows.windows import (
    Pads,
    Windows,
    covering,
    onnx_pads,
    read_windows,
    spatial_shape,
)


def add_max_pool(
    b: OnnxBuilder, x: Operand, windows: Windows, *, outputs: int
) -> tuple[tuple[str, ...], Shape]:
    """Add a MaxPool; return its results and the spatial sizes of its padded input."""
    # Runtimes reject padding as long as the kernel, which a dilated window may need.
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
    for axis, (size, count) in enumerate(zip(spatial, counts, strict=True)):
        _require_elements(windows, axis, size, count)
    return x.with_shape(*x.shape[:2], *counts)


def _require_elements(windows: Windows, axis: int, size: Size, count: Size) -> None:
    """Raise ``OperandError`` if a window misses every element because of its dilation."""
    dilation, (before, _) = windows.dilation[axis], windows.pad[axis]
    if not isinstance(size, int) or not isinstance(count, int) or size >= dilation:
        return
    for position in range(count):
        first = position * windows.stride[axis] - before
        taps = range(first, first + windows.extent[axis], dilation)
        if not any(0 <= tap < size for tap in taps):
            raise OperandError(
                f"a window of a pool holds nothing but padding: it reads the positions "
                f"{', '.join(map(str, taps))}",
                rule=rules.OUT_OF_RANGE,
                label=f"the input is {size} long",
                helps=[f"use `dilation={max(size, 1)}` or less, or no padding"],
            )


def ceil_padded(windows: Windows, *, ceil: bool) -> Windows:
    """Return windows with enough padding that rounding down counts every window."""
    if not ceil:
        return windows
    pad = covering(windows.kernel, windows.stride, windows.pad, windows.dilation)
    return Windows(windows.kernel, windows.stride, pad, windows.dilation)


def pad_by_concat(b: OnnxBuilder, x: Operand, pad: Pads, fill: float) -> Operand | str:
    """Pad by Concat, because runtimes fuse Pad into a pool after it, which changes the result."""
    joined: Operand | str = x
    shape = list(x.type.shape)
    for axis, (before, after) in enumerate(pad, start=2):
        if not before and not after:
            continue
        front, back = (
            [b.add("Expand", b.constant(fill, x.type.dtype), b.shape(tuple(sizes)))]
            if amount
            else []
            for amount in (before, after)
            for sizes in [[*shape[:axis], amount, *shape[axis + 1 :]]]
        )
        joined = b.add("Concat", *front, joined, *back, axis=axis)
        shape[axis] = shape[axis] + before + after
    return joined


def symbolic_pool(op: Primitive) -> Sample:
    shape = (symbol("N"), 3, symbol("H"), symbol("W"))
    return Sample(op, (TensorType(F32, shape),), sizes={"N": 2, "H": 6, "W": 11})
