"""Dense layers after a `flatten`, whose inputs have another order in files with channels last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

from netlang.ir.dims import Size
from netlang.ir.graph import Node, Param, Value

Grids = Mapping[str, tuple[int, ...]]
"""By the path of a weight, what was flattened before it: the channels, then the other axes."""

_REORDERING = ("transpose", "reshape", "flatten", "squeeze", "unsqueeze", "stack", "einsum")


def flattened(nodes: Sequence[Node], params: Mapping[Value, Param]) -> Grids:
    """Return what dense layers take the elements of, where axes after the batch became one.

    Maps with one channel, or of one pixel, have the same order either way.
    """
    makers = {v: node for node in nodes for v in node.outputs}
    found: dict[str, tuple[int, ...]] = {}
    for node in nodes:
        if node.op.name != "linear" or node.inputs[1] not in params:
            continue
        merged = makers.get(node.inputs[0])
        while merged is not None and not merged.op.view and len(merged.inputs) == 1:
            merged = makers.get(merged.inputs[0])  # an activation or dropout after the flatten
        if merged is None or merged.op.name not in ("flatten", "reshape"):
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
        if node.op.name in _REORDERING:
            return False
        if node.op.name.startswith("convolve") or node.op.name.endswith("_pool"):
            return True
        node = makers.get(node.inputs[0])
    return x.type.rank > 3
