"""The receptive field of one unit of a layer, on the image that a net reads."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from netlang.analysis.paths import value_at
from netlang.analysis.receptive_field import receptive_fields
from netlang.diagnostics.errors import InputError
from netlang.ir.dims import bind, is_symbol
from netlang.ir.graph import Graph
from netlang.storage.image_grids import grid_of
from netlang.system.numpy import Array, np

_UNIT = re.compile(r"(?P<path>.+?)\[(?P<row>\d+),\s*(?P<column>\d+)\]")
_FRAME = (209, 43, 43)
_OUTSIDE = 0.4
"""How bright what a unit does not depend on is."""
_SMALLEST = 336
"""The least number of pixels of a side of the drawing."""


@dataclass(frozen=True, slots=True)
class UnitField:
    """The rows and the columns of the image ``input`` on which a unit of a layer depends.

    ``rows`` and ``columns`` are the first and the last one, which padding may put outside of an
    image of ``height`` by ``width`` pixels.
    """

    unit: str
    input: str
    rows: tuple[int, int]
    columns: tuple[int, int]
    height: int
    width: int

    def __str__(self) -> str:
        (top, bottom), (left, right) = self.rows, self.columns
        own = f"{bottom - top + 1}×{right - left + 1} of {self.height}×{self.width} pixels"
        text = (
            f"{self.unit} depends on rows {top} to {bottom} and columns {left} to {right} of "
            f"`{self.input}`: {own}"
        )
        beyond = max(-top, -left, bottom - self.height + 1, right - self.width + 1)
        return text if beyond <= 0 else f"{text}, {beyond} beyond the border, which are padding"

    def drawing(self, images: Array) -> Array:
        """Return the first of some images ``[N, C, H, W]`` with a frame, ``u8[H, W, 3]``.

        What the unit does not depend on is darker; padding is gray.
        """
        tile = grid_of(self.input, images[:1]).tiles[0, 0]
        (top, bottom), (left, right) = self.rows, self.columns
        above, before = max(0, -top), max(0, -left)
        below, after = max(0, bottom - self.height + 1), max(0, right - self.width + 1)
        around = ((above, below), (before, after), (0, 0))
        whole = np.pad(tile, around, constant_values=128)
        inside = np.zeros(whole.shape[:2], bool)
        inside[top + above : bottom + above + 1, left + before : right + before + 1] = True
        shown = np.where(inside[..., np.newaxis], whole, whole * _OUTSIDE).astype(np.uint8)
        factor = max(1, math.ceil(_SMALLEST / max(shown.shape[:2])))
        large = shown.repeat(factor, 0).repeat(factor, 1)
        y, x = (top + above) * factor, (left + before) * factor
        v, u = (bottom + above + 1) * factor, (right + before + 1) * factor
        line = max(2, factor // 4)
        for rows, columns in (
            (slice(y, y + line), slice(x, u)), (slice(v - line, v), slice(x, u)),
            (slice(y, v), slice(x, x + line)), (slice(y, v), slice(u - line, u)),
        ):  # fmt: skip
            large[rows, columns] = _FRAME
        return large


def unit_field(graph: Graph, unit: str, images: Array, name: str) -> UnitField:
    """Return the receptive field of a unit such as ``c2[4,4]``: a layer, a row and a column.

    ``images`` are those of the input ``name``, ``[N, C, H, W]``. Raises ``NetlangError`` for a
    layer that there is not, and ``InputError`` for one that has no rows and columns.
    """
    found = _UNIT.fullmatch(unit)
    if found is None:
        raise InputError(
            f"`{unit}` is not a unit of a layer",
            helps=[f"give the row and the column, too, such as `{unit.partition('[')[0]}[0,0]`"],
        )
    path, place = found["path"], (int(found["row"]), int(found["column"]))
    value = value_at(graph, path)
    fields = receptive_fields(graph).at(value)
    if fields is None or len(fields) != 2 or any(axis.axis is None for axis in fields):
        raise InputError(
            f"`{path}` is {value.type}: its elements are not at positions of an image",
            helps=["choose a layer with rows and columns, such as a convolution or a pooling"],
        )
    ranges: list[tuple[int, int]] = []
    sizes = (int(images.shape[2]), int(images.shape[3]))
    image = next(v for v in graph.inputs if v.name == name)
    pairs = zip(image.type.shape, images.shape, strict=True)
    symbols = {symbol: size for dim, size in pairs if (symbol := is_symbol(dim)) is not None}
    units = [bind(value.type.shape[axis.axis or 0], symbols) for axis in fields]
    if any(at >= count for at, count in zip(place, units, strict=True)):
        raise InputError(
            f"`{path}` has no unit at [{place[0]}, {place[1]}]",
            notes=[f"of this image, it has {units[0]} by {units[1]}"],
        )
    for axis, at, size in zip(fields, place, sizes, strict=True):
        if axis.field is None:
            ranges.append((0, size - 1))
            continue
        first = math.floor(axis.start + at * axis.jump)
        last = math.ceil(axis.start + at * axis.jump + axis.field) - 1
        ranges.append((first, last))
    return UnitField(unit, name, ranges[0], ranges[1], *sizes)
