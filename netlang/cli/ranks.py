"""A command in several processes: which of them prints what."""

from __future__ import annotations

import os
import shlex
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from netlang.cli.guard import INTERRUPTED, error_of, show, silence_streams
from netlang.cli.output import warn
from netlang.system.ranks import ALONE, Ranks, launched
from netlang.training.parallel.joining import joined as join

if TYPE_CHECKING:
    from netlang.system.ranks import Parallel


@contextmanager
def joined(parallel: Parallel | None, *, as_json: bool) -> Generator[Ranks]:
    """Yield the ranks of a command; an error that all of them have is printed by one."""

    def shown(error: BaseException, rank: str | None) -> int:
        if rank is None:
            silence_streams()
            return 0
        if not isinstance(error, Exception):
            warn(f"{rank}: interrupted")
            return INTERRUPTED
        found = error_of(error)
        warn(f"{rank}:")
        show(found, as_json=as_json)
        return found.exit_code

    with join(parallel, shown) as ranks:
        yield ranks


def remark_on(ranks: Ranks, file: str, parallel: Parallel | None) -> None:
    """Report processes that do not work together, or that a run could have and does not."""
    command = f"netlang train {shlex.quote(file)} --parallel mpi"
    if parallel is None and (count := launched(os.environ)) > 1:
        warn(
            f"warning: mpiexec started {count} processes, and each trains alone; they divide the "
            f"work with `mpiexec -n {count} {command}`"
        )
    elif parallel is not None and ranks is not ALONE and ranks.count == 1:
        warn(f"note: this is one process; start several with `mpiexec -n 2 {command}`")
