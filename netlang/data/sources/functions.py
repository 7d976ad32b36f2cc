"""Examples from a Python function, which runs only where that was allowed."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import cast

from netlang.data.columns import fit
from netlang.data.pipeline import Location
from netlang.data.source import Source
from netlang.data.sources.ragged import ragged
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
    return examples_of(f"`{place}`", cast("Mapping[object, object]", returned), location)


def examples_of(place: str, found: Mapping[object, object], location: Location) -> Source:
    """Return columns in memory as examples; ``place`` names them in messages.

    Raises ``FileError`` for columns that do not fit those of the location.
    """
    columns = location.columns
    lists: dict[str, list[Array]] = {}
    arrays: dict[str, Array] = {}
    for key, value in found.items():
        name = str(key)
        if name in columns and _is_ragged(columns[name], value):
            items = cast("Sequence[object]", value)
            lists[name] = [_array(place, f"{name}[{i}]", item) for i, item in enumerate(items)]
        else:
            arrays[name] = _array(place, name, value)
    if lists:
        return ragged(place, columns, arrays, lists, fitted=location.fitted)
    return fit(place, columns, arrays, fitted=location.fitted)


def _is_ragged(type: TensorType, value: object) -> bool:
    """Return whether a column of a free length is a list of items that differ in length."""
    if not isinstance(value, list | tuple) or not (type.shape and isinstance(type.shape[0], Dim)):
        return False
    items = cast("Sequence[object]", value)
    if not all(isinstance(item, list | tuple | np.ndarray) for item in items):
        return False
    return len({len(cast("Sequence[object]", item)) for item in items}) > 1


def _array(place: str, column: str, value: object) -> Array:
    try:
        return np.asarray(value)
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
