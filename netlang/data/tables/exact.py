"""The cells of a table one by one, with the errors in them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from math import inf
from pathlib import Path

from netlang.data.pipeline import Reading
from netlang.data.tables.cells import NOT_NUMBERS, NUMBER, TRUTH
from netlang.diagnostics.errors import FileError
from netlang.ir.arrays import numpy_dtype
from netlang.ir.types import DType, TensorType
from netlang.system.numpy import Array, np

Cells = list[str]
Limits = tuple[float, float]

_MOST_SHOWN = 20
_INTEGER = re.compile(r"[+-]?[0-9]+")
_PLAIN, _PLAIN_WHOLE = re.compile(r"[0-9.eE+-]*"), re.compile(r"[0-9+-]*")
"""What numbers are made of where ``float`` and ``int`` take nothing but what is said above."""
_THOUSANDS = re.compile(r"[+-]?[0-9]{1,3}(?:,[0-9]{3})+\.[0-9]+|[+-]?[0-9]{1,3}(?:,[0-9]{3}){2,}")
"""Numbers of which it is certain what their commas mean."""
_MOST_DIGITS = 400
_NAME = re.compile(r"[^\W\d]")
_NOT_NAMES = {*NOT_NUMBERS, *TRUTH, "inf", "infinity"}


def are_names(texts: Iterable[str]) -> bool:
    """Return whether texts are the names of classes, and none is or begins as a number."""
    return all(_NAME.match(t) and t.lower() not in _NOT_NAMES for t in texts)


class ExactTable:
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

    def texts(self, at: int, reading: Reading) -> list[str]:
        """Return texts that are to be split, empty ones where they are to be filled."""
        if self._ragged:
            return [""] * len(self._rows)
        return self._found(at, reading, "a text", ("",))

    def _texts(self, at: int, reading: Reading, what: str, absent: Sequence[str]) -> Array:
        return np.array(self._found(at, reading, what, absent))

    def _found(self, at: int, reading: Reading, what: str, absent: Sequence[str]) -> list[str]:
        """Return the texts of a column, with errors where one is missing and none fills it."""
        texts: list[str] = []
        for line, cells in self._rows:
            missing = cells[at].lower() in absent
            if missing and not reading.fills:
                self._error(line, at, f"nothing stands where {what} should", missing=True)
            texts.append("" if missing else cells[at])
        return texts

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
        return f"{shown} is not true, false, 1 or 0"
    kind = "number" if dtype.is_float else "integer"
    if _THOUSANDS.fullmatch(text) is not None:
        return f"{shown} has thousands separators: write `{text.replace(',', '')}`"
    if re.fullmatch(r"[+-]?[0-9]{1,3},[0-9]{3}", text) is not None:
        whole, point = text.replace(",", ""), text.replace(",", ".")
        return f"{shown} has a comma: write `{whole}` if it separates thousands, else `{point}`"
    if re.fullmatch(r"[+-]?[0-9]*,[0-9]+", text) is not None:
        return f"{shown} has a comma: the decimal separator is a point"
    return f"{shown} is not {'a' if dtype.is_float else 'an'} {kind}"
