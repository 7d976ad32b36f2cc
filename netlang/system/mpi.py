"""Ranks that MPI connects; the only module that imports mpi4py, which starts MPI."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Callable
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from msgspec.structs import replace

from netlang.diagnostics import rules
from netlang.diagnostics.errors import ENVIRONMENT, NetlangError
from netlang.system.numpy import Array, np
from netlang.system.ranks import launched

if TYPE_CHECKING:
    from mpi4py.MPI import Intracomm

T = TypeVar("T")

_PATIENCE = 3.0
"""Seconds that a rank with an error waits for the others to have one, too."""


@cache
def start() -> MpiRanks:
    """Start MPI and return the ranks of this job; raises ``NetlangError`` where it is missing.

    They are the same for all runs of a process: MPI has a limited number of communicators.
    """
    try:
        from mpi4py import MPI
    except ImportError:
        raise _missing(
            "training in several processes needs the library `mpi4py`",
            'install it: pip install "netlang[mpi]"',
        ) from None
    except RuntimeError as error:
        raise _missing(f"mpi4py finds no MPI: {str(error).partition(chr(10))[0]}") from None
    ranks = MpiRanks(MPI.COMM_WORLD)
    if ranks.count == 1 and (processes := launched(os.environ)) > 1:
        raise NetlangError(
            rules.RANKS,
            f"mpiexec started {processes} processes, and the MPI of mpi4py sees one",
            notes=["they are of different implementations of MPI"],
            helps=[f"use its own: {Path(sys.executable).with_name('mpiexec')} -n {processes} …"],
            exit_code=ENVIRONMENT,
        )
    return ranks


def _missing(message: str, *helps: str) -> NetlangError:
    laptop = "an MPI for a laptop, with mpiexec: pip install mpich"
    return NetlangError(
        rules.MISSING_LIBRARY, message, helps=[*helps, laptop], exit_code=ENVIRONMENT
    )


class MpiRanks:
    """The processes that `mpiexec` started, on one machine or several."""

    def __init__(self, world: Intracomm) -> None:
        from mpi4py import MPI

        self._world = world
        self._failures = world.Dup()
        """Where ranks tell that they failed, while others wait for them in a step."""
        self.rank: int = world.rank
        self.count: int = world.size
        here = world.Split_type(MPI.COMM_TYPE_SHARED)
        self.local: int = here.size
        """How many of them are on this machine."""
        here.Free()

    @property
    def threads(self) -> int | None:
        """This rank's share of the cores: a rank that waits for others occupies a core."""
        return None if self.local == 1 else max(1, _cores() // self.local)

    def share(self, make: Callable[[], T]) -> T:
        made = _attempt(make) if self.rank == 0 else None
        value, error = self._world.bcast(made)
        if error is not None:
            raise error
        return value

    def gather(self, make: Callable[[], T]) -> list[T]:
        value, error = _attempt(make)
        if error is not None and self.rank:
            error.diagnostic = replace(
                error.diagnostic, notes=(*error.notes, f"on rank {self.rank}, {_host()}")
            )
        found = self._world.allgather((value, error))
        errors = [error for _, error in found if error is not None]
        if errors:
            raise errors[0]
        return [value for value, _ in found]

    def add(self, values: Array) -> None:
        from mpi4py import MPI

        self._world.Allreduce(MPI.IN_PLACE, values)

    def all_failed(self, message: str) -> tuple[bool, bool]:
        """Return whether every rank has failed, and whether this one should report it.

        Called by a rank that has failed. Waits a few seconds: most errors, such as those of the
        program, occur on all ranks, and are reported by the first.
        """
        own = np.frombuffer(_digest(message), np.uint8)
        digests = np.zeros((self.count, own.size), np.uint8)
        request = self._failures.Iallgather(own, digests)
        end = time.monotonic() + _PATIENCE
        while not request.Test():
            if time.monotonic() > end:
                return False, True
            time.sleep(0.01)
        first = next(i for i in range(self.count) if np.array_equal(digests[i], own))
        return True, first == self.rank

    def abort(self, code: int) -> None:
        """End all ranks at once, with an exit code."""
        sys.stdout.flush()
        sys.stderr.flush()
        self._world.Abort(code)

    @property
    def name(self) -> str:
        """What messages call this rank."""
        return f"rank {self.rank} of {self.count}, on {_host()}"


def _attempt(make: Callable[[], T]) -> tuple[T | None, NetlangError | None]:
    try:
        return make(), None
    except NetlangError as error:
        return None, error


def _digest(message: str) -> bytes:
    return blake2b(message.encode(), digest_size=8).digest()


def _host() -> str:
    return platform.node()


def _cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
