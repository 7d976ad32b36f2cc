"""From the rows of a checked program to rows that can be read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import cast

from netlang.data.columns import fit
from netlang.data.source import Arrays, Epoch, Part, Source
from netlang.diagnostics.errors import FileError
from netlang.evaluate.context.values import Object, Origin, Rows, Setting
from netlang.system.files import find_data


def open_rows(rows: Rows, *, root: Path, seed: int = 0, allow_python: bool = False) -> Source:
    """Open rows; paths in the program start at ``root``, its folder.

    Files are checked against the declared columns. Raises ``NetlangError`` where one is missing,
    damaged or something else than declared, and for ``python =`` unless ``allow_python``.
    """
    origin = rows.origin
    source = _collection(origin, root, seed) if origin.library else _own(origin, root, allow_python)
    site = 0
    for step in origin.steps:
        source, site = _after(source, step, site)
    return source


def _after(source: Source, step: Setting, site: int) -> tuple[Source, int]:
    """Give the rows after one step, and the number of the next place that draws."""
    if step.name == "part":
        first, last = (cast("int", step.arguments[name]) for name in ("first", "last"))
        return Part(source, first, last), site
    from netlang.data.mapped import Mapped, Step
    from netlang.data.transforms.images import make_transform

    if step.name == "together":
        columns = cast("list[str]", step.arguments["columns"])
        changes = {tuple(columns): step.arguments["transforms"]}
    else:
        changes = {(name,): value for name, value in step.arguments.items()}
    steps: list[Step] = []
    for names, given in changes.items():
        transforms = tuple(make_transform(t) for t in cast("list[Setting]", given))
        steps.append(Step(names, transforms, site))
        site += len(transforms)
    return Mapped(source, tuple(steps), Epoch()), site


def _collection(origin: Origin, root: Path, seed: int) -> Source:
    """Open a dataset of the library."""
    given = origin.arguments
    match origin.dataset:
        case "digits":
            from netlang.data.sources.collections import open_digits

            return open_digits(origin)
        case "mnist" | "fashion_mnist":
            from netlang.data.sources.collections import open_mnist

            return open_mnist(origin, root)
        case "cifar10":
            from netlang.data.sources.collections import open_cifar10

            return open_cifar10(origin, root)
        case "image_folder":
            from netlang.data.sources.image_folders import open_folder

            return open_folder(_path(given, "path", root), origin.columns, _int(given, "size"))
        case "imdb" | "char_windows":
            return _text(origin, root)
        case "sentence_pairs" | "skipgram_pairs":
            return _pairs(origin, root, seed)
        case _:
            from netlang.data.sources.synthetic import open_synthetic

            return open_synthetic(origin, _int(given, "count"), _int(given, "seed"))


def _text(origin: Origin, root: Path) -> Source:
    from netlang.data.sources.texts import open_reviews, open_windows

    given = origin.arguments
    if origin.dataset == "imdb":
        from netlang.data.sources.collections import split_of

        sizes = _int(given, "vocab"), _int(given, "longest")
        return open_reviews(split_of(origin), root, origin.columns, *sizes)
    return open_windows(
        _path(given, "path", root),
        origin.columns,
        _int(given, "length"),
        letters=bool(given["letters"]),
        vocabulary=_path(given, "vocabulary", root) if given["vocabulary"] else None,
    )


def _pairs(origin: Origin, root: Path, seed: int) -> Source:
    from netlang.data.sources.pairs import open_neighbours, open_sentences

    given = origin.arguments
    path = _path(given, "path", root)
    if origin.dataset == "sentence_pairs":
        sizes = _int(given, "vocab"), _int(given, "longest")
        return open_sentences(path, origin.columns, *sizes)
    return open_neighbours(
        path,
        origin.columns,
        vocab=_int(given, "vocab"),
        window=_int(given, "window"),
        negatives=_int(given, "negatives"),
        subsample=float(cast("float", given["subsample"])),
        seed=seed,
    )


def _int(given: Mapping[str, Object], name: str) -> int:
    return int(cast("int", given[name]))


def _path(given: Mapping[str, Object], name: str, root: Path) -> Path:
    return find_data(str(given[name]), root)


def _own(origin: Origin, root: Path, allow_python: bool) -> Source:
    """Open a dataset a program declares, from the first place its fields name."""
    fields = origin.fields
    if "python" in fields:
        from netlang.data.sources.functions import open_function

        source = open_function(origin, root, allowed=allow_python)
    elif "csv" in fields:
        from netlang.data.sources.tables import read_table

        separator = str(fields.get("separator", ","))
        if len(separator) != 1:
            raise FileError(f"a separator is one character, and `{separator}` is {len(separator)}")
        source = read_table(
            find_data(str(fields["csv"]), root, about=origin.about),
            origin.columns,
            separator=separator,
            header=cast("bool | None", fields.get("header")),
        )
    else:
        source = _arrays(origin, root)
    return _normalized(source, fields.get("normalize"))


def _arrays(origin: Origin, root: Path) -> Arrays:
    from netlang.storage.npy import read_npy, read_npz

    fields = origin.fields
    if "npz" in fields:
        path = find_data(str(fields["npz"]), root, about=origin.about)
        return fit(str(path), origin.columns, read_npz(path))
    kind = "npy" if "npy" in fields else "idx"
    given = fields[kind]
    names = given if isinstance(given, list) else [given]
    paths = [find_data(str(name), root, about=origin.about) for name in names]
    if len(paths) != len(origin.columns):
        raise FileError(
            f"the dataset `{origin.dataset}` has {len(origin.columns)} columns and "
            f"{len(paths)} files: each column is a file"
        )
    shown = ", ".join(map(str, paths))
    if kind == "npy":
        return fit(
            shown, origin.columns, dict(zip(origin.columns, map(read_npy, paths), strict=True))
        )
    from netlang.data.sources.idx import read_idx

    read = [read_idx(path) for path in paths]
    arrays = dict(zip(origin.columns, (array for array, _ in read), strict=True))
    return fit(shown, origin.columns, arrays, print="-".join(sum for _, sum in read))


def _normalized(source: Arrays, chosen: Object) -> Source:
    if chosen is None or chosen is False:
        return source
    from netlang.data.sources.tables import normalized

    names = list(source.columns) if chosen is True else chosen
    names = names if isinstance(names, list) else [names]
    for name in names:
        if name not in source.columns:
            raise FileError(f"`normalize` names `{name}`, and {source.place} has no such column")
    return normalized(source, [str(name) for name in names])
