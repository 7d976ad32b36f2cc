"""A way to end a long command between two steps."""

from __future__ import annotations

import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager


@contextmanager
def interruptible() -> Generator[Callable[[], bool]]:
    """Yield a function that returns whether the process was interrupted.

    A run can then save itself and end. A second interrupt ends it at once.
    """
    interrupts: list[int] = []

    def interrupt(number: int, frame: object) -> None:
        del frame
        if interrupts:
            raise KeyboardInterrupt
        interrupts.append(number)

    names = ("SIGINT", "SIGTERM", "SIGHUP")
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield lambda: bool(interrupts)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
