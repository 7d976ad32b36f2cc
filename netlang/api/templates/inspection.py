"""What a user's data are: the columns of a table, the classes and the sizes of images."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from netlang.data.sources.folders import entries, files_of
from netlang.data.tables.cells import NOT_NUMBERS, NUMBER
from netlang.diagnostics.errors import FileError
from netlang.storage.inputs import IMAGES
from netlang.system.files import reading
from netlang.system.numpy import np

_READ = 1 << 23
_SEPARATORS = (",", ";", "\t", "|")
_MOST_CATEGORIES, _LONGEST_CATEGORY = 50, 40
_MOST_IMAGES = 50
_MASKS = ("mask", "label", "annotation", "target", "truth")
_TRAINING, _OTHERS = ("train", "training"), ("valid", "val", "validation", "test")


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column of a table; ``kind`` is number, category, text, or why it is of no use.

    ``texts`` are its distinct cells, in order; ``missing`` is how many cells are empty.
    """

    name: str
    kind: str
    texts: Sequence[str]
    missing: int
    mean: float = 0.0
    std: float = 1.0
    length: float = 0.0

    @property
    def useful(self) -> bool:
        return self.kind in ("number", "category")


@dataclass(frozen=True, slots=True)
class Table:
    """The columns of a table, as far as its first megabytes show them."""

    path: Path
    separator: str
    encoding: str
    rows: int
    columns: Sequence[TableColumn]

    def column(self, name: str) -> TableColumn | None:
        return next((each for each in self.columns if each.name == name), None)


def inspect_table(path: Path) -> Table:
    """Return the columns of a table; raises ``FileError`` for anything else."""
    text, encoding = _text(path)
    line = text.partition("\n")[0]
    separator = max(_SEPARATORS, key=line.count)
    rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator) if row]
    if len(rows) < 2:
        raise FileError(f"{path} has no rows below a line of names")
    names = [cell.strip() for cell in rows[0]]
    if any(NUMBER.fullmatch(name) for name in names):
        raise FileError(
            f"{path} has numbers in its first line, which should name the columns",
            helps=["add a line of names"],
        )
    body = [row for row in rows[1:] if len(row) == len(names)]
    columns = [_column(name, [row[i].strip() for row in body]) for i, name in enumerate(names)]
    return Table(path, separator, encoding, len(body), columns)


def _text(path: Path) -> tuple[str, str]:
    """Return whole lines of a file, and its encoding unless that is UTF-8."""
    with reading(path) as stream:
        data = stream.read(_READ)
    if data.startswith(b"\x1f\x8b"):
        from netlang.data.tables.text_files import read_text

        return read_text(path)[0][:_READ].rpartition("\n")[0], ""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = data[: len(data) // 2 * 2].decode("utf-16", errors="replace")
        return text if len(data) < _READ else text.rpartition("\n")[0], "utf-16"
    if len(data) == _READ:
        data = data[: data.rfind(b"\n") + 1]
    try:
        return data.decode("utf-8-sig"), ""
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace"), "cp1252"


def _column(name: str, cells: Sequence[str]) -> TableColumn:
    given = [cell for cell in cells if cell.lower() not in NOT_NUMBERS]
    missing, distinct = len(cells) - len(given), sorted(set(given))
    length = sum(map(len, given)) / max(len(given), 1)
    if not name or len(distinct) < 2:
        kind = "without a name" if not name else "empty" if not given else "always the same"
        return TableColumn(name, kind, distinct, missing)
    if all(map(NUMBER.fullmatch, given)):
        numbers = list(map(float, given))
        count, first = len(numbers), numbers[0]
        if not missing and numbers == [first + i for i in range(count)] and count > 2:
            return TableColumn(name, "a number for each row", distinct, missing)
        mean = sum(numbers) / count
        std = (sum((n - mean) ** 2 for n in numbers) / count) ** 0.5
        return TableColumn(name, "number", distinct, missing, mean, std, length)
    few = len(distinct) <= min(_MOST_CATEGORIES, max(2, len(given) // 2))
    if few and max(map(len, distinct)) <= _LONGEST_CATEGORY:
        return TableColumn(name, "category", distinct, missing, length=length)
    return TableColumn(name, "text", distinct[:1], missing, length=length)


@dataclass(frozen=True, slots=True)
class Pictures:
    """A folder of images: its classes, for validation another folder, and the usual size."""

    folder: Path
    valid: Path | None
    classes: Sequence[str]
    count: int
    side: int


def inspect_pictures(folder: Path) -> Pictures:
    """Return what a folder of images holds; raises ``FileError`` where there are none."""
    if not folder.is_dir():
        raise FileError(
            f"{folder} is not a folder",
            helps=["images are in a folder, with a folder for each class"],
        )
    inside = {path.name.lower(): path for path in entries(folder) if path.is_dir()}
    training = next((inside[name] for name in _TRAINING if name in inside), None)
    valid = next((inside[name] for name in _OTHERS if name in inside), None)
    root = folder if training is None else training
    classes = [path for path in entries(root) if path.is_dir()]
    files = [file for place in classes or [root] for file in files_of(place, IMAGES)]
    if not files:
        raise FileError(f"{root} holds no images", helps=[f"images end in {', '.join(IMAGES)}"])
    step = max(1, len(files) // _MOST_IMAGES)
    side = int(median(_sides(files[::step])))
    names = [path.name for path in classes]
    return Pictures(root, None if training is None else valid, names, len(files), side)


def _sides(files: Sequence[Path]) -> Iterator[int]:
    """Yield the shorter side of each image."""
    from netlang.storage.images import read_size

    for file in files:
        yield min(read_size(file))


@dataclass(frozen=True, slots=True)
class Masks:
    """Images and a mask for each: patterns of their names in a folder, and the values of masks."""

    images: str
    masks: str
    values: Sequence[int]
    count: int
    side: int


def inspect_masks(folder: Path) -> Masks:
    """Return what a folder with a folder of images and one of masks holds; raises ``FileError``."""
    inside = [path for path in entries(folder) if path.is_dir()] if folder.is_dir() else []
    masks = [path for path in inside if any(word in path.name.lower() for word in _MASKS)]
    others = [path for path in inside if path not in masks]
    if len(masks) != 1 or len(others) != 1:
        raise FileError(
            f"{folder} does not have a folder of images and a folder of masks",
            helps=["such as `images/01.png` and `masks/01.png`"],
        )
    images, own = files_of(others[0], IMAGES), files_of(masks[0], IMAGES)
    if not images or len(images) != len(own):
        raise FileError(
            f"{others[0]} has {len(images):,} images, and {masks[0]} has {len(own):,} masks",
            notes=[*_without(images, own, "mask"), *_without(own, images, "image")],
            helps=["each image has a mask whose name is similar, such as `01.png`"],
        )
    first, second = images[0].stem, own[0].stem
    before, found, after = second.partition(first)
    if not found:
        raise FileError(
            f"{own[0]} is not named like {images[0]}",
            helps=["the name of a mask has that of its image in it, such as `01_mask.png`"],
        )
    side = int(median(_sides(images[: _MOST_IMAGES // 2])))
    patterns = (
        f"{others[0].name}/*{images[0].suffix}",
        f"{masks[0].name}/{before}*{after}{own[0].suffix}",
    )
    return Masks(*patterns, _values(own[: _MOST_IMAGES // 2]), len(images), side)


def _without(files: Sequence[Path], others: Sequence[Path], what: str) -> Iterator[str]:
    """Yield which files have no counterpart of their name, where most have one."""
    stems = {file.stem for file in others}
    alone = [file.name for file in files if file.stem not in stems]
    if alone and 2 * len(alone) < len(files):
        more = f" and {len(alone) - 3:,} more" if len(alone) > 3 else ""
        yield f"there is no {what} for {', '.join(alone[:3])}{more}"


def _values(files: Sequence[Path]) -> list[int]:
    """Return the numbers in some masks, in order."""
    from netlang.storage.images import read_mask, read_size

    values: set[int] = set()
    for file in files:
        width, height = read_size(file)
        values |= set(np.unique(read_mask(file, (height, width), resize=False)).tolist())
        if len(values) > _MOST_CATEGORIES:
            raise FileError(
                f"{file} has more than {_MOST_CATEGORIES} different values, which are no classes",
                helps=["save masks as PNG: JPEG changes their values"],
            )
    return sorted(values)
