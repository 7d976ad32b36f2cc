"""The folder that is served: its programs, which a page reads and writes, and nothing else."""

from __future__ import annotations

import os
from hashlib import blake2b
from pathlib import Path
from threading import Lock

from netlang.diagnostics import rules
from netlang.diagnostics.errors import ENVIRONMENT, USAGE, NetlangError
from netlang.diagnostics.source import BYTE_ORDER_MARK, Source
from netlang.editor.facts.elsewhere import SUFFIX, programs_below
from netlang.serve.messages.answers import Conflict, FileEntry, Opened, Saved
from netlang.syntax.reader import read_source, text_source
from netlang.system.files import write_atomically


class Folder:
    """A folder, in which the paths of messages are; ``.`` is the current one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._real = path.resolve()
        self._saving = Lock()

    @property
    def name(self) -> str:
        """What users call the folder."""
        name = self._real.name or str(self._real)
        return name.encode("utf-8", "replace").decode()  # a message has no other names

    def file(self, path: str) -> Path:
        """Return a program of the folder; raises ``NetlangError`` for any other path.

        A link that leads out of the folder is such a path, and so is one with ``..``.
        """
        found = self.path / path
        parts = Path(path).parts
        try:
            inside = found.resolve().is_relative_to(self._real)
        except (OSError, ValueError, RuntimeError):
            inside = False
        if not inside or not parts or Path(path).is_absolute() or ".." in parts:
            raise NetlangError(
                rules.CANNOT_READ,
                f"`{path}` is not in the folder `{self.name}`",
                helps=["serve the folder that it is in: `netlang serve FOLDER`"],
                exit_code=USAGE,
            )
        if found.suffix != SUFFIX:
            raise NetlangError(
                rules.UNKNOWN_FORMAT,
                f"`{path}` is not a program",
                helps=[f"the name of a program ends in `{SUFFIX}`"],
                exit_code=USAGE,
            )
        return found

    def shown(self, path: str) -> str:
        """Return a path as messages have it: in the folder, or else as it is."""
        try:
            return Path(path).resolve().relative_to(self._real).as_posix()
        except ValueError:
            return path

    def programs(self) -> list[FileEntry]:
        """Return the programs in the folder and below, by their paths."""
        found: list[FileEntry] = []
        for path in programs_below(self.path):
            try:
                str(path).encode()  # a message has no other names
                size = path.stat().st_size
            except (OSError, UnicodeEncodeError):
                continue
            found.append(FileEntry(path.relative_to(self.path).as_posix(), size))
        return sorted(found, key=lambda entry: entry.path)

    def open(self, path: str) -> Opened:
        """Read a program; raises ``NetlangError``."""
        file = self.file(path)
        text = read_source(file).text
        return Opened(path=path, text=text, revision=_revision(text), writable=_writable(file))

    def save(self, path: str, text: str, revision: str | None) -> Saved | Conflict:
        """Write a program, unless the file is not the one with this revision.

        Line ends and a byte order mark stay those of the file. Raises ``NetlangError``.
        """
        file = self.file(path).resolve()  # a link stays one
        text = text_source(path, text).text
        with self._saving:
            return self._save(path, file, text, revision)

    def _save(self, path: str, file: Path, text: str, revision: str | None) -> Saved | Conflict:
        before = read_source(file) if file.exists() else None
        known = None if before is None else _revision(before.text)
        if before is not None and known is not None and known != revision:
            return Conflict(path=path, revision=known, text=before.text)
        if before is None and revision:
            # It was there when it was opened: what is missing now is not what was meant.
            return Conflict(path=path, revision="", text="")
        if before is not None and not _writable(file):
            raise NetlangError(
                rules.CANNOT_WRITE,
                f"cannot write {path}: it is read-only",
                exit_code=ENVIRONMENT,
            )
        if not file.parent.is_dir():
            raise NetlangError(
                rules.CANNOT_WRITE,
                f"cannot write {path}: there is no folder `{file.parent.name}`",
                exit_code=ENVIRONMENT,
            )
        write_atomically(file, [_as_written(text, before).encode()])
        return Saved(path=path, revision=_revision(text))


def _as_written(text: str, before: Source | None) -> str:
    """Return a text with the line ends and the byte order mark of the file before."""
    if before is None:
        return text
    mark = BYTE_ORDER_MARK if before.written.startswith(BYTE_ORDER_MARK) else ""
    return mark + text.replace("\n", before.line_end)


def _revision(text: str) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _writable(file: Path) -> bool:
    return os.access(file, os.W_OK)
