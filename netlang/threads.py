"""Parts of one computation in several threads, each with one thread of BLAS.

The threads inside BLAS wait for each other in busy loops, many times within one product: where
another process takes a processor away, a product takes ten times as long. Parts that need
nothing of each other wait once, at their end, and what is around a product is shared out too.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
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

    def drain() -> None:
        _here.inside = True
        try:
            for i in left:
                work(i)
        finally:
            _here.inside = False
            for _ in left:  # after a failure nobody need go on
                pass

    with _one_thread_each():
        # Each helper has the caller's settings, such as which warnings NumPy gives.
        running = [_pool().submit(copy_context().run, drain) for _ in range(helpers)]
        try:
            drain()
        finally:
            begun = [helper for helper in running if not helper.cancel()]
            for helper in begun:
                helper.exception()  # waits
        for helper in begun:
            helper.result()


_here = local()
_lock = Lock()
_users = 0
_given: list[int] = []


@contextmanager
def _one_thread_each() -> Generator[None]:
    """Hold BLAS to one thread, and give back what it had when nobody computes any more."""
    global _users, _given
    with _lock:
        if not _users:
            _given = _numbers()
            _set([1] * len(_given))
        _users += 1
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if not _users:
                _set(_given)
                _given = []


def _numbers() -> list[int]:
    return [library.num_threads for library in _libraries()]


def _set(numbers: list[int]) -> None:
    for library, number in zip(_libraries(), numbers, strict=True):
        library.set_num_threads(number)


@cache
def _libraries() -> list[_Library]:
    controller = import_module("threadpoolctl").ThreadpoolController()
    return list(controller.select(user_api="blas").lib_controllers)


@cache
def _pool() -> ThreadPoolExecutor:
    from concurrent.futures import ThreadPoolExecutor  # takes long to load

    return ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="netlang")


if hasattr(os, "register_at_fork"):  # a child process has none of its parent's threads
    os.register_at_fork(after_in_child=_pool.cache_clear)
