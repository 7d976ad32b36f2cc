"""A folder with a folder of images for each class."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from msgspec import structs

from netlang.data.fitted import Column, numbered
from netlang.data.source import Batch, Chosen, Source, Stamp
from netlang.data.sources.folders import entries, files_of, left_out
from netlang.diagnostics import rules
from netlang.diagnostics.errors import ENVIRONMENT, FileError, NetlangError
from netlang.ir.types import TensorType
from netlang.storage.inputs import IMAGES
from netlang.system.numpy import Array, np

_CACHED_BYTES = 1 << 29
_TOP = 255.0


@dataclass(frozen=True, slots=True, eq=False)
class ImageFolder(Source):
    """Images read when they are requested; as many as fit in half a GiB are cached."""

    heavy = True
    place: str
    columns: Mapping[str, TensorType]
    files: Sequence[Stamp]
    labels: Array
    names: Mapping[str, Sequence[str]]
    size: int
    decided: Sequence[str] = ()
    cache: dict[int, Array] = field(default_factory=dict[int, "Array"])

    def __len__(self) -> int:
        return len(self.files)

    def examples(self, chosen: Chosen) -> Batch:
        numbers = np.arange(len(self))[chosen] if isinstance(chosen, slice) else chosen
        images = np.stack([self._image(int(i)) for i in numbers])
        return {
            "image": np.divide(images, np.float32(_TOP), dtype=np.float32),
            "label": self.labels[numbers],
        }

    def _image(self, number: int) -> Array:
        cached = self.cache.get(number)
        if cached is not None:
            return cached
        from netlang.storage.images import read_square

        stamp = self.files[number]
        stamp.check()
        image = read_square(stamp.path, self.size)
        if len(self.cache) < _CACHED_BYTES // image.nbytes:
            self.cache[number] = image
        return image

    def name_of(self, example: int) -> str:
        return self.files[example].path.relative_to(self.place).as_posix()

    def column(self, name: str) -> Column:
        found = Column.of(self.columns[name], self.names.get(name, ()))
        if name != "image":
            return found
        return structs.replace(found, scale=_TOP, shorter_side=self.size)

    def whole(self, column: str) -> Array | None:
        return self.labels if column == "label" else None

    def fingerprint(self) -> str:
        listed = "\n".join(f"{s.path.parent.name}/{s.path.name}:{s.size}" for s in self.files)
        return f"{len(self.files)}:{zlib.crc32(listed.encode('utf-8', 'surrogateescape')):08x}"

    def check_unchanged(self) -> None:
        for stamp in self.files:
            stamp.check()

    def remarks(self) -> Sequence[str]:
        return self.decided


def open_folder(
    folder: Path, columns: Mapping[str, TensorType], size: int, known: Sequence[str] = ()
) -> ImageFolder:
    """Open a folder of images; the classes are its folders, by their place in ``known``.

    Without known classes, they are sorted by name. A folder with images and no folders is one
    class. Raises ``NetlangError`` where there are none, for a folder of another class, or where
    Pillow is not installed.
    """
    _require_pillow(folder)
    if not folder.is_dir():
        raise FileError(f"{folder} is not a folder")
    classes = [path for path in entries(folder) if path.is_dir()]
    own = [path.name for path in classes]
    if not own:
        # The name of the whole folder, such as `valid`, is not that of a class.
        own = list(known) if len(known) == 1 else [folder.name]
    names, numbers = numbered(own, known, str(folder), "folder")
    real = folder.resolve()
    files: list[Stamp] = []
    labels: list[int] = []
    for label, place in zip(numbers, classes or [folder], strict=True):
        found = files_of(place, IMAGES)
        if not found:
            raise FileError(
                f"{place} holds no images", helps=[f"images end in {', '.join(IMAGES)}"]
            )
        for path in found:
            if not path.resolve().is_relative_to(real):
                raise NetlangError(rules.DATA_PATH, f"{path} leads out of {folder}")
            files.append(Stamp.of(path))
            labels.append(label)
    which = f"images end in {', '.join(IMAGES)}"
    which += " and are in the folder of their class" if classes else ""
    decided = left_out(folder, {stamp.path for stamp in files}, which)
    return ImageFolder(
        str(folder), columns, files, np.array(labels, np.int64), {"label": names}, size, decided
    )


def _require_pillow(folder: Path) -> None:
    if find_spec("PIL") is None:
        raise NetlangError(
            rules.PILLOW_MISSING,
            f"{folder} holds images, and reading images needs Pillow",
            helps=['pip install "netlang[images]"'],
            exit_code=ENVIRONMENT,
        )
