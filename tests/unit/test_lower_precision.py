"""Models in a lower precision: close to f32, smaller, and measured by the metrics of a section.

Tests ``netlang.backends.precision`` and ``netlang.training.conversion``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from commands import said

import netlang
from netlang.backends import LOWER, Lower
from netlang.backends.compile import compile_graph
from netlang.backends.precision import converted, is_dynamic
from netlang.training import conversion
from netlang.training.conversion import ConvertedModel, Measured

EXAMPLES = Path(__file__).parents[2] / "examples"
DIGITS = EXAMPLES / "digits.net"
WEIGHTS = EXAMPLES / "data" / "digits.safetensors"
RECURRENT = """
net Recurrent(x: f32[N, T, 8]) -> y: f32[N, T, 4] = (x |> lstm(64)).y |> dense(4)
"""
LARGE = """
net Large(x: f32[N, 1, 12, 12]) -> y: f32[N, 10] {
  y = x |> conv(16, 3) |> relu |> conv(32, 3) |> relu |> flatten |> dense(64) |> relu |> dense(10)
}
"""


def lower(precision: Lower) -> ConvertedModel:
    network = netlang.load(DIGITS)["Digits"].load(WEIGHTS)
    model = network.compile(precision=precision, section="digits")
    assert isinstance(model, ConvertedModel)
    return model


@pytest.mark.parametrize("precision", LOWER)
def test_metrics_are_those_of_the_section(precision: Lower) -> None:
    found = lower(precision).conversion
    assert found is not None and found.of == ("valid", 297, 99)
    expected = netlang.load(DIGITS).evaluate(WEIGHTS).metrics
    assert found.before.metrics == pytest.approx(dict(expected), rel=1e-5)
    assert found.after.metrics["acc"] == pytest.approx(found.before.metrics["acc"], abs=0.005)
    assert found.after.metrics != found.before.metrics
    assert (found.kept, found.dropped) == ((), ())
    assert found.calibrated == (512 if precision == "int8" else 0)
    assert found.after.bytes < found.before.bytes


@pytest.mark.parametrize("precision", LOWER)
@pytest.mark.parametrize("source", [LARGE, RECURRENT], ids=["convolutions", "recurrent"])
def test_outputs_are_close_and_the_file_is_smaller(
    source: str, precision: Lower, tmp_path: Path
) -> None:
    network = netlang.loads(source)
    (net,) = network.values()
    assert all(compared.ok for compared in net.verify(precision=precision))
    whole = compile_graph(net.graph, net.parameters.arrays()).proto
    rng = np.random.default_rng(0)
    shape = [size if isinstance(size, int) else 3 for size in net.graph.inputs[0].type.shape]
    examples = [{"x": rng.standard_normal(shape).astype(np.float32)} for _ in range(4)]
    model = converted(whole, precision, examples)
    assert model.ByteSize() < (0.6 if precision != "int8" else 0.5) * whole.ByteSize()
    assert model.producer_name == "netlang"
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString())
    session = onnxruntime.InferenceSession(path)  # without the options of ours
    (found,) = session.run(None, examples[0])
    assert isinstance(found, np.ndarray)
    expected = net.interpret(examples[0]["x"])["y"]
    assert np.abs(found - expected).max() <= 0.1 * np.abs(expected).max()


def test_the_only_section_has_the_examples_for_the_ranges() -> None:
    model = netlang.load(DIGITS)["Digits"].load(WEIGHTS).compile(precision="int8")
    assert isinstance(model, ConvertedModel) and model.conversion is not None
    assert model.conversion.calibrated == 512


def test_loops_and_attention_take_ranges_from_each_batch() -> None:
    program = netlang.loads(RECURRENT + LARGE)
    assert is_dynamic(program["Recurrent"].compile().proto)
    assert not is_dynamic(program["Large"].compile().proto)


def test_a_metric_that_drops_keeps_the_ends_in_f32(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Every change of the loss counts as a drop, which f16 in between still makes.
    monkeypatch.setattr(conversion, "_DROP", -1.0)
    code, out, err = said(
        capsys, "compile", DIGITS, "-w", WEIGHTS, "--precision", "int8", "--section", "digits",
        "-o", tmp_path / "d.onnx",
    )  # fmt: skip
    assert code == 0
    assert "`acc` is 0.9226 in int8 and 0.9226 in f32" in err
    assert "int8: measured on 297 examples of `valid`, ranges from 512 examples of `data`" in out


TWO = """
net Enc(image: f32[N, 1, 8, 8]) -> h: f32[N, 16] = image |> flatten |> dense(16) |> relu

net Dec(h: f32[N, 16]) -> logits: f32[N, 10] = dense(h, 10)

train both {
  data = digits("train") |> batches(64)
  enc = new Enc()
  dec = new Dec()
  loss = cross_entropy(dec(enc(batch.image)), batch.label)
  optimizer = adam(0.01)
  run = 1 epochs
}
"""


def test_metrics_that_need_other_trained_parameters_are_not_measured() -> None:
    with pytest.raises(netlang.Error) as caught:
        netlang.loads(TWO)["Enc"].compile(precision="f16", section="both")
    assert caught.value.message == (
        "the metrics of `both` cannot be measured with `enc` alone: "
        "they depend on trained parameters too: `dec.weight`"
    )


@pytest.mark.parametrize(
    ("before", "after", "worse"),
    [
        (0.92, 0.91, True), (0.92, 0.918, False), (0.1, 0.9, True), (0.9, float("nan"), True),
        (0.9, -3.0, True),
    ],
)  # fmt: skip
def test_a_metric_that_changes_is_worse(before: float, after: float, worse: bool) -> None:
    measured = [Measured(0, 0.0, {"loss": 0.5, "score": value}) for value in (before, after)]
    assert conversion._worse(*measured, losses=["loss"]) == (["score"] if worse else [])


def test_what_is_kept_in_f32_is_not_converted() -> None:
    model = lower("f16")
    whole = netlang.load(DIGITS)["Digits"].load(WEIGHTS).compile().proto
    kept = converted(whole, "f16", keep=[node.name for node in whole.graph.node])
    stored = {t.data_type for t in kept.graph.initializer}
    assert stored == {1}  # f32
    assert 1 not in {t.data_type for t in model.proto.graph.initializer}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["alexnet_d2l.net", "--precision", "int8"],
            "int8 needs examples, to determine the ranges of the values between layers",
        ),
        (
            ["digits.net", "--precision", "f16", "--functions", "-w", str(WEIGHTS)],
            "f16 is for a whole net: without functions, raw input, and a choice of outputs",
        ),
        (
            ["digits.net", "--precision", "f16", "--train"],
            "--precision applies to a net",
        ),
        (
            ["gan.net", "Generator", "--precision", "f16", "--section", "gan"],
            "the inputs of `generator` in `gan` are not computed from data alone",
        ),
        (
            ["shapes.net", "Siamese", "--precision", "f16", "--section", "segment"],
            "the train section `segment` does not train `Siamese`",
        ),
    ],
)
def test_what_cannot_be_converted_is_reported(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, *rest = arguments
    code, _, err = said(capsys, "compile", EXAMPLES / file, *rest, "-o", tmp_path / "m.onnx")
    assert code in (1, 2)
    assert message in err


def test_parameters_that_f16_cannot_hold_are_rejected() -> None:
    text = "net D(x: f32[N, 4]) -> y {\n  y = dense(x, 2)\n}\n"
    network = netlang.loads(text)["D"]
    weight = network.parameters["y.weight"].copy()
    weight[0, 0] = -70_000.0
    network.parameters.replace({**network.parameters.arrays(), "y.weight": weight})
    with pytest.raises(netlang.Error) as rejected:
        network.compile(precision="f16")
    assert rejected.value.message == "the model cannot be converted to f16"
    assert rejected.value.notes == ("`y.weight` holds 70000; the largest number is 65,504",)
    assert rejected.value.helps == ("bf16 has the range of f32: `--precision bf16`",)
    assert network.compile(precision="bf16")
