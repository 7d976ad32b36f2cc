"""Every operator is computed in NumPy programs as `forward` defines it.

Tests ``netlang.codegen.numpy_program.helpers`` and ``netlang.codegen.numpy_program.calls``.
"""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy_programs import compute
from op_samples import Case, arrays_of, cases, graph_of

from netlang.backends import reference
from netlang.codegen.numpy_program.calls import needed
from netlang.codegen.numpy_program.helpers import Helper
from netlang.codegen.numpy_program.program import numpy_program
from netlang.ir.op import OPS

TRAINING_ONLY = frozenset({
    "normalize_batch_training", "sample_uniform", "sample_normal", "convolve_input_gradient",
    "convolve_weight_gradient", "max_pool_argmax",
})  # fmt: skip
"""Operators that gradients and steps of training are made of, which no net contains."""
CASES = [case for case in cases() if case.sample.op.name not in TRAINING_ONLY]


@cache
def program(case: Case) -> str:
    return numpy_program(graph_of(case), lambda name: None, "")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_program_computes_what_forward_does(case: Case) -> None:
    graph = graph_of(case)
    arrays = arrays_of(case, graph)
    expected = reference.run(graph, arrays, {}, sizes=case.sizes)
    results = compute(graph, arrays, {})
    assert list(results) == list(expected)
    for name, array in expected.items():
        assert (results[name].shape, results[name].dtype) == (array.shape, array.dtype)
        np.testing.assert_allclose(results[name], array, rtol=1e-6, atol=1e-6)


def test_programs_are_formatted_and_have_no_lint(tmp_path: Path) -> None:
    for case in CASES:
        (tmp_path / f"{case.name.replace('-', '_')}.py").write_text(program(case), "utf-8")
    for command in (["check"], ["format", "--check"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--isolated", "--no-cache", str(tmp_path)]
        assert subprocess.run(ruff, capture_output=True, text=True, check=False).stdout.endswith(
            ("All checks passed!\n", "files already formatted\n")
        )


def test_different_functions_have_different_names() -> None:
    found: dict[str, Helper] = {}
    for case in CASES:
        made = needed(case.sample.op)
        for each in made.closure() if made is not None else ():
            assert found.setdefault(each.name, each) is each


def test_operators_without_a_program_are_those_of_training() -> None:
    assert set(OPS) >= TRAINING_ONLY
