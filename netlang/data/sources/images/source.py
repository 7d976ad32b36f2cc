"""Images and masks in files, read when they are requested."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.util import find_spec

from msgspec import structs

from netlang.data.fitted import Column
from netlang.data.source import EVERY, Batch, Chosen, Epoch, Source, Stamp
from netlang.diagnostics import rules
from netlang.diagnostics.errors import ENVIRONMENT, FileError, NetlangError
from netlang.ir.arrays import numpy_dtype
from netlang.ir.types import TensorType
from netlang.storage.pixels import Pixels
from netlang.system.numpy import Array, np

_CACHED_BYTES = 1 << 29
_TOP = 255.0


@dataclass(frozen=True, slots=True)
class ImageFiles:
    """The files of a column of images, ``f32[C, H, W]`` or ``f32[H, W]``."""

    files: Sequence[Stamp]
    names: Sequence[str]
    pixels: Pixels

    def read(self, number: int) -> Array:
        """Return an image as bytes, ``u8[C, H, W]``."""
        from netlang.storage.images import read_pixels

        stamp = self.files[number]
        stamp.check()
        return read_pixels(stamp.path, self.pixels)

    def examples(self, read: Array, type: TensorType) -> Array:
        """Return what was read as examples from 0 to 1."""
        return np.divide(read if type.rank > 2 else read[:, 0], np.float32(_TOP), dtype=np.float32)

    def column(self, type: TensorType) -> Column:
        crop = self.pixels.how == "crop"
        return structs.replace(
            Column.of(type),
            scale=_TOP,
            shorter_side=self.pixels.size[0] if crop else None,
            resized=None if crop else self.pixels.how == "resize",
        )


@dataclass(frozen=True, slots=True)
class MaskFiles:
    """The files of a column of masks: the number of a class for each pixel.

    The classes are the integers in the files, or the places of those in ``values``.
    """

    files: Sequence[Stamp]
    names: Sequence[str]
    size: tuple[int, int]
    resize: bool
    values: Sequence[int] = ()

    def read(self, number: int) -> Array:
        """Return the classes of a mask; raise ``FileError`` for one without a number."""
        from netlang.storage.images import read_mask

        stamp = self.files[number]
        stamp.check()
        mask = read_mask(stamp.path, self.size, resize=self.resize)
        if not self.values:
            return mask
        order = np.argsort(self.values)
        at = np.searchsorted(self.values, mask, sorter=order).clip(max=len(order) - 1)
        classes = order[at]
        unknown = np.array(self.values)[classes] != mask
        if unknown.any():
            found = np.unique(mask[unknown]).tolist()
            few = ", ".join(map(str, found[:5])) + (", …" if len(found) > 5 else "")
            raise FileError(
                f"{stamp.path} has pixels of {few}, and `values` are: "
                f"{', '.join(map(str, self.values))}",
                helps=["add what is missing to `values`: their places are the classes"],
            )
        return classes.astype(np.uint8 if len(order) <= 1 << 8 else np.int64)

    def examples(self, read: Array, type: TensorType) -> Array:
        return read.astype(numpy_dtype(type.dtype))

    def column(self, type: TensorType) -> Column:
        return Column.of(type)


@dataclass(frozen=True, slots=True, eq=False)
class ImageSource(Source):
    """Examples of which some columns are files of images; ``inner`` has their numbers in these.

    As many images as fit in half a GiB are cached.
    """

    heavy = True
    inner: Source
    columns: Mapping[str, TensorType]
    images: Mapping[str, ImageFiles | MaskFiles]
    decided: Sequence[str] = ()
    cache: dict[tuple[str, int], Array] = field(default_factory=dict[tuple[str, int], "Array"])

    @property
    def place(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.inner.place

    @property
    def names(self) -> Mapping[str, Sequence[str]]:  # pyright: ignore[reportIncompatibleVariableOverride]
        return {name: n for name, n in self.inner.names.items() if name not in self.images}

    def __len__(self) -> int:
        return len(self.inner)

    def during(self, epoch: Epoch) -> Source:
        return replace(self, inner=self.inner.during(epoch))

    def examples(self, chosen: Chosen) -> Batch:
        batch = self.inner.examples(chosen)
        for name, files in self.images.items():
            read = np.stack([self._read(name, int(number)) for number in batch[name]])
            batch[name] = files.examples(read, self.columns[name])
        return {name: batch[name] for name in self.columns}

    def _read(self, name: str, number: int) -> Array:
        cached = self.cache.get((name, number))
        if cached is not None:
            return cached
        image = self.images[name].read(number)
        if len(self.cache) < _CACHED_BYTES // image.nbytes:
            self.cache[name, number] = image
        return image

    def name_of(self, example: int) -> str:
        name, files = next(iter(self.images.items()))
        numbers = self.inner.whole(name)
        return files.names[example if numbers is None else int(numbers[example])]

    def column(self, name: str) -> Column:
        files = self.images.get(name)
        return self.inner.column(name) if files is None else files.column(self.columns[name])

    def whole(self, column: str) -> Array | None:
        return None if column in self.images else self.inner.whole(column)

    def fingerprint(self) -> str:
        sums = [self.inner.fingerprint()]
        for files in self.images.values():
            listed = "\n".join(f"{s.path.parent.name}/{s.path.name}:{s.size}" for s in files.files)
            checksum = zlib.crc32(listed.encode("utf-8", "surrogateescape"))
            sums.append(f"{len(files.files)}:{checksum:08x}")
        return "-".join(sums)

    def check_unchanged(self) -> None:
        for files in self.images.values():
            for stamp in files.files:
                stamp.check()

    def gaps(self, column: str, chosen: Chosen = EVERY) -> int:
        return self.inner.gaps(column, chosen)

    def unpadded_lengths(self, column: str, chosen: Chosen = EVERY) -> Array | None:
        return self.inner.unpadded_lengths(column, chosen)

    def remarks(self) -> Sequence[str]:
        return (*self.inner.remarks(), *self.decided)


def require_pillow(place: object) -> None:
    """Raise ``NetlangError`` where images cannot be read."""
    if find_spec("PIL") is None:
        raise NetlangError(
            rules.PILLOW_MISSING,
            f"{place} holds images, and reading images needs Pillow",
            helps=['pip install "netlang[images]"'],
            exit_code=ENVIRONMENT,
        )
