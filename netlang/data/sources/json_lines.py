"""JSON Lines: a JSON object for each example, with a value for each column."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec import DecodeError, ValidationError, json

from netlang.data.columns import fit_declared
from netlang.data.pipeline import Location, Reading
from netlang.data.source import Source
from netlang.data.sources.ragged import ragged
from netlang.data.sources.text_columns import fit_with_texts
from netlang.data.tables.text_files import lines_of, read_text
from netlang.diagnostics.errors import FileError
from netlang.diagnostics.suggestions import did_you_mean
from netlang.ir.arrays import numpy_dtype
from netlang.ir.types import DType, TensorType
from netlang.system.numpy import Array, np

_SHOWN = 40

Row = dict[str, Any]


def read_json_lines(paths: Sequence[Path], location: Location) -> Source:
    """Read files with an object in each line; they may be gzipped.

    A column is the value of its name, or of those that the dataset declares for it: a number, a
    list of any depth, or a text. Lists for a column of a free length may differ in length. Raises
    ``FileError`` with the line of a value that is missing, or not what is declared.
    """
    rows: list[tuple[str, Row]] = []
    checksums: list[str] = []
    for path in paths:
        found, checksum = _rows(path)
        rows += found
        checksums.append(checksum)
    place = str(paths[0]) if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more"
    arrays: dict[str, Array] = {}
    lists: dict[str, list[Array]] = {}
    texts: dict[str, list[str]] = {}
    for name, type in location.columns.items():
        reading = location.readings.get(name, Reading((name,)))
        if reading.tokens:
            texts[name] = [_text(at, row, reading) for at, row in rows]
        elif reading.categories or reading.images:
            arrays[name] = np.array([_text(at, row, reading) for at, row in rows])
        elif type.rank and not isinstance(type.shape[0], int):
            lists[name] = [_items(at, row, reading.names[0], type) for at, row in rows]
        elif not type.rank and type.dtype.is_integer and _named(rows, reading):
            arrays[name] = np.array([row[reading.names[0]] for _, row in rows])
        else:
            arrays[name] = _numbers(rows, reading, type)
    checksum = "-".join(checksums)
    if texts:
        return fit_with_texts(place, location, arrays, checksum, texts)
    if lists:
        return ragged(place, location, arrays, lists)
    return fit_declared(place, location, arrays, checksum)


def _rows(path: Path) -> tuple[list[tuple[str, Row]], str]:
    """Return the objects of a file, each with its place in messages, and a checksum."""
    text, checksum = read_text(path)
    rows: list[tuple[str, Row]] = []
    for number, line in enumerate(lines_of(text), 1):
        if not line.strip():
            continue
        try:
            found = json.decode(line, type=Row)
        except ValidationError:
            raise FileError(
                f"{path}:{number}: `{line[:_SHOWN]}` is not an object",
                helps=['each line is an object with the columns: `{"x": 1.5, "label": 0}`'],
            ) from None
        except (DecodeError, RecursionError) as error:
            raise FileError(f"{path}:{number}: this line is not JSON: {error}") from None
        rows.append((f"{path}:{number}", found))
    if not rows:
        raise FileError(f"{path} is empty")
    return rows, checksum


def _value(at: str, row: Row, name: str) -> object:
    if name not in row:
        held = ", ".join(f"`{n}`" for n in row) or "nothing"
        raise FileError(
            f"{at}: there is no `{name}`", notes=[f"it has {held}"], helps=did_you_mean(name, row)
        )
    return row[name]


def _shown(value: object) -> str:
    text = json.encode(value).decode()
    return f"`{text}`" if len(text) <= _SHOWN else f"`{text[:_SHOWN]}…`"


def _missing(at: str, name: str) -> FileError:
    return FileError(f"{at}: `{name}` is null", helps=[f'fill it in: `column("{name}", fill=…)`'])


def _text(at: str, row: Row, reading: Reading) -> str:
    """Return a text, or a number as a category; an empty one if it is missing and is filled."""
    name = reading.names[0]
    value = row.get(name) if reading.fills else _value(at, row, name)
    if isinstance(value, str) and value:
        return value
    if reading.categories is not None and isinstance(value, int):
        return str(value).lower()
    if value is None or value == "":
        if reading.fills:
            return ""
        raise _missing(at, name)
    raise FileError(f"{at}: `{name}` is {_shown(value)}, and not a text")


def _named(rows: Sequence[tuple[str, Row]], reading: Reading) -> bool:
    """Return whether a column has the names of classes."""
    return all(isinstance(row.get(reading.names[0]), str) for _, row in rows)


def _items(at: str, row: Row, name: str, type: TensorType) -> Array:
    """Return the list of one example, whose first size is free."""
    array = _array(at, name, _value(at, row, name), type)
    if array.size == 0 and array.ndim == 1:
        rest = [d for d in type.shape[1:] if isinstance(d, int)]
        return np.zeros((0, *rest), numpy_dtype(type.dtype))
    if array.shape[1:] != type.shape[1:] or array.ndim != type.rank:
        raise FileError(f"{at}: `{name}` has the shape {array.shape}, and is declared {type}")
    return array


def _numbers(rows: Sequence[tuple[str, Row]], reading: Reading, type: TensorType) -> Array:
    """Return the numbers of a column of one size; those that are to be filled are masked."""
    shape = tuple(d for d in type.shape if isinstance(d, int))
    made = np.zeros((len(rows), *shape), "f8" if type.dtype.is_float else "i8")
    missing = np.zeros((len(rows), len(reading.names)), np.bool_)
    for i, (at, row) in enumerate(rows):
        found: list[Array] = []
        for j, name in enumerate(reading.names):
            value = row.get(name) if reading.fills else _value(at, row, name)
            if value is None:
                if not reading.fills:
                    raise _missing(at, name)
                missing[i, j], value = True, 0
            found.append(_array(at, name, value, type))
        array = found[0] if len(found) == 1 else np.stack(found)
        if array.size != made[i].size:
            raise FileError(
                f"{at}: `{reading.names[0]}` has the shape {array.shape}, and is declared {type}"
            )
        made[i] = array.reshape(shape)
    narrow = made.astype(numpy_dtype(type.dtype))
    if not reading.fills:
        return narrow
    return np.ma.masked_array(narrow, missing.reshape(narrow.shape))


def _array(at: str, name: str, value: object, type: TensorType) -> Array:
    """Return one value as an array; raise ``FileError`` unless its elements are as declared."""
    try:
        array = np.asarray(value)
    except (ValueError, OverflowError):
        raise FileError(f"{at}: the lists of `{name}` differ in length") from None
    kinds = "fiu" if type.dtype.is_float else "b" if type.dtype is DType.BOOL else "iu"
    if array.size and array.dtype.kind not in kinds:
        raise FileError(f"{at}: `{name}` is {_shown(value)}, and is declared {type}")
    return array
