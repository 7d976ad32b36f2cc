"""What must hold for every operator, on every one of its samples.

Tests ``netlang.ops``, ``netlang.ops.elementwise``, ``netlang.ops.looping``, ``netlang.ops.random``,
``netlang.ops.reducing``, ``netlang.ops.shaping`` and ``netlang.ops.windows``.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from dataclasses import replace

import numpy as np
import onnx
import pytest
from models import to_onnx
from msgspec import structs
from op_samples import Case, arrays_of, cases, graph_of

from netlang.backends import reference
from netlang.backends.onnx import check
from netlang.backends.opsets import LOSSES, OPSETS
from netlang.backends.ort import Session
from netlang.diagnostics import rules
from netlang.diagnostics.errors import NetlangError
from netlang.inference.runner import Runner
from netlang.ir.arrays import numpy_dtype
from netlang.ir.dims import bind
from netlang.ir.op import OPS
from netlang.ir.types import F32, F64, TensorType
from netlang.system.numpy import Array

CASES = cases()
every_case = pytest.mark.parametrize("case", CASES, ids=[c.name for c in CASES])
every_op = pytest.mark.parametrize("name", sorted(OPS))


@every_op
def test_an_operator_is_described_and_has_samples(name: str) -> None:
    op = OPS[name]
    assert (op.__doc__ or "").strip().endswith((".", "```", ")"))
    assert len(op.samples()) >= 1
    assert all(type(sample.op) is op for sample in op.samples())


@every_op
def test_operators_that_differ_print_differently(name: str) -> None:
    ops = {sample.op for sample in OPS[name].samples()}
    assert len({str(op) for op in ops}) == len(ops)


@every_case
def test_the_inferred_types_are_the_computed_types(case: Case) -> None:
    graph = graph_of(case)
    arrays = arrays_of(case, graph)
    results = reference.run(graph, arrays, {}, sizes=case.sizes)
    assert {n: described(a) for n, a in results.items()} == inferred(case)


@every_case
def test_float64_is_kept_and_float32_agrees_with_it(case: Case) -> None:
    graph = graph_of(case)
    (node,) = graph.nodes
    narrow = [arrays_of(case, graph)[v.name] for v in node.inputs]
    wide = [a.astype("float64") if a.dtype == np.float32 else a for a in narrow]
    expected = reference.compute(node, wide, case.sizes)
    for type, a, b in zip(
        [v.type for v in node.outputs],
        reference.compute(node, narrow, case.sizes),
        expected,
        strict=True,
    ):
        has_floats = any(w.dtype == np.float64 for w in wide)
        if type.dtype is F32 and has_floats and node.op.name != "cast":
            assert b.dtype == numpy_dtype(F64)
        assert_close(a, b, rtol=1e-3, atol=1e-4)


@every_case
def test_operands_are_left_as_they_were(case: Case) -> None:
    graph = graph_of(case)
    arrays = arrays_of(case, graph)
    before = {n: a.copy() for n, a in arrays.items()}
    reference.run(graph, arrays, {}, sizes=case.sizes)
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, before[name])


@every_case
def test_onnx_accepts_the_lowering_and_infers_the_same_shapes(case: Case) -> None:
    model = to_onnx(graph_of(case), {})
    check(model)
    bare = onnx.ModelProto()
    bare.CopyFrom(model)
    del bare.graph.value_info[:]
    for output in bare.graph.output:
        output.type.tensor_type.ClearField("shape")
    found = onnx.shape_inference.infer_shapes(bare, strict_mode=True, data_prop=True)
    for ours, theirs in zip(model.graph.output, found.graph.output, strict=True):
        assert agree(ours.type.tensor_type, theirs.type.tensor_type), (ours, theirs)


@every_case
def test_onnxruntime_computes_what_the_interpreter_computes(case: Case) -> None:
    back_ends_agree(case, opset=18)


@every_case
@pytest.mark.parametrize("opset", [OPSETS[0], OPSETS[-1]])
def test_the_oldest_and_newest_operator_sets_agree_too(case: Case, opset: int) -> None:
    back_ends_agree(case, opset=opset)


@pytest.mark.slow
@every_case
@pytest.mark.parametrize("opset", set(OPSETS[1:-1]) - {18})
def test_every_operator_set_agrees_too(case: Case, opset: int) -> None:
    back_ends_agree(case, opset=opset)


WRITTEN_OUT = {
    19: {"gelu"},
    17: {"convolve_input_gradient", "resize", "upsample"},
    16: {"normalize_layer"},
    15: {"scatter", "scatter_nd"},
}
"""The operators that have no equivalent in an opset any more, by the newest without one."""


def kinds(case: Case, opset: int) -> list[str] | None:
    try:
        nodes = to_onnx(graph_of(case), {}, opset=opset).graph.node
    except NetlangError:
        return None
    return sorted(node.op_type for node in nodes if node.op_type != "Constant")


def test_what_an_opset_loses_is_listed() -> None:
    found: dict[int, set[str]] = defaultdict(set)
    for case in CASES:
        newer = kinds(case, OPSETS[-1])
        for opset in reversed(OPSETS):
            older = kinds(case, opset)
            if older != newer:
                found[opset].add(case.sample.op.name)
            newer = older
    assert found == WRITTEN_OUT
    assert found.keys() == LOSSES.keys()


def back_ends_agree(case: Case, *, opset: int) -> None:
    graph = graph_of(case)
    arrays = arrays_of(case, graph)
    try:
        model = to_onnx(graph, {}, opset=opset)
    except NetlangError as error:
        assert (error.rule, opset) in {(rules.OPSET_TOO_OLD, old) for old in range(13, 16)}
        assert case.sample.op.name in WRITTEN_OUT[15]
        return
    check(model)
    actual = Session(model, threads=1).run(arrays)
    expected = reference.run(graph, arrays, {}, sizes=case.sizes)
    assert list(actual) == list(expected)
    for name, array in expected.items():
        assert actual[name].dtype == array.dtype
        assert_close(actual[name], array, rtol=1e-4, atol=1e-5)


def assert_close(actual: Array, expected: Array, *, rtol: float, atol: float) -> None:
    assert actual.shape == expected.shape
    if expected.dtype.kind == "f":
        np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)
    else:
        np.testing.assert_array_equal(actual, expected)


def inferred(case: Case) -> dict[str, tuple[str, tuple[int, ...]]]:
    types: tuple[TensorType, ...] = case.sample.op.infer(*case.sample.types)
    return {
        f"y{i}": (numpy_dtype(t.dtype).name, tuple(bind(d, case.sizes) for d in t.shape))
        for i, t in enumerate(types)
    }


def described(array: Array) -> tuple[str, tuple[int, ...]]:
    return array.dtype.name, array.shape


def agree(ours: onnx.TypeProto.Tensor, theirs: onnx.TypeProto.Tensor) -> bool:
    """Check whether two types are the same wherever both name a number."""
    if ours.elem_type != theirs.elem_type:
        return False
    if not theirs.HasField("shape"):
        return True
    pairs = list(zip(ours.shape.dim, theirs.shape.dim, strict=True))
    return all(
        a.dim_value == b.dim_value
        for a, b in pairs
        if a.HasField("dim_value") and b.HasField("dim_value")
    )


_OF_GRADIENTS = ("convolve_input_gradient", "convolve_weight_gradient", "normalize_batch_training")


@pytest.mark.parametrize("case", [c for c in cases() if c.sizes], ids=lambda case: case.name)
def test_a_size_of_nothing_has_a_result_or_an_error(case: Case) -> None:
    """An axis without elements neither ends the process nor counts as a bug of netlang."""
    if case.sample.op.name in _OF_GRADIENTS:
        pytest.skip("batches of training are not empty")
    graph = graph_of(case)
    for name in case.sizes:
        empty = replace(case, sample=structs.replace(case.sample, sizes={**case.sizes, name: 0}))
        with suppress(NetlangError):
            made = Runner(graph, {}).compute(arrays_of(empty, graph))
            assert all(isinstance(array, np.ndarray) for array in made.values())
