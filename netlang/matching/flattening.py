"""The order of flattened maps in parameters, which files with channels last have in another one.

A dense layer after a `flatten` takes the elements of maps, and one before a reshape to maps makes
them; what is between, such as a batch norm, has them in the same order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

from msgspec import Struct

from netlang.ir.dims import Size
from netlang.ir.graph import Node, Param, Value
from netlang.ir.op import Primitive
from netlang.matching.pieces import Maps
from netlang.ops.elementwise.activation import Activation
from netlang.ops.elementwise.arithmetic import Binary
from netlang.ops.elementwise.channels import OverChannels, PRelu
from netlang.ops.elementwise.choice import Cast, Clamp, Select
from netlang.ops.elementwise.unary import Unary
from netlang.ops.random.random import Identity
from netlang.ops.reducing.batch_statistics import NormalizeBatchTraining
from netlang.ops.reducing.einsum import Einsum
from netlang.ops.reducing.linear import Linear
from netlang.ops.reducing.normalization import NormalizeBatch
from netlang.ops.reducing.vector_normalization import L2Normalize, TrailingNormalization
from netlang.ops.shaping.joining import Concat, Stack
from netlang.ops.shaping.shape import Flatten, Reshape
from netlang.ops.shaping.transposition import Squeeze, Transpose, Unsqueeze
from netlang.ops.windows.convolution import Convolve
from netlang.ops.windows.transposed_convolution import ConvolveTranspose


class Order(Struct, frozen=True):
    """The maps along the last axis of a parameter, its columns, and along the first, its rows."""

    columns: Maps | None = None
    rows: Maps | None = None


Orders = Mapping[str, Order]
"""The order of parameters by path."""

_REORDERING = (Transpose, Reshape, Flatten, Squeeze, Unsqueeze, Stack, Einsum)
_KEEPING = (
    Activation, Binary, Cast, Clamp, Identity, L2Normalize, NormalizeBatch, NormalizeBatchTraining,
    OverChannels, PRelu, Select, TrailingNormalization, Unary,
)  # fmt: skip
"""Operators whose results have their elements in the order of the operands."""


def flattened(nodes: Sequence[Node], params: Mapping[Value, Param]) -> Orders:
    """Return the order of parameters along whose axes are flattened maps.

    Maps with one channel, or of one pixel, have the same order either way.
    """
    search = _Search(nodes, params)
    search.after_flattening()
    search.before_maps()
    return search.found


class _Search:
    def __init__(self, nodes: Sequence[Node], params: Mapping[Value, Param]) -> None:
        self.nodes, self.params = nodes, params
        self.makers = {v: node for node in nodes for v in node.outputs}
        self.readers: dict[Value, list[Node]] = {}
        for node in nodes:
            for value in node.inputs:
                self.readers.setdefault(value, []).append(node)
        self.maps: dict[Value, Maps] = {}
        """The maps along the last axis of values."""
        self.found: dict[str, Order] = {}

    def after_flattening(self) -> None:
        """Follow flattened maps to the dense layers that take them."""
        maps = self.maps
        for node in self.nodes:
            if isinstance(node.op, Flatten | Reshape):
                (x,), (made,) = node.inputs, node.outputs
                grid = _grid(x.type.shape, made.type.shape)
                if grid is not None and _channels_first(x, self.makers):
                    maps[made] = (grid,)
            elif isinstance(node.op, Linear):
                if (taken := maps.get(node.inputs[0])) is not None:
                    self._note(node.inputs[1], Order(columns=taken))
            elif isinstance(node.op, Concat):
                if (joined := _joined(node.op, node.inputs, maps)) is not None:
                    maps[node.outputs[0]] = joined
            else:
                self._keep(node, node.inputs)

    def before_maps(self) -> None:
        """Follow maps back to the dense layers that make their elements."""
        maps = self.maps
        for node in reversed(self.nodes):
            if isinstance(node.op, Flatten | Reshape):
                (x,), (made,) = node.inputs, node.outputs
                grid = _grid(made.type.shape, x.type.shape)
                if grid is not None and self._used_as_maps(made):
                    maps[x] = (grid,)
            elif isinstance(node.op, Linear):
                if (given := maps.get(node.outputs[0])) is not None:
                    self._note(node.inputs[1], Order(rows=given))
                    for bias in node.inputs[2:]:
                        self._note(bias, Order(columns=given))
            else:
                self._keep(node, node.outputs)

    def _keep(self, node: Node, known: Sequence[Value]) -> None:
        """Note that all operands and results of an operator have one order, if it keeps it."""
        found = next((self.maps[v] for v in known if v in self.maps), None)
        if found is None or not isinstance(node.op, _KEEPING):
            return
        count = sum(map(prod, found))
        for value in (*node.inputs, *node.outputs):
            if value.type.shape[-1:] == (count,):
                self.maps[value] = found
                self._note(value, Order(columns=found))

    def _note(self, value: Value, order: Order) -> None:
        param = self.params.get(value)
        if param is not None:
            known = self.found.get(param.path, Order())
            self.found[param.path] = Order(order.columns or known.columns, order.rows or known.rows)

    def _used_as_maps(self, made: Value) -> bool:
        """Return whether the first axis after the batch is that of channels."""
        for node in self.readers.get(made, []):
            if isinstance(node.op, _REORDERING):
                return False
            if _works_on_maps(node.op):
                return True
            if isinstance(node.op, _KEEPING):
                return self._used_as_maps(node.outputs[0])
        return made.type.rank > 3


def _grid(maps: Sequence[Size], flat: Sequence[Size]) -> tuple[int, ...] | None:
    sizes = tuple(n for n in maps[1:] if isinstance(n, int))
    if len(maps) < 3 or len(sizes) < len(maps) - 1 or tuple(flat) != (maps[0], prod(sizes)):
        return None
    return sizes if sizes[0] > 1 and prod(sizes[1:]) > 1 else None


def _joined(op: Concat, inputs: Sequence[Value], maps: Mapping[Value, Maps]) -> Maps | None:
    if not any(value in maps for value in inputs):
        return None
    parts: list[tuple[int, ...]] = []
    for value in inputs:
        size = value.type.shape[-1]
        if op.axis != value.type.rank - 1 or not isinstance(size, int):
            return None
        parts += maps.get(value, ((size,),))
    return tuple(parts)


def _channels_first(x: Value, makers: Mapping[Value, Node]) -> bool:
    """Return whether the first axis after the batch is that of a convolution or of an image."""
    node = makers.get(x)
    while node is not None and node.inputs:
        if isinstance(node.op, _REORDERING):
            return False
        if _works_on_maps(node.op):
            return True
        node = makers.get(node.inputs[0])
    return x.type.rank > 3


def _works_on_maps(op: Primitive) -> bool:
    return isinstance(op, Convolve | ConvolveTranspose) or op.family == "pooling"
