"""The file of a new program."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Literal, get_args

from netlang.api.program import Program, load, loads
from netlang.api.templates.images import classes_of_pictures, gan, segmentation
from netlang.api.templates.inspection import inspect_masks, inspect_pictures, inspect_table
from netlang.api.templates.tables import Names, classifier, regression, target_of, text
from netlang.diagnostics import rules
from netlang.diagnostics.errors import USAGE, InputError, NetlangError
from netlang.syntax.keywords import RESERVED
from netlang.system.files import find_data, write_atomically

Kind = Literal["classifier", "regression", "pictures", "text", "segmentation", "gan"]
KINDS: tuple[Kind, ...] = get_args(Kind)

_PICTURES = ("pictures", "gan")


def new(
    kind: Kind, name: str, data: str | Path | None = None, *, target: str | None = None
) -> Program:
    """Write a program for some data to ``NAME.net``, in the working folder, and return it.

    ``data`` is a table, or a folder of images for ``"pictures"`` and ``"gan"``, which otherwise
    train on the digits that come with netlang; for ``"segmentation"``, it has a folder of images
    and a folder of masks. ``target`` is the column to predict, by default one
    that is called as labels often are, or the last. Raises ``Error`` if there is such a file
    already, and for data that do not fit.
    """
    stem = name.removesuffix(".net")
    path = Path(f"{stem}.net")
    own = re.sub(r"[^a-z0-9]+", "_", stem.lower()).strip("_")
    if not own or own in RESERVED or not own[0].isalpha() or Path(stem).name != stem:
        raise InputError(f"`{name}` does not name a program", helps=["such as `pets`"])
    if path.exists():
        raise NetlangError(
            rules.USAGE, f"{path} exists already", helps=["choose another name, or remove it"],
            exit_code=USAGE,
        )  # fmt: skip
    written = netlang_format(_written(kind, own, data, target), path)
    write_atomically(path, [written.encode()])
    return load(path)


def netlang_format(text: str, path: Path) -> str:
    """Return a program in the standard layout, checked before it is written."""
    from netlang.api.functions import format

    formatted = format(text, str(path))
    loads(formatted, str(path)).check()
    return formatted


def _written(kind: Kind, name: str, data: str | Path | None, target: str | None) -> str:
    if data is None:
        folder = kind == "segmentation"
        what, example = ("a folder", "roads") if folder else ("a table", "table.csv")
        if kind not in _PICTURES:
            raise NetlangError(
                rules.USAGE, f"`netlang new {kind}` needs data",
                helps=[f"name {what}: `netlang new {kind} {name} --data {example}`"],
                exit_code=USAGE,
            )  # fmt: skip
        names = Names(name, "")
        return classes_of_pictures(names, None, None) if kind == "pictures" else gan(names, None)
    relative = _relative(Path(data))
    names = Names(name, relative)
    if kind == "segmentation":
        return segmentation(names, inspect_masks(find_data(relative, Path())))
    if kind in _PICTURES:
        if target is not None:
            raise InputError("a folder of images has no column: leave `target` out")
        found = inspect_pictures(find_data(relative, Path()))
        names = Names(name, _relative(found.folder))
        if kind == "gan":
            return gan(names, found)
        valid = None if found.valid is None else _relative(found.valid)
        return classes_of_pictures(names, found, valid)
    place = find_data(relative, Path())
    if place.is_dir():
        raise InputError(
            f"{place} is a folder, and `netlang new {kind}` takes a table",
            helps=[f"for a folder of images: `netlang new pictures {name} --data {relative}`"],
        )
    table = inspect_table(place)
    column = target_of(table, target, "number" if kind == "regression" else "category")
    if kind == "regression":
        return regression(names, table, column)
    return (text if kind == "text" else classifier)(names, table, column)


def _relative(path: Path) -> str:
    """Return a path from the working folder, with slashes."""
    return Path(os.path.relpath(path)).as_posix()
