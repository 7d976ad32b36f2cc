"""Pictures as tensors, and drawings as pictures: the only module that knows Pillow."""

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
from netlang.system.files import reading
from netlang.system.numpy import Array, np

MOST_PIXELS = 1 << 26
_DEEP = ("I", "I;16", "I;16B", "I;16L", "I;16N")
"""Modes of pictures with 16 bits for each grey value."""


@contextmanager
def _unwarned() -> Generator[None]:
    """Keep Pillow's warnings from people, who can do nothing about them.

    Those about large pictures are errors here; others tell of notes in a file that nobody reads,
    and of transparency, which is dropped.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@_unwarned()
def read_image(path: Path, value: Value, *, resize: bool = False) -> Array:
    """Read a PNG or JPEG picture as ``value``: ``[1, C, H, W]``, ``[C, H, W]`` or ``[H, W]``.

    Grey for one channel, red-green-blue for three; transparency is dropped and a photograph is
    turned upright. 0 to 255 becomes 0 to 1 for floats and stays as it is for integers.
    """
    channels, size = _wanted(value)
    upright = _fitted(path, _loaded(path), size, value, resize=resize)
    return _tensor(path, upright, channels, value)


@_unwarned()
def read_square(path: Path, size: int) -> Array:
    """Read a picture as ``u8[3, size, size]``: its shorter side scaled, the middle taken."""
    picture = _loaded(path)
    if picture.mode in _DEEP:
        grey = np.asarray(picture).astype(np.float64) / 257
        picture = Image.fromarray(grey.round().astype(np.uint8))
    scale = size / min(picture.size)
    width, height = (max(size, round(n * scale)) for n in picture.size)
    if width * height > MOST_PIXELS:
        raise TooLargeError(
            f"{path} is {picture.width:,} pixels by {picture.height:,}: with its shorter side of "
            f"{size:,} it would have more than {MOST_PIXELS:,}",
            helps=["cut it nearer to a square"],
        )
    scaled = picture.convert("RGB").resize((width, height), Image.Resampling.BILINEAR)
    left, top = (width - size) // 2, (height - size) // 2
    square = scaled.crop((left, top, left + size, top + size))
    return np.ascontiguousarray(np.moveaxis(np.asarray(square), 2, 0))


def _loaded(path: Path) -> Image.Image:
    """Read a picture, upright; what would be too large is refused before it is decoded."""
    with reading(path) as stream:
        try:
            picture = Image.open(stream, formats=("PNG", "JPEG"))
            _check_extent(path, picture)
            picture.load()
            return ImageOps.exif_transpose(picture)
        except Image.DecompressionBombError:
            raise TooLargeError(f"{path} has more than {MOST_PIXELS:,} pixels") from None
        except UnidentifiedImageError:
            raise FileError(f"{path} is not a PNG or JPEG picture") from None
        except (OSError, SyntaxError, ValueError) as error:
            raise FileError(f"{path} is a damaged picture: {error}") from None


def _wanted(value: Value) -> tuple[Size, tuple[Size, Size]]:
    """Say how many channels, rows and columns an input wants."""
    match value.type.shape:
        case (_, channels, rows, columns) | (channels, rows, columns):
            return channels, (rows, columns)
        case (rows, columns):
            return 1, (rows, columns)
        case _:
            raise InputError(
                f"`{value.name}` is {value.type}, which no picture can be",
                helps=["an input for pictures is f32[N, C, H, W], f32[C, H, W] or f32[H, W]"],
            )


def _check_extent(path: Path, picture: Image.Image) -> None:
    """Refuse from its header alone what would take too much memory or is no single picture."""
    width, height = picture.size
    if width * height > MOST_PIXELS:
        raise TooLargeError(
            f"{path} has {width:,} x {height:,} pixels, and {MOST_PIXELS:,} in all are the most"
        )
    frames = getattr(picture, "n_frames", 1)
    if frames > 1:
        raise FileError(f"{path} is an animation of {frames} pictures", helps=["save one of them"])


def _fitted(
    path: Path, picture: Image.Image, size: tuple[Size, Size], value: Value, *, resize: bool
) -> Image.Image:
    wanted = tuple(
        want if isinstance(want, int) else have
        for want, have in zip(size, (picture.height, picture.width), strict=True)
    )
    rows, columns = wanted
    if (picture.height, picture.width) == (rows, columns):
        return picture
    if resize:
        return picture.resize((columns, rows), Image.Resampling.BILINEAR)
    raise InputError(
        f"{path} is {picture.height} rows by {picture.width} columns, and `{value.name}` "
        f"({value.type}) wants {rows} by {columns}",
        helps=["scale it with --resize"],
    )


def _tensor(path: Path, picture: Image.Image, channels: Size, value: Value) -> Array:
    grey = picture.mode in ("1", "L", "LA", "La", *_DEEP)
    count = channels if isinstance(channels, int) else (1 if grey else 3)
    if count not in (1, 3):
        raise InputError(
            f"`{value.name}` ({value.type}) has {count} channels, and a picture has 1 or 3",
            helps=["give a .npy file"],
        )
    if picture.mode in _DEEP:
        grid = np.asarray(picture).astype(np.float64)[np.newaxis] / 65535
        planes = np.repeat(grid, count, axis=0)
    else:
        converted = picture.convert("L" if count == 1 else "RGB")
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
