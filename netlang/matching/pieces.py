"""Tensors of a file, or parts of them, and the layers that they belong to."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from math import prod
from typing import cast

from msgspec import Struct

from netlang.diagnostics.errors import WeightsError
from netlang.ir.arrays import show_array
from netlang.system.numpy import Array, np

Path = tuple[str, ...]
"""The components of a name: ``("layer1", "0", "conv1")``."""

Maps = tuple[tuple[int, ...], ...]
"""What an axis has one after the other: flattened maps, each as the channels and the other axes.

Other elements are channels without other axes.
"""


class Piece(Struct, frozen=True):
    """What a parameter is made of: a tensor of a file, and what is done to it, in this order.

    ``at`` is an index of the first axis, ``order`` the new order of the axes, ``rows`` the first
    row and the one after the last, ``gates`` a new order of equal parts of the rows.
    ``column_maps`` and ``row_maps`` are the maps that were flattened with the channels last, along
    the last and the first axis. Axes of size 1 are then added or removed as the parameter has them.
    """

    source: str
    at: int | None = None
    order: tuple[int, ...] | None = None
    rows: tuple[int, int] | None = None
    gates: tuple[int, ...] | None = None
    column_maps: Maps | None = None
    row_maps: Maps | None = None

    def taken_from(self, array: Array) -> Array:
        """Return the elements, in the shape they have before axes of size 1 are changed.

        Raises ``WeightsError`` for a piece that the array does not have.
        """
        try:
            if self.at is not None:
                array = array[self.at]
            if self.order is not None:
                array = array.transpose(self.order)
            if self.rows is not None:
                start, end = self.rows
                if not 0 <= start < end <= array.shape[0]:
                    raise IndexError
                array = array[start:end]
            if self.gates is not None:
                parts = np.split(array, len(self.gates))
                array = np.concatenate([parts[gate] for gate in self.gates])
            if self.column_maps is not None:
                array = _channels_first(array, self.column_maps, array.ndim - 1)
            if self.row_maps is not None:
                array = _channels_first(array, self.row_maps, 0)
        except (IndexError, ValueError):
            raise WeightsError(
                f"`{self.source}` {show_array(array)} has no such part: {self.shown()}"
            ) from None
        return array

    def shown(self) -> str:
        """Return the piece as a line of text: ``in_proj_weight[0:64]``."""
        text = self.source if self.at is None else f"{self.source}[{self.at}]"
        if self.order is not None:
            text += f", axes {list(self.order)}"
        if self.rows is not None:
            text += f"[{self.rows[0]}:{self.rows[1]}]"
        if self.gates is not None:
            text += f", gates {list(self.gates)}"
        if self.column_maps is not None:
            text += f", columns of maps {shown_maps(self.column_maps)}"
        if self.row_maps is not None:
            text += f", rows of maps {shown_maps(self.row_maps)}"
        return text

    def json(self) -> object:
        """Return the entry of a mapping file: a name, or an object if only part is taken."""
        fields = {
            "at": self.at,
            "order": self.order,
            "rows": self.rows,
            "gates": self.gates,
            "column_maps": self.column_maps,
            "row_maps": self.row_maps,
        }
        given = {name: value for name, value in fields.items() if value is not None}
        return {"from": self.source, **given} if given else self.source


def piece_of(entry: object) -> Piece | None:
    """Return the piece that an entry of a mapping file describes, ``None`` for another entry."""
    if isinstance(entry, str):
        return Piece(entry)
    if not isinstance(entry, dict):
        return None
    fields = dict(cast("dict[str, object]", entry))
    source = fields.pop("from", None)
    at = fields.pop("at", None)
    lists = (fields.pop(name, None) for name in ("order", "rows", "gates"))
    order, rows, gates = map(_integers, lists)
    columns, lines = (_maps(fields.pop(name, None)) for name in ("column_maps", "row_maps"))
    if not isinstance(source, str) or fields or not (at is None or type(at) is int):
        return None
    if () in (order, gates, columns, lines) or (rows is not None and len(rows) != 2):
        return None
    both = None if rows is None else (rows[0], rows[1])
    return Piece(source, at, order, both, gates, columns, lines)


def _integers(value: object) -> tuple[int, ...] | None:
    """Return a list of integers as a tuple, which is empty for anything else but nothing."""
    if value is None:
        return None
    items = cast("list[object]", value) if isinstance(value, list) else []
    return tuple(item for item in items if type(item) is int) if items else ()


def _maps(value: object) -> Maps | None:
    """Return a list of maps, which is empty for anything else but nothing."""
    if value is None:
        return None
    found = tuple(map(_integers, cast("list[object]", value) if isinstance(value, list) else []))
    return tuple(sizes for sizes in found if sizes) if all(found) else ()


def shown_maps(maps: Maps) -> str:
    """Return maps that follow each other as text: ``[4, 7, 7] + [10]``."""
    return " + ".join(str(list(sizes)) for sizes in maps)


def _channels_first(array: Array, maps: Maps, axis: int) -> Array:
    """Return an array whose elements along an axis are those of maps with the channels first."""
    columns: list[Array] = []
    start = 0
    for channels, *others in maps:
        count = channels * prod(others)
        laid = np.arange(start, start + count).reshape(*others, channels)
        columns.append(np.moveaxis(laid, -1, 0).reshape(-1))
        start += count
    if start != array.shape[axis]:
        raise IndexError
    return array.take(np.concatenate(columns), axis)


def without_ones(shape: Sequence[int]) -> tuple[int, ...]:
    """Return a shape without the axes of size 1 at its beginning and end.

    A 1x1 convolution is a dense layer, and a table may have an axis for the batch; kernels of 1x3
    and 3x1 remain different.
    """
    first = next((at for at, size in enumerate(shape) if size != 1), len(shape))
    last = next((at for at, size in enumerate(reversed(shape)) if size != 1), len(shape))
    return tuple(shape[first : len(shape) - last])


Signature = tuple[tuple[str, tuple[int, ...]], ...]


class Layer(Struct, frozen=True, eq=False):
    """Tensors that belong together: those of one layer of a net, or of one module of a file.

    ``path`` is where the layer is in the tree; ``tensors`` maps what PyTorch calls them to a path
    of the net, or to a piece of the file; ``shapes`` are without axes of size 1 at the ends.
    """

    name: str
    path: Path
    tensors: Mapping[str, str | Piece]
    shapes: Mapping[str, tuple[int, ...]]

    @property
    def signature(self) -> Signature:
        """The kind of the layer: its tensors and their shapes."""
        return tuple(sorted(self.shapes.items()))


_SERIES = re.compile(r"(.*\D)_(\d+[a-z]?)")


def _path(names: Sequence[str]) -> Path:
    """Return a path in the tree: what differs in a number at the end, `branch_2`, is together."""
    found: list[str] = []
    for name in names:
        match = _SERIES.fullmatch(name)
        found += [name] if match is None else match.groups()
    return tuple(found)


STANDARD = {
    "scale": "weight", "shift": "bias", "mean": "running_mean", "var": "running_var",
    "gamma": "weight", "beta": "bias", "moving_mean": "running_mean",
    "moving_variance": "running_var", "kernel": "weight", "depthwise_kernel": "weight",
    "embeddings": "weight",
    **{name: name for name in ("weight", "bias", "running_mean", "running_var")},
    **{f"{what}_{of}": f"{what}_{of}" for what in ("weight", "bias") for of in ("ih", "hh")},
    "weight_hr": "weight_hr",
}  # fmt: skip
"""What PyTorch calls the tensors of its layers, by what we, Keras and PyTorch call them."""


def layers_of(tensors: Mapping[str, tuple[str | Piece, Sequence[int]]]) -> list[Layer]:
    """Group tensors, by the names of their layers and their own, into layers, in their order.

    A tensor that is not one of a known layer is a layer of its own, such as a class token.
    """
    grouped: dict[tuple[str, ...], dict[str, tuple[str | Piece, Sequence[int]]]] = {}
    for name, tensor in tensors.items():
        *path, leaf = name.split(".")
        grouped.setdefault(tuple(path), {})[leaf] = tensor
    found: list[Layer] = []
    for path, leaves in grouped.items():
        together: dict[str, str | Piece] = {}
        shapes: dict[str, tuple[int, ...]] = {}
        alone: list[Layer] = []
        # `gamma` is the scale of a norm only next to a `beta`.
        pairs = {"gamma", "beta"} <= leaves.keys()
        for leaf, (what, shape) in leaves.items():
            known = STANDARD.get(leaf)
            if known is None or known in together or (leaf in ("gamma", "beta") and not pairs):
                names = (*path, leaf)
                alone.append(_layer(names, {"weight": what}, {"weight": without_ones(shape)}))
            else:
                together[known], shapes[known] = what, without_ones(shape)
        if together:
            found.append(_layer(path, together, shapes))
        found += alone
    return found


def _layer(
    names: Sequence[str],
    tensors: Mapping[str, str | Piece],
    shapes: Mapping[str, tuple[int, ...]],
) -> Layer:
    return Layer(".".join(names), _path(names), tensors, shapes)
