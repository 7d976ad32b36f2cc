"""The folder of a run: its files, its lock, and its name."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from itertools import count
from pathlib import Path
from typing import IO, TypeVar

from msgspec import convert

from netlang.diagnostics import rules
from netlang.diagnostics.errors import ENVIRONMENT, USAGE, NetlangError
from netlang.system.files import UNFINISHED, cannot_write, opened_in_place, write_atomically
from netlang.system.json_text import json_text, read_json
from netlang.training.history.reports import Report, StepReport, WatchReport
from netlang.training.run.checkpoints import BEFORE, LATEST

LOG, STEPS, PROGRAM, LOCK = "log.jsonl", "steps.jsonl", "program.net", "lock"
WATCH, LANDSCAPE = "watch.jsonl", "landscape.json"


R = TypeVar("R", Report, StepReport, WatchReport)


def new_folder(given: Path | None, name: str) -> RunFolder:
    """Open the folder of a new run: the one given, else the next of ``runs/NAME-1``, ``-2``, ...

    Raises ``NetlangError`` for a folder that holds a run already.
    """
    if given is None:
        _number(name)
        last = max((n for n, path in _numbered(name).items() if holds_run(path)), default=0)
        paths = (_path(name, n) for n in count(last + 1))
        folder = next(folder for path in paths if (folder := _free(path)) is not None)
        folder.link = Path("runs", name)
        return folder
    if holds_run(given):
        raise NetlangError(
            rules.RUN_EXISTS,
            f"{given} holds a run already",
            helps=["resume it: `--resume`", "or give the new run another folder"],
            exit_code=USAGE,
        )
    return RunFolder(given)


def _number(name: str) -> None:
    """Move a run that is in ``runs/NAME`` itself to a number: the newest one takes that name."""
    path = Path("runs", name)
    if path.is_symlink() or not holds_run(path):
        return
    free = max(_numbered(name), default=0) + 1
    with suppress(RunInUseError):
        RunFolder(path).close()
        with suppress(OSError):
            path.rename(_path(name, free))
            _link(path, _path(name, free))


def _free(path: Path) -> RunFolder | None:
    """Open a folder unless it holds a run, or one is about to start in it."""
    if holds_run(path):
        return None
    try:
        return RunFolder(path)
    except RunInUseError:
        return None


def holds_run(path: Path) -> bool:
    """Return whether there is a checkpoint to resume from."""
    return any((path / own).exists() for own in (LATEST, BEFORE))


def old_folder(given: Path | None, name: str) -> RunFolder:
    """Open the folder of the run to resume: the one given, else the newest of its name."""
    found = given if given is not None else _newest(name)
    if found is None or not found.exists():
        raise NetlangError(
            rules.NO_RUN,
            f"there is no run in {given}" if given else f"there is no run of `{name}` in runs",
            helps=["say where it is: `--run FOLDER`", "or leave out --resume to begin one"],
            exit_code=USAGE,
        )
    return RunFolder(found)


def new_sweep(given: Path | None, name: str) -> Path:
    """Make the folder of a new sweep: the one given, else the next of ``runs/NAME-sweep-1``, ..."""
    if given is not None:
        if given.is_dir() and any(given.iterdir()):
            raise NetlangError(
                rules.RUN_EXISTS,
                f"{given} is not empty",
                helps=["continue the sweep that is there: `--resume`", "or give another folder"],
                exit_code=USAGE,
            )
        path = given
    else:
        path = _path(f"{name}-sweep", max(_numbered(f"{name}-sweep"), default=0) + 1)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(path, error) from None
    if given is None:
        with suppress(OSError):
            _link(Path("runs", f"{name}-sweep"), path)
    return path


def old_sweep(given: Path | None, name: str) -> Path:
    """Return the folder of the sweep to continue: the one given, else the newest of its name."""
    numbers = _numbered(f"{name}-sweep")
    found = given or (_path(f"{name}-sweep", max(numbers)) if numbers else None)
    if found is None or not found.is_dir():
        raise NetlangError(
            rules.NO_RUN,
            f"there is no sweep in {given}" if given else f"there is no sweep of `{name}` in runs",
            helps=["say where it is: `--run FOLDER`", "or leave out --resume to begin one"],
            exit_code=USAGE,
        )
    return found


def _newest(name: str) -> Path | None:
    """Return the folder of the newest run: what ``runs/NAME`` is, else the one numbered last."""
    link = Path("runs", name)
    if holds_run(link):
        target = link.parent / link.readlink() if link.is_symlink() else link
        return target if target.parent == link.parent else link
    runs = [n for n, path in _numbered(name).items() if holds_run(path)]
    return _path(name, max(runs)) if runs else link if link.exists() else None


def _path(name: str, number: int) -> Path:
    return Path("runs", f"{name}-{number}")


def _numbered(name: str) -> dict[int, Path]:
    """Return the numbered folders of a name that exist."""
    found = Path("runs").glob(f"{name}-*")
    numbers = {path.name.removeprefix(f"{name}-"): path for path in found}
    return {int(n): path for n, path in numbers.items() if n.isascii() and n.isdecimal()}


def _link(link: Path, target: Path) -> None:
    """Make a name point to a folder next to it, at once; raises ``OSError`` where that fails."""
    waiting = link.with_name(f".{link.name}{UNFINISHED}")
    waiting.unlink(missing_ok=True)
    waiting.symlink_to(target.name, target_is_directory=True)
    try:
        waiting.replace(link)
    finally:
        waiting.unlink(missing_ok=True)


def _target(link: Path) -> str | None:
    """Return the name of the folder that a link points to, if it is one."""
    return link.readlink().name if link.is_symlink() else None


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
    """The folder of a run, locked while it is open.

    ``link`` is the name that is that of the newest run, if this one takes it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.link: Path | None = None
        self._before: str | None = None
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

    def become_newest(self) -> str | None:
        """Let ``runs/NAME`` be this folder; return what else it is where that is impossible."""
        if self.link is None:
            return None
        self._before = _target(self.link)
        try:
            _link(self.link, self.path)
        except OSError as error:
            reason = error.strerror or str(error)
            return f"{self.link} is not this run, which is in {self.path}: {reason}"
        return None

    def give_way(self) -> str | None:
        """Let ``runs/NAME`` be what it was before this run, which has not done a step.

        Returns what it is now, if it is something else than before.
        """
        if self.link is None or _target(self.link) != self.path.name:
            return None
        with suppress(OSError):
            if self._before is not None and self.link.with_name(self._before).is_dir():
                _link(self.link, self.link.with_name(self._before))
                return f"{self.link} is {self.link.with_name(self._before)} again"
            self.link.unlink()
        return None

    def write_text(self, name: str, text: str) -> None:
        """Write a file completely or not at all."""
        write_atomically(self.path / name, [text.encode()])

    def log(self, report: Report) -> str:
        """Add the line of an epoch to the log; return it."""
        line = json_text(asdict(report))
        self._add(LOG, [line])
        return line

    def log_steps(self, reports: Sequence[StepReport]) -> None:
        """Add the lines of steps to their log."""
        self._add(STEPS, [json_text(asdict(report)) for report in reports])

    def log_watched(self, reports: Sequence[WatchReport]) -> None:
        """Add the lines of watched steps to their log."""
        self._add(WATCH, [json_text(asdict(report)) for report in reports])

    def _add(self, name: str, lines: Sequence[str]) -> None:
        try:
            with opened_in_place(self.path / name) as out:
                out.writelines(f"{line}\n" for line in lines)
        except OSError as error:
            raise cannot_write(self.path / name, error) from None

    def reports(self, epochs: int) -> list[Report]:
        """Read the log up to an epoch, and remove what comes after."""
        return self._read(LOG, Report, lambda each: 0 <= each.epoch <= epochs)

    def steps(self, last: int) -> list[StepReport]:
        """Read the log of steps up to one of them, and remove what comes after."""
        return self._read(STEPS, StepReport, lambda each: 0 < each.step <= last)

    def watched(self, last: int) -> list[WatchReport]:
        """Read the log of watched steps up to one of them, and remove what comes after."""
        return self._read(WATCH, WatchReport, lambda each: 0 <= each.step <= last)

    def _read(self, name: str, kind: type[R], wanted: Callable[[R], bool]) -> list[R]:
        """Read what a file has a line for each of, and remove all other lines."""
        path = self.path / name
        lines: list[str] = []
        if path.exists() or path.is_symlink():
            try:
                with opened_in_place(path) as log:
                    log.seek(0)
                    lines = list(log)
            except UnicodeDecodeError:
                pass
        kept = [each for each in parsed(lines, kind) if wanted(each)]
        if len(kept) != len(lines):
            self.write_text(name, "".join(f"{json_text(asdict(each))}\n" for each in kept))
        return kept


def parsed(lines: Iterable[str], kind: type[R]) -> Iterator[R]:
    """Parse the lines of a log; those that are incomplete or of another kind are left out."""
    for line in lines:
        with suppress(ValueError, OverflowError, RecursionError):
            yield convert(read_json(line), kind)


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
