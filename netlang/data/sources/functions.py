"""Rows from a Python function, which runs only where that was allowed."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import cast

from netlang.data.columns import fit
from netlang.data.source import Arrays
from netlang.diagnostics import rules
from netlang.diagnostics.errors import FileError, NetlangError
from netlang.evaluate.context.values import Origin
from netlang.system.numpy import Array, np


def open_function(origin: Origin, root: Path, *, allowed: bool) -> Arrays:
    """Call ``module:name`` with the dataset's arguments; it gives a dict of arrays by column.

    The module is looked for beside the program first. Raises ``NetlangError`` unless ``allowed``.
    """
    place = str(origin.fields["python"])
    if not allowed:
        raise NetlangError(
            rules.PYTHON_NOT_ALLOWED,
            f"the dataset `{origin.dataset}` runs Python: `{place}`",
            notes=["a program from someone else could do anything this way"],
            helps=["if you trust it, give `--allow-python`"],
        )
    module, colon, name = place.partition(":")
    if not colon or not name.isidentifier():
        raise FileError(f"`{place}` names no function", helps=["write `module:function`"])
    given = _called(place, module, name, origin, root)
    if not isinstance(given, Mapping):
        raise FileError(
            f"`{place}` gave {type(given).__name__}, and rows are a dict of arrays by column"
        )
    columns = cast("Mapping[str, object]", given)
    arrays: dict[str, Array] = {str(key): np.asarray(value) for key, value in columns.items()}
    return fit(f"`{place}`", origin.columns, arrays)


def _called(place: str, module: str, name: str, origin: Origin, root: Path) -> object:
    sys.path.insert(0, str(root.resolve()))
    try:
        return getattr(import_module(module), name)(**origin.arguments)
    except Exception as error:
        # It is the user's own code: whatever it raises is told as it is.
        raise NetlangError(
            rules.PYTHON_FAILED, f"`{place}` failed: {type(error).__name__}: {error}"
        ) from error
    finally:
        sys.path.remove(str(root.resolve()))
