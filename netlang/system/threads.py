"""Independent parts of one computation in several threads, each with one BLAS thread.

The threads of BLAS wait for each other in busy loops, many times within one product: where another
process occupies a core, a product takes ten times as long. Independent parts wait only once, at
their end, and the work around a product runs in parallel too.
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
from threading import Lock, local
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor


class _Limits(Protocol):
    """The thread counts of BLAS at some moment, as threadpoolctl records them."""

    def get_original_num_threads(self) -> dict[str, int | None]: ...
    def __enter__(self) -> _Limits: ...
    def __exit__(self, kind: None, error: None, trace: None, /) -> None: ...


class _Controller(Protocol):
    """The BLAS libraries that are loaded, as threadpoolctl presents them."""

    def limit(self, *, limits: int | None, user_api: str) -> _Limits: ...


PRODUCT, COPY = 1 << 23, 1 << 17
"""Multiply-adds of a product, and elements of a copy, that take many times a thread's overhead."""


def part_count(*sizes: int, least: int) -> int:
    """Return how many parts to split work into: one per thread, none below ``least``."""
    parts = prod(sizes) // least
    return min(parts, thread_count()) if parts > 1 else 1


def split(size: int, parts: int) -> list[slice]:
    """Return slices that split an axis into non-empty parts of nearly equal size."""
    parts = max(1, min(parts, size))
    ends = [size * i // parts for i in range(parts + 1)]
    return [slice(start, stop) for start, stop in pairwise(ends)]


def thread_count() -> int:
    """Return how many threads a computation may use: as many as BLAS, 1 inside a part."""
    if _here.in_part:
        return 1
    limits = _before or _blas().limit(limits=None, user_api="blas")
    return limits.get_original_num_threads()["blas"] or 1


def limit_threads(count: int) -> None:
    """Limit BLAS, and with it the parts of a computation, to some threads from now on."""
    _blas().limit(limits=count, user_api="blas")


def parallel_for(work: Callable[[int], object], count: int) -> None:
    """Call ``work`` with 0 ... ``count - 1``, in several threads where more than one is allowed.

    The calls must be independent: their order is unspecified. Nested calls stay in their thread.
    """
    helpers = min(count, thread_count()) - 1 if count > 1 else 0
    if helpers < 1:
        for i in range(count):
            work(i)
        return
    left = iter(range(count))  # shared: each index goes to the thread that asks first
    with computation():
        _limit_blas()
        try:
            _share(work, left, helpers)
        except BaseException as error:  # an interrupt may have left a lock of the executor acquired
            _pool.cache_clear()
            if isinstance(error, RuntimeError) and isinstance(error.__context__, KeyboardInterrupt):
                raise error.__context__ from None
            raise


@contextmanager
def computation() -> Generator[None]:
    """Restore BLAS's threads once, at the end, and not after each ``parallel_for`` inside.

    A BLAS thread without work searches for more in a busy loop for tens of milliseconds, and
    occupies a core that ours need.
    """
    global _owner, _before
    if _here.computation is not None:
        yield
        return
    mine = object()
    try:
        _here.computation = mine
        yield
    finally:
        _here.computation = None
        if _owner is mine:
            with _lock:
                _owner = None
                # Interrupts arrive only from this call on; the next computation then restores BLAS.
                if _before is not None:
                    _before.__exit__(None, None, None)
                    _before = None


class _Here(local):
    """What the current thread is doing."""

    computation: object = None
    in_part = False


_here = _Here()
_lock = Lock()
_owner: object = None
"""The computation that has limited BLAS to one thread."""
_before: _Limits | None = None
"""The thread counts of BLAS from before it was limited."""


def _limit_blas() -> None:
    """Limit BLAS to one thread, unless a computation in another thread has done so."""
    global _owner, _before
    with _lock:
        if _owner is None:
            _owner = _here.computation
            _before = _before or _blas().limit(limits=None, user_api="blas").__enter__()
            _blas().limit(limits=1, user_api="blas")


def _share(work: Callable[[int], object], left: Iterator[int], helpers: int) -> None:
    from concurrent.futures import wait

    # A helper has the caller's context, such as NumPy's floating-point error handling.
    futures = [
        _pool(helpers).submit(copy_context().run, _drain, work, left) for _ in range(helpers)
    ]
    try:
        _drain(work, left)
    finally:
        started = [future for future in futures if not future.cancel()]
        wait(started)
    for future in started:
        future.result()


def _drain(work: Callable[[int], object], left: Iterator[int]) -> None:
    _here.in_part = True
    try:
        for i in left:
            work(i)
    finally:
        _here.in_part = False
        for _ in left:  # after an error no thread need continue
            pass


@cache
def _pool(helpers: int) -> ThreadPoolExecutor:
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(helpers, "netlang")


@cache
def _blas() -> _Controller:
    return import_module("threadpoolctl").ThreadpoolController().select(user_api="blas")


def _reset_in_child() -> None:
    """Forget the parent's threads and computations, of which a forked process has none."""
    global _lock, _owner
    _lock, _owner = Lock(), None
    _pool.cache_clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_in_child)
