"""Columns that grow as a table is read: in memory, or in files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from netlang.data.tables.chunks import Part
from netlang.data.tables.coded import Coded
from netlang.data.tables.tokenized import NUMBERS, Numbering, Tokenized, starts_of
from netlang.system.numpy import Array, np

_CODES, _LENGTHS = "int32", "int32"

ReadColumn = Array | Coded | Tokenized


class MixedError(Exception):
    """A column has numbers in one part of a table and texts in another."""


class Stored(Struct, frozen=True):
    """A column in files: its element type, the shape of an example, its texts if it has codes.

    With ``tokens``, the texts are split, and ``texts`` are those.
    """

    dtype: str
    shape: tuple[int, ...]
    texts: tuple[str, ...] | None
    gaps: bool
    tokens: bool = False


class _Parts:
    """Arrays one after the other, in memory or in a file."""

    def __init__(self, path: Path | None) -> None:
        self._arrays: list[Array] = []
        self._file = None if path is None else path.open("wb")

    def add(self, array: Array) -> None:
        if self._file is None:
            self._arrays.append(array)
        else:
            self._file.write(np.ascontiguousarray(array).data)

    def whole(self) -> Array:
        return np.concatenate(self._arrays)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


class _Column:
    """The values of one column, which of them are missing, and texts by their code."""

    def __init__(self, folder: Path | None, at: int, *, gaps: bool) -> None:
        self.values = _Parts(None if folder is None else folder / f"{at}.values")
        self.gaps = _Parts(None if folder is None else folder / f"{at}.gaps") if gaps else None
        self._lengths = None if folder is None else folder / f"{at}.lengths"
        self.lengths: _Parts | None = None
        self._numbering = Numbering()
        self.texts: dict[str, int] | None = None
        self.kind: tuple[str, tuple[int, ...], bool] | None = None

    def add(self, part: Part) -> None:
        values = part.values
        if part.tokens is not None:
            self._add_tokens(part, part.tokens)
            return
        if part.texts is not None:
            known = self.texts = {} if self.texts is None else self.texts
            numbers = [known.setdefault(text, len(known)) for text in part.texts]
            values = np.array(numbers, _CODES)[part.values]
        kind = (values.dtype.name, values.shape[1:], part.texts is not None)
        if self.kind not in (None, kind):
            raise MixedError
        self.kind = kind
        self.values.add(values)
        if self.gaps is not None and part.texts is None:
            self.gaps.add(np.zeros(values.shape, np.bool_) if part.gaps is None else part.gaps)

    def _add_tokens(self, part: Part, tokens: Sequence[Sequence[str]]) -> None:
        if self.lengths is None:
            self.lengths, self.texts = _Parts(self._lengths), self._numbering
            self.kind = (NUMBERS, (), True)
        self.values.add(self._numbering.numbers(tokens))
        self.lengths.add(part.values.astype(_LENGTHS))

    def close(self) -> None:
        for parts in (self.values, self.gaps, self.lengths):
            if parts is not None:
                parts.close()


class Columns:
    """The columns of a table, by name; with a ``folder``, each is written to files there."""

    def __init__(self, names: Mapping[str, bool], folder: Path | None = None) -> None:
        """Begin columns; ``names`` says of each whether some of its values may be missing."""
        self._columns = {
            name: _Column(folder, at, gaps=gaps) for at, (name, gaps) in enumerate(names.items())
        }
        self.rows = 0

    def add(self, parts: Mapping[str, Part]) -> None:
        """Add some examples; raises ``MixedError`` for a column of another kind than before."""
        if not parts:
            return
        for name, part in parts.items():
            self._columns[name].add(part)
        self.rows += len(next(iter(parts.values())).values)

    def close(self) -> None:
        """Close the files."""
        for column in self._columns.values():
            column.close()

    def stored(self) -> dict[str, Stored]:
        """Return what is in the files."""
        found: dict[str, Stored] = {}
        for name, column in self._columns.items():
            assert column.kind is not None
            dtype, shape, _ = column.kind
            texts = None if column.texts is None else tuple(column.texts)
            gaps, tokens = column.gaps is not None and texts is None, column.lengths is not None
            found[name] = Stored(dtype, shape, texts, gaps, tokens)
        return found

    def arrays(self) -> dict[str, ReadColumn]:
        """Return columns that are in memory."""
        found: dict[str, ReadColumn] = {}
        for name, column in self._columns.items():
            texts = None if column.texts is None else tuple(column.texts)
            if column.lengths is not None:
                starts = starts_of(column.lengths.whole())
                found[name] = Tokenized(column.values.whole(), starts, texts or ())
                continue
            gaps = column.gaps if texts is None else None
            whole = None if gaps is None else gaps.whole()
            found[name] = _finished(column.values.whole(), whole, texts)
        return found


def mapped(folder: Path, stored: Mapping[str, Stored], rows: int) -> dict[str, ReadColumn]:
    """Return columns in files; raises ``OSError`` or ``ValueError`` if they are damaged."""
    found: dict[str, ReadColumn] = {}
    for at, (name, each) in enumerate(stored.items()):
        if each.tokens:
            starts = starts_of(np.fromfile(folder / f"{at}.lengths", _LENGTHS))
            count = (int(starts[-1]),)
            if len(starts) != rows + 1:
                raise ValueError("another number of texts")
            flat = np.memmap(folder / f"{at}.values", each.dtype, "r", shape=count)
            found[name] = Tokenized(flat, starts, each.texts or ())
            continue
        shape = (rows, *each.shape)
        values = np.memmap(folder / f"{at}.values", each.dtype, "r", shape=shape)
        gaps = np.memmap(folder / f"{at}.gaps", np.bool_, "r", shape=shape) if each.gaps else None
        found[name] = _finished(values, gaps, each.texts)
    return found


def _finished(values: Array, gaps: Array | None, texts: Sequence[str] | None) -> Array | Coded:
    if texts is not None:
        return Coded(texts, values)
    return values if gaps is None else np.ma.masked_array(values, gaps)
