"""Parts of one computation in several threads, each with one thread of BLAS.

The threads inside BLAS wait for each other in busy loops, many times within one product: where
another process takes a processor away, a product takes ten times as long. Parts that need
nothing of each other wait once, at their end, and what is around a product is shared out too.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from functools import cache
from importlib import import_module
from itertools import pairwise
from math import prod
from queue import SimpleQueue
from threading import Lock, Thread, local
from typing import Protocol


class _Library(Protocol):
    """One BLAS, as threadpoolctl has it."""

    num_threads: int

    def set_num_threads(self, num_threads: int) -> None: ...


PRODUCT, COPY = 1 << 23, 1 << 17
"""Multiply-adds of a product, and numbers of a copy, that are many times what a thread costs."""


def shares(*sizes: int, least: int) -> int:
    """Say into how many parts to cut so much work: one a thread, none below the least."""
    parts = prod(sizes) // least
    return min(parts, allowed()) if parts > 1 else 1


def cut(size: int, parts: int) -> list[slice]:
    """Cut an axis into parts as even as can be, none of them empty."""
    parts = max(1, min(parts, size))
    ends = [size * i // parts for i in range(parts + 1)]
    return [slice(start, stop) for start, stop in pairwise(ends)]


def allowed() -> int:
    """Count the threads that a computation may use: those of BLAS, one inside ``spread``."""
    if getattr(_here, "inside", False):
        return 1
    with _lock:
        return min(_given or _numbers(), default=1)


def spread(work: Callable[[int], object], count: int) -> None:
    """Call ``work`` with 0 ... ``count - 1``, in several threads where more than one is allowed.

    The calls must not depend on each other: which comes first is open. A call of ``spread`` in
    ``work`` stays in its thread.
    """
    helpers = min(count, allowed()) - 1 if count > 1 else 0
    if helpers < 1:
        for i in range(count):
            work(i)
        return
    left = iter(range(count))  # shared: each number goes to the thread that asks first
    with _held():
        jobs = [_Job(work, left) for _ in range(helpers)]
        _call(jobs)
        try:
            _drain(work, left)
        finally:
            for job in jobs:
                job.end()
        for job in jobs:
            if job.failure is not None:
                raise job.failure


@contextmanager
def together() -> Generator[None]:
    """Between the first call of ``spread`` within and the end, BLAS stays held to one thread.

    A thread of BLAS that has done its part looks for more in a busy loop for some hundredths of a
    second, and keeps a processor from ours.
    """
    with _computing():
        yield


_here = local()
_lock = Lock()
_computations: set[object] = set()
"""Who computes now: a thing of its own for each, so that one that ends twice does no harm."""
_given: list[int] = []
"""How many threads BLAS had before it was held, a number for each library."""


@contextmanager
def _held() -> Generator[None]:
    """Hold BLAS to one thread, and give back what it had when nobody computes any more."""
    with _computing():
        with _lock:
            if not _given:
                _given.extend(_numbers())
                _set([1] * len(_given))
        yield


@contextmanager
def _computing() -> Generator[None]:
    mine = object()
    try:  # An interrupt may come between any two lines; none of them leaves BLAS held.
        with _lock:
            _computations.add(mine)
        yield
    finally:
        with _lock:
            _computations.discard(mine)
            _give_back()


def _give_back() -> None:
    if _given and not _computations:
        _set(_given)
        _given.clear()


class _Job:
    """A share in a computation, for whichever helper takes it up first, or for none."""

    def __init__(self, work: Callable[[int], object], left: Iterator[int]) -> None:
        self._work, self._left = work, left
        # Each helper has the caller's settings, such as which warnings NumPy gives.
        self._settings = copy_context()
        self._begun, self._running = Lock(), Lock()
        self._running.acquire()
        self.failure: BaseException | None = None

    def begin(self) -> None:
        """Do what is left, in the thread of a helper."""
        if not self._begun.acquire(blocking=False):
            return
        try:
            self._settings.run(_drain, self._work, self._left)
        except BaseException as error:
            self.failure = error
        finally:
            self._running.release()

    def end(self) -> None:
        """Wait for the helper; where none has come yet, none need."""
        if not self._begun.acquire(blocking=False):
            self._running.acquire()


def _drain(work: Callable[[int], object], left: Iterator[int]) -> None:
    _here.inside = True
    try:
        for i in left:
            work(i)
    finally:
        _here.inside = False
        for _ in left:  # after a failure nobody need go on
            pass


_jobs: SimpleQueue[_Job] = SimpleQueue()
_helpers: list[Thread] = []


def _call(jobs: list[_Job]) -> None:
    """Put jobs before the helpers, which wait for them asleep."""
    with _lock:
        while len(_helpers) < len(jobs):
            helper = Thread(target=_help, args=(_jobs,), name="netlang", daemon=True)
            helper.start()
            _helpers.append(helper)
    for job in jobs:
        _jobs.put(job)


def _help(jobs: SimpleQueue[_Job]) -> None:
    while True:
        jobs.get().begin()


def _begin_anew() -> None:
    """Forget, in a child process, the threads of its parent and what they do.

    Where BLAS was held, it stays so until the end of the child's own first computation: nothing
    may be asked of it here, as the parent's threads may have been in the middle of it.
    """
    global _jobs, _lock, _here
    _helpers.clear()
    _jobs = SimpleQueue()
    _lock, _here = Lock(), local()
    _computations.clear()


def _numbers() -> list[int]:
    return [library.num_threads for library in _libraries()]


def _set(numbers: list[int]) -> None:
    for library, number in zip(_libraries(), numbers, strict=True):
        library.set_num_threads(number)


@cache
def _libraries() -> list[_Library]:
    controller = import_module("threadpoolctl").ThreadpoolController()
    return list(controller.select(user_api="blas").lib_controllers)


if hasattr(os, "register_at_fork"):  # a child process has none of its parent's threads
    os.register_at_fork(after_in_child=_begin_anew)
