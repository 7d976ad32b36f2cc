"""Files written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from netlang.faults import ENVIRONMENT, Fault


def write_atomically(path: Path, chunks: Iterable[bytes | memoryview]) -> None:
    """Write a file so that ``path`` holds either what it held or all of the new content.

    Raises ``Fault`` where the system refuses, and leaves nothing behind.
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
    try:
        try:
            # The name is ours alone: an existing file or link is never written through.
            handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
            with os.fdopen(handle, "wb") as out:
                for chunk in chunks:
                    out.write(chunk)
                out.flush()
                os.fsync(out.fileno())
            unfinished.replace(path)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise Fault(
            "cannot-write", f"cannot write {path}: {error.strerror or error}", exit_code=ENVIRONMENT
        ) from None
