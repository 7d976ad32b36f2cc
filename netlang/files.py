"""Files read within bounds, and written whole or not at all."""

from __future__ import annotations

import os
import stat
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from netlang.faults import ENVIRONMENT, BadFile, Fault


@contextmanager
def replacing(path: Path) -> Generator[Path]:
    """Give a path to write to, which takes the place of ``path`` once that went well.

    ``path`` holds either what it held or all of the new content. Raises ``Fault`` where the
    system refuses, and leaves nothing behind.
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
    try:
        try:
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
        raise Fault(
            "cannot-write", f"cannot write {path}: {_reason(error)}", exit_code=ENVIRONMENT
        ) from None


def write_atomically(path: Path, chunks: Iterable[bytes | memoryview]) -> None:
    """Write a file whole or not at all; raises ``Fault`` where the system refuses."""
    with replacing(path) as unfinished, unfinished.open("wb") as out:
        for chunk in chunks:
            out.write(chunk)


@contextmanager
def reading(path: Path) -> Generator[BinaryIO]:
    """Open a regular file; a pipe, a device or a folder is refused before it can block."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise BadFile(f"{path} is not a regular file")
        with path.open("rb") as stream:
            yield stream
    except OSError as error:
        raise Fault(
            "cannot-read", f"cannot read {path}: {_reason(error)}", exit_code=ENVIRONMENT
        ) from None


def _reason(error: OSError) -> str:
    text = error.strerror or str(error)
    return text[:1].lower() + text[1:]
