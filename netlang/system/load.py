"""How much of the processor other processes take."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, process_time

_STAT = Path("/proc/stat")


def watch_others() -> Callable[[], float | None]:
    """Start to watch; the result returns how many cores other processes have used on average.

    It returns ``None`` where the system does not tell: only Linux does.
    """
    began, own, busy = perf_counter(), process_time(), _busy()

    def used() -> float | None:
        now, mine, theirs = perf_counter() - began, process_time() - own, _busy()
        if busy is None or theirs is None or now <= 0:
            return None
        return max(0.0, (theirs - busy - mine) / now)

    return used


def _busy() -> float | None:
    """Return the seconds that all cores together have worked since the system started."""
    try:
        fields = _STAT.read_text("ascii").split("\n", 1)[0].split()[1:]
    except OSError:
        return None
    user, nice, system, _, _, *interrupts = map(int, fields[:8])
    return (user + nice + system + sum(interrupts[:3])) / os.sysconf("SC_CLK_TCK")
