"""Files read within bounds, and written whole or not at all."""

from __future__ import annotations

import os
import stat
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from netlang.diagnostics import rules
from netlang.diagnostics.errors import ENVIRONMENT, USAGE, FileError, NetlangError

UNFINISHED = ".unfinished"
"""How the names of files end that are being written."""


@contextmanager
def replacing(path: Path) -> Generator[Path]:
    """Give a path to write to, which takes the place of ``path`` once that went well.

    ``path`` holds either what it held or all of the new content. Raises ``NetlangError`` where the
    system refuses, and leaves nothing behind.
    """
    check_replaceable(path)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}{UNFINISHED}")
    try:
        try:
            # A process of our number that was killed may have left its own.
            unfinished.unlink(missing_ok=True)
            # The name is ours alone: an existing file or link is never written through.
            os.close(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
            yield unfinished
            with unfinished.open("rb+") as written:
                os.fsync(written.fileno())
            unfinished.replace(path)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise cannot_write(path, error) from None


def protect_inputs(output: str | Path | None, *inputs: str | Path | None) -> None:
    """Raise ``NetlangError`` for an output that would overwrite one of the inputs."""
    if output is None:
        return
    for given in inputs:
        if given is not None and _same_file(Path(given), Path(output)):
            raise NetlangError(
                rules.OUTPUT_IS_INPUT,
                f"the output {output} would overwrite the input {given}",
                helps=["choose another name for the output"],
                exit_code=USAGE,
            )


def _same_file(one: Path, other: Path) -> bool:
    if one.exists() and other.exists():
        return one.samefile(other)
    return one.resolve() == other.resolve()


def check_replaceable(path: Path) -> None:
    """Refuse a path that a file cannot take the place of: a folder, a pipe, a device.

    Who may write in its folder could put a file in place of ``/dev/null``.
    """
    try:
        mode = path.lstat().st_mode
    except OSError:
        return  # Nothing is there yet, or nothing can be: trying tells which.
    if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
        what = "is a directory" if stat.S_ISDIR(mode) else "is not a regular file"
        raise NetlangError(
            rules.CANNOT_WRITE, f"cannot write {path}: {what}", exit_code=ENVIRONMENT
        )


def cannot_write(path: Path, error: OSError) -> NetlangError:
    """Tell that the system refused to write a file."""
    return NetlangError(
        rules.CANNOT_WRITE, f"cannot write {path}: {_reason(error)}", exit_code=ENVIRONMENT
    )


def write_atomically(path: Path, chunks: Iterable[bytes | memoryview]) -> None:
    """Write a file whole or not at all; raises ``NetlangError`` where the system refuses."""
    with replacing(path) as unfinished, unfinished.open("wb") as out:
        for chunk in chunks:
            out.write(chunk)


@contextmanager
def reading(path: Path) -> Generator[BinaryIO]:
    """Open a regular file; a pipe, a device or a folder is refused before it can block."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise FileError(f"{path} is not a regular file")
        with path.open("rb") as stream:
            yield stream
    except OSError as error:
        raise NetlangError(
            rules.CANNOT_READ, f"cannot read {path}: {_reason(error)}", exit_code=ENVIRONMENT
        ) from None


def _reason(error: OSError) -> str:
    text = error.strerror or str(error)
    return text[:1].lower() + text[1:]


def program_roots(folder: Path) -> list[Path]:
    """Give the folders a program may read from: the one around its own, and the working folder.

    The working folder counts only if the program lies in it.
    """
    own = folder.resolve()
    roots = [own.parent]
    working = Path.cwd().resolve()
    if own.is_relative_to(working):
        roots.append(working)
    return roots


def data_folders(folder: Path) -> list[Path]:
    """Give the folders data sets are looked for in, beside the program's own.

    These are the ones ``NETLANG_DATA`` names, ``data`` beside the program and where you are, and
    ``~/.local/share/netlang``.
    """
    named = [Path(p) for p in os.environ.get("NETLANG_DATA", "").split(os.pathsep) if p]
    found = [*named, folder / "data", Path("data")]
    home = os.environ.get("HOME", "")
    return [*found, Path(home, ".local/share/netlang")] if home else found


_LONGEST_PATH = 4096


def find_data(text: str, folder: Path, *, about: str = "") -> Path:
    """Find the file or folder of data a program names, in its own folder or a folder of data.

    ``folder`` is the program's; ``about`` is what the program says of the data, for who has to get
    them. Raises ``NetlangError`` for a path that is absolute or leads out of the folders a program
    may read, by itself or by a link, and where there is nothing.
    """
    _check_data_path(text)
    places = [(folder, program_roots(folder))]
    places += [(place, [place.resolve()]) for place in data_folders(folder)]
    outside = None
    for place, roots in places:
        target = place / text
        try:
            real = target.resolve()
            exists = real.exists()
        except OSError:
            continue
        if exists and any(real.is_relative_to(root) for root in roots):
            return Path(os.path.normpath(target))
        outside = target if exists else outside
    if outside is not None:
        raise NetlangError(
            rules.DATA_PATH,
            f"{outside} leads out of the program's folders",
            notes=["nothing outside of them is read"],
            helps=["put its folder into the variable NETLANG_DATA"],
        )
    raise NetlangError(
        rules.DATA_MISSING,
        f"there is no `{text}`",
        notes=[f"looked for in {', '.join(str(place) for place, _ in places)}"],
        helps=[about] if about else ["paths of data start at the program's folder"],
        exit_code=ENVIRONMENT,
    )


def _check_data_path(text: str) -> None:
    """Refuse what is no relative path, before anything is looked up."""
    if not text or len(text) > _LONGEST_PATH or "\\" in text or any(ord(c) < 32 for c in text):
        raise NetlangError(
            rules.DATA_PATH, "a path of data is a relative path with forward slashes"
        )
    if text.startswith(("/", "~")) or "://" in text or text[1:2] == ":":
        raise NetlangError(
            rules.DATA_PATH,
            f"`{text}` is no path relative to the program",
            notes=["absolute paths and addresses are not read"],
            helps=["name the folder in the variable NETLANG_DATA, and the rest in the program"],
        )
