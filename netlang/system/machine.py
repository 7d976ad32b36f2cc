"""How much memory there is, and saying what needs more."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from netlang.diagnostics import rules
from netlang.diagnostics.errors import ENVIRONMENT, NetlangError

_CONTAINER = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def memory() -> int | None:
    """Give the bytes of this machine, or of the container we are in; ``None`` if unknown."""
    try:
        whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None
    return min([whole, *filter(None, map(_number, _CONTAINER))])


def memory_left() -> int | None:
    """Give the bytes this process may still take; ``None`` if unknown.

    That is ``memory()``, or less under a limit such as that of ``ulimit -v``.
    """
    bounds = [memory(), _address_space_left()]
    return min((b for b in bounds if b is not None), default=None)


@contextmanager
def within_memory(need: int, said: str, warn: Callable[[str], None]) -> Generator[None]:
    """Warn of what memory does not hold; where it fails for that, tell the estimate, ``said``."""
    left = memory_left()
    if left is not None and need > left:
        warn(f"warning[out-of-memory]: {said}; there are {left:,}")
    try:
        yield
    except MemoryError:
        raise _out_of_memory("there is not enough memory", said) from None
    except NetlangError as fault:
        if fault.rule is not rules.OUT_OF_MEMORY:
            raise
        raise _out_of_memory(fault.message, said) from None


def _out_of_memory(message: str, said: str) -> NetlangError:
    return NetlangError(
        rules.OUT_OF_MEMORY,
        message,
        notes=[said],
        helps=["take a smaller batch or smaller inputs, or allow it more memory (ulimit -v)"],
        exit_code=ENVIRONMENT,
    )


def _address_space_left() -> int | None:
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
    """Read a limit; there is none where the file is missing or says `max`."""
    try:
        return int(Path(file).read_text())
    except (OSError, ValueError):
        return None
