"""PyTorch's own samples of its operators and modules, on both back ends.

The samples come from PyTorch's tests (OpInfo, ModuleInfo). Each is written as a program; NumPy in
float64 must give PyTorch's numbers and shapes, onnxruntime the same within float32. What PyTorch
rejects must be diagnosed. ``torch_exclusions.txt`` lists what is left out, and why.
"""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("expecttest")
import torch_elementwise  # noqa: E402
import torch_layers  # noqa: E402
import torch_modules  # noqa: E402
import torch_shapes  # noqa: E402
from models import to_onnx  # noqa: E402
from torch_calls import MODULES, OPERATORS, Call, Excluded, array, loaded, written  # noqa: E402

from netlang.backends import reference  # noqa: E402
from netlang.backends.ort import Session  # noqa: E402
from netlang.ir.types import DType  # noqa: E402

assert torch_elementwise and torch_layers and torch_modules and torch_shapes

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

EXCLUSIONS = Path(__file__).with_name("torch_exclusions.txt")
MOST = 60
"""Samples of one operator; of those with more every n-th is taken."""

LONGEST = 130
"""Characters of a program that the list of exclusions shows."""

FIRST_ONLY = re.compile(r"max_pool")
"""What returns indices along with values in PyTorch, which are not compared."""


@dataclass
class Outcome:
    """What came of the samples of one operator or module."""

    passed: int = 0
    compiled: int = 0
    excluded: Counter[str] = field(default_factory=Counter[str])
    failed: list[str] = field(default_factory=list[str])


@cache
def operators() -> dict[str, Any]:
    torch.set_num_threads(1)
    with warnings.catch_warnings(action="ignore"):
        from torch.testing._internal.common_methods_invocations import op_db
    return {".".join(filter(None, (op.name, op.variant_test_name))): op for op in op_db}


@cache
def modules() -> dict[str, Any]:
    torch.set_num_threads(1)
    with warnings.catch_warnings(action="ignore"):
        from torch.testing._internal.common_modules import module_db
    return {info.module_cls.__name__: info for info in module_db}


def test_every_sample_of_an_operator_gives_the_numbers_of_pytorch(tmp_path: Path) -> None:
    outcomes = {name: run(operator_samples(name), name, tmp_path) for name in sorted(OPERATORS)}
    check(outcomes, "operator", least=2200)


def test_every_sample_of_a_module_gives_the_numbers_of_pytorch(tmp_path: Path) -> None:
    outcomes = {name: run(module_samples(name), name, tmp_path) for name in sorted(MODULES)}
    check(outcomes, "module", least=325)


def test_what_pytorch_rejects_is_diagnosed(tmp_path: Path) -> None:
    outcomes = {name: rejected(name, tmp_path) for name in sorted(OPERATORS)}
    check(outcomes, "refusal", least=130)


def check(outcomes: dict[str, Outcome], kind: str, *, least: int) -> None:
    """Hold what came of all samples to the list of exclusions and to the number promised."""
    failed = [f"{name}: {text}" for name, o in outcomes.items() for text in o.failed]
    assert not failed, f"{len(failed)} samples fail\n" + "\n".join(failed[:20])
    found = {f"{kind} {name}: {why}" for name, o in outcomes.items() for why in o.excluded}
    listed = {line for line in EXCLUSIONS.read_text().splitlines() if line.startswith(f"{kind} ")}
    assert found == listed
    passed = sum(o.passed for o in outcomes.values())
    compiled = sum(o.compiled for o in outcomes.values())
    print(f"{kind}: {passed} samples, {compiled} of them in onnxruntime")
    assert passed >= least


Sample = tuple[Call, str, Any]


def operator_samples(name: str) -> Iterator[Sample | Excluded]:
    op = operators()[name]
    dtype = torch.float64 if op.supports_dtype(torch.float64, "cpu") else torch.int64
    torch.manual_seed(0)
    samples = list(op.sample_inputs("cpu", dtype))
    for sample in samples[:: -(-len(samples) // MOST)]:
        try:
            yield (
                *written(OPERATORS[name], sample.input, *sample.args, **sample.kwargs),
                op(sample.input, *sample.args, **sample.kwargs),
            )
        except Excluded as excluded:
            yield excluded


def module_samples(name: str) -> Iterator[Sample | Excluded]:
    info = modules()[name]
    torch.manual_seed(0)
    samples = info.module_inputs_func(
        info, device="cpu", dtype=torch.float64, requires_grad=False, training=False
    )
    for sample in samples[:: -(-len(samples) // MOST)]:
        made = sample.constructor_input
        layer = info.module_cls(*made.args, **made.kwargs).double().eval()
        given = sample.forward_input
        layer(*given.args, **given.kwargs)  # lazy layers make their weights now
        stirred(layer)
        expected = layer(*given.args, **given.kwargs)
        try:
            operands = (*given.args, *given.kwargs.values())
            yield (*written(MODULES[name], layer, *operands), expected)
        except Excluded as excluded:
            yield excluded


def stirred(layer: Any) -> None:
    """Set weights and running statistics to values of 32 bits under which each of them matters."""
    with torch.no_grad():
        for tensor in (*layer.parameters(), *layer.buffers()):
            if tensor.is_floating_point():
                tensor.copy_(torch.empty(tensor.shape).uniform_(0.3, 1.7))


def run(samples: Iterator[Sample | Excluded], name: str, folder: Path) -> Outcome:
    outcome = Outcome()
    for sample in samples:
        if isinstance(sample, Excluded):
            outcome.excluded[str(sample)] += 1
            continue
        call, text, expected = sample
        try:
            outcome.compiled += compared(call, text, expected, name, folder)
            outcome.passed += 1
        except Exception as error:
            outcome.failed.append(f"{error}\n{text}")
    return outcome


def compared(call: Call, text: str, expected: Any, name: str, folder: Path) -> bool:
    """Run a program on both back ends against what PyTorch gave."""
    program = loaded(text, folder)
    assert program.diagnostics.items == [], program.diagnostics.items[0].message
    graph = program.net(None).graph
    feeds = {name: array(t) for name, t in call.inputs.items()}
    weights = {
        p.path: array(call.weights[p.path.rpartition(".")[2]].float())
        for p in graph.params.values()
    }
    assert {p.rpartition(".")[2] for p in weights} == call.weights.keys()
    results = [expected] if isinstance(expected, torch.Tensor) else list(expected)
    wanted = [array(t) for t in (results[:1] if FIRST_ONLY.search(name) else results)]
    exact = reference.run(graph, feeds, weights, dtype=DType.F64)
    assert [a.shape for a in exact.values()] == [w.shape for w in wanted]
    for actual, want in zip(exact.values(), wanted, strict=True):
        np.testing.assert_allclose(actual, want, rtol=1e-7, atol=1e-9)
    narrow = {k: v.astype(np.float32) if v.dtype == np.float64 else v for k, v in feeds.items()}
    session = Session(to_onnx(graph, weights), threads=1)
    for actual, want in zip(session.run(narrow).values(), wanted, strict=True):
        assert actual.shape == want.shape
        agree(actual, want)
    return True


def agree(actual: np.ndarray, want: np.ndarray) -> None:
    """Compare float32 with float64, to the scale of the result."""
    if want.dtype.kind != "f":
        np.testing.assert_array_equal(actual, want)
        return
    finite = np.abs(want[np.isfinite(want)])
    np.testing.assert_allclose(
        actual, want, rtol=1e-3, atol=1e-4 * max(1.0, float(finite.max(initial=0.0)))
    )


def rejected(name: str, folder: Path) -> Outcome:
    """Write what PyTorch rejects; a program of it must be diagnosed."""
    op = operators()[name]
    outcome = Outcome()
    if op.error_inputs_func is None:
        return outcome
    torch.manual_seed(0)
    for error in op.error_inputs("cpu"):
        sample = error.sample_input
        try:
            _, text = written(OPERATORS[name], sample.input, *sample.args, **sample.kwargs)
        except Exception:
            # Such arguments have no words in the language: there is no program to reject.
            continue
        if loaded(text, folder).diagnostics.failed:
            outcome.passed += 1
        else:
            outcome.excluded[" ".join(text.split())[:LONGEST]] += 1
    return outcome
