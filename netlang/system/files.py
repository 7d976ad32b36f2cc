"""Files that are read within bounds, and written completely or not at all."""

from __future__ import annotations

import os
import stat
from collections.abc import Generator, Iterable
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, BinaryIO

from netlang.diagnostics import rules
from netlang.diagnostics.errors import ENVIRONMENT, USAGE, FileError, NetlangError

UNFINISHED = ".unfinished"
"""The ending of files that are being written."""


@contextmanager
def replacing(path: Path) -> Generator[Path]:
    """Yield a path to write to, which replaces ``path`` once writing has succeeded.

    ``path`` holds either its old content or all of the new. Raises ``NetlangError`` if the system
    reports an error, and then removes what was written.
    """
    check_replaceable(path)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}{UNFINISHED}")
    try:
        try:
            # A killed process with the same number may have left one.
            unfinished.unlink(missing_ok=True)
            # Exclusive creation: an existing file or link is never written through.
            os.close(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
            yield unfinished
            with unfinished.open("rb+") as written:
                os.fsync(written.fileno())
            with suppress(FileNotFoundError):
                unfinished.chmod(stat.S_IMODE(path.stat().st_mode))
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
    """Return whether two paths are one file, or the second is a file in the folder of the first."""
    if one.exists() and other.exists():
        return one.samefile(other) or (one.is_dir() and one.resolve() in other.resolve().parents)
    return one.resolve() == other.resolve()


def check_replaceable(path: Path) -> None:
    """Reject a path that a file cannot replace: a folder, a pipe, a device.

    With write access to its folder, a file could replace ``/dev/null``.
    """
    try:
        mode = path.lstat().st_mode
    except OSError:
        return  # Nothing is there yet, or nothing can be: writing reports which.
    if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
        raise _not_regular(path, "is a directory" if stat.S_ISDIR(mode) else _IRREGULAR)


def cannot_write(path: Path, error: OSError) -> NetlangError:
    """Return the error for a file that the system does not let us write."""
    return NetlangError(
        rules.CANNOT_WRITE, f"cannot write {path}: {_reason(error)}", exit_code=ENVIRONMENT
    )


def write_atomically(path: Path, chunks: Iterable[bytes | memoryview]) -> None:
    """Write a file completely or not at all; raises ``NetlangError`` if the system fails."""
    with replacing(path) as unfinished, unfinished.open("wb") as out:
        for chunk in chunks:
            out.write(chunk)


def opened_in_place(path: Path) -> IO[str]:
    """Open a file to append to and read it, or create it; never through a link.

    The folder may come from someone else: a link in it could lead to any file of the user. Raises
    ``NetlangError`` for what is not a regular file with one name.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
    # Without blocking: a pipe waits for someone at its other end.
    flags |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        if path.is_symlink():
            raise _not_regular(path, "is a symbolic link")
        handle = os.open(path, flags, 0o666)
    except OSError as error:
        raise cannot_write(path, error) from None
    found = os.fstat(handle)
    if stat.S_ISREG(found.st_mode) and found.st_nlink == 1:
        return os.fdopen(handle, "a+", encoding="utf-8")
    os.close(handle)
    regular = stat.S_ISREG(found.st_mode)
    raise _not_regular(path, "has a second name (a hard link)" if regular else _IRREGULAR)


_IRREGULAR = "is not a regular file"


def _not_regular(path: Path, what: str) -> NetlangError:
    return NetlangError(rules.CANNOT_WRITE, f"cannot write {path}: {what}", exit_code=ENVIRONMENT)


@contextmanager
def reading(path: Path) -> Generator[BinaryIO]:
    """Open a regular file; a pipe, a device or a folder is rejected before it can block."""
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
    """Return the folders a program may read from: the parent of its own, and the working folder.

    The working folder counts only if the program is inside it. The root of the file system never
    counts, as everything is inside it: a program in ``/tmp`` reads what is in ``/tmp``.
    """
    own = folder.resolve()
    roots = [own, own.parent]
    working = Path.cwd().resolve()
    if own.is_relative_to(working):
        roots.append(working)
    return [root for root in roots if root != root.parent]


def data_folders(folder: Path) -> list[Path]:
    """Return the folders that are searched for datasets, in addition to the program's own.

    These are the ones listed in ``NETLANG_DATA``, ``data`` next to the program and in the working
    folder, and ``~/.local/share/netlang``.
    """
    named = [Path(p) for p in os.environ.get("NETLANG_DATA", "").split(os.pathsep) if p]
    found = [*named, folder / "data", Path("data")]
    home = os.environ.get("HOME", "")
    return [*found, Path(home, ".local/share/netlang")] if home else found


_LONGEST_PATH = 4096


def find_data(text: str, folder: Path, *, about: str = "") -> Path:
    """Return the data file or folder that a program names, in its own folder or a data folder.

    ``folder`` is the program's; ``about`` is the program's advice on how to obtain the data. Raises
    ``NetlangError`` for a path that is absolute, leaves the folders a program may read (directly or
    through a link), or does not exist.
    """
    _check_data_path(text)
    searched = [(folder, program_roots(folder))]
    searched += [(other, [other.resolve()]) for other in data_folders(folder)]
    outside = None
    for base, roots in searched:
        target = base / text
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
        notes=[f"looked for in {', '.join(dict.fromkeys(str(base) for base, _ in searched))}"],
        helps=[about] if about else ["paths of data start at the program's folder"],
        exit_code=ENVIRONMENT,
    )


_WILD = frozenset("*?[")


def find_each(pattern: str, folder: Path, about: str = "") -> list[Path]:
    """Return the data files that a program names, sorted by name: `images/*.png` may be many.

    The arguments and the errors are those of ``find_data``. A name with a wildcard that is that of
    a file is that file.
    """
    parts = pattern.split("/")
    wild = next((i for i, part in enumerate(parts) if _WILD.intersection(part)), None)
    try:
        return [find_data(pattern, folder, about=about)]
    except NetlangError as error:
        if wild is None or error.rule is not rules.DATA_MISSING:
            raise
    base = find_data("/".join(parts[:wild]) or ".", folder, about=about)
    found = sorted(base.glob("/".join(parts[wild:])))
    names = [path.relative_to(base) for path in found if path.is_file()]
    if not names:
        raise NetlangError(
            rules.DATA_MISSING,
            f"no file is named like `{pattern}`",
            notes=[f"looked for in {base}"],
            helps=[about] if about else ["`*` matches any part of a name, `**` any folders"],
            exit_code=ENVIRONMENT,
        )
    return [find_data("/".join((*parts[:wild], n.as_posix())), folder, about=about) for n in names]


def _check_data_path(text: str) -> None:
    """Reject what is not a relative path, before any lookup."""
    if not text or len(text) > _LONGEST_PATH or "\\" in text or any(ord(c) < 32 for c in text):
        raise NetlangError(
            rules.DATA_PATH, "a path of data is a relative path with forward slashes"
        )
    if text.startswith(("/", "~")) or "://" in text or text[1:2] == ":":
        raise NetlangError(
            rules.DATA_PATH,
            f"`{text}` is not a path relative to the program",
            notes=["absolute paths and addresses are not read"],
            helps=["name the folder in the variable NETLANG_DATA, and the rest in the program"],
        )
