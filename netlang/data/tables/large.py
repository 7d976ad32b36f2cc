"""Large tables: read in parts, and kept in files where they are larger than some megabytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct, json

from netlang.data.tables.cache import Cached, Entry, cache_folder, remove_abandoned
from netlang.data.tables.columns import Columns, ReadColumn, Stored
from netlang.data.tables.reading import Layout, read_into
from netlang.data.tables.text_files import unpacked_size

SMALLEST = 1 << 20
"""The size in bytes from which tables are read in parts."""
SMALLEST_CACHED = 1 << 26
"""The size in bytes from which what was read is kept in files."""


class Read(Struct, frozen=True):
    """The columns of a table, a checksum, and remarks for the user."""

    arrays: Mapping[str, ReadColumn]
    checksum: str
    remarks: Sequence[str] = ()


class _NotReadError(Exception):
    """A table cannot be read in parts."""


def read_large(layouts: Sequence[Layout]) -> Read | None:
    """Read the columns of files, of which each layout has the same; ``None`` if it cannot be done.

    Raises ``FileError`` for a cell that is not what is declared.
    """
    paths = [layout.path for layout in layouts]
    names = {name: wanted.gaps for name, wanted in layouts[0].wanted.items()}
    remarks: list[str] = []
    if sum(map(unpacked_size, paths)) >= SMALLEST_CACHED:
        try:
            found = _cached(paths, layouts, names)
        except _NotReadError:
            return None
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            remarks.append(
                f"{paths[0]} is kept in memory, because {cache_folder()} cannot be written: {why}"
            )
        else:
            return Read(found.arrays, found.checksum)
    columns = Columns(names)
    checksum = read_into(columns, layouts)
    if checksum is None or not columns.rows:
        return None
    return Read(columns.arrays(), checksum, remarks)


def _cached(paths: Sequence[Path], layouts: Sequence[Layout], names: Mapping[str, bool]) -> Cached:
    """Return columns in files, which are written where there are none; raises ``OSError``."""
    reading = [(each.separator, each.width, each.header, each.wanted) for each in layouts]
    remove_abandoned()
    entry = Entry(paths, json.encode(reading, enc_hook=str).decode())
    found = entry.find()
    if found is not None:
        return found

    def fill(folder: Path) -> tuple[str, int, dict[str, Stored]]:
        columns = Columns(names, folder)
        try:
            checksum = read_into(columns, layouts)
        finally:
            columns.close()
        if checksum is None or not columns.rows:
            raise _NotReadError
        return checksum, columns.rows, columns.stored()

    entry.write(fill)
    found = entry.find()
    if found is None:
        raise OSError("it changed while it was read")
    return found
