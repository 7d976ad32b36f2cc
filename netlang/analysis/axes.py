"""Where the axes of an operand are in a result, and which of them a result sees as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from netlang.ir.dims import Shape, Size, product
from netlang.ir.graph import Node, types
from netlang.ir.op import Primitive
from netlang.ops.activation import Normalizer
from netlang.ops.convolution import ConvolveTranspose
from netlang.ops.indexing import Index
from netlang.ops.joining import Stack
from netlang.ops.linear import Einsum, Linear, Matmul
from netlang.ops.normalization import L2Normalize, NormalizeLayer, NormalizeRms, OverMap
from netlang.ops.reduction import Cumsum, Place, Reduction
from netlang.ops.repetition import Flip, Pad
from netlang.ops.shape import Flatten, Reshape, Squeeze, Transpose, Unsqueeze


def place(op: Primitive, axis: int, source: Shape, target: Shape) -> int | None:
    """Say where an axis of an operand is in the result; ``None`` where it is gone."""
    rank = len(source)
    match op:
        case Reduction(keep=False) | Place(keep=False):
            return _without(axis, reduced(op, rank))
        case Squeeze(axes=axes):
            return _without(axis, frozenset(gone % rank for gone in axes))
        case Unsqueeze(axis=new) | Stack(axis=new):
            return axis + (axis >= new % (rank + 1))
        case Transpose(order=order):
            return order.index(axis)
        case Index(items=items):
            return _without(axis, frozenset(i for i, item in enumerate(items) if _picks(item)))
        case Reshape() | Flatten():
            return _aligned(source, axis, target)
        case _:
            # Shapes line up at their ends, as they do where a lower rank is stretched.
            at = axis + len(target) - rank
            return at if at >= 0 else None


def reduced(op: Primitive, rank: int) -> frozenset[int]:
    """Name the axes a reduction joins."""
    match op:
        case Reduction(axis=None):
            return frozenset(range(rank))
        case Reduction(axis=tuple() as axes):
            return frozenset(axis % rank for axis in axes)
        case Place(axis=axis):
            return frozenset({axis % rank})
        case _:
            return frozenset()


def whole(op: Primitive, operand: int, rank: int) -> frozenset[int]:
    """Name the axes of which one position of the result sees every position."""
    match op:
        case Reduction() | Place():
            return reduced(op, rank)
        case Normalizer(axis=axis) | Cumsum(axis=axis) | L2Normalize(axis=axis):
            return frozenset({axis % rank})
        case NormalizeLayer(axis=axis) | NormalizeRms(axis=axis):
            return frozenset(range(axis % rank, rank))
        case Flip(axes=axes):
            return frozenset(axis % rank for axis in axes)
        case Linear():
            return frozenset({rank - 1})
        case Matmul():
            return frozenset({rank - 1 if operand == 0 else max(rank - 2, 0)})
        case Einsum():
            return frozenset(range(rank))
        case OverMap():
            return frozenset(range(2, rank))
        case _:
            return frozenset()


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
    at = axis - 2
    match node.op:
        case ConvolveTranspose(stride=strides, dilation=dilations, pad=pads):
            kernel = types(node.inputs)[1].shape[axis]
            if not isinstance(kernel, int):
                return None
            reach, stride = dilations[at] * (kernel - 1), strides[at]
            first = ceil((pads[at][0] - reach) / stride)
            return Spread(reach // stride + 1, 1 / stride, first)
        case Pad(amounts=amounts):
            # The amounts are those of the last axes.
            padded = axis - (len(source) - len(amounts))
            return Spread(1, 1, -amounts[padded][0] if padded >= 0 else 0)
        case Index(items=items):
            match items[axis] if axis < len(items) else None:
                case (int() as first, _) if first > 0:
                    return Spread(1, 1, first)
                case _:
                    return Spread(1, 1)
        case _ if node.op.name in RESAMPLED and source[axis] != target[axis]:
            ratio = _ratio(source[axis], target[axis])
            taps = RESAMPLED[node.op.name].get(str(getattr(node.op, "mode", "nearest")), 2)
            return None if ratio is None else Spread(taps, ratio, -(taps - 1) // 2)
        case _ if node.op.name.startswith("adaptive_") and target[axis] != 1:
            ratio = _ratio(source[axis], target[axis])
            if ratio is None:
                return None
            return Spread(ceil(ratio) + (0 if ratio == int(ratio) else 1), ratio)
        case _:
            return None


# How many positions each mode of resampling looks at, along one axis.
_TAPS = {"nearest": 1, "linear": 2, "bilinear": 2, "cubic": 4, "bicubic": 4}
RESAMPLED = {"resize": _TAPS, "upsample": _TAPS}


def _ratio(source: Size, target: Size) -> float | None:
    """Divide two sizes of which one is a multiple of the other, or both are known."""
    if isinstance(source, int) and isinstance(target, int):
        return source / target
    up, down = target // source, source // target
    if isinstance(up, int) and up > 0:
        return 1 / up
    return float(down) if isinstance(down, int) and down > 0 else None


def _picks(item: object) -> bool:
    return item is not None and not isinstance(item, tuple)


def _without(axis: int, gone: frozenset[int]) -> int | None:
    return None if axis in gone else axis - sum(other < axis for other in gone)


def _aligned(source: Shape, axis: int, target: Shape) -> int | None:
    """Find an axis with the same size and as much before it or behind it."""
    before, behind = product(source[:axis]), product(source[axis + 1 :])
    for at, size in enumerate(target):
        if size == source[axis] and (
            product(target[:at]) == before or product(target[at + 1 :]) == behind
        ):
            return at
    return None
