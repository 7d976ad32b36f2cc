"""Tables of numbers in text files: CSV and its relatives."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import inf, prod
from pathlib import Path

from netlang.data.columns import fit
from netlang.data.fitted import Fitted
from netlang.data.source import Arrays
from netlang.data.sources.text_files import lines_of, read_text
from netlang.diagnostics.errors import FileError
from netlang.diagnostics.suggestions import did_you_mean
from netlang.ir.arrays import numpy_dtype
from netlang.ir.types import DType, TensorType
from netlang.system.numpy import Array, np

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_INTEGER = re.compile(r"[+-]?[0-9]+")
_PLAIN, _PLAIN_WHOLE = re.compile(r"[0-9.eE+-]*"), re.compile(r"[0-9+-]*")
"""What numbers are made of where ``float`` and ``int`` take nothing but what is said above."""
_MOST_DIGITS = 400
_TRUTH = {"0": 0, "1": 1, "false": 0, "true": 1}
_NAME = re.compile(r"[^\W\d]")
_NOT_NUMBERS = ("nan", "na", "n/a", "null", "none", "")
_NOT_NAMES = {*_NOT_NUMBERS, *_TRUTH, "inf", "infinity"}
_SEPARATORS = (";", "\t", "|", ",", " ")
_LONGEST_FIELD, _MOST_SHOWN = 1 << 12, 20

Cells = list[str]
Limits = tuple[float, float]


def read_table(
    path: Path,
    columns: Mapping[str, TensorType],
    *,
    separator: str = ",",
    header: bool | None = None,
    fitted: Fitted | None = None,
) -> Arrays:
    """Read a file with a line of numbers for each example.

    A first line without numbers names the columns, unless ``header`` decides. A column of several
    values takes as many adjacent ones, or those named ``x.0``, ``x.1``, … Capitals, blanks and
    signs in a name do not count: ``gr_liv_area`` is ``GrLivArea``. Where the names are not the
    declared ones, columns are taken in order. Numbers have a decimal point; infinities, gaps
    and other notations are rejected, except that a column of integers in which no cell begins as a
    number has the names of classes. Raises ``FileError`` with line and column.
    """
    text, checksum = read_text(path)
    lines = _lines(path, text, separator)
    first = next(lines, None)
    if first is None:
        raise FileError(f"{path} is empty")
    names = first[1] if _is_header(first[1], header) else None
    if len(first[1]) == 1 < sum(_sizes(path, columns).values()):
        _reject_separator(path, text, separator)
    order = _order(path, columns, names, len(first[1]))
    rows = [] if names is not None else [first]
    rows.extend(lines)
    if not rows:
        raise FileError(f"{path} has a line of names and no examples")
    table = _Table(path, rows, len(first[1]), names)
    arrays = {name: table.column(columns[name], chosen) for name, chosen in order.items()}
    table.reject_errors()
    made = fit(str(path), columns, arrays, checksum=checksum, fitted=fitted)
    return replace(made, decided=(*made.decided, *_in_order(path, columns, names, order)))


def _in_order(
    path: Path, columns: Mapping[str, TensorType], names: Cells | None,
    order: Mapping[str, list[int]],
) -> tuple[str, ...]:  # fmt: skip
    """Return a remark where the names in a file are not those of the columns."""
    sizes = _sizes(path, columns)
    if names is None or any(_named(name, size, names) for name, size in sizes.items()):
        return ()
    taken = "; ".join(
        f"`{name}` is {_shown([names[i] for i in chosen])}" for name, chosen in order.items()
    )
    return (f"{path} names none of the columns, which are taken in order: {taken}",)


def _shown(names: Sequence[str]) -> str:
    """Return names as a list, without the middle of many."""
    few = [*names[:3], "…", names[-1]] if len(names) > 5 else names
    return ", ".join(name[:40] for name in few)


def _lines(path: Path, text: str, separator: str) -> Iterator[tuple[int, Cells]]:
    """Yield the cells of each line that has any, with its number."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise FileError(f"{path}:{reader.line_num}: {error}") from None
        lengths = [len(cell) for cell in cells]
        if max(lengths, default=0) > _LONGEST_FIELD:
            long = lengths.index(max(lengths))
            raise FileError(
                f"{path}:{reader.line_num}:{long + 1}: a value of {lengths[long]:,} characters; "
                f"{_LONGEST_FIELD:,} are the most"
            )
        stripped = [cell.strip() for cell in cells]
        if any(stripped):
            yield reader.line_num, stripped


def _is_header(cells: Cells, header: bool | None) -> bool:
    if header is not None:
        return header
    known = {*_NOT_NUMBERS, *_TRUTH, "inf", "-inf", "infinity"}
    # The index that pandas writes has no name, and a comma may end the line.
    blank = cells.count("") == 1 and "" in (cells[0], cells[-1])
    names = [c for c in cells if c] if blank else cells
    return bool(names) and not any(_NUMBER.match(c) or c.lower() in known for c in names)


def _order(
    path: Path, columns: Mapping[str, TensorType], names: Cells | None, width: int
) -> dict[str, list[int]]:
    """Return which cells of a line make up each column."""
    sizes = _sizes(path, columns)
    if names is not None:
        by_name = {name: _named(name, size, names) for name, size in sizes.items()}
        if any(by_name.values()):
            for name, found in by_name.items():
                if not found:
                    _reject_name(path, name, columns[name], sizes[name], names)
            return {name: found for name, found in by_name.items() if found}
    wanted = sum(sizes.values())
    places = [i for i in range(width) if names is None or names[i]]
    if wanted != len(places):
        declared = ", ".join(f"{name}: {type}" for name, type in columns.items())
        raise FileError(
            f"{path} has {_values(width)} in a line, and the columns take {wanted:,}",
            notes=[f"the columns are: {declared}"],
        )
    order: dict[str, list[int]] = {}
    start = 0
    for name, size in sizes.items():
        order[name] = places[start : start + size]
        start += size
    return order


def _reject_separator(path: Path, text: str, separator: str) -> None:
    """Report which separator the lines seem to have, if they do not have the expected one."""
    line = next(line for line in lines_of(text) if line.strip())
    found = max(_SEPARATORS, key=line.count)
    if found in line:
        shown = "\\t" if found == "\t" else found
        raise FileError(
            f'{path} has no "{separator}" in its first line, which should separate its values',
            helps=[f'give the dataset the field `separator = "{shown}"`'],
        )


def _sizes(path: Path, columns: Mapping[str, TensorType]) -> dict[str, int]:
    return {name: _size(path, name, type) for name, type in columns.items()}


def _size(path: Path, name: str, type: TensorType) -> int:
    sizes = [d for d in type.shape if isinstance(d, int)]
    if len(sizes) != type.rank:
        raise FileError(
            f"`{name}` is {type}, and each line of {path} has the same number of values",
            helps=["give every size of the column a number"],
        )
    return prod(sizes)


def _named(name: str, size: int, names: Sequence[str]) -> list[int]:
    if size == 1 and name in names:
        return [names.index(name)]
    for form in (f"{name}.{{}}", f"{name}_{{}}", f"{name}{{}}"):
        for first in (0, 1):
            wanted = [form.format(i + first) for i in range(size)]
            if all(w in names for w in wanted):
                return [names.index(w) for w in wanted]
    # A name of the language has neither capitals at its beginning nor blanks.
    letters = [_letters(cell) for cell in names]
    one = [[_letters(name)]] if size == 1 else []
    for wanted in (*one, *([_letters(f"{name}{i + n}") for i in range(size)] for n in (0, 1))):
        if all(letters.count(w) == 1 for w in wanted):
            return [letters.index(w) for w in wanted]
    return []


def _letters(name: str) -> str:
    """Return what two spellings of a name share: `GrLivArea` and `gr_liv_area`."""
    return "".join(filter(str.isalnum, name.lower()))


def _values(count: int) -> str:
    return "1 value" if count == 1 else f"{count:,} values"


def _reject_name(path: Path, name: str, type: TensorType, size: int, names: Sequence[str]) -> None:
    listed = f"the columns are: {', '.join(names)}"
    if size > 1:
        raise FileError(
            f"{path}:1: `{name}` is {type}, and there are no {size} columns of that name",
            notes=[listed],
            helps=[f"call them `{name}1` to `{name}{size}`, or `{name}_0` to `{name}_{size - 1}`"],
        )
    raise FileError(
        f"{path}:1: no column is named `{name}`, which the dataset declares as {type}",
        notes=[listed],
        helps=did_you_mean(name, names),
    )


class _Table:
    """The cells of a file, and the errors in them."""

    def __init__(
        self, path: Path, rows: list[tuple[int, Cells]], width: int, names: Cells | None
    ) -> None:
        self._path, self._rows, self._names = path, rows, names
        self._errors: list[tuple[int, int, str]] = []
        for line, cells in rows:
            if len(cells) != width:
                self._errors.append(
                    (line, len(cells), f"{len(cells)} values, and the first line has {width}")
                )
        self._ragged = bool(self._errors)

    def column(self, type: TensorType, chosen: Sequence[int]) -> Array:
        """Return the values of one column, the examples first, and record the errors in it."""
        shape = [d for d in type.shape if isinstance(d, int)]
        if self._ragged:
            return np.zeros((len(self._rows), *shape), numpy_dtype(type.dtype))
        if type.dtype.is_integer and not shape and self._named(chosen):
            return np.array([cells[chosen[0]] for _, cells in self._rows])
        limits = _limits(type.dtype)
        values = self._plain(type.dtype, limits, chosen)
        if values is None:
            values = [
                self._value(line, cells, i, type.dtype, limits)
                for line, cells in self._rows
                for i in chosen
            ]
        wide = np.array(values, "float64" if type.dtype.is_float else "int64")
        return wide.reshape((len(self._rows), *shape)).astype(numpy_dtype(type.dtype))

    def _named(self, chosen: Sequence[int]) -> bool:
        """Return whether a column has the names of classes."""
        texts = {cells[i] for _, cells in self._rows for i in chosen}
        return all(_NAME.match(t) and t.lower() not in _NOT_NAMES for t in texts)

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
            if text.lower() in _TRUTH:
                return _TRUTH[text.lower()]
        elif (_NUMBER if dtype.is_float else _INTEGER).fullmatch(text):
            if dtype.is_float:
                value = float(text)
            else:
                value = int(text) if len(text) < _MOST_DIGITS else inf
            if limits[0] <= value <= limits[1]:
                return value
            return self._error(line, at, f"`{text[:40]}` is outside of what {dtype} holds")
        return self._error(line, at, _complaint(text, dtype))

    def _error(self, line: int, at: int, message: str) -> int:
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
        raise FileError(shown[0], notes=notes)


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
    if re.fullmatch(r"[+-]?[0-9]*,[0-9]+", text) is not None:
        return f"{shown} has a comma: the decimal separator is a point"
    return f"{shown} is not {'a' if dtype.is_float else 'an'} {kind}"
