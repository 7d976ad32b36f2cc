"""The ranks of a run as threads of one process, which need no MPI."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Barrier
from typing import Any, TypeVar

import numpy as np
from plans import plan_of

from netlang.diagnostics.errors import NetlangError
from netlang.training.parallel.division import divided
from netlang.training.run.folder import RunFolder
from netlang.training.run.preparation import Choices
from netlang.training.run.runs import Outcome, Request, train

T = TypeVar("T")


class Threads:
    """What the ranks of a run share."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.barrier = Barrier(count)
        self.found: list[Any] = [None] * count


class ThreadRank:
    """One of some threads that train together; counts its sums, and the bytes in them."""

    threads = 1

    def __init__(self, rank: int, shared: Threads) -> None:
        self.rank, self.count, self._shared = rank, shared.count, shared
        self.sums, self.elements = 0, 0

    def _all(self, own: object) -> list[Any]:
        self._shared.found[self.rank] = own
        self._shared.barrier.wait(60)
        found = list(self._shared.found)
        self._shared.barrier.wait(60)
        return found

    def share(self, make: Callable[[], T]) -> T:
        return self._raised(self._all(_attempt(make) if self.rank == 0 else (None, None)))[0]

    def gather(self, make: Callable[[], T]) -> list[T]:
        return self._raised(self._all(_attempt(make)))

    def _raised(self, found: list[Any]) -> list[Any]:
        for _, error in found:
            if error is not None:
                raise error
        return [value for value, _ in found]

    def add(self, values: np.ndarray) -> None:
        self.sums, self.elements = self.sums + 1, values.size
        values[:] = np.sum(self._all(values.copy()), axis=0)


def _attempt(make: Callable[[], object]) -> tuple[object, NetlangError | None]:
    try:
        return make(), None
    except NetlangError as error:
        return None, error


class Quiet:
    """Shows nothing."""

    def reading(self, plan: object) -> None: ...
    def opened(self, opened: object, folder: Path) -> None: ...
    def began(self, step: int, clock: object) -> None: ...
    def stepped(self, step: int, measured: object) -> None: ...
    def finished_epoch(self, report: object, line: str) -> None: ...


def train_in_threads(
    path: Path,
    folder: Path,
    count: int,
    interrupted: Callable[[int], bool] = lambda rank: False,
    ranks: list[ThreadRank] | None = None,
    **asked: Any,
) -> list[Outcome]:
    """Train in some threads; raises what each of them raises."""
    shared = Threads(count)
    ranks = [] if ranks is None else ranks
    ranks += [ThreadRank(i, shared) for i in range(count)]

    def one(rank: ThreadRank) -> Outcome:
        request = Request(lambda v: divided(plan_of(path, None, v), count), lambda: "", **asked)
        choices = Choices(path.parent, 3, threads=1, ranks=rank)
        with ExitStack() as stack:
            own = stack.enter_context(RunFolder(folder)) if rank.rank == 0 else None
            try:
                return train(request, choices, own, Quiet(), lambda: interrupted(rank.rank))
            except BaseException:
                if count > 1:
                    shared.barrier.abort()
                raise

    with ThreadPoolExecutor(count) as pool:
        futures = [pool.submit(one, rank) for rank in ranks]
        errors = [f.exception() for f in futures]
    for error in errors:
        if isinstance(error, NetlangError):
            raise error
    return [future.result() for future in futures]
