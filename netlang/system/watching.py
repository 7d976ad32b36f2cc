"""Where work that takes long says how far it is."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar

WATCHER: ContextVar[Callable[[str, int, int], None] | None] = ContextVar("watcher", default=None)
"""Called with what is done, how many bytes of it are done, and how many there are."""


def report(what: str, done: int, total: int) -> None:
    """Report progress to the watcher, if there is one."""
    watcher = WATCHER.get()
    if watcher is not None:
        watcher(what, done, total)
