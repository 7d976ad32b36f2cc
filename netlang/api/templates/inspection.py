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

_READ = 1 << 23
_SEPARATORS = (",", ";", "\t", "|")
_MOST_CATEGORIES, _LONGEST_CATEGORY = 50, 40
_MOST_IMAGES = 50
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
    """Return the columns of a table; raises ``FileError`` for a file that is none."""
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
        from netlang.data.sources.text_files import read_text

        return read_text(path)[0][:_READ].rpartition("\n")[0], ""
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
