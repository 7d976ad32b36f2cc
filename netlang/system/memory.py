"""The memory of this machine, and errors that estimate how much would be needed."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from netlang.diagnostics import rules
from netlang.diagnostics.errors import ENVIRONMENT, NetlangError

_CONTAINER = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def total_memory() -> int | None:
    """Return the bytes of this machine, or of the container we are in; ``None`` if unknown."""
    try:
        whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None
    return min([whole, *filter(None, map(_number, _CONTAINER))])


def available_memory() -> int | None:
    """Return the bytes this process may still allocate; ``None`` if unknown.

    That is ``total_memory()``, or less under a limit such as that of ``ulimit -v``.
    """
    bounds = [total_memory(), _available_address_space()]
    return min((b for b in bounds if b is not None), default=None)


@contextmanager
def within_memory(need: int, estimate: str, warn: Callable[[str], None]) -> Generator[None]:
    """Warn if ``need`` exceeds the memory; add ``estimate`` to an error for lack of memory."""
    left = available_memory()
    if left is not None and need > left:
        warn(f"warning[out-of-memory]: {estimate}; there are {left:,}")
    try:
        yield
    except MemoryError:
        raise _out_of_memory("there is not enough memory", estimate) from None
    except NetlangError as error:
        if error.rule is not rules.OUT_OF_MEMORY:
            raise
        raise _out_of_memory(error.message, estimate) from None


def _out_of_memory(message: str, estimate: str) -> NetlangError:
    return NetlangError(
        rules.OUT_OF_MEMORY,
        message,
        notes=[estimate],
        helps=["take a smaller batch or smaller inputs, or allow it more memory (ulimit -v)"],
        exit_code=ENVIRONMENT,
    )


def _available_address_space() -> int | None:
    try:
        import resource

        limit, _ = resource.getrlimit(resource.RLIMIT_AS)
        if limit == resource.RLIM_INFINITY:
            return None
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except (ImportError, OSError, ValueError):
        return None
    return max(0, limit - pages * os.sysconf("SC_PAGE_SIZE"))


def _number(file: str) -> int | None:
    """Return a limit; ``None`` if the file is missing or says `max`."""
    try:
        return int(Path(file).read_text())
    except (OSError, ValueError):
        return None
