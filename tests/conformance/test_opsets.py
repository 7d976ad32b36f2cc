"""Every opset gives models that ONNX accepts, with the losses that `netlang compile --help` lists.

Tests ``netlang.backends.opsets``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from commands import said

import netlang as nl
from netlang.backends.compile import CompiledModel, compile_graph
from netlang.backends.onnx import Model
from netlang.backends.opsets import DEFAULT, LOSSES, OPSETS, losses_text
from netlang.ir.arrays import numpy_dtype

EXAMPLES = Path(__file__).parents[2] / "examples"
FEW = {"CharLSTM", "LeNet", "Peephole", "NiN"}


def nets() -> Iterator[object]:
    for file in sorted(EXAMPLES.glob("*.net")):
        for name in nl.load(file):
            marks = [] if name in FEW else [pytest.mark.slow]
            yield pytest.param(file.name, name, marks=marks, id=f"{file.stem}-{name}")


def accepts(compiled: CompiledModel) -> None:
    """Run ONNX's full check and its strict shape inference.

    Parameters become inputs of the same type: a model of more than 2 GiB cannot be checked.
    """
    model = Model()
    model.CopyFrom(compiled.graph)
    for name, array in compiled.parameters.items():
        dtype = onnx.helper.np_dtype_to_tensor_dtype(array.dtype)
        model.graph.input.append(onnx.helper.make_tensor_value_info(name, dtype, array.shape))
    onnx.checker.check_model(model, full_check=True)
    onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)


@pytest.mark.parametrize(("file", "name"), list(nets()))
def test_every_example_has_a_valid_model_in_every_opset(file: str, name: str) -> None:
    graph = nl.load(EXAMPLES / file)[name].graph
    ones = {
        p.path: np.broadcast_to(np.ones((), numpy_dtype(p.type.dtype)), p.type.shape)  # pyright: ignore[reportArgumentType, reportCallIssue]
        for p in graph.params.values()
    }
    for opset in OPSETS:
        accepts(compile_graph(graph, ones, opset=opset))
        accepts(compile_graph(graph, ones, opset=opset, fold=False, functions=True))


def test_the_help_lists_what_each_opset_loses(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(capsys, "compile", "--help")
    assert code == 0
    assert " ".join(losses_text().split()) in " ".join(out.split())
    assert f"{OPSETS[0]} to {OPSETS[-1]}" in out


def test_the_default_is_the_oldest_opset_in_which_inference_loses_little() -> None:
    assert max(opset for opset in LOSSES if "gelu" not in LOSSES[opset]) < DEFAULT


ADDING = """
net Adding(x: f32[4], ids: i64[3]) -> y {
  y = scatter(x, ids, 1.0 + 0.0 * x[:3], axis=0, reduction="add")
}
"""


def test_an_operator_that_an_opset_lacks_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.net").write_text(ADDING, "utf-8")
    code, out, err = said(capsys, "compile", "a.net", "-o", "a.onnx", "--opset", "15")
    assert (code, out) == (2, "")
    assert err == (
        "error[opset-too-old]: ONNX opset 15 has no ScatterElements with `reduction`\n"
        "   |\n"
        "   = note: needed for line 3 scatter y\n"
        "   = help: choose opset 16 or newer\n"
    )
    assert not Path("a.onnx").exists()
    assert said(capsys, "compile", "a.net", "-o", "a.onnx", "--opset", "16")[0] == 0


def test_layer_norm_is_written_out_in_old_opsets() -> None:
    from netlang.backends.ort import Session

    network = nl.loads("net A(x: f32[N, 3, 8]) -> y = layer_norm(x)")["A"]
    feeds = {"x": np.random.default_rng(0).normal(3, 2, (2, 3, 8)).astype(np.float32)}
    new, old = (Session(network.compile(opset=o).proto).run(feeds)["y"] for o in (17, 16))
    np.testing.assert_allclose(old, new, rtol=0, atol=1e-5)
