"""Convolution in NumPy by three algorithms, each split among threads.

A bias is added to each part while it is in the cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product as combinations
from math import prod

from netlang.ops.reducing.products import multiply
from netlang.ops.windows.windows import Windows, padded, taps
from netlang.system.numpy import Array, np
from netlang.system.threads import COPY, PRODUCT, parallel_for, part_count, split

_PATCHES = 1 << 20
"""The number of elements in a block of patches, which suits a product and fits the cache."""
_CHANNEL = 1 << 16
"""The number of elements in a block that is read many times and fits the cache of one core."""


def depthwise(
    x: Array, w: Array, windows: Windows, counts: Sequence[int], bias: Array | None
) -> Array:
    """Convolve each channel with its own filter, by a sum over the elements of the window."""
    xp = padded(x, windows.pad, 0.0)
    ones = (1,) * len(counts)
    weights = w.reshape(w.shape[0], -1, *ones)
    offsets = None if bias is None else bias.reshape(-1, *ones)
    slices = taps(windows, counts)
    y = np.empty((*x.shape[:2], *counts), x.dtype)
    images = split(x.shape[0], y.size // _CHANNEL)
    channels = split(x.shape[1], y.size // _CHANNEL // len(images))
    blocks = list(combinations(images, channels))

    def work(i: int) -> None:
        _, own = blocks[i]
        seen, total, filters = xp[blocks[i]], y[blocks[i]], weights[own]
        part = np.empty_like(total)
        for j, tap in enumerate(slices):
            np.multiply(seen[(..., *tap)], filters[:, j], out=part if j else total)
            if j:
                total += part
        if offsets is not None:
            total += offsets[own]

    parallel_for(work, len(blocks))
    return y


def pointwise(x: Array, w: Array, groups: int, bias: Array | None) -> Array:
    """Convolve with 1x1 windows, by a matrix product per image."""
    batch, channels = x.shape[:2]
    flat = w.reshape(groups, w.shape[0] // groups, channels // groups)
    offsets = None if bias is None else bias.reshape(groups, -1, 1)
    laid = x.reshape(batch, groups, channels // groups, prod(x.shape[2:]))
    y = multiply(flat, laid, plus=offsets)
    return y.reshape(batch, w.shape[0], *x.shape[2:])


def by_im2col(
    x: Array,
    w: Array,
    windows: Windows,
    counts: Sequence[int],
    groups: int,
    bias: Array | None,
) -> Array:
    """Convolve by im2col and a matrix product, in blocks.

    A block is several images or, if they are large, several rows of one.
    """
    batch, filters, area = x.shape[0], w.shape[0], prod(counts)
    flat = w.reshape(groups, filters // groups, -1)
    offsets = None if bias is None else bias.reshape(groups, -1, 1)
    depth, row = flat.shape[-1], prod(counts[1:])
    y = np.empty((batch, groups, filters // groups, area), x.dtype)
    fit = max(1, _PATCHES // (groups * depth))  # positions in a block
    # The filters are packed again for each block: if they outweigh the positions, the threads
    # share one block's product instead.
    many = part_count(batch, area, w.size, least=PRODUCT) if batch * area >= filters else 1
    images = split(batch, max(many, -(-batch // max(1, fit // max(1, area)))))
    rows = split(counts[0], max(many // len(images), -(-area // fit)))
    blocks = list(combinations(images, rows))

    def work(i: int) -> None:
        images, rows = blocks[i]
        patches = _patches(x[images], windows, rows, counts[1:]).reshape(groups, depth, -1)
        into = y[images, ..., rows.start * row : rows.stop * row]
        if len(into) == 1:
            multiply(flat, patches, plus=offsets, out=into[0])
        else:
            made = multiply(flat, patches, plus=offsets)
            laid = made.reshape(*into.shape[1:3], len(into), into.shape[3])
            into[...] = np.moveaxis(laid, 2, 0)

    parallel_for(work, len(blocks))
    return y.reshape(batch, filters, *counts)


def _patches(x: Array, windows: Windows, rows: slice, others: Sequence[int]) -> Array:
    """Return the patches of some rows of positions: ``[C, taps, N, rows, ...others]``."""
    (before, _), size = windows.pad[0], x.shape[2]
    first = rows.start * windows.stride[0] - before
    last = (rows.stop - 1) * windows.stride[0] - before + windows.extent[0]
    ends = (max(0, -first), max(0, last - size))
    seen = padded(x[:, :, max(0, first) : min(last, size)], (ends, *windows.pad[1:]), 0.0)
    part = (rows.stop - rows.start, *others)
    slices = taps(windows, part)
    patches = np.empty((x.shape[1], len(slices), x.shape[0], *part), x.dtype)
    step = windows.stride[-1]
    # One copy selects the elements a stride visits, so that the copies for the taps are whole rows.
    visited = [np.ascontiguousarray(seen[..., i::step]) for i in range(step)]
    channels = split(x.shape[1], part_count(patches.size, least=COPY))

    def work(i: int) -> None:
        own = channels[i]
        for j, tap in enumerate(slices):
            start: int = tap[-1].start
            inside = (..., *tap[:-1], slice(start // step, start // step + part[-1]))
            patches[own, j] = visited[start % step].swapaxes(0, 1)[own][inside]

    parallel_for(work, len(channels))
    return patches
