"""ONNX's own vectors of single operators, through the interpreter and through onnxruntime."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import nodes_attention
import nodes_elementwise
import nodes_layers
import nodes_recurrent
import nodes_reductions
import nodes_shapes
import numpy as np
import pytest
from models import to_onnx
from onnx_nodes import WRITERS, Case, cases, graph, program

from netlang.backends import reference
from netlang.backends.feeds import bind_sizes
from netlang.backends.opsets import OPSETS
from netlang.backends.ort import Session
from netlang.diagnostics.errors import NetlangError
from netlang.ir.arrays import dtype_of
from netlang.ir.dims import bind
from netlang.ir.graph import Graph
from netlang.passes.pipeline import transform
from netlang.system.numpy import Array

assert all(
    (
        nodes_attention,
        nodes_elementwise,
        nodes_layers,
        nodes_recurrent,
        nodes_reductions,
        nodes_shapes,
    )
)

CASES = cases()
LINES = (Path(__file__).parent / "onnx_exclusions.txt").read_text(encoding="utf-8").splitlines()
EXCLUSIONS = {pattern: rest for pattern, *rest in (line.split(maxsplit=2) for line in LINES)}
"""By a pattern of names, the back ends that cases are left out of, and why."""


def exclusion(case: Case) -> tuple[str, str]:
    """Return the back ends a case is left out of (`both`, `onnxruntime` or none), and why."""
    fits = (rest for pattern, rest in EXCLUSIONS.items() if fnmatchcase(case.name, pattern))
    back_ends, reason = next(fits, ("", ""))
    return back_ends, reason


every_case = pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("nodes")


@cache
def elaborated(case: Case, folder: Path) -> Graph:
    return graph(program(case), folder)


@every_case
def test_the_interpreter_computes_what_onnx_states(case: Case, folder: Path) -> None:
    with unless_excluded(case, "both"):
        made = elaborated(case, folder)
        check_types(case, made)
        check(case, lambda: reference.run(made, feeds(case, made), {}), rtol=1e-5, atol=1e-6)


@every_case
def test_onnxruntime_computes_what_onnx_states(case: Case, folder: Path) -> None:
    with unless_excluded(case, "both", "onnxruntime"):
        made = elaborated(case, folder)
        session = Session(to_onnx(made, {}, opset=18), threads=1)
        check(case, lambda: session.run(feeds(case, made)), rtol=1e-4, atol=1e-5)


@pytest.mark.slow
@every_case
@pytest.mark.parametrize("opset", OPSETS)
def test_passes_and_operator_sets_change_no_result(case: Case, opset: int, folder: Path) -> None:
    if exclusion(case)[0]:
        pytest.skip("it is left out")
    made = transform(elaborated(case, folder))
    check(case, lambda: reference.run(made, feeds(case, made), {}), rtol=1e-5, atol=1e-6)
    if opset < 16 and any(getattr(node.op, "reduction", "none") != "none" for node in made.nodes):
        with pytest.raises(NetlangError, match=f"ONNX opset {opset} has no .* with `reduction`"):
            to_onnx(made, {}, opset=opset)
        return
    session = Session(to_onnx(made, {}, opset=opset), threads=1)
    check(case, lambda: session.run(feeds(case, made)), rtol=1e-4, atol=1e-5)


def test_most_vectors_of_networks_pass() -> None:
    passing = [case for case in CASES if not exclusion(case)[0]]
    assert len(CASES) >= 807
    assert len(passing) >= 800


def test_every_exclusion_is_of_vectors_and_has_a_reason() -> None:
    assert sorted(EXCLUSIONS) == list(EXCLUSIONS)
    assert len(EXCLUSIONS) == len(LINES)
    assert {back_ends for back_ends, _ in EXCLUSIONS.values()} <= {"both", "onnxruntime"}
    for pattern in EXCLUSIONS:
        assert any(fnmatchcase(case.name, pattern) for case in CASES), pattern


def test_every_writer_is_of_a_vector() -> None:
    assert WRITERS.keys() <= {case.op_type for case in CASES}


@contextmanager
def unless_excluded(case: Case, *back_ends: str) -> Iterator[None]:
    """Let a case that is left out fail, and fail it when it passes."""
    back_end, reason = exclusion(case)
    if back_end not in back_ends:
        yield
        return
    with suppress(Exception):
        yield
        pytest.fail(f"{case.name} passes: take it off the list")
    # Skipped rather than marked as failing: formatting all the tracebacks takes most of the time.
    pytest.skip(reason)


def check_types(case: Case, made: Graph) -> None:
    sizes = bind_sizes(made, feeds(case, made))
    inferred = {
        name: (v.type.dtype, tuple(bind(size, sizes) for size in v.type.shape))
        for name, v in made.outputs.items()
    }
    assert inferred == {n: (dtype_of(a), a.shape) for n, a in wanted(case).items()}


def check(case: Case, run: Callable[[], dict[str, Array]], *, rtol: float, atol: float) -> None:
    results = run()
    expected = wanted(case)
    assert list(results) == list(expected)
    for name, array in expected.items():
        assert results[name].shape == array.shape
        assert results[name].dtype == array.dtype
        np.testing.assert_allclose(results[name], array, rtol=rtol, atol=atol)


def feeds(case: Case, made: Graph) -> dict[str, Array]:
    arrays = {f"x{i}": a for i, a in enumerate(case.arrays) if a is not None}
    return {v.name: arrays[v.name] for v in made.inputs}


def wanted(case: Case) -> dict[str, Array]:
    return {f"y{i}": a for i, a in enumerate(case.expected) if a is not None}
