"""Images as tensors, read and written with Pillow."""

from __future__ import annotations

import warnings
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

from netlang.diagnostics.errors import FileError, InputError, TooLargeError
from netlang.ir.arrays import numpy_dtype
from netlang.ir.dims import Size
from netlang.ir.graph import Value
from netlang.ir.types import DType
from netlang.storage.pixels import Pixels
from netlang.system.files import reading, replacing
from netlang.system.numpy import Array, np

MOST_PIXELS = 1 << 26
_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF")
_DEEP = ("I", "I;16", "I;16B", "I;16L", "I;16N")
"""Pillow's modes of 16-bit grayscale images."""


@contextmanager
def _without_warnings() -> Generator[None]:
    """Hide Pillow's warnings, which users cannot act on.

    Those about large images are errors here; others are about metadata that is not used, and about
    transparency, which is dropped.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@_without_warnings()
def read_image(path: Path, value: Value, *, resize: bool = False) -> Array:
    """Read an image file as ``value``: ``[1, C, H, W]``, ``[C, H, W]`` or ``[H, W]``.

    One channel means grayscale, three mean RGB; transparency is dropped and photographs are rotated
    as their metadata says. 0 to 255 becomes 0 to 1 for floats and is unchanged for integers.
    """
    channels, size = _wanted(value)
    upright = _fitted(path, _loaded(path), size, value, resize=resize)
    return _tensor(path, upright, channels, value)


def _square_of(image: Image.Image, size: int, place: str) -> Array:
    """Return ``u8[3, size, size]``: resized by the shorter side and center-cropped."""
    scale = size / min(image.size)
    width, height = (max(size, round(n * scale)) for n in image.size)
    if width * height > MOST_PIXELS:
        raise TooLargeError(
            f"{place} is {image.width:,} pixels by {image.height:,}: with its shorter side of "
            f"{size:,} it would have more than {MOST_PIXELS:,}",
            helps=["cut it nearer to a square"],
        )
    scaled = image.convert("RGB").resize((width, height), Image.Resampling.BILINEAR)
    left, top = (width - size) // 2, (height - size) // 2
    square = scaled.crop((left, top, left + size, top + size))
    return np.ascontiguousarray(np.moveaxis(np.asarray(square), 2, 0))


@_without_warnings()
def read_size(path: Path) -> tuple[int, int]:
    """Return the width and the height of an image in pixels; raises the errors of reading it."""
    return _loaded(path).size


@_without_warnings()
def read_pixels(path: Path, pixels: Pixels) -> Array:
    """Read an image as bytes, ``u8[C, H, W]``, in the way that examples of a dataset are read.

    Raises ``InputError`` for another size, unless images are resized or cropped.
    """
    return _pixels_of(_loaded(path), pixels, str(path))


@_without_warnings()
def pixels_of(image: Image.Image, pixels: Pixels, place: str) -> Array:
    """Return an image in memory as ``read_pixels`` returns one in a file, named by ``place``."""
    return _pixels_of(ImageOps.exif_transpose(image), pixels, place)


def _pixels_of(given: Image.Image, pixels: Pixels, place: str) -> Array:
    rows, columns = pixels.size
    image = _of_bytes(given)
    if pixels.how == "crop":
        return _square_of(image, rows, place)
    image = image.convert("L" if pixels.channels == 1 else "RGB")
    if (image.height, image.width) != pixels.size:
        if pixels.how == "exact":
            raise _other_size(place, image, pixels.size)
        image = image.resize((columns, rows), Image.Resampling.BILINEAR)
    grid = np.asarray(image)
    return np.ascontiguousarray(
        grid[np.newaxis] if pixels.channels == 1 else np.moveaxis(grid, 2, 0)
    )


@_without_warnings()
def read_mask(path: Path, size: tuple[int, int], *, resize: bool) -> Array:
    """Read the integers of an image, ``[H, W]``: indices of its palette, or gray values.

    With ``resize``, each pixel is the nearest one. Raises ``FileError`` for an image in color, and
    ``InputError`` for another size.
    """
    image = _loaded(path)
    if image.mode in ("P", "L", "1", *_DEEP):
        grid = np.asarray(image)
    else:
        bands = [np.asarray(band) for band in image.split() if band.mode == "L"]
        colors = bands[:1] if image.mode in ("LA", "La", "PA") else bands[:3]
        if any(not np.array_equal(colors[0], other) for other in colors[1:]):
            raise FileError(
                f"{path} is in color, and a mask has the number of a class for each pixel",
                helps=["save it with a palette, or as a gray image"],
            )
        grid = colors[0]
    if grid.dtype == np.bool_:
        grid = grid.astype(np.uint8)
    if grid.shape == size:
        return grid
    if not resize:
        raise _other_size(str(path), image, size)
    rows, columns = (
        ((np.arange(want) + 0.5) * have / want).astype(np.int64)
        for want, have in zip(size, grid.shape, strict=True)
    )
    return grid[rows[:, np.newaxis], columns]


def _of_bytes(image: Image.Image) -> Image.Image:
    """Return an image of which each channel is a byte."""
    if image.mode not in _DEEP:
        return image
    gray = np.asarray(image).astype(np.float64) / 257
    return Image.fromarray(gray.round().astype(np.uint8))


def _other_size(place: str, image: Image.Image, size: tuple[int, int]) -> InputError:
    return InputError(
        f"{place} is {image.height} rows by {image.width} columns, and the dataset declares "
        f"{size[0]} by {size[1]}",
        helps=[f"resize all of them: `|> resize({_square(size)})`"],
    )


def _square(size: tuple[int, int]) -> str:
    return str(size[0]) if size[0] == size[1] else str(size)


def write_png(path: Path, pixels: Array) -> None:
    """Write ``u8[H, W, 3]`` as a PNG image, completely or not at all."""
    with replacing(path) as unfinished:
        Image.fromarray(pixels).save(unfinished, "PNG")


def _loaded(path: Path) -> Image.Image:
    """Read an image, rotated upright; one that is too large is rejected before decoding."""
    with reading(path) as stream:
        try:
            image = Image.open(stream, formats=_FORMATS)
            _check_extent(path, image)
            image.load()
            return ImageOps.exif_transpose(image)
        except Image.DecompressionBombError:
            raise TooLargeError(f"{path} has more than {MOST_PIXELS:,} pixels") from None
        except UnidentifiedImageError:
            raise FileError(f"{path} is not a PNG, JPEG, WebP, BMP or TIFF image") from None
        except (OSError, SyntaxError, ValueError) as error:
            raise FileError(f"{path} is a damaged image: {error}") from None


def _wanted(value: Value) -> tuple[Size, tuple[Size, Size]]:
    """Return the channels, rows and columns that an input expects."""
    match value.type.shape:
        case (_, channels, rows, columns) | (channels, rows, columns):
            return channels, (rows, columns)
        case (rows, columns):
            return 1, (rows, columns)
        case _:
            raise InputError(
                f"`{value.name}` is {value.type}, which no image can be",
                helps=["an input for images is f32[N, C, H, W], f32[C, H, W] or f32[H, W]"],
            )


def _check_extent(path: Path, image: Image.Image) -> None:
    """Reject, by its header, an image that would take too much memory or is an animation."""
    width, height = image.size
    if width * height > MOST_PIXELS:
        raise TooLargeError(
            f"{path} has {width:,} x {height:,} pixels, and {MOST_PIXELS:,} in all are the most"
        )
    frames = getattr(image, "n_frames", 1)
    if frames > 1:
        raise FileError(f"{path} holds {frames} images", helps=["save one of them"])


def _fitted(
    path: Path, image: Image.Image, size: tuple[Size, Size], value: Value, *, resize: bool
) -> Image.Image:
    wanted = tuple(
        want if isinstance(want, int) else have
        for want, have in zip(size, (image.height, image.width), strict=True)
    )
    rows, columns = wanted
    if (image.height, image.width) == (rows, columns):
        return image
    if resize:
        return image.resize((columns, rows), Image.Resampling.BILINEAR)
    raise InputError(
        f"{path} is {image.height} rows by {image.width} columns, and `{value.name}` "
        f"({value.type}) expects {rows} by {columns}",
        helps=["scale it: `--resize`, or `resize=True`"],
    )


def _tensor(path: Path, image: Image.Image, channels: Size, value: Value) -> Array:
    gray = image.mode in ("1", "L", "LA", "La", *_DEEP)
    count = channels if isinstance(channels, int) else (1 if gray else 3)
    if count not in (1, 3):
        raise InputError(
            f"`{value.name}` ({value.type}) has {count} channels, and an image has 1 or 3",
            helps=["give a .npy file"],
        )
    if image.mode in _DEEP:
        grid = np.asarray(image).astype(np.float64)[np.newaxis] / 65535
        planes = np.repeat(grid, count, axis=0)
    else:
        converted = image.convert("L" if count == 1 else "RGB")
        grid = np.asarray(converted)
        planes = grid[np.newaxis] if count == 1 else np.moveaxis(grid, 2, 0)
    return _scaled(path, planes, value).reshape(_shape(value, planes))


def _scaled(path: Path, planes: Array, value: Value) -> Array:
    wanted = value.type.dtype
    if wanted.is_float:
        top = 1 if planes.dtype.kind == "f" else 255
        return (planes.astype(np.float64) / top).astype(numpy_dtype(wanted))
    if wanted is DType.BOOL or wanted is DType.I8:
        raise InputError(f"`{value.name}` is {value.type}, and {path} holds numbers from 0 to 255")
    whole = (planes * 255).round() if planes.dtype.kind == "f" else planes
    return whole.astype(numpy_dtype(wanted))


def _shape(value: Value, planes: Array) -> tuple[int, ...]:
    match value.type.rank:
        case 4:
            return (1, *planes.shape)
        case 3:
            return planes.shape
        case _:
            return planes.shape[1:]
