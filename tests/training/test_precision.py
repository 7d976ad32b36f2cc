"""Runs in f64: computed finer from beginning to end, and rejected where a back end cannot.

Tests ``netlang.training.run`` and ``netlang.passes.promotion``.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from commands import ran
from safetensors.numpy import load_file
from sections import LENET, MLP, NORMED, engines, gan, prepared, section, walk, write

from netlang.training.run.checkpoints import LATEST
from netlang.training.run.engine import NumpyEngine, initial_state
from netlang.training.run.initial_parameters import initial_parameters

F64 = 'precision = "f64"'
DROPPING = NORMED.replace("relu |>", "relu |> dropout(0.2) |>")


def log(folder: Path) -> list[dict[str, float]]:
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [{name: value for name, value in line.items() if name != "seconds"} for line in lines]


RECURRENT = """
net Net(x: f32[N, 1, 8, 8]) -> logits: f32[N, 3] {
  steps = reshape(x, [N, 8, 8])
  a, _ = gru(steps, 5)
  b, _ = scan xt in a with total = 0.0 * a[:, 0] {
    next total = 0.3 * total + xt
    yield total
  }
  logits = dense(b[:, -1], 3)
}
"""
CASES = {
    "recurrent": section(RECURRENT, "adadelta()", F64),
    "dense": section(MLP, "adam(0.01)", F64),
    "decay": section(MLP, "sgd(lr, momentum=0.9, decay=0.01)", f"{F64}\n  clip = clip_norm(0.5)"),
    "gathering": section(MLP, "rmsprop(0.01)", f"{F64}\n  accumulate = 2"),
}
ON_THE_INTERPRETER = {
    "convolutions": section(LENET, "adagrad(0.01)", F64),
    "normed": section(DROPPING, "adamw(0.01)", F64),
    "gan": gan().replace("train gan {", f"train gan {{\n  {F64}"),
}


@pytest.mark.parametrize("name", CASES)
def test_both_back_ends_take_the_same_steps(name: str, tmp_path: Path) -> None:
    training = prepared(write(tmp_path, CASES[name]))
    ort, numpy = engines(training, tmp_path)
    first, second = walk(training, ort, tmp_path, 6), walk(training, numpy, tmp_path, 6)
    for a, b in zip(first, second, strict=True):
        assert a == pytest.approx(b, rel=1e-12)
    for path, array in ort.state().items():
        assert array.dtype == numpy.state()[path].dtype == np.float64
        np.testing.assert_allclose(array, numpy.state()[path], rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("name", CASES | ON_THE_INTERPRETER)
def test_a_run_is_that_in_f32_but_for_its_rounding(name: str, tmp_path: Path) -> None:
    text = (CASES | ON_THE_INTERPRETER)[name]
    told: list[list[dict[str, float]]] = []
    for precision in (text, text.replace("f64", "f32")):
        training = prepared(write(tmp_path, precision))
        state = initial_state(training, initial_parameters(training.plan, 0, tmp_path))
        told.append(walk(training, NumpyEngine(training, state), tmp_path, 4))
    for wide, narrow in zip(*told, strict=True):
        assert wide == pytest.approx(narrow, rel=2e-5, abs=1e-6)
    assert told[0] != told[1]


LINE = """
dataset rows -> (x: f32[3], y: f32[1]) {
  npz = "line.npz"
}

net Line(x: f32[N, 3]) -> y: f32[N, 1] = dense(x, 1, init=normal(1.0))

train line {
  data = rows() |> batches(50)
  model = new Line()
  loss = mse(model(batch.x), batch.y)
  optimizer = sgd(0.1)
  precision = "f64"
  run = 20 steps
}
"""


@pytest.mark.parametrize("backend", ["numpy", "onnxruntime"])
def test_steps_round_as_doubles_do(backend: str, tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    x, y = (draw.normal(size=(50, n)).astype(np.float32) for n in (3, 1))
    np.savez(tmp_path / "line.npz", x=x, y=y)
    path = tmp_path / "line.net"
    path.write_text(LINE)
    training = prepared(path)
    w, b = (
        initial_parameters(training.plan, 0, tmp_path)[n] for n in ("model.weight", "model.bias")
    )
    assert ran("train", path, "--run", tmp_path / "run", "--backend", backend) == 0
    x, y, w, b = (array.astype(np.float64) for array in (x, y, w, b))
    for _ in range(20):
        slope = 2.0 * (x @ w.T + b - y) / len(x)
        w, b = w - 0.1 * slope.T @ x, b - 0.1 * slope.sum(axis=0)
    state = load_file(tmp_path / "run" / LATEST)
    np.testing.assert_allclose(state["model.weight"], w, rtol=1e-14)
    np.testing.assert_allclose(state["model.bias"], b, rtol=1e-14)


def test_what_a_run_in_f64_keeps_and_what_the_net_gets(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, CASES["dense"])
    folder = tmp_path / "run"
    assert ran("train", path, "--run", folder) == 0
    kept, saved = load_file(folder / LATEST), load_file(folder / "model.safetensors")
    assert {array.dtype.name for array in kept.values()} == {"float64"}
    for name, array in saved.items():
        assert array.dtype == np.float32
        np.testing.assert_array_equal(array, kept[f"model.{name}"].astype(np.float32))
    capsys.readouterr()
    assert ran("evaluate", path, "-w", folder / "model.safetensors", "--json") == 0
    metrics = json.loads(capsys.readouterr().out)["metrics"]
    assert metrics == pytest.approx(log(folder)[-1]["valid"], rel=1e-6)
    assert ran("verify", path, "Net", "--weights", folder / "model.safetensors") == 0


@pytest.mark.parametrize("name", ["decay", "gathering", "normed", "gan"])
def test_a_run_that_was_stopped_ends_as_the_one_that_was_not(name: str, tmp_path: Path) -> None:
    text = (CASES | ON_THE_INTERPRETER)[name]
    path = write(tmp_path, text)
    options = ["--backend", "numpy"] if name in ON_THE_INTERPRETER else ["--threads", "1"]
    assert ran("train", path, "--run", tmp_path / "whole", *options) == 0
    # The first half of the run is a run of its own, and a longer one resumes it.
    epochs = "2 epochs" if name == "gan" else "4 epochs"
    path.write_text(text.replace(f"run = {epochs}", "run = 1 epochs"))
    assert ran("train", path, "--run", tmp_path / "parts", *options) == 0
    path.write_text(text)
    more = ["--resume", "--override", "run", *options]
    assert ran("train", path, "--run", tmp_path / "parts", *more) == 0
    whole, parts = (load_file(tmp_path / n / LATEST) for n in ("whole", "parts"))
    assert whole.keys() == parts.keys()
    for key, array in whole.items():
        assert array.tobytes() == parts[key].tobytes(), key
    assert log(tmp_path / "whole") == log(tmp_path / "parts")


def test_a_run_in_f32_does_not_resume_in_f64(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = section(MLP, more='precision = "f32"')
    path, folder = write(tmp_path, text), tmp_path / "run"
    assert ran("train", path, "--run", folder) == 0
    path.write_text(text.replace('"f32"', '"f64"'))
    assert ran("train", path, "--run", folder, "--resume") == 1
    assert 'precision: it was "f32", and is "f64"' in capsys.readouterr().err
    allowed = ("--override", "precision")
    assert ran("train", path, "--run", folder, "--resume", *allowed) == 0
    assert load_file(folder / LATEST)["model.h.weight"].dtype == np.float64


def test_a_step_is_written_in_f64(tmp_path: Path) -> None:
    import onnx

    path, model = write(tmp_path, CASES["dense"]), tmp_path / "step.onnx"
    assert ran("compile", path, "--train", "-o", model) == 0
    inputs = {v.name: v.type.tensor_type.elem_type for v in onnx.load(model).graph.input}
    names = ("batch.x", "rate", "model.h.weight", "model.h.weight/mean")
    assert {inputs[n] for n in names} == {onnx.TensorProto.DOUBLE}
    state = load_file(model.with_suffix(".safetensors"))
    assert {array.dtype.name for array in state.values()} == {"float64"}


REFUSED = """\
error[precision]: onnxruntime computes no Conv in f64
   |
   = note: written at {path}:7 conv model.a
   = help: compute the run on the interpreter: `--backend numpy`
"""


def test_onnxruntime_says_what_it_has_not_in_f64(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, section(LENET, more=F64))
    assert ran("train", path, "--run", tmp_path / "run") == 1
    assert capsys.readouterr().err == REFUSED.format(path=path)
    assert ran("train", path, "--run", tmp_path / "run", "--backend", "numpy") == 0


def test_no_step_is_written_that_onnxruntime_cannot_compute(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, section(LENET, more=F64))
    assert ran("compile", path, "--train", "-o", tmp_path / "step.onnx") == 1
    assert capsys.readouterr().err == (
        "error[precision]: onnxruntime computes no Conv in f64\n   |\n"
        f"   = note: written at {path}:7 conv model.a\n"
        "   = help: leave `precision` out, which is f32\n"
    )
    assert not list(tmp_path.glob("step.*"))


@pytest.mark.parametrize(
    ("precision", "why"),
    [
        ("f16", "what is smaller than 6e-8 is 0 in it, and with it many a gradient"),
        ("bf16", "processors and onnxruntime compute few operators in it"),
    ],
)
def test_half_precision_is_rejected(
    precision: str, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, section(MLP, more=f'precision = "{precision}"'))
    assert ran("train", path, "--run", tmp_path / "run") == 1
    assert capsys.readouterr().err == (
        f"error[precision]: training in {precision} does not exist yet\n"
        f"   |\n   = note: {why}\n"
        '   = help: leave `precision` out, which is f32, or take `"f64"`\n'
    )


def test_a_state_is_a_copy_on_both_back_ends(tmp_path: Path) -> None:
    training = prepared(write(tmp_path, section(NORMED, "adam(0.01)")))
    for engine in engines(training, tmp_path):
        walk(training, engine, tmp_path, 1)
        state = engine.state()
        kept = {name: array.copy() for name, array in state.items()}
        for array in engine.state().values():
            array[...] = 7
        walk(training, engine, tmp_path, 2)
        for name, array in state.items():
            np.testing.assert_array_equal(array, kept[name])
        assert any((engine.state()[name] != array).any() for name, array in kept.items())
        assert not any((array == 7).all() for array in engine.state().values())
