"""Train sections in Python (``netlang.api.training``)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import netlang
from netlang.api.arguments import texts

TEXT = """
net Line(x: f32[N, 2], scale: float = 1.0) -> y: f32[N, 1] {
  y = dense(scale * x, 1)
}

train line(lr: float = 0.1, shuffled: bool = true) {
  data = synthetic_line() |> batches(10, shuffle=shuffled)
  valid = synthetic_line() |> batches(20)
  model = new Line(scale=2.0)
  loss = mse(model(batch.x), batch.y)
  optimizer = sgd(lr)
  run = 3 epochs
}

dataset synthetic_line() -> (x: f32[2], y: f32[1]) {
  npz = "line.npz"
}
"""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> netlang.Program:
    monkeypatch.chdir(tmp_path)
    x = np.random.default_rng(0).random((40, 2), np.float32)
    np.savez("line.npz", x=x, y=x @ np.array([[1], [-2]], np.float32))
    Path("line.net").write_text(TEXT, "utf-8")
    return netlang.load("line.net")


class Recorded(netlang.Callback):
    def __init__(self) -> None:
        self.steps: list[int] = []
        self.losses: list[float] = []

    def stepped(self, step: int, measured: Mapping[str, float]) -> None:
        self.steps.append(step)
        self.losses.append(measured["loss"])


def test_a_run_has_its_history_and_the_trained_networks(program: netlang.Program) -> None:
    recorded = Recorded()
    run = program.train(callback=recorded, settings={"lr": 0.2, "shuffled": False})
    assert (run.folder, run.finished, run.step) == (Path("runs/line-1"), True, 12)
    assert [report.epoch for report in run.history] == [1, 2, 3]
    assert run.history[0].valid["loss"] > run.history[-1].valid["loss"]
    assert recorded.steps == list(range(1, 13))
    network = run.networks["model"]
    stored = network.bind(scale=2.0).load("runs/line/model.safetensors")
    x = np.ones((1, 2), np.float32)
    np.testing.assert_array_equal(network(x)["y"], stored(x)["y"])
    assert repr(run.networks) == "['model']"


def test_files_and_networks_are_evaluated_alike(program: netlang.Program) -> None:
    run = program.train()
    of_file = program.evaluate(run.folder / "model.safetensors")
    of_network = program.evaluate(run.networks["model"], "line")
    by_layer = program.evaluate({"model": run.networks["model"]})
    assert of_file == of_network == by_layer
    assert (of_file.of, of_file.examples) == ("valid", 40)
    assert of_file.metrics["loss"] == pytest.approx(run.history[-1].valid["loss"], rel=1e-6)
    with pytest.raises(netlang.WeightsError, match="the network does not fit `model`"):
        program.evaluate(netlang.loads("net A(x: f32[N, 2]) -> y = dense(x, 2)")["A"])


def test_an_interrupted_run_is_resumed_to_the_same_end(program: netlang.Program) -> None:
    whole = program.train(folder="whole")
    recorded = Recorded()
    begun = program.train(
        folder="part", callback=recorded, interrupted=lambda: len(recorded.steps) > 5
    )
    assert not begun.finished
    resumed = program.train(folder="part", resume=True)
    assert resumed.finished
    for path, array in whole.networks["model"].parameters.items():
        np.testing.assert_array_equal(array, resumed.networks["model"].parameters[path])
    assert [r.train for r in resumed.history] == [r.train for r in whole.history]


def test_errors_are_raised_before_there_is_a_folder(program: netlang.Program) -> None:
    with pytest.raises(netlang.Error, match="has no parameter `lrr`"):
        program.train(settings={"lrr": 0.1})
    with pytest.raises(netlang.Error, match="`override` requires `resume`"):
        program.train(override=("lr",))
    wrong = netlang.loads(TEXT.replace("mse(", "msee("), "wrong.net")
    with pytest.raises(netlang.ProgramError, match="did you mean `mse`"):
        wrong.train()
    assert not Path("runs").exists()


def test_settings_that_fail_leave_the_program_as_it_was(program: netlang.Program) -> None:
    for _ in range(2):
        with pytest.raises(netlang.ProgramError, match="wrong-type"):
            program.train(settings={"lr": [1]})
    assert program.check() is program
    assert program.train(settings={"lr": 0.1}).finished
    assert program.forecast().examples == 40
    assert repr(program.forecast()) == str(program.forecast())
    for _ in range(3):
        for lr in range(1, 20):
            program.plan(None, {"lr": f"{lr}.0"})
    assert program.checked._budget.spent < 1000


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threads": 0}, "`threads` is 0, and must be at least 1"),
        ({"seed": -1}, "`seed` is -1, and must be at least 0"),
        ({"pause": -1}, "`pause` is -1, and must be at least 0"),
        ({"pause": float("nan")}, "`pause` is nan, and must be at least 0"),
        ({"backend": "torch"}, "there is no backend `torch`"),
    ],
)
def test_numbers_that_no_run_can_have_are_rejected(
    program: netlang.Program, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(netlang.Error) as caught:
        program.train(**options)
    assert caught.value.message == message
    assert not Path("runs").exists()


def test_a_setting_to_override_is_named_alone(program: netlang.Program) -> None:
    program.train(settings={"lr": 0.2})
    with pytest.raises(netlang.Error, match="differ"):
        program.train(settings={"lr": 0.3}, resume=True)
    assert program.train(settings={"lr": 0.3}, resume=True, override="lr").finished


def test_nothing_is_not_evaluated(program: netlang.Program) -> None:
    with pytest.raises(netlang.InputError, match="no parameters to evaluate") as caught:
        program.evaluate({})
    assert caught.value.notes == ("the layers of `line`: model",)


def test_settings_of_python_are_settings_of_the_language(program: netlang.Program) -> None:
    given = {"lr": np.float64(0.25), "shuffled": np.bool_(True), "name": None, "count": 3}
    assert texts(given) == {"lr": "0.25", "shuffled": "true", "name": "none", "count": "3"}
    assert program.train(settings={"shuffled": np.bool_(False)}).finished


def test_the_warnings_of_a_section_are_issued(program: netlang.Program) -> None:
    text = TEXT.replace("(x: f32[N, 2],", "(x: f32[N, 2], z: f32[N, 2],").replace(
        "batch.x)", "batch.x, batch.x)"
    )
    with pytest.warns(netlang.ProgramWarning) as caught:
        netlang.loads(text, "line.net").forecast("line")
    (warning,) = caught
    assert isinstance(warning.message, netlang.ProgramWarning)
    assert len(warning.message.diagnostics) == 1
    assert warning.filename == __file__


def test_a_forecast_trains_nothing(program: netlang.Program) -> None:
    assert "3 trainable" in str(program.forecast())
    assert not Path("runs").exists()


def test_a_step_is_compiled_with_its_state(program: netlang.Program) -> None:
    files = program.compile_step("step.onnx", "line")
    assert files == (Path("step.onnx"), Path("step.safetensors"))
    with pytest.raises(netlang.Error, match=r"the target onnx is written as \.onnx"):
        program.compile_step("step.safetensors")
