"""Graphs on both back ends: what is checked, named, written and reported."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from models import to_onnx
from networks import SOURCE, N, add, counter, f32, i64, mlp, mlp_weights, spatial, weight

from netlang.backends import reference
from netlang.backends.feeds import bind_sizes, prepare
from netlang.backends.onnx import check, save, weight_bytes
from netlang.backends.ort import ExecutionError, ProviderError, Session
from netlang.diagnostics.errors import ENVIRONMENT, USAGE, InputError, NetlangError, WeightsError
from netlang.diagnostics.source import Span
from netlang.ir.dims import symbol
from netlang.ir.graph import Builder, Graph, Scope
from netlang.ir.types import DType, TensorType
from netlang.ops.shaping.repetition import Expand
from netlang.system.numpy import Array


def graph_of(*types: TensorType) -> Graph:
    b = Builder()
    inputs = tuple(b.fresh(name, t) for name, t in zip("abc", types, strict=False))
    return Graph("Pair", inputs, {}, (), {"y": inputs[0]})


def zeros(*shape: int, dtype: str = "float32") -> Array:
    return np.zeros(shape, dtype)


def rejected(graph: Graph, **feeds: Array) -> InputError:
    with pytest.raises(InputError) as caught:
        prepare(graph, feeds)
    return caught.value


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (
            zeros(1, 3, 28, 28),
            "`a` must be f32[N, 1, 28, 28], got f32[1, 3, 28, 28]: dimension 1 is 3, and must be 1",
        ),
        (
            zeros(28, 28),
            "`a` must be f32[N, 1, 28, 28], got f32[28, 28]: it has 2 dimensions, and must have 4",
        ),
        (
            zeros(1, 1, 28, 28, dtype="int64"),
            "`a` must be f32[N, 1, 28, 28], got i64[1, 1, 28, 28]: "
            "its elements are i64, and must be f32",
        ),
        (
            zeros(1, 1, 28, 28, dtype="complex64"),
            "`a` must be f32[N, 1, 28, 28], got complex64[1, 1, 28, 28]: "
            "its elements are complex64, and must be f32",
        ),
    ],
)
def test_an_array_that_does_not_fit_is_rejected_with_the_type_of_the_signature(
    array: Array, message: str
) -> None:
    assert rejected(graph_of(f32(N, 1, 28, 28)), a=array).message == message


def test_a_symbol_has_one_size() -> None:
    problem = rejected(graph_of(f32(N, 2), f32(N)), a=zeros(4, 2), b=zeros(5))
    assert problem.message == "N is 4 in `a` and 5 in `b`"


def test_a_size_is_a_multiple_of_its_unit() -> None:
    problem = rejected(spatial(16), image=zeros(1, 1, 30, 32))
    assert problem.message == (
        "`image` must be f32[N, 1, H, W], got f32[1, 1, 30, 32]: "
        "H is 30, and must be a multiple of 16"
    )


def test_sizes_made_of_symbols_are_solved_and_checked() -> None:
    graph = graph_of(f32(2 * N + 1, 3), f32(N * N))
    assert bind_sizes(graph, {"a": zeros(9, 3), "b": zeros(16)}) == {"N": 4}
    problem = rejected(graph, a=zeros(9, 3), b=zeros(15))
    assert problem.message == (
        "`b` must be f32[N*N], got f32[15]: dimension 0 is 15, and must be N*N = 16 for N = 4"
    )
    problem = rejected(graph, a=zeros(8, 3), b=zeros(15))
    assert problem.message == (
        "`a` must be f32[2*N + 1, 3], got f32[8, 3]: dimension 0 is 8, and must be 2*N + 1"
    )


def test_a_size_that_cannot_be_solved_must_be_given() -> None:
    graph = graph_of(f32(N * N))
    problem = rejected(graph, a=zeros(9))
    assert problem.message == "the size N cannot be inferred from the inputs"
    assert problem.helps == ("fix the size N: `--bind N=…`, or `bind(N=…)`",)
    assert bind_sizes(graph, {"a": zeros(9)}, sizes={"N": 3}) == {"N": 3}


def test_a_size_from_the_command_line_is_checked() -> None:
    with pytest.raises(InputError, match="N is 3 in the command line and 9 in `a`"):
        bind_sizes(graph_of(f32(N)), {"a": zeros(9)}, sizes={"N": 3})


def test_every_input_that_does_not_fit_is_reported() -> None:
    problem = rejected(graph_of(f32(2), f32(3)), a=zeros(3), b=zeros(4))
    assert problem.message == "`a` must be f32[2], got f32[3]: dimension 0 is 3, and must be 2"
    assert problem.notes == (
        "also: `b` must be f32[3], got f32[4]: dimension 0 is 4, and must be 3",
    )


def test_a_misspelled_input_is_recognized_and_a_missing_one_named() -> None:
    problem = rejected(spatial(), imgae=zeros(1, 1, 4, 4))
    assert problem.message == "`Spatial` has no input `imgae`"
    assert problem.helps == ("did you mean `image`?",)
    assert problem.notes == ("also: no value was given for input `image` (f32[N, 1, H, W])",)


def test_elements_are_converted_within_their_kind_and_where_they_fit() -> None:
    fed = prepare(
        graph_of(f32(2), i64(2), TensorType(DType.U8, (2,))),
        {
            "a": np.array([1, 2], ">f8"),
            "b": np.array([1, 2], "int8"),
            "c": np.array([0, 255], "int64"),
        },
    )
    assert [a.dtype.str for a in fed.arrays.values()] == ["<f4", "<i8", "|u1"]
    assert fed.arrays["a"].tolist() == [1.0, 2.0]
    problem = rejected(graph_of(TensorType(DType.U8, (2,))), a=np.array([-1, 256]))
    assert problem.helps == ("its values run from -1 to 256, which u8 cannot hold",)


def test_the_interpreter_promotes_to_float64() -> None:
    x = np.array([[0.1, 0.2, 0.3, 0.4]])
    weights = mlp_weights()
    wide = reference.run(mlp(), {"x": x}, weights, dtype=DType.F64)
    exact = x @ weights["hidden.weight"].astype("float64").T + weights["hidden.bias"]
    assert wide["hidden"].dtype == np.float64
    np.testing.assert_allclose(wide["hidden"], exact, rtol=1e-15)


def test_weights_that_are_missing_or_wrong_are_listed() -> None:
    with pytest.raises(WeightsError) as caught:
        reference.run(mlp(), {"x": zeros(1, 4)}, {"hidden.weight": zeros(4, 3)})
    assert caught.value.message == "the weights do not fit `Mlp`: 2 differences"
    assert caught.value.notes == (
        "different: `hidden.weight` must be f32[3, 4], is f32[4, 3]",
        "missing: `hidden.bias` f32[3]",
    )


def test_sessions_that_share_memory_compute_the_same() -> None:
    model, x = to_onnx(mlp(), mlp_weights()), np.ones((3, 4), np.float32)
    expected = Session(model).run({"x": x})
    for session in [Session(model, shared_arena=True), Session(model, shared_arena=True)]:
        results = session.run({"x": x})
        assert results.keys() == expected.keys()
        for name, array in results.items():
            np.testing.assert_array_equal(array, expected[name])


def test_a_state_starts_at_its_value_and_is_passed_from_call_to_call() -> None:
    graph, x = counter(), np.ones((3, 2), np.float32)
    session = Session(to_onnx(graph, {}))
    assert session.inputs == ("x", "total")
    assert session.outputs == ("y", "total_next")
    for run in (
        lambda fed: reference.run(graph, fed, {}),
        lambda fed: session.run(prepare(graph, fed).arrays),
    ):
        first = run({"x": x})
        assert first["total_next"].tolist() == [[1.5, 1.5]] * 3
        second = run({"x": x, "total": first["total_next"]})
        assert second["y"].tolist() == [[2.5, 2.5]] * 3


def test_a_model_carries_the_names_of_the_program() -> None:
    model = to_onnx(mlp(), mlp_weights(), metadata={"netlang.file": "mlp.net"})
    check(model)
    assert [i.name for i in model.graph.input] == ["x"]
    assert [o.name for o in model.graph.output] == ["y", "hidden"]
    assert [
        d.dim_param or d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim
    ] == [
        "N",
        4,
    ]
    assert {t.name for t in model.graph.initializer} >= {"hidden.weight", "hidden.bias"}
    places = {node.name: node.doc_string for node in model.graph.node}
    assert any(name.startswith("hidden/") for name in places)
    assert "mlp.net:2 dense hidden" in places.values()
    assert "mlp.net:3 relu" in places.values()
    assert model.producer_name == "netlang"
    properties = {p.key: p.value for p in model.metadata_props}
    assert properties == {"netlang.net": "Mlp", "netlang.file": "mlp.net"}


def test_a_model_records_what_its_sizes_are_multiples_of() -> None:
    model = to_onnx(spatial(16), {})
    properties = {p.key: p.value for p in model.metadata_props}
    assert properties["netlang.where"] == "H % 16 == 0, W % 16 == 0"


@pytest.mark.parametrize(("opset", "ir"), [(13, 7), (17, 8), (18, 8), (21, 10), (24, 12)])
def test_the_format_is_as_old_as_the_operators_allow(opset: int, ir: int) -> None:
    model = to_onnx(mlp(), mlp_weights(), opset=opset)
    assert (model.opset_import[0].version, model.ir_version) == (opset, ir)


def test_an_unsupported_opset_is_an_error() -> None:
    with pytest.raises(NetlangError, match="opset 9999 is not one that can be written") as caught:
        to_onnx(mlp(), mlp_weights(), opset=9999)
    assert caught.value.exit_code == USAGE
    assert caught.value.helps == ("choose one from 13 to 24",)


def test_only_what_an_output_needs_is_exported() -> None:
    model = to_onnx(mlp(), mlp_weights(), only=["hidden"])
    assert [o.name for o in model.graph.output] == ["hidden"]
    assert not any(node.op_type == "Relu" for node in model.graph.node)
    with pytest.raises(NetlangError, match="`Mlp` has no output `z`"):
        to_onnx(mlp(), mlp_weights(), only=["z"])


def test_an_input_that_is_an_output_and_equal_names_are_separated() -> None:
    b = Builder()
    x = b.fresh("x", f32(N, 2))
    y = add(b, "relu", x)
    graph = Graph("Echo", (x,), {}, tuple(b.nodes), {"same": x, "y": y, "again": y})
    feeds = {"x": np.array([[-1, 1]], np.float32)}
    outputs = Session(to_onnx(graph, {})).run(feeds)
    assert {n: a.tolist() for n, a in outputs.items()} == {
        "same": [[-1, 1]],
        "y": [[0, 1]],
        "again": [[0, 1]],
    }


@pytest.mark.parametrize("sizes", [(1, 4, 8), (3, 8, 4)])
def test_symbolic_sizes_are_computed_at_run_time(sizes: tuple[int, int, int]) -> None:
    b = Builder()
    n, h, w = symbol("N"), symbol("H", 4), symbol("W", 2)
    x = b.fresh("x", f32(n, h, 2 * w + 1))
    y = add(b, "reshape", x, shape=[h // 4, n * 4, 2 * w + 1])
    (z,) = b.add(Expand((h // 2 + w, n, h, 2 * w + 1)), x)
    graph = Graph("Open", (x,), {}, tuple(b.nodes), {"y": y, "z": z}, units={"H": 4, "W": 2})
    count, height, width = sizes
    rng = np.random.default_rng(0)
    feeds = {"x": rng.standard_normal((count, height, 2 * width + 1)).astype(np.float32)}
    model = to_onnx(graph, {})
    check(model)
    actual, expected = Session(model).run(feeds), reference.run(graph, feeds, {})
    assert expected["z"].shape == (height // 2 + width, *feeds["x"].shape)
    for name, array in expected.items():
        np.testing.assert_array_equal(actual[name], array)


def test_a_size_that_no_input_carries_is_an_error() -> None:
    b = Builder()
    x = b.fresh("x", f32(1))
    (y,) = b.add(Expand((symbol("K"),)), x)
    with pytest.raises(NetlangError, match="no input of `Open` says what K is"):
        to_onnx(Graph("Open", (x,), {}, tuple(b.nodes), {"y": y}), {})


def test_zeros_before_a_max_pool_stay_zeros_on_any_onnxruntime() -> None:
    import onnxruntime

    b = Builder()
    x = b.fresh("x", f32(1, 1, 2, 2))
    padded = add(b, "pad", x, amounts=[[1, 1], [1, 1]], mode="constant", value=0.0)
    y = add(b, "max_pool", padded, kernel=2, stride=1)
    graph = Graph("Edge", (x,), {}, tuple(b.nodes), {"y": y})
    feeds = {"x": np.full((1, 1, 2, 2), -1, np.float32)}
    stock = onnxruntime.InferenceSession(to_onnx(graph, {}).SerializeToString())
    expected = reference.run(graph, feeds, {})["y"]
    assert expected.max() == 0
    np.testing.assert_array_equal(stock.run(None, feeds)[0], expected)


def test_a_provider_that_is_missing_is_an_error_and_never_another_one() -> None:
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this machine has CUDA")
    with pytest.raises(ProviderError) as caught:
        Session(to_onnx(mlp(), mlp_weights()), provider="cuda")
    assert caught.value.message == "the provider `cuda` is not available"
    assert caught.value.notes == ("available here: cpu",)
    assert caught.value.exit_code == ENVIRONMENT
    assert Session(to_onnx(mlp(), mlp_weights()), provider="auto").provider == "cpu"


def test_a_provider_that_cannot_be_loaded_is_an_error_too(monkeypatch: pytest.MonkeyPatch) -> None:
    import onnxruntime

    monkeypatch.setattr(
        onnxruntime,
        "get_available_providers",
        lambda: ["CUDAExecutionProvider", "CPUExecutionProvider"],
    )
    opened = onnxruntime.InferenceSession

    def without_cuda(model: bytes, options: object, providers: object, **rest: Any) -> object:
        del providers
        return opened(model, options, providers=["CPUExecutionProvider"], **rest)

    monkeypatch.setattr(onnxruntime, "InferenceSession", without_cuda)
    with pytest.raises(ProviderError) as caught:
        Session(to_onnx(mlp(), mlp_weights()), provider="cuda")
    assert caught.value.notes[0] == "onnxruntime knows `cuda` but could not load it"
    assert Session(to_onnx(mlp(), mlp_weights()), provider="auto").provider == "cpu"


def test_an_error_at_run_time_refers_to_the_program() -> None:
    b = Builder()
    table, ids = b.fresh("table", f32(3, 2)), b.fresh("ids", i64(N))
    b.scope = Scope("words", "embedding", Span(SOURCE, 30, 35), None, library=True)
    y = add(b, "gather_rows", table, ids)
    session = Session(to_onnx(Graph("Lookup", (table, ids), {}, tuple(b.nodes), {"y": y}), {}))
    with pytest.raises(ExecutionError) as caught:
        session.run({"table": zeros(3, 2), "ids": np.array([0, 3])})
    assert "out of data bounds" in caught.value.message
    assert "Traceback" not in caught.value.message
    assert caught.value.notes == ("written at mlp.net:2 embedding words",)


def test_large_weights_are_written_next_to_the_model(tmp_path: Path) -> None:
    b = Builder()
    x = b.fresh("x", f32(N, 40))
    big = b.fresh("big", f32(30, 40))
    _, param = weight(Builder(), "big", 30, 40)
    y = add(b, "linear", x, big)
    graph = Graph("Big", (x,), {big: param}, tuple(b.nodes), {"y": y})
    weights = {"big": np.arange(1200, dtype=np.float32).reshape(30, 40)}
    path = tmp_path / "big.onnx"
    expected = reference.run(graph, {"x": np.ones((2, 40), np.float32)}, weights)["y"]
    for threshold, files in ((1 << 30, {"big.onnx"}), (1000, {"big.onnx", "big.onnx.data"})):
        written = save(to_onnx(graph, weights), path, external_threshold=threshold)
        assert {p.name for p in written} == files == {p.name for p in tmp_path.iterdir()}
        onnx.checker.check_model(str(path), full_check=True)
        found = Session(path).run({"x": np.ones((2, 40), np.float32)})["y"]
        np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_a_failed_write_leaves_no_files(tmp_path: Path) -> None:
    model = to_onnx(mlp(), mlp_weights())
    with pytest.raises(NetlangError) as caught:
        save(model, tmp_path / "none" / "m.onnx")
    assert caught.value.message == f"cannot write {tmp_path}/none/m.onnx: no such file or directory"
    assert caught.value.exit_code == ENVIRONMENT
    assert list(tmp_path.iterdir()) == []


def test_a_written_file_is_for_everyone_the_umask_allows(tmp_path: Path) -> None:
    save(to_onnx(mlp(), mlp_weights()), tmp_path / "m.onnx")
    plain = tmp_path / "plain"
    plain.write_bytes(b"")
    mode = stat.S_IMODE((tmp_path / "m.onnx").stat().st_mode)
    assert mode == stat.S_IMODE(plain.stat().st_mode)


def test_a_lookup_beyond_the_table_is_a_user_error() -> None:
    b = Builder()
    table, ids = b.fresh("table", f32(3, 2)), b.fresh("ids", i64(N))
    y = add(b, "gather_rows", table, ids)
    graph = Graph("Lookup", (table, ids), {}, tuple(b.nodes), {"y": y})
    feeds = {"table": zeros(3, 2), "ids": np.array([0, 3])}
    with pytest.raises(InputError, match="looks up an entry that does not exist"):
        reference.run(graph, feeds, {})
    with pytest.raises(ExecutionError):
        Session(to_onnx(graph, {})).run(feeds)


def test_a_model_too_large_for_a_message_runs_through_a_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from netlang.backends.ort import opening

    monkeypatch.setattr(opening, "_MOST_IN_MEMORY", 10)
    monkeypatch.setattr(save, "__kwdefaults__", {"external_threshold": 10})
    x = np.ones((2, 4), np.float32)
    model = to_onnx(mlp(), mlp_weights())
    assert weight_bytes(model) == 4 * (12 + 3)
    found = Session(model).run({"x": x})["hidden"]
    expected = reference.run(mlp(), {"x": x}, mlp_weights())["hidden"]
    np.testing.assert_allclose(found, expected, rtol=1e-5)
