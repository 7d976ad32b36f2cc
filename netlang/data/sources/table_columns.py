"""Which cells of a line make up the columns of a dataset: by name, or in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path

from netlang.data.pipeline import Reading
from netlang.data.tables.cells import NOT_NUMBERS, NUMBER, TRUTH
from netlang.data.tables.text_files import lines_of
from netlang.diagnostics.errors import FileError
from netlang.diagnostics.suggestions import did_you_mean
from netlang.ir.types import TensorType

_SEPARATORS = (";", "\t", "|", ",", " ")

Cells = list[str]


def is_header(cells: Cells, header: bool | None) -> bool:
    """Return whether the first line of a file has names, unless ``header`` says so."""
    if header is not None:
        return header
    known = {*NOT_NUMBERS, *TRUTH, "inf", "-inf", "infinity"}
    # The index that pandas writes has no name, and a comma may end the line.
    blank = cells.count("") == 1 and "" in (cells[0], cells[-1])
    names = [c for c in cells if c] if blank else cells
    return bool(names) and not any(NUMBER.match(c) or c.lower() in known for c in names)


def order_of(
    path: Path,
    columns: Mapping[str, TensorType],
    readings: Mapping[str, Reading],
    names: Cells | None,
    width: int,
) -> dict[str, list[int]]:
    """Return which cells of a line make up each column; raise ``FileError`` for missing ones.

    Where the dataset declares the source of any column, none is taken by its place.
    """
    sizes = {
        name: 1 if name in readings and readings[name].tokens else _size(path, name, type)
        for name, type in columns.items()
    }
    if names is not None:
        by_name = {
            name: _sources(path, readings[name].names, names)
            if name in readings
            else _named(path, name, size, names)
            for name, size in sizes.items()
        }
        if any(by_name.values()):
            for name, found in by_name.items():
                if not found:
                    _reject_name(path, name, columns[name], sizes[name], names)
            return by_name
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


def reject_separator(path: Path, text: str, separator: str, *, trained: bool) -> None:
    """Report which separator the lines seem to have, if they do not have the expected one.

    It is expected because the training data have it, if these are ``trained``.
    """
    line = next(line for line in lines_of(text) if line.strip())
    found = max(_SEPARATORS, key=line.count)
    if found in line:
        shown = "\\t" if found == "\t" else found
        expected = "\\t" if separator == "\t" else separator
        help = f'give the dataset the field `separator = "{shown}"`'
        if trained:
            help = f'separate its values by "{expected}", as those of the training data are'
        raise FileError(
            f'{path} has no "{expected}" in its first line, which should separate its values',
            helps=[help],
        )


def _sources(path: Path, wanted: Sequence[str], names: Cells) -> list[int]:
    """Return the places of columns that the dataset names, which each have a name of their own."""
    for name in wanted:
        if name not in names:
            raise FileError(
                f"{path}:1: no column is named `{name}`",
                notes=[f"the columns are: {_shown(names, most=40)}"],
                helps=did_you_mean(name, names),
            )
    return [_only(path, name, names) for name in wanted]


def _only(path: Path, name: str, names: Sequence[str]) -> int:
    """Return the place of a name; raise ``FileError`` where several columns have it."""
    places = [i for i, each in enumerate(names) if each == name]
    if len(places) > 1:
        listed = " and ".join(f"column {i + 1}" for i in places)
        raise FileError(
            f"{path}:1: {len(places)} columns are named `{name}`: {listed}",
            helps=["rename all but one of them in the first line of the file"],
        )
    return places[0]


def _size(path: Path, name: str, type: TensorType) -> int:
    sizes = [d for d in type.shape if isinstance(d, int)]
    if len(sizes) != type.rank:
        raise FileError(
            f"`{name}` is {type}, and each line of {path} has the same number of values",
            helps=["give every size of the column a number"],
        )
    return prod(sizes)


def _named(path: Path, name: str, size: int, names: Sequence[str]) -> list[int]:
    if size == 1 and name in names:
        return [_only(path, name, names)]
    for form in (f"{name}.{{}}", f"{name}_{{}}", f"{name}{{}}"):
        for first in (0, 1):
            wanted = [form.format(i + first) for i in range(size)]
            if all(w in names for w in wanted):
                return [_only(path, w, names) for w in wanted]
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


def taken_in_order(
    path: Path, columns: Mapping[str, TensorType], names: Cells | None,
    order: Mapping[str, list[int]],
) -> tuple[str, ...]:  # fmt: skip
    """Return a remark where the names in a file are not those of the columns."""
    sizes = {name: _size(path, name, type) for name, type in columns.items()}
    if names is None or any(_named(path, name, size, names) for name, size in sizes.items()):
        return ()
    taken = "; ".join(
        f"`{name}` is {_shown([names[i] for i in chosen])}" for name, chosen in order.items()
    )
    return (f"{path} names none of the columns, which are taken in order: {taken}",)


def _shown(names: Sequence[str], most: int = 5) -> str:
    """Return names as a list, without the middle of many."""
    few = [*names[: most - 2], "…", names[-1]] if len(names) > most else names
    return ", ".join(name[:40] for name in few)
