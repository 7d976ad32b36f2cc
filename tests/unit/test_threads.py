"""Parts of a computation in several threads: the same results, and BLAS as it was before.

Tests ``netlang.system.threads`` and ``netlang.ops.reducing.products``.
"""

from __future__ import annotations

import os
import signal
import threading
import warnings
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from netlang.backends import reference
from netlang.diagnostics.errors import InputError
from netlang.ir.dims import Shape, substitute
from netlang.ir.initializers import initialize
from netlang.ir.op import OPS, Sample
from netlang.ops.reducing.products import multiply
from netlang.program import load
from netlang.system import threads
from netlang.system.threads import allowed, cut, shares, spread, together

EXAMPLES = Path(__file__).parents[2] / "examples"
THREADS = 3
PARTED = ("convolve", "convolve_transpose", "convolve_input_gradient", "convolve_weight_gradient",
          "linear", "matmul", "normalize_batch")  # fmt: skip


@pytest.fixture
def several() -> Iterator[None]:
    with threadpool_limits(THREADS, user_api="blas"):
        if allowed() != THREADS:
            pytest.fail("this NumPy has no BLAS whose threads can be counted")
        yield


def blas_threads() -> list[int]:
    libraries = import_module("threadpoolctl").threadpool_info()
    return [int(library["num_threads"]) for library in libraries if library["user_api"] == "blas"]


@pytest.mark.usefixtures("several")
def test_all_parts_are_done_once_in_several_threads_with_one_of_blas_each() -> None:
    done: list[int] = []
    together = threading.Barrier(THREADS, timeout=30)

    def work(i: int) -> None:
        if i < THREADS:
            together.wait()  # passes only if as many threads are at work
        assert blas_threads() == [1] * len(blas_threads())
        assert allowed() == 1
        done.append(i)

    spread(work, 20)
    assert sorted(done) == list(range(20))
    assert set(blas_threads()) == {THREADS}


@pytest.mark.usefixtures("several")
def test_parts_of_a_part_stay_in_its_thread() -> None:
    threads: dict[int, set[int]] = {0: set(), 1: set()}

    def work(i: int) -> None:
        spread(lambda _: threads[i].add(threading.get_ident()), 50)

    spread(work, 2)
    assert [len(t) for t in threads.values()] == [1, 1]


@pytest.mark.usefixtures("several")
def test_a_failure_in_any_thread_comes_out_and_leaves_blas_as_it_was() -> None:
    together = threading.Barrier(2, timeout=30)
    main = threading.get_ident()

    def work(_: int) -> None:
        together.wait()
        if threading.get_ident() != main:
            raise MemoryError

    with pytest.raises(MemoryError):
        spread(work, 2)
    assert set(blas_threads()) == {THREADS}
    assert allowed() == THREADS


@pytest.mark.usefixtures("several")
def test_helpers_take_over_what_numpy_is_to_say_of_overflow() -> None:
    large = np.full(10, 1e38, np.float32)
    together = threading.Barrier(2, timeout=30)

    def work(_: int) -> None:
        together.wait()
        np.multiply(large, large)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with np.errstate(all="ignore"):
            spread(work, 2)
    with np.errstate(over="raise"), pytest.raises(FloatingPointError):
        spread(work, 2)


@pytest.mark.usefixtures("several")
def test_between_calls_that_belong_together_blas_stays_held() -> None:
    with together():
        assert set(blas_threads()) == {THREADS}  # until somebody spreads work
        spread(lambda _: None, 2)
        assert set(blas_threads()) == {1}
        assert allowed() == THREADS
        with together():
            spread(lambda _: None, 2)
        assert set(blas_threads()) == {1}
    assert set(blas_threads()) == {THREADS}
    spread(lambda _: None, 2)
    assert set(blas_threads()) == {THREADS}


@pytest.mark.usefixtures("several")
def test_the_interpreter_gives_blas_back_after_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object, **__: object) -> None:
        spread(lambda _: None, 2)
        assert set(blas_threads()) == {1}
        raise InputError("stop")

    monkeypatch.setattr(reference, "compute", failing)
    graph = load(EXAMPLES / "lenet.net").net("LeNet").graph
    image = np.zeros((1, 1, 28, 28), np.float32)
    with pytest.raises(InputError, match="stop"):
        reference.run(graph, {"image": image}, initialize(graph, 0))
    assert set(blas_threads()) == {THREADS}


@pytest.mark.usefixtures("several")
def test_helpers_are_shared_by_computations_at_the_same_time() -> None:
    """Two threads that spread work at once: each part is done once, none waits for ever."""
    done: list[tuple[int, int]] = []

    def compute(number: int) -> None:
        for _ in range(50):
            spread(lambda i: done.append((number, i)), 6)

    workers = [threading.Thread(target=compute, args=(n,)) for n in range(4)]
    for thread in workers:
        thread.start()
    for thread in workers:
        thread.join(timeout=60)
        assert not thread.is_alive()
    assert sorted(done) == sorted((n, i) for n in range(4) for i in range(6) for _ in range(50))
    assert set(blas_threads()) == {THREADS}


def test_one_thread_of_blas_is_one_thread_here() -> None:
    with threadpool_limits(1, user_api="blas"):
        seen: set[int] = set()
        spread(lambda _: seen.add(threading.get_ident()), 20)
        assert shares(1 << 40, least=1) == 1
    assert seen == {threading.get_ident()}


@pytest.mark.usefixtures("several")
def test_little_work_is_not_shared_and_more_has_a_part_for_each_thread() -> None:
    assert shares(99, least=100) == 1
    assert shares(20, 10, least=100) == 2
    assert shares(1000, 1000, least=100) == THREADS


def test_an_axis_is_cut_evenly_and_into_no_more_parts_than_it_has_places() -> None:
    assert cut(7, 3) == [slice(0, 2), slice(2, 4), slice(4, 7)]
    assert cut(2, 5) == [slice(0, 1), slice(1, 2)]
    assert cut(0, 5) == [slice(0, 0)]


def as_many_as_can_be(*sizes: int, least: int) -> int:
    del sizes, least
    return 4 * THREADS


def fixed(shape: Shape, sample: Sample) -> list[int]:
    return [n for n in (substitute(size, sample.sizes) for size in shape) if isinstance(n, int)]


@pytest.mark.usefixtures("several")
@pytest.mark.parametrize("name", PARTED)
def test_an_operator_gives_the_same_in_several_threads(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every sample, cut as if it were large."""
    rng = np.random.default_rng(0)
    for sample in OPS[name].samples():
        op = sample.op.at(sample.sizes)
        arrays = [np.abs(rng.normal(size=fixed(t.shape, sample))) for t in sample.types]
        (alone,) = op.forward(*arrays)
        for module in ("windows.im2col", "reducing.products", "reducing.normalization"):
            monkeypatch.setattr(f"netlang.ops.{module}.shares", as_many_as_can_be)
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
def test_a_large_product_is_that_of_numpy(a: tuple[int, ...], b: tuple[int, ...]) -> None:
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


@pytest.mark.usefixtures("several")
def test_a_copied_process_has_threads_of_its_own() -> None:
    spread(lambda _: None, 2)  # the parent's threads are not in the copy
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of a fork beside threads: our point
        child = os.fork()
    if not child:
        together = threading.Barrier(2, timeout=30)
        try:
            spread(lambda _: together.wait(), 2)
        finally:
            os._exit(int(together.broken))
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.usefixtures("several")
def test_a_copied_process_waits_for_nothing_its_parent_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    alone = threading.Lock()
    monkeypatch.setattr(threads, "_lock", alone)
    monkeypatch.setattr(threads, "_computations", {object()})
    monkeypatch.setattr(threads._here, "inside", True, raising=False)
    with alone:  # another thread of the parent is in the middle of it
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if not child:
            signal.alarm(30)
            free = not threads._lock.locked() and not threads._computations and allowed() == THREADS
            os._exit(int(not free))
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.usefixtures("several")
def test_an_interrupt_at_any_moment_gives_blas_back() -> None:
    def interrupted(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupted)
    try:
        for moment in range(200):
            with suppress(KeyboardInterrupt):
                signal.setitimer(signal.ITIMER_REAL, 1e-4 + moment * 1e-6)
                while True:
                    spread(lambda _: None, 4)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert not threads._computations
    spread(lambda _: None, 2)  # an interrupt of giving back is made good by the next computation
    assert not threads._given
    assert allowed() == THREADS
