"""Boxes of images, and pixels read between pixels."""

from __future__ import annotations

from math import log

from netlang.system.numpy import Array, np

ATTEMPTS = 10
"""How many random boxes are tried for an image."""

Range = tuple[float, float]


def random_boxes(
    u: Array, rows: int, columns: int, scale: Range, ratio: Range
) -> tuple[Array, Array, Array]:
    """Return for each image whether a box was found that fits, its height and its width.

    The first of ``ATTEMPTS`` boxes that fits is taken. A box covers a share of the image within
    ``scale``, and its width divided by its height is within ``ratio``.
    """
    shares = scale[0] + u[:, :ATTEMPTS] * (scale[1] - scale[0])
    lowest, highest = map(log, ratio)
    shapes = np.exp(lowest + u[:, ATTEMPTS : 2 * ATTEMPTS] * (highest - lowest))
    heights = np.rint(np.sqrt(rows * columns * shares / shapes))
    widths = np.rint(np.sqrt(rows * columns * shares * shapes))
    fits = (heights >= 1) & (widths >= 1) & (heights <= rows) & (widths <= columns)
    first, each = fits.argmax(axis=1), np.arange(len(u))
    return np.asarray(fits.any(axis=1)), heights[each, first], widths[each, first]


def resample(
    images: Array, size: int, top: Array, height: Array, left: Array, width: Array
) -> Array:
    """Resize a box of each image to a square: linearly, averaging where it is downsampled.

    The labels of a mask are not averaged: the nearest one is taken.
    """
    rows, columns = images.shape[-2:]
    if images.dtype.kind != "f":
        return _nearest(images, size, top, height, left, width)
    down = _weights(size, rows, top, height)
    across = _weights(size, columns, left, width)
    if images.ndim > 3:
        down, across = down[:, np.newaxis], across[:, np.newaxis]
    return down @ images @ np.swapaxes(across, -1, -2)


def _weights(size: int, length: int, start: Array, extent: Array) -> Array:
    """Return the weight of each pixel of a line: ``f32[N, size, length]``, each row sums to 1."""
    step = (extent / size)[:, np.newaxis, np.newaxis]
    begin = start[:, np.newaxis, np.newaxis]
    centers = begin + (np.arange(size)[:, np.newaxis] + 0.5) * step
    pixels = np.arange(length)[np.newaxis, np.newaxis] + 0.5
    weights = np.maximum(0, 1 - np.abs(pixels - centers) / np.maximum(step, 1))
    inside = (pixels > begin) & (pixels < begin + extent[:, np.newaxis, np.newaxis])
    weights = weights * inside
    return (weights / weights.sum(axis=-1, keepdims=True)).astype(np.float32)


def line_weights(size: int, length: int) -> Array:
    """Return the weights that resize a line of pixels: ``f32[size, length]``."""
    return _weights(size, length, np.zeros(1), np.full(1, float(length)))[0]


def _nearest(
    images: Array, size: int, top: Array, height: Array, left: Array, width: Array
) -> Array:
    middles = (np.arange(size) + 0.5) / size
    rows = (top[:, np.newaxis] + middles * height[:, np.newaxis]).astype(np.int64)
    columns = (left[:, np.newaxis] + middles * width[:, np.newaxis]).astype(np.int64)
    each = np.arange(len(images)).reshape(-1, 1, 1)
    grid = images[each, ..., rows[:, :, np.newaxis], columns[:, np.newaxis]]
    return np.moveaxis(grid, (1, 2), (-2, -1))


def pixels_at(images: Array, row: Array, column: Array) -> Array:
    """Return the pixels at positions f64[N, H, W] of each image, 0 for a position outside."""
    rows, columns = images.shape[-2:]
    inside = (row >= 0) & (row < rows) & (column >= 0) & (column < columns)
    positions = np.where(inside, row * columns + column, 0).astype(np.int64)
    flat = images.reshape(*images.shape[:-2], rows * columns)
    wanted = over_channels(positions, images).reshape(len(images), *(1,) * (images.ndim - 3), -1)
    taken = np.take_along_axis(flat, wanted, axis=-1).reshape(images.shape)
    return np.where(over_channels(inside, images), taken, 0)


def over_channels(values: Array, images: Array) -> Array:
    """Add axes of length 1 to ``[N, H, W]`` for the channels of images."""
    return values.reshape(len(values), *(1,) * (images.ndim - 3), *values.shape[1:])
