"""Tables that have been read before, in the folder where the user's programs keep such things.

An entry is a folder of files with the columns of a table, and an index that says which files they
were read from. It is used while these have the size and the time they had.
"""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from msgspec import DecodeError, Struct, ValidationError, json

from netlang.data.tables.columns import ReadColumn, Stored, mapped

_FORMAT = 2
_INDEX = "index.json"


class Origin(Struct, frozen=True):
    """A file that a table was read from, and its size and time then."""

    path: str
    size: int
    time: int

    @classmethod
    def of(cls, path: Path) -> Origin:
        found = path.stat()
        return cls(str(path.resolve()), found.st_size, found.st_mtime_ns)

    def is_same(self) -> bool:
        try:
            return Origin.of(Path(self.path)) == self
        except OSError:
            return False


class _Index(Struct, frozen=True):
    origins: tuple[Origin, ...]
    checksum: str
    rows: int
    columns: Mapping[str, Stored]
    format: int = _FORMAT


class Cached(Struct, frozen=True):
    """Columns that are in files, and the checksum of what they were read from."""

    arrays: Mapping[str, ReadColumn]
    checksum: str


def cache_folder() -> Path:
    """Return the folder of all entries: ``$XDG_CACHE_HOME/netlang`` or ``~/.cache/netlang``."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    try:
        home = Path(base) if base.startswith("/") else Path.home() / ".cache"
    except RuntimeError as error:
        raise OSError(str(error)) from None
    return home / "netlang" / "tables"


class Entry:
    """The place of one table, which the files and what is read of them decide."""

    def __init__(self, paths: Sequence[Path], reading: str) -> None:
        self._origins = tuple(map(Origin.of, paths))
        named = "\n".join([*(origin.path for origin in self._origins), reading])
        digest = sha256(named.encode("utf-8", "surrogateescape")).hexdigest()
        self.folder = cache_folder() / digest[:32]

    def find(self) -> Cached | None:
        """Return the columns; ``None`` if they are not there, or the files have changed."""
        index = _read_index(self.folder)
        if index is None or index.origins != self._origins:
            return None
        try:
            arrays = mapped(self.folder, index.columns, index.rows)
        except (OSError, ValueError, TypeError):
            return None
        return Cached(arrays, index.checksum)

    def write(self, fill: Callable[[Path], tuple[str, int, Mapping[str, Stored]]]) -> None:
        """Make the entry from the files that ``fill`` writes to a folder; raises ``OSError``.

        ``fill`` returns a checksum, the number of examples and what the files hold.
        """
        _remove_outdated()
        new = self.folder.with_name(f"{self.folder.name}.{_host()}.{os.getpid()}")
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(parents=True, mode=0o700)
        try:
            checksum, rows, columns = fill(new)
            index = _Index(self._origins, checksum, rows, columns)
            (new / _INDEX).write_bytes(json.encode(index))
            if self.find() is None:  # another process may have been first
                shutil.rmtree(self.folder, ignore_errors=True)
                with suppress(OSError):
                    new.rename(self.folder)
        except UnicodeEncodeError:
            raise OSError("its path is not Unicode") from None
        finally:
            shutil.rmtree(new, ignore_errors=True)


def remove_abandoned() -> None:
    """Remove what processes of this machine that were killed had begun to write.

    Several machines may share the folder, and only know their own processes.
    """
    for folder in cache_folder().glob(f"*.{_host()}.*"):
        number = folder.name.rpartition(".")[2]
        if number.isdecimal() and int(number) != os.getpid() and not _runs(int(number)):
            shutil.rmtree(folder, ignore_errors=True)


def _host() -> str:
    """Return a short name of this machine, of letters and digits."""
    return sha256(platform.node().encode("utf-8", "surrogateescape")).hexdigest()[:8]


def _runs(process: int) -> bool:
    """Return whether a process runs, as far as the system says so without ending it."""
    if os.name != "posix":
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


def _read_index(folder: Path) -> _Index | None:
    try:
        found = json.decode((folder / _INDEX).read_bytes(), type=_Index)
    except (OSError, DecodeError, ValidationError):
        return None
    return found if found.format == _FORMAT else None


def _remove_outdated() -> None:
    """Remove the entries of files that have changed or are gone."""
    for index in cache_folder().glob(f"*/{_INDEX}"):
        found = _read_index(index.parent)
        if found is None or not all(origin.is_same() for origin in found.origins):
            shutil.rmtree(index.parent, ignore_errors=True)
