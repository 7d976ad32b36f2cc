"""Parallel parts of a computation: the same results, and BLAS threads as they were before.

Tests ``netlang.system.threads`` and ``netlang.ops.reducing.products``.
"""

from __future__ import annotations

import os
import signal
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController, threadpool_limits

from netlang.backends import reference
from netlang.diagnostics.errors import InputError
from netlang.ir.dims import Shape, substitute
from netlang.ir.initializers import initialize
from netlang.ir.op import OPS, Sample
from netlang.ops.reducing.products import multiply
from netlang.program import load
from netlang.system import threads
from netlang.system.threads import computation, parallel_for, part_count, split, thread_count

EXAMPLES = Path(__file__).parents[2] / "examples"
THREADS = 3
PARTED = ("convolve", "convolve_transpose", "convolve_input_gradient", "convolve_weight_gradient",
          "linear", "matmul", "normalize_batch")  # fmt: skip


@pytest.fixture
def several() -> Iterator[None]:
    with threadpool_limits(THREADS, user_api="blas"):
        if thread_count() != THREADS:
            pytest.fail("this NumPy has no BLAS whose threads can be counted")
        yield


def blas_threads() -> list[int]:
    """Return the threads of the BLAS libraries that were loaded with NumPy.

    Another library, such as SciPy, may bring its own later: no computation of ours uses it.
    """
    libraries = cast("ThreadpoolController", threads._blas()).info()
    return [int(library["num_threads"]) for library in libraries if library["user_api"] == "blas"]


@pytest.mark.usefixtures("several")
def test_each_part_runs_once_in_several_threads_with_one_blas_thread_each() -> None:
    done: list[int] = []
    together = threading.Barrier(THREADS, timeout=30)

    def work(i: int) -> None:
        if i < THREADS:
            together.wait()  # passes only if that many threads are running
        assert blas_threads() == [1] * len(blas_threads())
        assert thread_count() == 1
        done.append(i)

    parallel_for(work, 20)
    assert sorted(done) == list(range(20))
    assert set(blas_threads()) == {THREADS}


@pytest.mark.usefixtures("several")
def test_nested_parts_stay_in_their_thread() -> None:
    threads: dict[int, set[int]] = {0: set(), 1: set()}

    def work(i: int) -> None:
        parallel_for(lambda _: threads[i].add(threading.get_ident()), 50)

    parallel_for(work, 2)
    assert [len(t) for t in threads.values()] == [1, 1]


@pytest.mark.usefixtures("several")
def test_an_error_in_any_thread_is_raised_and_leaves_blas_as_it_was() -> None:
    together = threading.Barrier(2, timeout=30)
    main = threading.get_ident()

    def work(_: int) -> None:
        together.wait()
        if threading.get_ident() != main:
            raise MemoryError

    with pytest.raises(MemoryError):
        parallel_for(work, 2)
    assert set(blas_threads()) == {THREADS}
    assert thread_count() == THREADS


@pytest.mark.usefixtures("several")
def test_helpers_share_the_error_handling_that_the_caller_chose_for_numpy() -> None:
    large = np.full(10, 1e38, np.float32)
    together = threading.Barrier(2, timeout=30)

    def work(_: int) -> None:
        together.wait()
        np.multiply(large, large)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with np.errstate(all="ignore"):
            parallel_for(work, 2)
    with np.errstate(over="raise"), pytest.raises(FloatingPointError):
        parallel_for(work, 2)


@pytest.mark.usefixtures("several")
def test_blas_stays_limited_between_the_calls_of_one_computation() -> None:
    with computation():
        assert set(blas_threads()) == {THREADS}  # until the first parallel part
        parallel_for(lambda _: None, 2)
        assert set(blas_threads()) == {1}
        assert thread_count() == THREADS
        with computation():
            parallel_for(lambda _: None, 2)
        assert set(blas_threads()) == {1}
    assert set(blas_threads()) == {THREADS}
    parallel_for(lambda _: None, 2)
    assert set(blas_threads()) == {THREADS}


@pytest.mark.usefixtures("several")
def test_the_interpreter_restores_blas_after_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object, **__: object) -> None:
        parallel_for(lambda _: None, 2)
        assert set(blas_threads()) == {1}
        raise InputError("stop")

    monkeypatch.setattr(reference, "compute", failing)
    graph = load(EXAMPLES / "lenet.net").net("LeNet").graph
    image = np.zeros((1, 1, 28, 28), np.float32)
    with pytest.raises(InputError, match="stop"):
        reference.run(graph, {"image": image}, initialize(graph, 0))
    assert set(blas_threads()) == {THREADS}


@pytest.mark.usefixtures("several")
def test_concurrent_computations_run_each_part_once() -> None:
    """Four threads that call ``parallel_for`` at once; none waits forever."""
    done: list[tuple[int, int]] = []

    def compute(number: int) -> None:
        for _ in range(50):
            parallel_for(lambda i: done.append((number, i)), 6)

    workers = [threading.Thread(target=compute, args=(n,)) for n in range(4)]
    for thread in workers:
        thread.start()
    for thread in workers:
        thread.join(timeout=60)
        assert not thread.is_alive()
    assert sorted(done) == sorted((n, i) for n in range(4) for i in range(6) for _ in range(50))
    assert set(blas_threads()) == {THREADS}


def test_one_blas_thread_means_one_thread() -> None:
    with threadpool_limits(1, user_api="blas"):
        seen: set[int] = set()
        parallel_for(lambda _: seen.add(threading.get_ident()), 20)
        assert part_count(1 << 40, least=1) == 1
    assert seen == {threading.get_ident()}


@pytest.mark.usefixtures("several")
def test_little_work_stays_whole_and_more_has_a_part_for_each_thread() -> None:
    assert part_count(99, least=100) == 1
    assert part_count(20, 10, least=100) == 2
    assert part_count(1000, 1000, least=100) == THREADS


def test_an_axis_is_split_evenly_and_into_no_empty_parts() -> None:
    assert split(7, 3) == [slice(0, 2), slice(2, 4), slice(4, 7)]
    assert split(2, 5) == [slice(0, 1), slice(1, 2)]
    assert split(0, 5) == [slice(0, 0)]


def most_parts(*sizes: int, least: int) -> int:
    del sizes, least
    return 4 * THREADS


def fixed(shape: Shape, sample: Sample) -> list[int]:
    return [n for n in (substitute(size, sample.sizes) for size in shape) if isinstance(n, int)]


@pytest.mark.usefixtures("several")
@pytest.mark.parametrize("name", PARTED)
def test_an_operator_returns_the_same_in_several_threads(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every sample, split as if it were large."""
    rng = np.random.default_rng(0)
    for sample in OPS[name].samples():
        op = sample.op.at(sample.sizes)
        arrays = [np.abs(rng.normal(size=fixed(t.shape, sample))) for t in sample.types]
        (alone,) = op.forward(*arrays)
        for module in ("windows.im2col", "reducing.products", "reducing.normalization"):
            monkeypatch.setattr(f"netlang.ops.{module}.part_count", most_parts)
        monkeypatch.setattr("netlang.ops.windows.im2col._CHANNEL", 8)
        (parted,) = op.forward(*arrays)
        monkeypatch.undo()
        np.testing.assert_allclose(parted, alone, rtol=1e-12, atol=1e-12)


@pytest.mark.usefixtures("several")
@pytest.mark.parametrize("a, b", [
    ((400, 300), (300, 500)),
    ((500, 300), (300, 400)),
    ((30, 50, 100), (100, 500)),
    ((100, 500), (30, 500, 50)),
    ((2, 1, 90, 80), (5, 80, 700)),
    ((1, 3000), (3000, 9000)),
    ((500,), (500, 80)),
])  # fmt: skip
def test_a_large_product_equals_that_of_numpy(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    left, right = rng.normal(size=a), rng.normal(size=b)
    expected = left @ right
    np.testing.assert_allclose(multiply(left, right), expected, rtol=1e-9, atol=1e-9)
    for size in expected.shape[-1:], (*expected.shape[-2:-1], 1), expected.shape:
        plus = rng.normal(size=size if expected.ndim > 1 else expected.shape)
        found = multiply(left, right, plus=plus)
        np.testing.assert_allclose(found, expected + plus, rtol=1e-9, atol=1e-9)
    if min(left.ndim, right.ndim) > 1:
        into = np.empty_like(expected)
        assert multiply(left, right, plus=expected, out=into) is into
        np.testing.assert_allclose(into, 2 * expected, rtol=1e-9, atol=1e-9)


def fork(check: Callable[[], bool]) -> int:
    """Start a child process that ends with 0 where a check passes; return its number."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # fork with threads: intended here
        child = os.fork()
    if not child:
        signal.alarm(60)
        passed = False
        try:
            passed = check()
        finally:
            os._exit(int(not passed))
    return child


def two_threads_meet() -> bool:
    meeting = threading.Barrier(2, timeout=30)
    parallel_for(lambda _: meeting.wait(), 2)
    return not meeting.broken and set(blas_threads()) == {THREADS}


@pytest.mark.usefixtures("several")
def test_a_forked_process_has_threads_of_its_own() -> None:
    parallel_for(lambda _: None, 2)  # the child has none of the parent's threads
    assert os.waitpid(fork(two_threads_meet), 0)[1] == 0


@pytest.mark.usefixtures("several")
def test_a_process_forked_during_a_computation_starts_from_scratch() -> None:
    forked, started = threading.Event(), threading.Barrier(3, timeout=30)

    def occupy(_: int) -> None:
        started.wait()
        forked.wait(30)

    parent = threading.Thread(target=parallel_for, args=(occupy, 2))
    parent.start()
    started.wait()
    child = fork(two_threads_meet)
    forked.set()
    parent.join(30)
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.usefixtures("several")
def test_a_computation_that_outlasts_another_leaves_blas_as_it_was() -> None:
    inside, over = threading.Event(), threading.Event()

    def outlast(_: int) -> None:
        inside.set()
        over.wait(30)

    other = threading.Thread(target=parallel_for, args=(outlast, 2))

    def overlap(i: int) -> None:
        if i == 0:
            other.start()
        inside.wait(30)

    parallel_for(overlap, 2)
    over.set()
    other.join(30)
    assert set(blas_threads()) == {THREADS}


def interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def interrupts_restore_blas() -> bool:
    signal.signal(signal.SIGALRM, interrupt)
    for moment in range(200):
        with suppress(KeyboardInterrupt):
            signal.setitimer(signal.ITIMER_REAL, 1e-4 + moment * 1e-6, 10)
            while True:
                parallel_for(lambda _: None, 4)
    signal.setitimer(signal.ITIMER_REAL, 0)
    released = threads._owner is None
    parallel_for(lambda _: None, 2)  # the next computation completes an interrupted restoration
    return released and threads._before is None and set(blas_threads()) == {THREADS}


@pytest.mark.usefixtures("several")
def test_an_interrupt_at_any_moment_restores_blas() -> None:
    """In a process of its own: an executor whose lock is left acquired is waited for at exit."""
    assert os.waitpid(fork(interrupts_restore_blas), 0)[1] == 0
