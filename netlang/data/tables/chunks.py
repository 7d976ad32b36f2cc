"""Columns of a part of a table, all lines at once, where every cell is as expected."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from netlang.data.tables.cells import NOT_NUMBERS, NUMBER, TRUTH
from netlang.data.tables.numbers import MARGIN, Fields, floats, integers
from netlang.data.tables.tokenized import Splitting
from netlang.ir.arrays import numpy_dtype
from netlang.ir.types import DType
from netlang.system.numpy import Array, np

_LONGEST_CELL, _LONGEST_TEXT, _WORD = 1 << 12, 64, 8
_NEWLINE, _RETURN, _QUOTE = 10, 13, 34
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")


class Wanted(NamedTuple):
    """A column to read: the cells of a line that make it up, and as what.

    ``gaps`` are cells that may be missing. An integer column that has ``names`` may hold texts.
    Where there is ``splitting``, the column is tokens of texts, or with ``length`` their number.
    """

    cells: Sequence[int]
    dtype: DType
    shape: tuple[int, ...] = ()
    texts: bool = False
    names: bool = False
    gaps: bool = False
    splitting: Splitting | None = None
    length: bool = False


class Part(NamedTuple):
    """Some examples of a column: numbers ``[N, ...]`` and which are missing, or texts by code.

    Of ``tokens``, the values are how many each text has.
    """

    values: Array
    gaps: Array | None = None
    texts: Sequence[str] | None = None
    tokens: Sequence[Sequence[str]] | None = None


def read_chunk(
    data: bytes, separator: str, width: int, wanted: Sequence[Wanted],
    are_names: Callable[[Sequence[str]], bool],
) -> list[Part] | None:  # fmt: skip
    """Return the columns of whole lines of text; ``None`` where anything in them is unexpected.

    Tokens of texts are not for here.
    """
    if any(column.splitting is not None for column in wanted):
        return None
    found = _cells(data, separator, width)
    if found is None:
        return None
    text, starts, ends = found
    parts: list[Part] = []
    for column in wanted:
        chosen = _slice_of(column.cells)
        fields = Fields(text, starts[:, chosen].ravel(), ends[:, chosen].ravel())
        part = _part(fields.stripped() if b" " in data else fields, column, are_names)
        if part is None:
            return None
        parts.append(part)
    return parts


def _slice_of(cells: Sequence[int]) -> list[int] | slice:
    """Return indices as a slice, which takes less time, where they follow one another."""
    adjacent = slice(cells[0], cells[0] + len(cells))
    return adjacent if list(cells) == list(range(adjacent.start, adjacent.stop)) else list(cells)


def _cells(data: bytes, separator: str, width: int) -> tuple[Array, Array, Array] | None:
    """Return a text, and where the cells of its lines begin and end: ``i64[lines, width]``."""
    if b"\0" in data or (b"\r" in data and data.count(b"\r") != data.count(b"\r\n")):
        return None
    if not data.isascii():
        try:
            data.decode()
        except UnicodeDecodeError:
            return None
    text = np.empty(len(data) + MARGIN, np.uint8)
    text[:MARGIN] = ord("0")
    text[MARGIN:] = np.frombuffer(data, np.uint8)
    marks = (text == ord(separator)) | (text == _NEWLINE)
    quotes = data.count(b'"') if b'"' in data else 0
    if quotes:
        marks &= np.cumsum(text == _QUOTE) % 2 == 0
    ends = np.flatnonzero(marks)
    if not len(ends) or len(ends) % width:
        return None
    starts = np.concatenate(([MARGIN], ends[:-1] + 1)).reshape(-1, width)
    ends = ends.reshape(-1, width)
    newlines = text[ends] == _NEWLINE
    if not newlines[:, -1].all() or newlines[:, :-1].any():
        return None
    ends[:, -1] -= (text[ends[:, -1] - 1] == _RETURN) & (ends[:, -1] > starts[:, -1])
    if int((ends - starts).max()) > _LONGEST_CELL or (ends == starts).all(axis=1).any():
        return None
    if quotes:
        quoted = (text[starts] == _QUOTE) & (text[ends - 1] == _QUOTE) & (ends - starts > 1)
        if 2 * int(quoted.sum()) != quotes:
            return None
        starts, ends = starts + quoted, ends - quoted
    if quotes or b" " in data:
        cells = Fields(text, starts.ravel(), ends.ravel()).stripped()
        if (cells.starts == cells.ends).reshape(starts.shape).all(axis=1).any():
            return None
    return text, starts, ends


def _part(
    fields: Fields, column: Wanted, are_names: Callable[[Sequence[str]], bool]
) -> Part | None:
    if column.texts:
        return _texts(fields, NOT_NUMBERS, gaps=column.gaps)
    if column.dtype is DType.BOOL:
        return _truth(fields, column)
    if column.names and len(fields.starts):
        first = bytes(fields.text[fields.starts[0] : fields.ends[0]]).decode()
        if are_names([first]):
            found = _texts(fields, (), gaps=False)
            return found if found is not None and are_names(found.texts or ()) else None
    return _numbers(fields, column)


def _numbers(fields: Fields, column: Wanted) -> Part | None:
    dtype = column.dtype
    if dtype.is_float:
        values, valid = floats(fields, narrow=dtype is DType.F32)
    else:
        values, valid = integers(fields)
    gaps = np.zeros(len(values), np.bool_) if column.gaps else None
    rest = np.flatnonzero(~valid)
    if gaps is not None and len(rest):
        gaps[rest] = fields.starts[rest] == fields.ends[rest]
        values[gaps] = 0
        rest = rest[~gaps[rest]]
    for at in rest.tolist():
        text = bytes(fields.text[fields.starts[at] : fields.ends[at]]).decode().strip()
        if gaps is not None and text.lower() in NOT_NUMBERS:
            gaps[at], values[at] = True, 0
        elif (NUMBER if dtype.is_float else _INTEGER).fullmatch(text):
            values[at] = float(text) if dtype.is_float else int(text)
        else:
            return None
    low, high = dtype.limits
    if not len(values) or values.min() < low or values.max() > high:
        return None
    shape = (-1, *column.shape)
    narrow = values.astype(numpy_dtype(dtype)).reshape(shape)
    return Part(narrow, None if gaps is None else gaps.reshape(shape))


def _truth(fields: Fields, column: Wanted) -> Part | None:
    found = _texts(fields, (), gaps=False)
    if found is None or found.texts is None:
        return None
    if not all(text.lower() in TRUTH for text in found.texts):
        return None
    known = np.array([TRUTH[text.lower()] for text in found.texts], np.bool_)
    return Part(known[found.values].reshape(-1, *column.shape))


def _texts(fields: Fields, absent: Sequence[str], *, gaps: bool) -> Part | None:
    """Return texts by code; those that are ``absent`` are empty, if there may be any."""
    lengths = fields.ends - fields.starts
    longest = int(lengths.max(initial=0))
    if longest > _LONGEST_TEXT:
        return None
    if longest <= _WORD:
        shifts = (np.uint64(_WORD) - np.minimum(lengths, _WORD).astype(np.uint64)) << np.uint64(3)
        words = np.where(lengths > 0, fields.words(0) >> (shifts & np.uint64(63)), np.uint64(0))
        distinct, codes = np.unique(words, return_inverse=True)
        found = [int(word).to_bytes(_WORD, "little").rstrip(b"\0") for word in distinct]
    else:
        places = np.arange(longest)
        inside = places < lengths[:, np.newaxis]
        at = np.where(inside, fields.starts[:, np.newaxis] + places, 0)
        letters = np.where(inside, fields.text[at], 0).astype(np.uint8)
        distinct, codes = np.unique(letters.view(f"S{longest}")[:, 0], return_inverse=True)
        found = distinct.tolist()
    texts = [each.decode().strip() for each in found]
    missing = [text.lower() in absent for text in texts]
    if any(missing) and not gaps:
        return None
    return Part(codes, None, ["" if m else t for t, m in zip(texts, missing, strict=True)])
