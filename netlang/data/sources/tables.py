"""Tables of numbers in text files: CSV and its relatives."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from netlang.data.columns import fit_declared
from netlang.data.pipeline import Location, Reading, TableFormat
from netlang.data.source import Source
from netlang.data.sources.table_columns import (
    Cells,
    is_header,
    order_of,
    reject_separator,
    taken_in_order,
)
from netlang.data.sources.text_files import read_text
from netlang.data.tables.cells import NOT_NUMBERS, NUMBER, TRUTH
from netlang.diagnostics.errors import FileError
from netlang.ir.arrays import numpy_dtype
from netlang.ir.types import DType, TensorType
from netlang.system.files import reading as reading_file
from netlang.system.numpy import Array, np

if TYPE_CHECKING:
    from netlang.data.tables.chunks import Part
    from netlang.data.tables.large import Read
    from netlang.data.tables.reading import Layout

_INTEGER = re.compile(r"[+-]?[0-9]+")
_PLAIN, _PLAIN_WHOLE = re.compile(r"[0-9.eE+-]*"), re.compile(r"[0-9+-]*")
"""What numbers are made of where ``float`` and ``int`` take nothing but what is said above."""
_THOUSANDS = re.compile(r"[+-]?[0-9]{1,3}(?:,[0-9]{3})+\.[0-9]+|[+-]?[0-9]{1,3}(?:,[0-9]{3}){2,}")
"""Numbers of which it is certain what their commas mean."""
_MOST_DIGITS = 400
_NAME = re.compile(r"[^\W\d]")
_NOT_NAMES = {*NOT_NUMBERS, *TRUTH, "inf", "infinity"}
_LONGEST_FIELD, _MOST_SHOWN = 1 << 12, 20
_HEAD = 1 << 16
_NOT_PLAIN = (b"\x1f\x8b", b"\xff\xfe", b"\xfe\xff")
"""How files begin that are compressed, or UTF-16."""
_NOT_SEPARATORS = frozenset('0123456789.+-eE "\r\n')

DEFAULT_FORMAT = TableFormat()

Limits = tuple[float, float]


def read_tables(
    paths: Sequence[Path],
    location: Location,
    format: TableFormat = DEFAULT_FORMAT,
    *,
    unnamed: Sequence[str] = (),
) -> Source:
    """Read files with a line for each example, one after the other; they may be gzipped.

    A first line without numbers names the columns, unless ``header`` decides. A column whose source
    the dataset declares is the columns of that name; any other of several values takes as many
    adjacent ones, or those named ``x.0``, ``x.1``, … Capitals, blanks and signs in such a name do
    not count: ``gr_liv_area`` is ``GrLivArea``. Where the names are not the declared ones, columns
    are taken in order. Numbers have a decimal point; infinities, gaps and other notations are
    rejected, except that gaps may be filled, and a column of integers in which no cell begins as a
    number has the names of classes. The cells of files without names have those of ``unnamed``, if
    there are any. Raises ``FileError`` with line and column.
    """
    place = str(paths[0]) if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more"
    given = _Given(location, format, unnamed)
    large = None if format.encoding else _read_large(paths, given)
    if large is not None:
        made = fit_declared(place, location, large.arrays, large.checksum)
        return replace(made, decided=(*made.decided, *large.remarks))
    read = [_read(path, given) for path in paths]
    arrays = {
        name: _joined(name, paths, [r.arrays[name] for r in read]) for name in location.columns
    }
    checksum = "-".join(r.checksum for r in read)
    if any(reading.tokens for reading in location.readings.values()):
        from netlang.data.sources.text_columns import fit_with_texts

        return fit_with_texts(place, location, arrays, checksum)
    made = fit_declared(place, location, arrays, checksum)
    remarks = (remark for r in read for remark in r.remarks)
    return replace(made, decided=(*made.decided, *remarks))


class _Read(NamedTuple):
    arrays: dict[str, Array]
    checksum: str
    remarks: Sequence[str]


class _Given(NamedTuple):
    """What is known of tables before they are read."""

    location: Location
    format: TableFormat
    unnamed: Sequence[str] = ()

    def separator(self, path: Path) -> str:
        return self.format.separator or separator_of(path)


def _read(path: Path, given: _Given) -> _Read:
    """Read one file."""
    columns, readings = given.location.columns, given.location.readings
    separator = given.separator(path)
    text, checksum = read_text(path, given.format.encoding, may_declare=True)
    longest = None if any(r.tokens for r in readings.values()) else _LONGEST_FIELD
    lines = _lines(path, text, separator, longest)
    first = next(lines, None)
    if first is None:
        raise FileError(f"{path} is empty")
    if len(first[1]) == 1 and len(columns) + len(readings) > 1:
        reject_separator(path, text, separator, trained=given.location.fitted is not None)
    names, order = _first_line(path, given, first[1])
    rows = [] if names is not None else [first]
    rows.extend(lines)
    if not rows:
        raise FileError(f"{path} has a line of names and no examples")
    table = _Table(path, rows, len(first[1]), names)
    arrays = {
        name: table.column(columns[name], chosen, readings.get(name))
        for name, chosen in order.items()
    }
    table.reject_errors()
    remarks = () if readings else taken_in_order(path, columns, names, order)
    return _Read(arrays, checksum, remarks)


def separator_of(path: Path) -> str:
    """Return what separates the values of a file, by its name."""
    name = path.name.lower().removesuffix(".gz")
    return "\t" if name.endswith((".tsv", ".tab")) else ","


def _first_line(
    path: Path, given: _Given, cells: Cells
) -> tuple[Cells | None, dict[str, list[int]]]:
    """Return the names in the first line, if it has any, and which cells make up each column."""
    readings, header = given.location.readings, given.format.header
    named = header is not False if readings else is_header(cells, header)
    names = cells if named else None
    known = [*given.unnamed] if names is None and given.unnamed else names
    return names, order_of(path, given.location.columns, readings, known, len(cells))


def first_cells(path: Path, format: TableFormat) -> list[str] | None:
    """Return the values in the first line of a table without names; ``None`` if it has names."""
    separator = format.separator or separator_of(path)
    text = read_text(path, format.encoding)[0]
    first = next(_lines(path, text, separator, None), None)
    return None if first is None or is_header(first[1], format.header) else first[1]


def _read_large(paths: Sequence[Path], given: _Given) -> Read | None:
    """Read large files in parts; ``None`` for small ones, and where that cannot be done."""
    from netlang.data.tables import large

    location = given.location
    if any(reading.tokens or reading.images for reading in location.readings.values()):
        return None
    if sum(path.stat().st_size for path in paths if path.is_file()) < large.SMALLEST:
        return None
    layouts = [_layout(path, given) for path in paths]
    known = [layout for layout in layouts if layout is not None]
    found = large.read_large(known) if len(known) == len(layouts) else None
    if found is None:
        return None
    remarks = [*found.remarks, *(remark for each in known for remark in each.remarks)]
    return large.Read(found.arrays, found.checksum, remarks)


def _layout(path: Path, given: _Given) -> Layout | None:
    from netlang.data.tables.chunks import Wanted
    from netlang.data.tables.reading import Layout

    columns, readings = given.location.columns, given.location.readings
    separator = given.separator(path)
    with reading_file(path) as stream:
        head = stream.read(_HEAD)
    end = head.find(b"\n")
    plain = end >= 0 and head[:end].count(b'"') % 2 == 0 and not head.startswith(_NOT_PLAIN)
    plain = plain and b"\r" not in head[: max(end - 1, 0)]
    if not plain or separator in _NOT_SEPARATORS or not separator.isascii():
        return None
    try:
        first = next(_lines(path, head[: end + 1].decode("utf-8-sig"), separator, None), None)
    except UnicodeDecodeError:
        return None
    if first is None or (len(first[1]) == 1 and len(columns) + len(readings) > 1):
        return None
    names, order = _first_line(path, given, first[1])
    wanted: dict[str, Wanted] = {}
    for name, cells in order.items():
        type, own = columns[name], readings.get(name)
        shape = tuple(d for d in type.shape if isinstance(d, int))
        texts = own is not None and own.categories is not None
        named = type.dtype.is_integer and not shape and not texts
        gaps = own is not None and own.fills and not texts
        fills = own is not None and own.fills
        wanted[name] = Wanted(cells, type.dtype, shape, texts, named, fills if texts else gaps)

    def exact(text: str, line: int) -> dict[str, Part]:
        rows = list(_lines(path, text, separator, _LONGEST_FIELD, line - 1))
        if not rows:
            return {}
        table = _Table(path, rows, len(first[1]), names)
        arrays = {n: table.column(columns[n], cells, readings.get(n)) for n, cells in order.items()}
        table.reject_errors()
        return {name: _part(array) for name, array in arrays.items()}

    remarks = () if readings else taken_in_order(path, columns, names, order)
    return Layout(
        path, separator, len(first[1]), names is not None, wanted, exact, are_names, remarks
    )


def _part(array: Array) -> Part:
    from netlang.data.tables.chunks import Part

    if array.dtype.kind == "U":
        texts, codes = np.unique(array, return_inverse=True)
        return Part(codes, None, texts.tolist())
    gaps = np.ma.getmaskarray(array) if isinstance(array, np.ma.MaskedArray) else None
    return Part(np.ma.getdata(array), gaps)


def _joined(column: str, paths: Sequence[Path], parts: Sequence[Array]) -> Array:
    """Return the values of a column in several files."""
    if len(parts) == 1:
        return parts[0]
    texts = [part.dtype.kind == "U" for part in parts]
    if len(set(texts)) > 1:
        raise FileError(
            f"`{column}` has names in {paths[texts.index(True)]}, and numbers in "
            f"{paths[texts.index(False)]}",
            helps=[f'read both as categories: `{column} = column("{column}") |> categories`'],
        )
    joined = np.concatenate([np.ma.getdata(part) for part in parts])
    if not any(isinstance(part, np.ma.MaskedArray) for part in parts):
        return joined
    return np.ma.masked_array(joined, np.concatenate([np.ma.getmaskarray(p) for p in parts]))


def _lines(
    path: Path, text: str, separator: str, longest: int | None, before: int = 0
) -> Iterator[tuple[int, Cells]]:
    """Yield the cells of each line that has any, with its number; ``before`` lines precede them.

    A row of nothing but separators is one whose values are missing. At the end of a file such rows
    are left out: spreadsheets write them.
    """
    empty: list[tuple[int, Cells]] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise FileError(f"{path}:{before + reader.line_num}: {error}") from None
        lengths = [len(cell) for cell in cells]
        if longest is not None and max(lengths, default=0) > longest:
            long = lengths.index(max(lengths))
            raise FileError(
                f"{path}:{before + reader.line_num}:{long + 1}: a value of {lengths[long]:,} "
                f"characters; {longest:,} are the most"
            )
        stripped = [cell.strip() for cell in cells]
        if not any(stripped):
            empty += [(before + reader.line_num, stripped)] if stripped else []
            continue
        yield from empty
        empty = []
        yield before + reader.line_num, stripped


def are_names(texts: Iterable[str]) -> bool:
    """Return whether texts are the names of classes, and none is or begins as a number."""
    return all(_NAME.match(t) and t.lower() not in _NOT_NAMES for t in texts)


class _Table:
    """The cells of a file, and the errors in them."""

    def __init__(
        self, path: Path, rows: list[tuple[int, Cells]], width: int, names: Cells | None
    ) -> None:
        self._path, self._rows, self._names = path, rows, names
        self._errors: list[tuple[int, int, str]] = []
        self._gaps: set[str] = set()
        self._words: Counter[str] = Counter()
        for line, cells in rows:
            if len(cells) != width:
                self._errors.append(
                    (line, len(cells), f"{len(cells)} values, and the first line has {width}")
                )
        self._ragged = bool(self._errors)

    def column(self, type: TensorType, chosen: Sequence[int], reading: Reading | None) -> Array:
        """Return the values of one column, the examples first, and record the errors in it.

        Values that are missing, if they are to be filled, are masked, or empty texts.
        """
        shape = [d for d in type.shape if isinstance(d, int)]
        if self._ragged:
            return np.zeros((len(self._rows), *shape), numpy_dtype(type.dtype))
        if reading is not None and reading.tokens is not None:
            return self._texts(chosen[0], reading, "a text", ("",))
        if reading is not None and reading.images is not None:
            return self._texts(chosen[0], reading, "the name of a file", ("",))
        if reading is not None and reading.categories is not None:
            return self._texts(chosen[0], reading, "a category", NOT_NUMBERS)
        if type.dtype.is_integer and not shape and self._named(chosen):
            return np.array([cells[chosen[0]] for _, cells in self._rows])
        limits = _limits(type.dtype)
        gaps = reading is not None and reading.fills
        values = self._plain(type.dtype, limits, chosen)
        if values is not None:
            made = _array(values, type, len(self._rows))
            return np.ma.masked_array(made, np.zeros(made.shape, np.bool_)) if gaps else made
        missing: list[bool] = []
        found: list[float] = []
        for line, cells in self._rows:
            for i in chosen:
                missing.append(gaps and cells[i].lower() in NOT_NUMBERS)
                known = not missing[-1]
                found.append(self._value(line, cells, i, type.dtype, limits) if known else 0)
        made = _array(found, type, len(self._rows))
        return np.ma.masked_array(made, np.array(missing).reshape(made.shape)) if gaps else made

    def _texts(self, at: int, reading: Reading, what: str, absent: Sequence[str]) -> Array:
        """Return the texts of a column, with errors where one is missing and none fills it."""
        texts: list[str] = []
        for line, cells in self._rows:
            missing = cells[at].lower() in absent
            if missing and not reading.fills:
                self._error(line, at, f"nothing stands where {what} should", missing=True)
            texts.append("" if missing else cells[at])
        return np.array(texts)

    def _named(self, chosen: Sequence[int]) -> bool:
        """Return whether a column has the names of classes."""
        return are_names({cells[i] for _, cells in self._rows for i in chosen})

    def _plain(self, dtype: DType, limits: Limits, chosen: Sequence[int]) -> Sequence[float] | None:
        """Return the values all at once, if there is no error in any of them."""
        texts = [cells[i] for _, cells in self._rows for i in chosen]
        plain = _PLAIN if dtype.is_float else _PLAIN_WHOLE
        if dtype is DType.BOOL or plain.fullmatch("".join(texts)) is None:
            return None
        try:
            values = list(map(float, texts)) if dtype.is_float else list(map(int, texts))
        except ValueError:
            return None
        return values if limits[0] <= min(values) and max(values) <= limits[1] else None

    def _value(self, line: int, cells: Cells, at: int, dtype: DType, limits: Limits) -> float | int:
        text = cells[at]
        if dtype is DType.BOOL:
            if text.lower() in TRUTH:
                return TRUTH[text.lower()]
        elif (NUMBER if dtype.is_float else _INTEGER).fullmatch(text):
            if dtype.is_float:
                value = float(text)
            else:
                value = int(text) if len(text) < _MOST_DIGITS else inf
            if limits[0] <= value <= limits[1]:
                return value
            return self._error(line, at, f"`{text[:40]}` is outside of what {dtype} holds")
        missing = text.lower() in NOT_NUMBERS
        if self._names and not missing and _NAME.match(text):
            self._words[self._names[at]] += 1
        return self._error(line, at, _complaint(text, dtype), missing=missing)

    def _error(self, line: int, at: int, message: str, *, missing: bool = False) -> int:
        if missing and self._names:
            self._gaps.add(self._names[at])
        named = f" in the column `{self._names[at]}`" if self._names else ""
        self._errors.append((line, at + 1, f"{message}{named}"))
        return 0

    def reject_errors(self) -> None:
        """Raise ``FileError`` with the first errors, if there are any."""
        if not self._errors:
            return
        errors = sorted(self._errors)
        shown = [f"{self._path}:{line}:{at}: {what}" for line, at, what in errors[:_MOST_SHOWN]]
        more = len(errors) - len(shown)
        notes = [*shown[1:], *([f"and {more:,} more"] if more else [])]
        helps = [f'fill it in: `column("{name}", fill=…)`' for name in sorted(self._gaps)[:1]]
        most = [name for name, count in self._words.items() if count > max(1, len(self._rows) / 2)]
        if most:
            helps = [f'number its texts as classes: `column("{most[0]}") |> categories`']
        raise FileError(shown[0], notes=notes, helps=helps)


def _array(values: Sequence[float], type: TensorType, count: int) -> Array:
    """Return numbers as the examples of a column, in the element type of the dataset."""
    shape = [d for d in type.shape if isinstance(d, int)]
    wide = np.array(values, "float64" if type.dtype.is_float else "int64")
    return wide.reshape((count, *shape)).astype(numpy_dtype(type.dtype))


def _limits(dtype: DType) -> Limits:
    if dtype is DType.BOOL:
        return 0, 1
    if dtype.is_float:
        most = float(np.finfo(numpy_dtype(dtype)).max)
        return -most, most
    whole = np.iinfo(numpy_dtype(dtype))
    return int(whole.min), int(whole.max)


def _complaint(text: str, dtype: DType) -> str:
    """Describe a cell that is not a number."""
    shown = f"`{text[:40]}`" if text else "nothing"
    if dtype is DType.BOOL:
        return f"{shown} is none of true, false, 1 and 0"
    kind = "number" if dtype.is_float else "integer"
    if _THOUSANDS.fullmatch(text) is not None:
        return f"{shown} has thousands separators: write `{text.replace(',', '')}`"
    if re.fullmatch(r"[+-]?[0-9]{1,3},[0-9]{3}", text) is not None:
        whole, point = text.replace(",", ""), text.replace(",", ".")
        return f"{shown} has a comma: write `{whole}` if it separates thousands, else `{point}`"
    if re.fullmatch(r"[+-]?[0-9]*,[0-9]+", text) is not None:
        return f"{shown} has a comma: the decimal separator is a point"
    return f"{shown} is not {'a' if dtype.is_float else 'an'} {kind}"
