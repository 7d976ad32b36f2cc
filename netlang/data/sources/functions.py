"""Examples from a Python function, which runs only where that was allowed."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import cast

from netlang.data.columns import fit_declared
from netlang.data.pipeline import Location
from netlang.data.readings import chosen, with_gaps
from netlang.data.source import Source
from netlang.data.sources.ragged import ragged
from netlang.data.sources.text_columns import fit_with_texts
from netlang.diagnostics import rules
from netlang.diagnostics.errors import FileError, NetlangError
from netlang.ir.dims import Dim
from netlang.ir.types import TensorType
from netlang.system.numpy import Array, np


def call_function(place: str, arguments: Mapping[str, object], location: Location) -> Source:
    """Call ``module:name``, which returns a dict of arrays by column.

    The module is looked for in the program's folder first. A column whose first size is free, such
    as ``i64[T]``, may be a list of items of different lengths, which are padded with zeros to the
    longest of each batch.
    """
    module, colon, name = place.partition(":")
    if not colon or not name.isidentifier():
        raise FileError(f"`{place}` names no function", helps=["write `module:function`"])
    returned = _call(place, module, name, arguments, location.root)
    if not isinstance(returned, Mapping):
        raise FileError(
            f"`{place}` returned {type(returned).__name__}, and examples are a dict of arrays by "
            "column"
        )
    found = {str(k): v for k, v in cast("Mapping[object, object]", returned).items()}
    return from_values(f"`{place}`", found, location)


def from_values(place: str, found: Mapping[str, object], location: Location) -> Source:
    """Return examples from arrays or lists by the names of their columns.

    Lists for a column of a free length may differ in length, and texts are split as declared.
    Raises ``FileError`` for what is not declared.
    """
    readings = location.readings
    lists: dict[str, list[Array]] = {}
    for name, type in location.columns.items():
        own = readings[name].names[0] if name in readings else name
        if _is_ragged(type, value := found.get(own)):
            items = cast("Sequence[object]", value)
            lists[name] = [_array(place, f"{own}[{i}]", item) for i, item in enumerate(items)]
    sources = {n for name in lists for n in (readings[name].names if name in readings else (name,))}
    arrays = {n: _array(place, n, value) for n, value in found.items() if n not in sources}
    texts = {
        name: cast("list[str]", arrays[reading.names[0]].tolist())
        for name, reading in readings.items()
        if reading.tokens is not None and _are_texts(arrays.get(reading.names[0]))
    }
    rest = {n: reading for n, reading in readings.items() if n not in lists and n not in texts}
    arrays = chosen(place, arrays, rest)
    if texts and not lists:
        return fit_with_texts(place, location, arrays, "", texts)
    if lists:
        return ragged(place, location, arrays, lists)
    return fit_declared(place, location, arrays)


def _is_ragged(type: TensorType, value: object) -> bool:
    """Return whether a column of a free length is a list of items that differ in length."""
    if not isinstance(value, list | tuple) or not (type.shape and isinstance(type.shape[0], Dim)):
        return False
    items = cast("Sequence[object]", value)
    if not all(isinstance(item, list | tuple | np.ndarray) for item in items):
        return False
    return len({len(cast("Sequence[object]", item)) for item in items}) > 1


def _are_texts(array: Array | None) -> bool:
    return array is not None and array.dtype.kind == "U" and array.ndim == 1


def _array(place: str, column: str, value: object) -> Array:
    try:
        # NumPy would make a text of what is missing between texts.
        items = cast("Sequence[object]", value) if isinstance(value, list | tuple) else ()
        mixed = any(isinstance(item, str) for item in items)
        array = with_gaps(np.asarray(value, object if mixed else None))
        return np.asarray(value) if mixed and array.dtype == np.object_ else array
    except (ValueError, TypeError, OverflowError) as error:
        why = (str(error).splitlines() or [""])[0].rstrip(".")
        raise FileError(
            f"`{column}` of {place} is not an array: {why}",
            helps=["give all examples one shape: pad the shorter ones, such as with zeros"],
        ) from None


def _call(
    place: str, module: str, name: str, arguments: Mapping[str, object], root: Path
) -> object:
    sys.path.insert(0, str(root.resolve()))
    try:
        return getattr(import_module(module), name)(**arguments)
    except Exception as error:
        # It is the user's own code: whatever it raises is reported as it is.
        raise NetlangError(
            rules.PYTHON_FAILED, f"`{place}` failed: {type(error).__name__}: {error}"
        ) from error
    finally:
        sys.path.remove(str(root.resolve()))
