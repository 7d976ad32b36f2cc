"""Inputs from what a command line says: files, folders, tables, numbers, text, random numbers.

- ``x.npy``, ``xs.npz:name``, ``photo.png``: a file, as ``netlang.storage.inputs`` reads it;
- ``photos/``, ``photos/*.png``: several images, or arrays, one after the other;
- ``rows.csv``, ``rows.csv:width,height``: the numbers of a table, an example for each row;
- ``5.1,3.5``, ``[[1, 2], [3, 4]]``: the numbers themselves;
- ``"time traveller"``: a text, by the vocabulary of the data;
- ``random(seed=0)``: numbers from the standard normal distribution.
"""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

from netlang.data.pipeline import TableFormat
from netlang.data.sources.folders import entries
from netlang.data.tables.text_files import decoded
from netlang.diagnostics.errors import FileError, InputError
from netlang.diagnostics.suggestions import did_you_mean
from netlang.ir.arrays import numpy_dtype
from netlang.ir.graph import Value
from netlang.storage.inputs import IMAGES, file_of, read_input
from netlang.storage.pixels import Pixels
from netlang.storage.vocabulary import Vocabulary
from netlang.system.files import reading
from netlang.system.numpy import Array, np

_NUMBERS = re.compile(r"\[.*\]|[-+.\d][-+.\deE,_\s]*|(true|false)(,\s*(true|false))*", re.DOTALL)
_RANDOM = re.compile(r"random(\((seed=(\d{1,18}))?\))?")
_TABLES = (".csv", ".tsv")
_MOST_FILES = 100_000
_MOST_BYTES = 1 << 30


def read_source(
    source: str, value: Value, *, resize: bool = False, pixels: Pixels | None = None,
    words: Sequence[str] = (), format: TableFormat | None = None,
) -> Array:  # fmt: skip
    """Read one of the sources above; ``words`` is the vocabulary, by index.

    Tables are written in a ``format``, by default as their names say, in UTF-8. ``resize`` and
    ``pixels`` are those of ``read_input``, whose errors it raises.
    """
    if is_text(source):
        return _text(source[1:-1], value, words)
    if drawn := _RANDOM.fullmatch(source):
        return _random(value, int(drawn[3] or 0))
    if _NUMBERS.fullmatch(source):
        return _numbers(source, value)
    table, _, columns = _split(source)
    if table.lower().endswith(_TABLES):
        names = [name.strip() for name in columns.split(",") if name]
        return _table(Path(table), names, format or TableFormat())
    files = expanded(source)
    arrays = [read_input(file, value, resize=resize, pixels=pixels) for file in files]
    return arrays[0] if files == [source] else _joined(arrays, files, value)


def expanded(source: str) -> list[str]:
    """Return the files of a folder or a pattern, sorted by name; any other source as it is."""
    if any(letter in source for letter in "*?"):
        found = _matches(Path(source))
        if not found:
            raise FileError(f"no file matches `{source}`")
    elif Path(source).is_dir():
        kinds = (*IMAGES, ".npy")
        found = [str(path) for path in entries(Path(source)) if path.suffix.lower() in kinds]
        if not found:
            raise FileError(f"{source} holds no inputs", helps=[f"they end in {', '.join(kinds)}"])
    else:
        return [source]
    if len(found) > _MOST_FILES:
        raise FileError(f"`{source}` has {len(found):,} files, and {_MOST_FILES:,} are the most")
    return found


def names_of(files: Sequence[str]) -> list[str]:
    """Return the names of files, with their folders where several have the same name.

    >>> names_of(["cats/1.png", "cats/2.png"]), names_of(["pets/cats/1.png", "pets/dogs/1.png"])
    (['1.png', '2.png'], ['cats/1.png', 'dogs/1.png'])
    """
    names = [Path(file).name for file in files]
    if len(set(names)) == len(names):
        return names
    shared = Path(os.path.commonpath([Path(file).parent for file in files]))
    return [Path(file).relative_to(shared).as_posix() for file in files]


def _matches(pattern: Path) -> list[str]:
    parts = pattern.parts
    first = next(at for at, part in enumerate(parts) if any(letter in part for letter in "*?"))
    found = Path(*parts[:first]).glob("/".join(parts[first:]))
    return sorted(str(path) for path in found if not path.is_dir())


def is_image(source: str) -> bool:
    """Return whether a source is one or several files of images."""
    if _RANDOM.fullmatch(source) or _NUMBERS.fullmatch(source) or source.startswith('"'):
        return False
    if source.lower().rpartition(":")[0].endswith(_TABLES):
        return False
    return all(file_of(file).lower().endswith(IMAGES) for file in expanded(source))


def is_text(source: str) -> bool:
    """Return whether a source is a text in quotes."""
    return source[:1] == source[-1:] == '"' and len(source) > 1


def is_table(source: str) -> bool:
    """Return whether a source is a table whose columns are not chosen."""
    name = source.lower().removesuffix(".gz")
    return name.endswith((*_TABLES, ".jsonl")) and not any(letter in source for letter in '*?["')


def _split(source: str) -> tuple[str, str, str]:
    head, colon, columns = source.partition(":") if source.count(":") == 1 else (source, "", "")
    return (head, colon, columns) if head.lower().endswith(_TABLES) else (source, "", "")


def _joined(arrays: Sequence[Array], files: Sequence[str], value: Value) -> Array:
    """Return the examples of several files as one array."""
    rank = value.type.rank
    first = arrays[0]
    # A file may hold one example without the axis of examples.
    batches = [array[np.newaxis] if array.ndim == rank - 1 else array for array in arrays]
    for batch, file in zip(batches, files, strict=True):
        if batch.ndim != rank or batch.shape[1:] != batches[0].shape[1:]:
            raise InputError(
                f"{file} is {list(batch.shape)}, and {files[0]} is {list(first.shape)}",
                helps=["scale images to one size: `--resize`"],
            )
    if len(files) > 1 and value.type.rank and isinstance(value.type.shape[0], int):
        raise InputError(
            f"`{value.name}` is {value.type}, which takes {value.type.shape[0]} examples, and "
            f"there are {len(files):,} files"
        )
    return np.concatenate(batches)


def _text(text: str, value: Value, words: Sequence[str]) -> Array:
    if not words or not value.type.dtype.is_integer:
        raise InputError(
            f"`{value.name}` is {value.type}, and there is no vocabulary to read a text by",
            helps=["load the parameters of a run that was trained on text: `--weights`"],
        )
    return _as_batch(np.array(Vocabulary(tuple(words)).encode(text), np.int64), value)


def _random(value: Value, seed: int) -> Array:
    """Sample an input; a free number of examples is 1."""
    if not value.type.dtype.is_float:
        raise InputError(
            f"`{value.name}` is {value.type}: `random` samples floating-point numbers only",
            helps=["give its numbers, such as `-i " + value.name + "=1,2,3`"],
        )
    shape = [1 if str(size) == "N" else size for size in value.type.shape]
    free = next((size for size in shape if not isinstance(size, int)), None)
    if free is not None:
        raise InputError(
            f"`{value.name}` is {value.type}: how large is {free}?",
            helps=[f"fix it: `--bind {free}=…`"],
        )
    sizes = [size for size in shape if isinstance(size, int)]
    sample = np.random.default_rng(seed).standard_normal(sizes)
    return sample.astype(numpy_dtype(value.type.dtype))


def _numbers(source: str, value: Value) -> Array:
    try:
        array = np.array(json.loads(_as_json(source)))
    except (ValueError, RecursionError):
        raise InputError(
            f"`{value.name}={source}` is not a list of numbers",
            helps=["such as `5.1,3.5`, or `[[5.1, 3.5], [4.9, 3.0]]` for two examples of two"],
        ) from None
    if array.dtype.kind not in "iufb":
        raise InputError(f"`{value.name}={source}`: some elements are not numbers")
    if value.type.dtype.is_float and array.dtype.kind in "iu":
        array = array.astype(numpy_dtype(value.type.dtype))
    return _as_batch(array, value)


def _as_json(text: str) -> str:
    """Return numbers as JSON has them: 0.5 for .5, 5.0 for 5., 1000 for 1_000.

    >>> _as_json("+.5, 5.,1_000")
    '[0.5, 5.0,1000]'
    """
    text = text if text.startswith("[") else f"[{text}]"
    text = re.sub(r"(?<=\d)_(?=\d)|\+(?=[\d.])(?<![eE]\+)", "", text)
    text = re.sub(r"(?<![\d.])\.(?=\d)", "0.", text)
    return re.sub(r"(?<=\d)\.(?!\d)", ".0", text)


def _as_batch(array: Array, value: Value) -> Array:
    """Return the numbers of one example as a batch, in the shape of the input."""
    shape = value.type.shape
    if array.ndim == len(shape):
        return array
    if not shape:
        return array.reshape(()) if array.size == 1 else array
    example = [size for size in shape[1:] if isinstance(size, int)]
    if len(example) == len(shape) - 1 and array.ndim == 1:
        count = int(np.prod(example, dtype=np.int64))
        if array.size == count:
            return array.reshape(1, *example)
    return array[np.newaxis] if array.ndim == len(shape) - 1 else array


def _table(path: Path, columns: Sequence[str], format: TableFormat) -> Array:
    """Read the numbers of a table; its first line may be names, by which columns are chosen."""
    with reading(path) as stream:
        content = stream.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise FileError(
            f"{path} is too large for an input", helps=["split it, or give a .npy file"]
        )
    if format.encoding:
        text = decoded(path, content, format.encoding)
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise FileError(f"{path} is not text in UTF-8") from None
    mark = format.separator or ("\t" if path.suffix.lower() == ".tsv" else ",")
    rows = [row for row in csv.reader(StringIO(text), delimiter=mark) if row]
    names = rows.pop(0) if rows and not all(map(_is_number, rows[0])) else []
    if not rows:
        raise FileError(f"{path} has no rows of numbers")
    chosen = _columns(path, names, columns, len(rows[0]))
    first = 2 if names else 1
    return np.array(
        [[_cell(path, row, at, line) for at in chosen] for line, row in enumerate(rows, first)]
    )


def _columns(path: Path, names: list[str], wanted: Sequence[str], width: int) -> list[int]:
    if not wanted:
        return list(range(width))
    known = [name.strip() for name in names]
    for name in wanted:
        if name not in known:
            raise FileError(
                f"{path} has no column `{name}`",
                notes=[f"its columns are: {', '.join(known)}" if known else "it has no names"],
                helps=did_you_mean(name, known),
            )
    return [known.index(name) for name in wanted]


def _cell(path: Path, row: Sequence[str], at: int, line: int) -> float:
    text = row[at] if at < len(row) else ""
    if not _is_number(text):
        shown = f"`{text}`" if text.strip() else "nothing"
        raise FileError(
            f"{path}:{line}:{at + 1}: {shown} is not a number",
            helps=[f"choose the columns to read by their names: `{path}:NAME,NAME`"],
        )
    return float(text)


def _is_number(text: str) -> bool:
    return re.fullmatch(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*", text, re.ASCII) is not None
