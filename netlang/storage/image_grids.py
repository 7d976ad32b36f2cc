"""Arrays as images: one, a grid of several, feature maps, filters and masks.

Images from 0 to 1, and from -1 to 1 as a `tanh` returns them, are shown in that range, all others
by their least and greatest number.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, sqrt

from netlang.diagnostics.errors import InputError, TooLargeError
from netlang.system.numpy import Array, np

_SMALLEST = 64
"""Pixels that the longer side of an image has at least, by repeating each of them."""
_LINE = 3
_MOST_PIXELS = 1 << 26
_COLORS = (
    (0, 0, 0), (31, 111, 180), (209, 86, 43), (63, 143, 79), (138, 86, 168), (232, 196, 52),
    (120, 198, 208), (222, 130, 178), (168, 123, 28), (150, 150, 150), (250, 250, 250),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Grid:
    """Images in rows, ``u8[rows, columns, H, W, 3]``; ``shown`` is what their colors mean."""

    tiles: Array
    count: int
    shown: str

    def pixels(self) -> Array:
        """Return the image ``u8[H, W, 3]``, with lines between those of the grid."""
        rows, columns, height, width, _ = self.tiles.shape
        factor = max(1, _SMALLEST // max(height, width))
        height, width = height * factor, width * factor
        if rows * columns * (height + _LINE) * (width + _LINE) > _MOST_PIXELS:
            raise TooLargeError(
                f"a grid of {rows * columns:,} images of {width:,} by {height:,} is too large",
                helps=["write fewer examples, or the array: a .npy file"],
            )
        lines = np.full(
            (rows * (height + _LINE) + _LINE, columns * (width + _LINE) + _LINE, 3), 255, np.uint8
        )
        for row in range(rows):
            for column in range(columns):
                tile = self.tiles[row, column].repeat(factor, 0).repeat(factor, 1)
                top, left = row * (height + _LINE) + _LINE, column * (width + _LINE) + _LINE
                lines[top : top + height, left : left + width] = tile
        return lines[_LINE:-_LINE, _LINE:-_LINE] if self.count == 1 else lines


def grid_of(name: str, array: Array, *, classes: bool = False) -> Grid:
    """Return an array as images.

    ``[N, 1, H, W]`` and ``[N, 3, H, W]`` are images; with other numbers of channels, each is an
    image of its own, a row for each example. ``[N, H, W]`` and ``[H, W]`` are gray, or masks if
    they are integers. With ``classes``, the channels are scores of classes, and the image is a mask
    of the best. Raises ``InputError`` for an array of another shape.
    """
    if array.size and array.ndim in (2, 3, 4) and (array.ndim > 2 or min(array.shape) > 3):
        if array.dtype.kind in "iu" and array.dtype != np.uint8 and array.ndim < 4:
            return _mask(array)
        if classes and array.ndim == 4 and array.shape[1] > 1:
            return _mask(array.argmax(axis=1))
        if array.ndim == 4 or (array.ndim == 3 and array.shape[0] in (1, 3)):
            stack = array if array.ndim == 4 else array[np.newaxis]
            return _images(stack) if stack.shape[1] in (1, 3) else _maps(stack)
        return _images(array.reshape(-1, 1, *array.shape[-2:]))
    raise InputError(
        f"`{name}` is {list(array.shape)}, which is not an image",
        helps=["images are [N, C, H, W], [C, H, W], [N, H, W] or [H, W]; write others as .npz"],
    )


def _images(stack: Array) -> Grid:
    """Return images ``[N, 1 or 3, H, W]`` in a grid that is about square."""
    if stack.dtype == np.uint8:
        levels, shown = stack, "bytes"
    else:
        low, high, shown = _range(stack.astype(np.float64))
        levels = _levels(stack, low, high)
    colored = np.broadcast_to(levels, (len(levels), 3, *levels.shape[2:]))
    return _square(np.moveaxis(colored, 1, -1), shown)


def _maps(stack: Array) -> Grid:
    """Return each channel as an image, in its own range; an example for each row."""
    wide = stack.astype(np.float64)
    low = np.nanmin(wide, axis=(2, 3), keepdims=True)
    high = np.nanmax(wide, axis=(2, 3), keepdims=True)
    levels = _levels(wide, low, high)
    colored = np.broadcast_to(levels[..., np.newaxis], (*levels.shape, 3))
    shown = "each channel by its own range"
    if len(stack) == 1:
        return _square(colored[0], shown)
    return Grid(colored, levels.shape[0] * levels.shape[1], shown)


def _mask(array: Array) -> Grid:
    colors = np.array(_COLORS, np.uint8)
    stack = array.reshape(-1, *array.shape[-2:])
    return _square(colors[stack % len(colors)], "a color for each class")


def _square(tiles: Array, shown: str) -> Grid:
    """Return images ``[N, H, W, 3]`` in about as many rows as columns."""
    count = len(tiles)
    columns = ceil(sqrt(count))
    rows = ceil(count / columns)
    filled = np.full((rows * columns, *tiles.shape[1:]), 255, np.uint8)
    filled[:count] = tiles
    return Grid(filled.reshape(rows, columns, *tiles.shape[1:]), count, shown)


def _range(x: Array) -> tuple[float, float, str]:
    """Return which numbers are black and white."""
    finite = x[np.isfinite(x)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    if low >= 0 and high <= 1:
        return 0.0, 1.0, "0 is black, 1 is white"
    if low >= -1 and high <= 1 and high - low > 1:
        return -1.0, 1.0, "-1 is black, 1 is white"
    return low, high, f"{low:.4g} is black, {high:.4g} is white"


def _levels(x: Array, low: Array | float, high: Array | float) -> Array:
    """Return numbers as bytes; what is not finite is black."""
    spread = np.asarray(high) - np.asarray(low)
    scaled = (x - low) / np.where(spread == 0, 1, spread)
    return (np.nan_to_num(scaled, nan=0.0).clip(0, 1) * 255).round().astype(np.uint8)
