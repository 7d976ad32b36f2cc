"""Convolution in NumPy: three ways to the same sums."""

from __future__ import annotations

from collections.abc import Sequence

from netlang.numeric import Array, np
from netlang.ops.windows import Windows, taps

# Columns of this many positions keep a matrix product busy and still fit the cache.
_POSITIONS = 4096


def depthwise(xp: Array, w: Array, windows: Windows, counts: Sequence[int]) -> Array:
    """Convolve each channel with its own filter: a sum over the window's elements."""
    weights = w.reshape(w.shape[0], -1)
    spread = (None, slice(None), *(None,) * len(counts))
    y = np.zeros((xp.shape[0], xp.shape[1], *counts), xp.dtype)
    part = np.empty_like(y)
    for i, tap in enumerate(taps(windows, counts)):
        np.multiply(xp[(slice(None), slice(None), *tap)], weights[:, i][spread], out=part)
        y += part
    return y


def pointwise(x: Array, w: Array, groups: int) -> Array:
    """Convolve with windows of one position: a matrix product per image."""
    batch, channels = x.shape[:2]
    flat = w.reshape(groups, w.shape[0] // groups, channels // groups)
    y = np.matmul(flat, x.reshape(batch, groups, channels // groups, -1))
    return y.reshape(batch, w.shape[0], *x.shape[2:])


def by_columns(xp: Array, w: Array, windows: Windows, counts: Sequence[int], groups: int) -> Array:
    """Copy what each position sees into a column, then multiply matrices, some images at a time."""
    batch, channels = xp.shape[:2]
    filters, depth = w.shape[0], w[0].size
    flat = w.reshape(groups, filters // groups, depth)
    area = int(np.prod(counts))
    chunk = max(1, min(batch, _POSITIONS // max(area, 1)))
    places = taps(windows, counts)
    y = np.empty((batch, filters, *counts), xp.dtype)
    columns = np.empty((channels, len(places), chunk, *counts), xp.dtype)
    for start in range(0, batch, chunk):
        images = xp[start : start + chunk].swapaxes(0, 1)
        many = images.shape[1]
        part = columns[:, :, :many]
        for i, tap in enumerate(places):
            part[:, i] = images[(slice(None), slice(None), *tap)]
        made = np.matmul(flat, part.reshape(groups, depth, many * area))
        y[start : start + many] = made.reshape(filters, many, *counts).swapaxes(0, 1)
    return y
