"""Changes of images, a batch at a time: ``f32[N, C, H, W]`` or masks ``[N, H, W]``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import log
from typing import cast

from netlang.data.transforms.colors import jitter, lighting, rescale, standardize
from netlang.diagnostics.errors import InputError
from netlang.evaluate.context.values import Object, Setting
from netlang.system.numpy import Array, np

Apply = Callable[[Array, Array], Array]
"""Changes images, given the numbers drawn for each: ``[N, …], f64[N, draws] -> [N, …]``."""

_ATTEMPTS = 10
"""How many random boxes are tried before the middle is taken."""


@dataclass(frozen=True, slots=True)
class Transform:
    """One change of images: how many numbers it draws for each, and the size it gives them."""

    name: str
    draws: int
    apply: Apply
    size: int | None = None


def make_transform(setting: Setting) -> Transform:
    """Give the transform a program's setting stands for."""
    given = setting.arguments
    size = cast("int", given.get("size"))
    match setting.name:
        case "flip_image":
            axis = -2 if given["vertical"] else -1
            return Transform("flip", 1, _flip(_number(given, "p"), axis))
        case "crop":
            return Transform("crop", 2, _crop(size, int(_number(given, "pad"))), size)
        case "center_crop":
            return Transform("center_crop", 0, _center_crop(size), size)
        case "random_resized_crop":
            apply = _resized_crop(size, _range(given, "scale"), _range(given, "ratio"))
            return Transform("random_resized_crop", 2 * _ATTEMPTS + 2, apply, size)
        case "resize_image":
            return Transform("resize", 0, _resize(size), size)
        case "rotate":
            return Transform("rotate", 1, _rotate(_number(given, "degrees")))
        case "erase":
            apply = _erase(_number(given, "p"), _range(given, "scale"), _range(given, "ratio"))
            return Transform("erase", 2 * _ATTEMPTS + 3, apply)
        case _:
            return _color_transform(setting)


def _color_transform(setting: Setting) -> Transform:
    given = setting.arguments
    match setting.name:
        case "color_jitter":
            strength = _number(given, "strength")
            of = {n: strength if given[n] is None else _number(given, n) for n in _FACTORS}
            return Transform("color_jitter", 4, jitter(**of, hue=_number(given, "hue")))
        case "lighting":
            return Transform("lighting", 6, lighting(_number(given, "std")))
        case "standardize":
            mean, std = _numbers(given, "mean"), _numbers(given, "std")
            return Transform("standardize", 0, standardize(mean, std))
        case "rescale":
            return Transform("rescale", 0, rescale(_number(given, "low"), _number(given, "high")))
        case name:
            raise TypeError(f"no transform: {name}")


_FACTORS = ("brightness", "contrast", "saturation")


def _number(given: Mapping[str, Object], name: str) -> float:
    return float(cast("float", given[name]))


def _numbers(given: Mapping[str, Object], name: str) -> list[float]:
    return [float(v) for v in cast("list[float]", given[name])]


def _range(given: Mapping[str, Object], name: str) -> tuple[float, float]:
    low, high = cast("tuple[float, float]", given[name])
    return float(low), float(high)


def _flip(p: float, axis: int) -> Apply:
    def apply(images: Array, u: Array) -> Array:
        flipped = u[:, 0] < p
        out = images.copy()
        out[flipped] = np.flip(images[flipped], axis)
        return out

    return apply


def _crop(size: int, pad: int) -> Apply:
    def apply(images: Array, u: Array) -> Array:
        around = [(0, 0)] * (images.ndim - 2) + [(pad, pad)] * 2
        padded = np.pad(images, around) if pad else images
        _check_room("crop", size, padded)
        rows, columns = (n - size + 1 for n in padded.shape[-2:])
        top, left = (u[:, 0] * rows).astype(np.int64), (u[:, 1] * columns).astype(np.int64)
        windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size), axis=(-2, -1))
        everything = (slice(None),) * (images.ndim - 3)
        return windows[(np.arange(len(images)), *everything, top, left)]

    return apply


def _center_crop(size: int) -> Apply:
    def apply(images: Array, u: Array) -> Array:
        del u
        _check_room("center_crop", size, images)
        top, left = ((n - size) // 2 for n in images.shape[-2:])
        return images[..., top : top + size, left : left + size]

    return apply


def _check_room(name: str, size: int, images: Array) -> None:
    rows, columns = images.shape[-2:]
    if size > min(rows, columns):
        raise InputError(
            f"`{name}({size})` wants {size} rows and columns, and the images have {rows} by "
            f"{columns}",
            helps=[f"bring them to a size first: `[resize({size}), …]`"],
        )


def _resize(size: int) -> Apply:
    def apply(images: Array, u: Array) -> Array:
        del u
        none = np.zeros(len(images))
        rows, columns = images.shape[-2:]
        return _sampled(images, size, none, none + rows, none, none + columns)

    return apply


def _resized_crop(size: int, scale: tuple[float, float], ratio: tuple[float, float]) -> Apply:
    """Make the crop of Szegedy et al., 2014: of ten random boxes, the first that fits."""

    def apply(images: Array, u: Array) -> Array:
        rows, columns = images.shape[-2:]
        found, height, width = _boxes(u, rows, columns, scale, ratio)
        side = min(rows, columns)
        height, width = np.where(found, height, side), np.where(found, width, side)
        above, before = u[:, -2] * (rows - height + 1), u[:, -1] * (columns - width + 1)
        top = np.where(found, np.trunc(above), float((rows - side) // 2))
        left = np.where(found, np.trunc(before), float((columns - side) // 2))
        return _sampled(images, size, top, height, left, width)

    return apply


def _boxes(
    u: Array, rows: int, columns: int, scale: tuple[float, float], ratio: tuple[float, float]
) -> tuple[Array, Array, Array]:
    """Give for each image whether a box was found that fits, its height and its width.

    A box has a share of the image between the numbers of ``scale``, and is between ``ratio`` times
    as wide as high.
    """
    shares = scale[0] + u[:, :_ATTEMPTS] * (scale[1] - scale[0])
    lowest, highest = map(log, ratio)
    shapes = np.exp(lowest + u[:, _ATTEMPTS : 2 * _ATTEMPTS] * (highest - lowest))
    heights = np.rint(np.sqrt(rows * columns * shares / shapes))
    widths = np.rint(np.sqrt(rows * columns * shares * shapes))
    fits = (heights >= 1) & (widths >= 1) & (heights <= rows) & (widths <= columns)
    first, each = fits.argmax(axis=1), np.arange(len(u))
    return np.asarray(fits.any(axis=1)), heights[each, first], widths[each, first]


def _erase(p: float, scale: tuple[float, float], ratio: tuple[float, float]) -> Apply:
    """Black a random box out (Zhong et al., 2017), in the images whose first draw is below p."""

    def apply(images: Array, u: Array) -> Array:
        rows, columns = map(int, images.shape[-2:])
        found, height, width = _boxes(u[:, 1:], rows, columns, scale, ratio)
        top = np.trunc(u[:, -2] * (rows - height + 1))[:, np.newaxis]
        left = np.trunc(u[:, -1] * (columns - width + 1))[:, np.newaxis]
        down, across = np.arange(rows), np.arange(columns)
        inside_rows = (down >= top) & (down < top + height[:, np.newaxis])
        inside_columns = (across >= left) & (across < left + width[:, np.newaxis])
        chosen = (found & (u[:, 0] < p))[:, np.newaxis, np.newaxis]
        black = chosen & inside_rows[:, :, np.newaxis] & inside_columns[:, np.newaxis]
        between = (1,) * (images.ndim - 3)
        return np.where(black.reshape(len(images), *between, rows, columns), 0, images)

    return apply


def _rotate(degrees: float) -> Apply:
    """Turn each image about its middle, by up to so many degrees either way; 0 comes in.

    Values between pixels are linear mixes of the four around; those of a mask are the nearest's.
    """

    def apply(images: Array, u: Array) -> Array:
        rows, columns = map(int, images.shape[-2:])
        angle = np.deg2rad((2 * u[:, 0] - 1) * degrees).reshape(-1, 1, 1)
        y = np.arange(rows)[:, np.newaxis] - (rows - 1) / 2
        x = np.arange(columns) - (columns - 1) / 2
        down = np.cos(angle) * y + np.sin(angle) * x + (rows - 1) / 2
        across = np.cos(angle) * x - np.sin(angle) * y + (columns - 1) / 2
        if images.dtype.kind != "f":
            return _at(images, np.rint(down), np.rint(across))
        top, left = np.floor(down), np.floor(across)
        corners = [(top + i, left + j) for i in (0, 1) for j in (0, 1)]
        mixed = np.zeros(images.shape, np.float32)
        for row, column in corners:
            share = (1 - np.abs(down - row)) * (1 - np.abs(across - column))
            mixed += _spread(share.astype(np.float32), images) * _at(images, row, column)
        return mixed

    return apply


def _at(images: Array, row: Array, column: Array) -> Array:
    """Give the pixels at places f64[N, H, W] of each image, 0 where a place is outside."""
    rows, columns = images.shape[-2:]
    inside = (row >= 0) & (row < rows) & (column >= 0) & (column < columns)
    places = np.where(inside, row * columns + column, 0).astype(np.int64)
    flat = images.reshape(*images.shape[:-2], rows * columns)
    wanted = _spread(places, images).reshape(len(images), *(1,) * (images.ndim - 3), -1)
    taken = np.take_along_axis(flat, wanted, axis=-1).reshape(images.shape)
    return np.where(_spread(inside, images), taken, 0)


def _spread(values: Array, images: Array) -> Array:
    """Give ``[N, H, W]`` axes of length 1 for the channels of images."""
    return values.reshape(len(values), *(1,) * (images.ndim - 3), *values.shape[1:])


def _sampled(
    images: Array, size: int, top: Array, height: Array, left: Array, width: Array
) -> Array:
    """Bring a box of each image to a square: linear between pixels, averaging what shrinks.

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
    """Give how much each pixel of a line counts: ``f32[N, size, length]``, each row sums to 1."""
    step = (extent / size)[:, np.newaxis, np.newaxis]
    begin = start[:, np.newaxis, np.newaxis]
    centers = begin + (np.arange(size)[:, np.newaxis] + 0.5) * step
    pixels = np.arange(length)[np.newaxis, np.newaxis] + 0.5
    weights = np.maximum(0, 1 - np.abs(pixels - centers) / np.maximum(step, 1))
    inside = (pixels > begin) & (pixels < begin + extent[:, np.newaxis, np.newaxis])
    weights = weights * inside
    return (weights / weights.sum(axis=-1, keepdims=True)).astype(np.float32)


def _nearest(
    images: Array, size: int, top: Array, height: Array, left: Array, width: Array
) -> Array:
    middles = (np.arange(size) + 0.5) / size
    rows = (top[:, np.newaxis] + middles * height[:, np.newaxis]).astype(np.int64)
    columns = (left[:, np.newaxis] + middles * width[:, np.newaxis]).astype(np.int64)
    each = np.arange(len(images)).reshape(-1, 1, 1)
    grid = images[each, ..., rows[:, :, np.newaxis], columns[:, np.newaxis]]
    return np.moveaxis(grid, (1, 2), (-2, -1))
