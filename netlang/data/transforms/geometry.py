"""Changes of where pixels are: flips, crops, rotations, resizing; and boxes that are erased."""

from __future__ import annotations

from typing import ClassVar

from netlang.data.transforms.resampling import (
    ATTEMPTS,
    Range,
    over_channels,
    pixels_at,
    random_boxes,
    resample,
)
from netlang.data.transforms.transform import Resizing, Transform
from netlang.diagnostics.errors import InputError
from netlang.system.numpy import Array, np


class Flip(Transform, frozen=True):
    """Flip an image left to right, or upside down, with probability ``p``."""

    name: ClassVar[str] = "flip"
    draws: ClassVar[int] = 1
    p: float
    vertical: bool

    def apply(self, images: Array, u: Array) -> Array:
        flipped = u[:, 0] < self.p
        out = images.copy()
        out[flipped] = np.flip(images[flipped], -2 if self.vertical else -1)
        return out


class Crop(Resizing, frozen=True):
    """Cut a square out at a random position, after padding with ``pad`` zeros."""

    name: ClassVar[str] = "crop"
    draws: ClassVar[int] = 2
    pad: int

    def fixed(self) -> Transform:
        return CenteredCrop(self.size, self.pad)

    def apply(self, images: Array, u: Array) -> Array:
        size = self.size
        padded = _padded(images, self.pad)
        _check_room(self.name, size, padded)
        rows, columns = (n - size + 1 for n in padded.shape[-2:])
        top, left = (u[:, 0] * rows).astype(np.int64), (u[:, 1] * columns).astype(np.int64)
        windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size), axis=(-2, -1))
        everything = (slice(None),) * (images.ndim - 3)
        return windows[(np.arange(len(images)), *everything, top, left)]


class CenterCrop(Resizing, frozen=True):
    """Cut the square out of the middle."""

    name: ClassVar[str] = "center_crop"

    def apply(self, images: Array, u: Array) -> Array:
        del u
        _check_room(self.name, self.size, images)
        top, left = ((n - self.size) // 2 for n in images.shape[-2:])
        return images[..., top : top + self.size, left : left + self.size]


class CenteredCrop(Resizing, frozen=True):
    """What ``crop`` does where nothing is random: cut the square out of the middle."""

    name: ClassVar[str] = "centered_crop"
    pad: int

    def apply(self, images: Array, u: Array) -> Array:
        return CenterCrop(self.size).apply(_padded(images, self.pad), u)


def _padded(images: Array, pad: int) -> Array:
    around = [(0, 0)] * (images.ndim - 2) + [(pad, pad)] * 2
    return np.pad(images, around) if pad else images


def _check_room(name: str, size: int, images: Array) -> None:
    rows, columns = images.shape[-2:]
    if size > min(rows, columns):
        raise InputError(
            f"`{name}({size})` requires {size} rows and columns, and the images have {rows} by "
            f"{columns}",
            helps=[f"resize them first: `[resize({size}), …]`"],
        )


class Resize(Resizing, frozen=True):
    """Resize the whole image to a square."""

    name: ClassVar[str] = "resize"

    def apply(self, images: Array, u: Array) -> Array:
        del u
        none = np.zeros(len(images))
        rows, columns = images.shape[-2:]
        return resample(images, self.size, none, none + rows, none, none + columns)


class RandomResizedCrop(Resizing, frozen=True):
    """Resize the first random box that fits to a square (Szegedy et al., 2014)."""

    name: ClassVar[str] = "random_resized_crop"
    draws: ClassVar[int] = 2 * ATTEMPTS + 2
    scale: Range
    ratio: Range

    def fixed(self) -> Transform:
        return CenteredResize(self.size)

    def apply(self, images: Array, u: Array) -> Array:
        rows, columns = images.shape[-2:]
        found, height, width = random_boxes(u, rows, columns, self.scale, self.ratio)
        side = min(rows, columns)
        height, width = np.where(found, height, side), np.where(found, width, side)
        above, before = u[:, -2] * (rows - height + 1), u[:, -1] * (columns - width + 1)
        top = np.where(found, np.trunc(above), float((rows - side) // 2))
        left = np.where(found, np.trunc(before), float((columns - side) // 2))
        return resample(images, self.size, top, height, left, width)


class CenteredResize(Resizing, frozen=True):
    """What ``random_resized_crop`` does where nothing is random: resize the middle square."""

    name: ClassVar[str] = "centered_resize"

    def apply(self, images: Array, u: Array) -> Array:
        del u
        none, (rows, columns) = np.zeros(len(images)), images.shape[-2:]
        side = min(rows, columns)
        top, left = none + (rows - side) // 2, none + (columns - side) // 2
        return resample(images, self.size, top, none + side, left, none + side)


class Erase(Transform, frozen=True):
    """Set a random box of an image to 0, with probability ``p`` (Zhong et al., 2017)."""

    name: ClassVar[str] = "erase"
    draws: ClassVar[int] = 2 * ATTEMPTS + 3
    p: float
    scale: Range
    ratio: Range

    def apply(self, images: Array, u: Array) -> Array:
        rows, columns = map(int, images.shape[-2:])
        found, height, width = random_boxes(u[:, 1:], rows, columns, self.scale, self.ratio)
        top = np.trunc(u[:, -2] * (rows - height + 1))[:, np.newaxis]
        left = np.trunc(u[:, -1] * (columns - width + 1))[:, np.newaxis]
        down, across = np.arange(rows), np.arange(columns)
        inside_rows = (down >= top) & (down < top + height[:, np.newaxis])
        inside_columns = (across >= left) & (across < left + width[:, np.newaxis])
        chosen = (found & (u[:, 0] < self.p))[:, np.newaxis, np.newaxis]
        erased = chosen & inside_rows[:, :, np.newaxis] & inside_columns[:, np.newaxis]
        between = (1,) * (images.ndim - 3)
        return np.where(erased.reshape(len(images), *between, rows, columns), 0, images)


class Rotate(Transform, frozen=True):
    """Rotate an image about its center by up to ``degrees`` either way; outside is 0.

    Pixels are interpolated linearly from the four around; labels of a mask are the nearest's.
    """

    name: ClassVar[str] = "rotate"
    draws: ClassVar[int] = 1
    degrees: float

    def apply(self, images: Array, u: Array) -> Array:
        rows, columns = map(int, images.shape[-2:])
        angle = np.deg2rad((2 * u[:, 0] - 1) * self.degrees).reshape(-1, 1, 1)
        y = np.arange(rows)[:, np.newaxis] - (rows - 1) / 2
        x = np.arange(columns) - (columns - 1) / 2
        down = np.cos(angle) * y + np.sin(angle) * x + (rows - 1) / 2
        across = np.cos(angle) * x - np.sin(angle) * y + (columns - 1) / 2
        if images.dtype.kind != "f":
            return pixels_at(images, np.rint(down), np.rint(across))
        top, left = np.floor(down), np.floor(across)
        corners = [(top + i, left + j) for i in (0, 1) for j in (0, 1)]
        mixed = np.zeros(images.shape, np.float32)
        for row, column in corners:
            share = (1 - np.abs(down - row)) * (1 - np.abs(across - column))
            weight = over_channels(share.astype(np.float32), images)
            mixed += weight * pixels_at(images, row, column)
        return mixed
