"""The folder of a run: its files, its lock, and its name."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO

from msgspec import convert

from netlang.diagnostics import rules
from netlang.diagnostics.errors import ENVIRONMENT, USAGE, NetlangError
from netlang.system.files import UNFINISHED, cannot_write, opened_in_place, write_atomically
from netlang.system.json_text import json_text, read_json
from netlang.training.run.checkpoints import BEFORE, LATEST
from netlang.training.run.loop import Report

LOG, PROGRAM, LOCK = "log.jsonl", "program.net", "lock"


def new_folder(given: Path | None, name: str) -> RunFolder:
    """Open the folder of a new run: the one given, else the first free of ``runs/NAME-2``, ...

    Raises ``NetlangError`` for a folder that holds a run already.
    """
    if given is None:
        return next(folder for path in _numbered(name) if (folder := _free(path)) is not None)
    if _holds_run(given):
        raise NetlangError(
            rules.RUN_EXISTS,
            f"{given} holds a run already",
            helps=["resume it: `--resume`", "or give the new run another folder"],
            exit_code=USAGE,
        )
    return RunFolder(given)


def _free(path: Path) -> RunFolder | None:
    """Open a folder unless it holds a run, or one is about to start in it."""
    if _holds_run(path):
        return None
    try:
        return RunFolder(path)
    except RunInUseError:
        return None


def _holds_run(path: Path) -> bool:
    """Return whether there is a checkpoint to resume from."""
    return any((path / own).exists() for own in (LATEST, BEFORE))


def old_folder(given: Path | None, name: str) -> RunFolder:
    """Open the folder of the run to resume: the one given, else the last of its name."""
    found = given
    for path in _numbered(name) if given is None else ():
        if not path.exists():
            break
        found = path if _holds_run(path) else found
    if found is None or not found.exists():
        raise NetlangError(
            rules.NO_RUN,
            f"there is no run in {given}" if given else f"there is no run of `{name}` in runs",
            helps=["say where it is: `--run FOLDER`", "or leave out --resume to begin one"],
            exit_code=USAGE,
        )
    return RunFolder(found)


def _numbered(name: str) -> Sequence[Path]:
    return [Path("runs", name), *(Path("runs", f"{name}-{n}") for n in range(2, 10_000))]


class RunInUseError(NetlangError):
    """A folder that another run is writing to."""

    def __init__(self, folder: Path, process: str) -> None:
        super().__init__(
            rules.RUN_IN_USE,
            f"another run is in progress in {folder}",
            notes=[f"it is process {process}"] if process else [],
            helps=["wait for its end, or give this run another folder: `--run`"],
            exit_code=ENVIRONMENT,
        )


class RunFolder:
    """The folder of a run, locked while it is open."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise cannot_write(path, error) from None
        self._lock = _locked(path)
        # A killed run may have left unfinished files; no one else writes here now.
        for left in path.glob(f".*{UNFINISHED}"):
            with suppress(OSError):
                left.unlink()

    def close(self) -> None:
        """Release the lock."""
        self._lock.close()

    def __enter__(self) -> RunFolder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write_text(self, name: str, text: str) -> None:
        """Write a file completely or not at all."""
        write_atomically(self.path / name, [text.encode()])

    def log(self, report: Report) -> str:
        """Add the line of an epoch to the log; return it."""
        line = json_text(asdict(report))
        try:
            with opened_in_place(self.path / LOG) as out:
                out.write(f"{line}\n")
        except OSError as error:
            raise cannot_write(self.path / LOG, error) from None
        return line

    def reports(self, epochs: int) -> list[Report]:
        """Read the log up to an epoch, and remove what comes after."""
        path = self.path / LOG
        lines: list[str] = []
        if path.exists() or path.is_symlink():
            try:
                with opened_in_place(path) as log:
                    log.seek(0)
                    lines = list(log)
            except UnicodeDecodeError:
                pass
        read = map(_report, lines)
        kept = [report for report in read if report is not None and report.epoch <= epochs]
        if len(kept) != len(lines):
            self.write_text(LOG, "".join(f"{json_text(asdict(r))}\n" for r in kept))
        return kept


def _report(line: str) -> Report | None:
    """Parse a line of the log; return ``None`` for one that is incomplete or not a report."""
    try:
        report = convert(read_json(line), Report)
    except (ValueError, OverflowError, RecursionError):
        return None
    return report if report.epoch >= 0 else None


def _locked(folder: Path) -> IO[str]:
    """Open and lock the file of a running run; the system unlocks it when the process ends."""
    lock = opened_in_place(folder / LOCK)
    try:
        _take(lock)
    except OSError as error:
        lock.seek(0)
        other = lock.read(20).strip()
        lock.close()
        if error.errno not in _HELD:
            raise cannot_write(folder / LOCK, error) from None
        raise RunInUseError(folder, other) from None
    try:
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
    except OSError as error:
        # Closing tries again to write what is left.
        with suppress(OSError):
            lock.close()
        raise cannot_write(folder / LOCK, error) from None
    return lock


_HELD = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)
"""Errors for a lock that another process holds."""


def _take(lock: IO[str]) -> None:
    if os.name == "nt":
        import msvcrt

        msvcrt.locking(lock.fileno(), msvcrt.LK_NBLCK, 1)  # pyright: ignore
    else:
        import fcntl

        fcntl.flock(lock.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
