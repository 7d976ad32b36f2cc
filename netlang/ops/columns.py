"""Convolution in NumPy: three ways to the same sums, each cut into parts for the threads."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product as combinations
from math import prod

from netlang.numeric import Array, np
from netlang.ops.products import multiply
from netlang.ops.windows import Windows, padded, taps
from netlang.threads import COPY, PRODUCT, cut, shares, spread

_COLUMNS = 1 << 20
"""Numbers in a block of columns: it keeps a product busy and still fits the cache."""
_CHANNEL = 1 << 16
"""Numbers in a block of a map that is worked on many times: the cache of one core holds them."""


def depthwise(x: Array, w: Array, windows: Windows, counts: Sequence[int]) -> Array:
    """Convolve each channel with its own filter: a sum over the window's elements."""
    xp = padded(x, windows.pad, 0.0)
    weights = w.reshape(w.shape[0], -1, *(1,) * len(counts))
    places = taps(windows, counts)
    y = np.empty((*x.shape[:2], *counts), x.dtype)
    images = cut(x.shape[0], y.size // _CHANNEL)
    channels = cut(x.shape[1], y.size // _CHANNEL // len(images))
    blocks = list(combinations(images, channels))

    def work(i: int) -> None:
        seen, total, filters = xp[blocks[i]], y[blocks[i]], weights[blocks[i][1]]
        part = np.empty_like(total)
        for j, tap in enumerate(places):
            np.multiply(seen[(..., *tap)], filters[:, j], out=part if j else total)
            if j:
                total += part

    spread(work, len(blocks))
    return y


def pointwise(x: Array, w: Array, groups: int) -> Array:
    """Convolve with windows of one position: a product of matrices per image."""
    batch, channels = x.shape[:2]
    flat = w.reshape(groups, w.shape[0] // groups, channels // groups)
    y = multiply(flat, x.reshape(batch, groups, channels // groups, -1))
    return y.reshape(batch, w.shape[0], *x.shape[2:])


def by_columns(x: Array, w: Array, windows: Windows, counts: Sequence[int], groups: int) -> Array:
    """Copy what each position sees into a column, then multiply matrices.

    A block is some images or, where these are large, some rows of one.
    """
    batch, filters, area = x.shape[0], w.shape[0], prod(counts)
    depth = x.shape[1] * prod(windows.kernel)
    flat = w.reshape(groups, filters // groups, -1)
    y = np.empty((batch, filters, *counts), x.dtype)
    fit = max(1, _COLUMNS // depth)  # positions in a block
    # The filters are prepared for each block anew: where they outweigh the positions, the threads
    # share one block's product instead.
    many = shares(batch, area, w.size, least=PRODUCT) if batch * area >= filters else 1
    images = cut(batch, max(many, -(-batch // max(1, fit // area))))
    rows = cut(counts[0], max(many // len(images), -(-area // fit)))
    blocks = list(combinations(images, rows))

    def work(i: int) -> None:
        images, rows = blocks[i]
        into = y[images, :, rows]
        part = (into.shape[0], *into.shape[2:])
        columns = _columns(x[images], windows, rows, part[1:])
        made = multiply(flat, columns.reshape(1, groups, flat.shape[2], prod(part)))
        into[...] = made.reshape(filters, *part).swapaxes(0, 1)

    spread(work, len(blocks))
    return y


def _columns(x: Array, windows: Windows, rows: slice, part: Sequence[int]) -> Array:
    """Give what the positions of some rows see: ``[C, taps, N, ...part]``."""
    (before, _), size = windows.pad[0], x.shape[2]
    first = rows.start * windows.stride[0] - before
    last = (rows.stop - 1) * windows.stride[0] - before + windows.extent[0]
    ends = (max(0, -first), max(0, last - size))
    seen = padded(x[:, :, max(0, first) : min(last, size)], (ends, *windows.pad[1:]), 0.0)
    places = taps(windows, part)
    columns = np.empty((x.shape[1], len(places), x.shape[0], *part), x.dtype)
    channels = cut(x.shape[1], shares(columns.size, least=COPY))

    def work(i: int) -> None:
        source, target = seen[:, channels[i]].swapaxes(0, 1), columns[channels[i]]
        for j, tap in enumerate(places):
            target[:, j] = source[(..., *tap)]

    spread(work, len(channels))
    return columns
