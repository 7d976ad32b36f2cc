"""Changes of images, a batch at a time: ``f32[N, C, H, W]`` or masks ``[N, H, W]``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import log
from typing import cast

from netlang.data.draws import uniform
from netlang.data.source import Batch, Chosen, Epoch, Source
from netlang.elaborate.values import Object, Setting
from netlang.faults import BadInput
from netlang.ir.types import TensorType
from netlang.numeric import Array, np

Apply = Callable[[Array, Array], Array]
"""Changes images, given the numbers drawn for each: ``[N, …], f64[N, draws] -> [N, …]``."""

_GREY = (0.299, 0.587, 0.114)
_ATTEMPTS, _SHAPES = 10, (3 / 4, 4 / 3)


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
            return Transform("flip", 1, _flip(_number(given, "p")))
        case "crop":
            return Transform("crop", 2, _crop(size, int(_number(given, "pad"))), size)
        case "center_crop":
            return Transform("center_crop", 0, _center_crop(size), size)
        case "random_resized_crop":
            scale = cast("tuple[float, float]", given["scale"])
            draws = 2 * _ATTEMPTS + 2
            return Transform("random_resized_crop", draws, _resized_crop(size, scale), size)
        case "resize_image":
            return Transform("resize", 0, _resize(size), size)
        case "color_jitter":
            return Transform("color_jitter", 3, _jitter(_number(given, "strength")))
        case "standardize":
            return Transform(
                "standardize", 0, _standardize(_numbers(given, "mean"), _numbers(given, "std"))
            )
        case "rescale":
            return Transform("rescale", 0, _rescale(_number(given, "low"), _number(given, "high")))
        case name:
            raise TypeError(f"no transform: {name}")


def _number(given: Mapping[str, Object], name: str) -> float:
    return float(cast("float", given[name]))


def _numbers(given: Mapping[str, Object], name: str) -> list[float]:
    return [float(v) for v in cast("list[float]", given[name])]


def _flip(p: float) -> Apply:
    def apply(images: Array, u: Array) -> Array:
        flipped = u[:, 0] < p
        out = images.copy()
        out[flipped] = images[flipped][..., ::-1]
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
        raise BadInput(
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


def _resized_crop(size: int, scale: tuple[float, float]) -> Apply:
    """Make the crop of Szegedy et al., 2014: of ten random boxes, the first that fits."""

    def apply(images: Array, u: Array) -> Array:
        rows, columns = images.shape[-2:]
        shares = scale[0] + u[:, :_ATTEMPTS] * (scale[1] - scale[0])
        lowest, highest = map(log, _SHAPES)
        shapes = np.exp(lowest + u[:, _ATTEMPTS : 2 * _ATTEMPTS] * (highest - lowest))
        heights = np.rint(np.sqrt(rows * columns * shares / shapes))
        widths = np.rint(np.sqrt(rows * columns * shares * shapes))
        fits = (heights >= 1) & (widths >= 1) & (heights <= rows) & (widths <= columns)
        first, each = fits.argmax(axis=1), np.arange(len(images))
        side = int(min(rows, columns))
        found = fits.any(axis=1)
        height = np.where(found, heights[each, first], side)
        width = np.where(found, widths[each, first], side)
        above, before = u[:, -2] * (rows - height + 1), u[:, -1] * (columns - width + 1)
        top = np.where(found, np.trunc(above), float((rows - side) // 2))
        left = np.where(found, np.trunc(before), float((columns - side) // 2))
        return _sampled(images, size, top, height, left, width)

    return apply


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


def _jitter(strength: float) -> Apply:
    def apply(images: Array, u: Array) -> Array:
        _check_floats("color_jitter", images)
        factors = (1 - strength + 2 * strength * u).astype(np.float32)
        bright, contrast, saturation = (factors[:, i].reshape(-1, 1, 1, 1) for i in range(3))
        images = np.clip(images * bright, 0, 1)
        mean = _grey(images).mean(axis=(1, 2, 3), keepdims=True)
        images = np.clip(mean + (images - mean) * contrast, 0, 1)
        if images.shape[1] != len(_GREY):
            return images
        grey = _grey(images)
        return np.clip(grey + (images - grey) * saturation, 0, 1)

    return apply


def _grey(images: Array) -> Array:
    if images.shape[1] != len(_GREY):
        return images.mean(axis=1, keepdims=True)
    return np.einsum("nchw,c->nhw", images, np.array(_GREY, np.float32))[:, np.newaxis]


def _standardize(mean: Sequence[float], std: Sequence[float]) -> Apply:
    def apply(images: Array, u: Array) -> Array:
        del u
        _check_floats("standardize", images)
        channels = images.shape[1]
        for name, values in (("mean", mean), ("std", std)):
            if len(values) != channels:
                raise BadInput(
                    f"`standardize` has {len(values)} numbers as `{name}`, and the images have "
                    f"{channels} channels"
                )
        center, spread = (np.array(v, np.float32).reshape(-1, 1, 1) for v in (mean, std))
        return (images - center) / spread

    return apply


def _rescale(low: float, high: float) -> Apply:
    def apply(images: Array, u: Array) -> Array:
        del u
        _check_floats("rescale", images)
        return images * np.float32(high - low) + np.float32(low)

    return apply


def _check_floats(name: str, images: Array) -> None:
    if images.dtype.kind != "f" or images.ndim < 4:
        raise BadInput(
            f"`{name}` is for images of floats with channels, and these are "
            f"{images.dtype.name} with {images.ndim - 1} axes"
        )


@dataclass(frozen=True, slots=True)
class Step:
    """Transforms of one column, or of several that share one draw; ``site`` numbers the draws."""

    columns: tuple[str, ...]
    transforms: tuple[Transform, ...]
    site: int


@dataclass(frozen=True, slots=True, eq=False)
class Mapped(Source):
    """Rows with some columns transformed."""

    heavy = True
    inner: Source
    steps: tuple[Step, ...]
    epoch: Epoch

    @property
    def place(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.inner.place

    @property
    def names(self) -> Mapping[str, Sequence[str]]:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.inner.names

    @property
    def columns(self) -> Mapping[str, TensorType]:  # pyright: ignore[reportIncompatibleVariableOverride]
        columns = dict(self.inner.columns)
        for step in self.steps:
            for size in [t.size for t in step.transforms if t.size is not None][-1:]:
                for name in step.columns:
                    type = columns[name]
                    columns[name] = type.with_shape(*type.shape[:-2], size, size)
        return columns

    def __len__(self) -> int:
        return len(self.inner)

    def during(self, epoch: Epoch) -> Source:
        return replace(self, inner=self.inner.during(epoch), epoch=epoch)

    def rows(self, chosen: Chosen) -> Batch:
        batch = self.inner.rows(chosen)
        numbers = np.arange(len(self))[chosen] if isinstance(chosen, slice) else chosen
        for step in self.steps:
            for i, transform in enumerate(step.transforms):
                drawn = uniform(
                    self.epoch.seed, self.epoch.number, step.site + i, numbers, transform.draws
                )
                for name in step.columns:
                    batch[name] = transform.apply(batch[name], drawn)
        for name in {name for step in self.steps for name in step.columns}:
            batch[name] = np.ascontiguousarray(batch[name])
        return batch

    def whole(self, column: str) -> Array | None:
        changed = any(column in step.columns for step in self.steps)
        return None if changed else self.inner.whole(column)

    def fingerprint(self) -> str:
        return self.inner.fingerprint()

    def check_unchanged(self) -> None:
        self.inner.check_unchanged()
