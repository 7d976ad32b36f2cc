"""Tables of numbers in text files: CSV and its relatives."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from netlang.data.columns import fit_declared
from netlang.data.pipeline import Location, TableFormat
from netlang.data.source import Source
from netlang.data.sources.table_columns import (
    Cells,
    is_header,
    order_of,
    reject_separator,
    taken_in_order,
)
from netlang.data.tables.exact import ExactTable, are_names
from netlang.data.tables.text_files import blocks, read_text, unpacked_size
from netlang.diagnostics.errors import FileError
from netlang.system.numpy import Array, np

if TYPE_CHECKING:
    from netlang.data.tables.chunks import Part, Wanted
    from netlang.data.tables.large import Read
    from netlang.data.tables.reading import Layout
    from netlang.data.tables.tokenized import Splitting

_LONGEST_FIELD = 1 << 12
_HEAD = 1 << 16
_NOT_PLAIN = (b"\xff\xfe", b"\xfe\xff")
"""How files begin that are UTF-16."""
_NOT_SEPARATORS = frozenset('0123456789.+-eE "\r\n')

DEFAULT_FORMAT = TableFormat()


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
        from netlang.data.sources.text_columns import fit_with_texts

        fitted = fit_with_texts(place, location, large.arrays, large.checksum)
        return fitted.remarked(large.remarks)
    read = [_read(path, given) for path in paths]
    texts = {n for n, reading in location.readings.items() if reading.tokens is not None}
    arrays = {
        name: _joined(name, paths, [r.arrays[name] for r in read])
        for name in location.columns
        if name not in texts
    }
    checksum = "-".join(r.checksum for r in read)
    remarks = [remark for r in read for remark in r.remarks]
    if not texts:
        return fit_declared(place, location, arrays, checksum).remarked(remarks)
    from netlang.data.sources.text_columns import fit_with_texts

    listed = {name: [text for r in read for text in r.texts[name]] for name in texts}
    return fit_with_texts(place, location, arrays, checksum, listed).remarked(remarks)


class _Read(NamedTuple):
    """The columns of a file, of texts that are to be split the texts."""

    arrays: dict[str, Array]
    texts: dict[str, list[str]]
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
    table = ExactTable(path, rows, len(first[1]), names)
    arrays: dict[str, Array] = {}
    texts: dict[str, list[str]] = {}
    for name, chosen in order.items():
        own = readings.get(name)
        if own is not None and own.tokens is not None:
            texts[name] = table.texts(chosen[0], own)
        else:
            arrays[name] = table.column(columns[name], chosen, own)
    table.reject_errors()
    remarks = () if readings else taken_in_order(path, columns, names, order)
    return _Read(arrays, texts, checksum, remarks)


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

    if any(reading.images for reading in given.location.readings.values()):
        return None
    if sum(unpacked_size(path) for path in paths if path.is_file()) < large.SMALLEST:
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
    from netlang.data.tables.tokenized import Splitting

    columns, readings = given.location.columns, given.location.readings
    separator = given.separator(path)
    head = b""
    for part in blocks(path, _HEAD):
        head += part
        if b"\n" in head or len(head) >= _HEAD:
            break
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
        splitting = None if own is None or own.tokens is None else Splitting.of(own)
        wanted[name] = Wanted(
            cells, type.dtype, shape, texts, named, fills if texts else gaps,
            splitting, own is not None and own.length,
        )  # fmt: skip
    longest = None if any(each.splitting for each in wanted.values()) else _LONGEST_FIELD

    def exact(text: str, line: int) -> dict[str, Part]:
        rows = list(_lines(path, text, separator, longest, line - 1))
        if not rows:
            return {}
        table = ExactTable(path, rows, len(first[1]), names)
        found = dict(_exact_parts(table, given.location, wanted))
        table.reject_errors()
        return found

    remarks = () if readings else taken_in_order(path, columns, names, order)
    return Layout(
        path, separator, len(first[1]), names is not None, wanted, exact, are_names, remarks
    )


def _exact_parts(
    table: ExactTable, location: Location, wanted: Mapping[str, Wanted]
) -> Iterator[tuple[str, Part]]:
    """Yield the columns of a part of a table; texts are split once for tokens and their number."""
    from netlang.data.tables.chunks import Part

    split: dict[tuple[int, Splitting], list[list[str]]] = {}
    for name, each in wanted.items():
        own = location.readings.get(name)
        if own is None or each.splitting is None:
            yield name, _part(table.column(location.columns[name], each.cells, own))
            continue
        key = each.cells[0], each.splitting
        if key not in split:
            split[key] = each.splitting.apply(table.texts(each.cells[0], own))
        lengths = np.array([*map(len, split[key])], np.int64)
        yield name, Part(lengths, tokens=None if each.length else split[key])


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
