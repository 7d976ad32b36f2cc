"""Processes that work on one run together, each on its part of every batch: ranks, as MPI has them.

All ranks do the same steps and take the same decisions. What only one of them knows, such as an
interrupt or an error, is exchanged before it is acted on; else the others would wait forever.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, Protocol, TypeVar

from netlang.system.numpy import Array

T = TypeVar("T")
Parallel = Literal["mpi"]
"""What connects the processes of a run."""


class Ranks(Protocol):
    """The processes of a run: ``rank`` is the number of this one, of ``count``.

    Every rank must call the same methods in the same order.
    """

    @property
    def rank(self) -> int: ...
    @property
    def count(self) -> int: ...
    @property
    def threads(self) -> int | None:
        """The threads of this rank where the machine's cores are divided; ``None``: all cores."""
        ...

    def share(self, make: Callable[[], T]) -> T:
        """Return on every rank what ``make`` returns on rank 0; only rank 0 calls it.

        Raises the ``NetlangError`` that it raised there.
        """
        ...

    def gather(self, make: Callable[[], T]) -> list[T]:
        """Return what ``make`` returns on each rank, in their order.

        Raises the first ``NetlangError`` that it raised on any of them.
        """
        ...

    def add(self, values: Array) -> None:
        """Replace an array by its sum over all ranks."""
        ...


class Alone:
    """A run of one process."""

    rank = 0
    count = 1
    threads = None

    def share(self, make: Callable[[], T]) -> T:
        return make()

    def gather(self, make: Callable[[], T]) -> list[T]:
        return [make()]

    def add(self, values: Array) -> None:
        """Leave an array as it is."""


ALONE = Alone()

_LAUNCHED = ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE")
"""What `mpiexec` tells its processes in the environment: how many they are."""


def launched(environment: Mapping[str, str]) -> int:
    """Return how many processes `mpiexec` says that it has started; 1 without it."""
    sizes = (environment.get(name, "") for name in _LAUNCHED)
    return next((int(size) for size in sizes if size.isdecimal()), 1)
