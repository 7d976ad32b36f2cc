"""Dense layers after a `flatten`, whose inputs have another order in files with channels last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

from netlang.ir.dims import Size
from netlang.ir.graph import Node, Param, Value
from netlang.ops.reducing.einsum import Einsum
from netlang.ops.reducing.linear import Linear
from netlang.ops.shaping.joining import Stack
from netlang.ops.shaping.shape import Flatten, Reshape
from netlang.ops.shaping.transposition import Squeeze, Transpose, Unsqueeze
from netlang.ops.windows.convolution import Convolve
from netlang.ops.windows.transposed_convolution import ConvolveTranspose

Grids = Mapping[str, tuple[int, ...]]
"""By the path of a weight, what was flattened before it: the channels, then the other axes."""

_REORDERING = (Transpose, Reshape, Flatten, Squeeze, Unsqueeze, Stack, Einsum)


def flattened(nodes: Sequence[Node], params: Mapping[Value, Param]) -> Grids:
    """Return what dense layers take the elements of, where axes after the batch became one.

    Maps with one channel, or of one pixel, have the same order either way.
    """
    makers = {v: node for node in nodes for v in node.outputs}
    found: dict[str, tuple[int, ...]] = {}
    for node in nodes:
        if not isinstance(node.op, Linear) or node.inputs[1] not in params:
            continue
        merged = makers.get(node.inputs[0])
        while merged is not None and not merged.op.view and len(merged.inputs) == 1:
            merged = makers.get(merged.inputs[0])  # an activation or dropout after the flatten
        if merged is None or not isinstance(merged.op, Flatten | Reshape):
            continue
        (x,) = merged.inputs
        grid = _grid(x.type.shape, merged.outputs[0].type.shape)
        if grid is not None and _channels_first(x, makers):
            found[params[node.inputs[1]].path] = grid
    return found


def _grid(shape: Sequence[Size], flat: Sequence[Size]) -> tuple[int, ...] | None:
    sizes = tuple(n for n in shape[1:] if isinstance(n, int))
    if len(shape) < 3 or len(sizes) < len(shape) - 1 or tuple(flat) != (shape[0], prod(sizes)):
        return None
    return sizes if sizes[0] > 1 and prod(sizes[1:]) > 1 else None


def _channels_first(x: Value, makers: Mapping[Value, Node]) -> bool:
    """Return whether the first axis after the batch is that of a convolution or of an image."""
    node = makers.get(x)
    while node is not None and node.inputs:
        if isinstance(node.op, _REORDERING):
            return False
        if isinstance(node.op, Convolve | ConvolveTranspose) or node.op.family == "pooling":
            return True
        node = makers.get(node.inputs[0])
    return x.type.rank > 3
