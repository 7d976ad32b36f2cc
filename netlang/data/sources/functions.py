"""Examples from a Python function, which runs only where that was allowed."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import cast

from netlang.data.columns import fit
from netlang.data.pipeline import Location
from netlang.data.source import Arrays
from netlang.diagnostics import rules
from netlang.diagnostics.errors import FileError, NetlangError
from netlang.system.numpy import Array, np


def call_function(place: str, arguments: Mapping[str, object], location: Location) -> Arrays:
    """Call ``module:name``, which returns a dict of arrays by column.

    The module is looked for in the program's folder first.
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
    found = cast("Mapping[object, object]", returned)
    arrays = {str(key): _array(place, str(key), value) for key, value in found.items()}
    return fit(f"`{place}`", location.columns, arrays, fitted=location.fitted)


def _array(place: str, column: str, value: object) -> Array:
    try:
        return np.asarray(value)
    except (ValueError, TypeError, OverflowError) as error:
        why = (str(error).splitlines() or [""])[0].rstrip(".")
        raise FileError(
            f"`{column}` of `{place}` is not an array: {why}",
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
