"""How results that are larger than their operands see them, along one axis."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, gcd

from netlang.ir.dims import Size
from netlang.ir.graph import Node, types


@dataclass(frozen=True, slots=True)
class Spread:
    """How a result larger than its operand sees it, along one axis.

    A position sees ``extent`` positions of the operand, the first one at ``start``; neighbours are
    ``jump`` of the operand's positions apart.
    """

    extent: int
    jump: float
    start: int = 0


def spread(node: Node, axis: int) -> Spread | None:
    """Say how a transposed convolution or a resampling sees an axis of its first operand."""
    source, target = node.inputs[0].type.shape, node.outputs[0].type.shape
    # By name first: the modules of operators that the program does not use stay unloaded.
    match node.op.name:
        case "convolve_transpose":
            return _transposed(node, axis)
        case "pad":
            return _padded(node, axis)
        case "index":
            return _indexed(node, axis)
        case "every":
            return _thinned(node, axis)
        case "resize" | "upsample" if source[axis] != target[axis]:
            return _resampled(node, axis)
        case name if name.startswith("adaptive_") and target[axis] != 1:
            ratio = _ratio(source[axis], target[axis])
            return None if ratio is None else Spread(widest(source[axis], target[axis]), ratio)
        case _:
            return None


def widest(size: Size, parts: Size) -> int:
    """Give the length of the longest of the windows that an adaptive pool divides an axis into.

    >>> widest(15, 2), widest(4, 6), widest(12, 3)
    (8, 2, 4)
    """
    if isinstance(size, int) and isinstance(parts, int):
        period = range(parts // gcd(size, parts))
        return max(-(-(i + 1) * size // parts) - i * size // parts for i in period)
    ratio = _ratio(size, parts)
    assert ratio is not None  # asked of sizes of which one is a multiple of the other
    return ceil(ratio)


def _transposed(node: Node, axis: int) -> Spread | None:
    from netlang.ops.windows.transposed_convolution import ConvolveTranspose

    assert isinstance(node.op, ConvolveTranspose)
    at, kernel = axis - 2, types(node.inputs)[1].shape[axis]
    if not isinstance(kernel, int):
        return None
    reach, stride = node.op.dilation[at] * (kernel - 1), node.op.stride[at]
    first = ceil((node.op.pad[at][0] - reach) / stride)
    return Spread(reach // stride + 1, 1 / stride, first)


def _padded(node: Node, axis: int) -> Spread:
    from netlang.ops.shaping.padding import Pad

    assert isinstance(node.op, Pad)
    # The amounts are those of the last axes.
    padded = axis - (node.inputs[0].type.rank - len(node.op.amounts))
    return Spread(1, 1, -node.op.amounts[padded][0] if padded >= 0 else 0)


def _indexed(node: Node, axis: int) -> Spread:
    from netlang.ops.shaping.indexing import Index

    assert isinstance(node.op, Index)
    items = node.op.items
    match items[axis] if axis < len(items) else None:
        case (int() as first, _) if first > 0:
            return Spread(1, 1, first)
        case _:
            return Spread(1, 1)


def _thinned(node: Node, axis: int) -> Spread | None:
    from netlang.ops.shaping.repetition import Every

    assert isinstance(node.op, Every)
    return Spread(1, node.op.by) if axis == node.op.axis else None


def _resampled(node: Node, axis: int) -> Spread | None:
    from netlang.ops.shaping.resize import Resampling, Upsample

    assert isinstance(node.op, Resampling)
    source, target = node.inputs[0].type.shape[axis], node.outputs[0].type.shape[axis]
    ratio = 1 / node.op.scale[axis - 2] if isinstance(node.op, Upsample) else _ratio(source, target)
    if ratio is None:
        return None
    taps = node.op.way.reach(ratio)
    return Spread(taps, ratio, -(taps - 1) // 2)


def _ratio(source: Size, target: Size) -> float | None:
    """Divide two sizes of which one is a multiple of the other, or both are known."""
    if isinstance(source, int) and isinstance(target, int):
        return source / target
    up, down = target // source, source // target
    if isinstance(up, int) and up > 0:
        return 1 / up
    return float(down) if isinstance(down, int) and down > 0 else None
