"""What a compiled model holds, and what `netlang compile` reports about it.

Tests ``netlang.backends.compile``, ``netlang.backends.onnx`` and ``netlang.passes.dead_code``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from commands import said

import netlang as nl

EXAMPLES = Path(__file__).parents[2] / "examples"

NORMED = """\
net Normed(x: f32[N, 4]) -> (y: f32[N, 2], z: f32[N, 3]) {
  h = x |> dense(8) |> batch_norm |> relu
  y = dense(h, 2)
  z = h |> dense(3) |> batch_norm
}
"""


@pytest.fixture(autouse=True)
def normed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> nl.Network:
    monkeypatch.chdir(tmp_path)
    Path("normed.net").write_text(NORMED, "utf-8")
    return nl.load("normed.net")["Normed"]


def initializers(path: str) -> dict[str, list[int]]:
    return {t.name: list(t.dims) for t in onnx.load(path).graph.initializer}


def test_folding_is_reported_with_both_counts(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(capsys, "compile", "normed.net", "-o", "a.onnx", "--seed", "7")
    size = Path("a.onnx").stat().st_size
    assert (code, out) == (0, (
        f"a.onnx: {size:,} bytes\n"
        "Normed: 4 nodes, 85 parameters, opset 18\n"
        "folded 2 batch norms; --no-fold keeps them\n"
        "129 parameters before folding, 85 after\n"
        "untrained: the parameters are the initial ones of seed 7; --weights loads others\n"
    ))  # fmt: skip


def test_without_folding_nothing_is_reported_about_it(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = said(capsys, "compile", "normed.net", "-o", "a.onnx", "--no-fold")
    assert "Normed: 6 nodes, 129 parameters, opset 18\nuntrained" in out


def test_what_is_not_exported_is_not_counted(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = said(capsys, "compile", "normed.net", "-o", "a.onnx", "--only", "y")
    assert "folded 1 batch norm; --no-fold keeps them\n" in out
    assert "90 parameters before folding, 58 after\n" in out
    assert initializers("a.onnx").keys() == {
        "h.dense.weight", "h.dense.bias", "y.weight", "y.bias"
    }  # fmt: skip


def test_loaded_parameters_are_not_called_untrained(
    normed: nl.Network, capsys: pytest.CaptureFixture[str]
) -> None:
    normed.save("w.safetensors")
    _, out, _ = said(capsys, "compile", "normed.net", "-o", "a.onnx", "-w", "w.safetensors")
    assert "untrained" not in out


def test_a_net_without_parameters_is_not_untrained(capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.net").write_text("net Twice(x: f32[N]) -> y: f32[N] = 2.0 * x\n", "utf-8")
    _, out, _ = said(capsys, "compile", "a.net", "-o", "a.onnx")
    assert out.endswith("Twice: 1 node, 0 parameters, opset 18\n")


def test_python_reports_what_was_folded(normed: nl.Network) -> None:
    model = normed.compile()
    assert (model.folded, model.parameter_counts) == (2, (129, 85))
    assert normed.compile(fold=False).folded == 0


@pytest.mark.parametrize(("file", "net"), [
    ("lenet", "LeNet"), ("char_lstm", "CharLSTM"), ("bigru", None), ("batch_norm_lenet", None),
    ("squeezenet", "SqueezeNet"), ("recurrent_by_hand", "Peephole"), ("linear_regression", None),
])  # fmt: skip
def test_unfolded_initializers_are_the_parameters(file: str, net: str | None) -> None:
    network = nl.load(EXAMPLES / f"{file}.net").network(net)
    stored = network.compile(fold=False).proto.graph.initializer
    expected = [(p.path, p.type.shape) for p in network.graph.params.values()]
    assert [(t.name, tuple(t.dims)) for t in stored] == expected


def test_unread_parameters_stay_in_an_unfolded_model() -> None:
    text = "net A(x: f32[N, 2]) -> y: f32[N, 2] {\n  w = param([2])\n  y = dense(x, 2)\n}\n"
    network = nl.loads(text)["A"]
    for fold, names in ((False, ["w", "y.weight", "y.bias"]), (True, ["y.weight", "y.bias"])):
        stored = network.compile(fold=fold).proto.graph.initializer
        assert [t.name for t in stored] == names


def test_a_state_whose_next_value_is_not_exported_is_an_input() -> None:
    text = """
    net Sum(x: f32[N, 2]) -> y: f32[N, 2] {
      state total: f32[N, 2] = 0.0
      y = x + total
      next total = y
    }
    """
    model = nl.loads(text)["Sum"].compile(only="y").proto
    assert [i.name for i in model.graph.input] == ["x", "total"]
    assert [o.name for o in model.graph.output] == ["y"]


def test_recurrent_weights_compute_the_same_in_either_layout() -> None:
    from netlang.backends.ort import Session

    network = nl.load(EXAMPLES / "bigru.net").network(sizes={"vocab": 50})
    tokens = np.random.default_rng(0).integers(0, 50, (2, 7))
    one, other = (
        Session(network.compile(fold=fold).proto).run({"tokens": tokens}) for fold in (True, False)
    )
    for name, array in one.items():
        np.testing.assert_allclose(other[name], array, rtol=0, atol=1e-6)
