"""What is NaN or infinite is reported with its cause, and is never saved.

Tests ``netlang.training.run.nonfinite`` and ``netlang.system.json_text``.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from commands import said
from safetensors.numpy import load_file, save_file
from sections import engines, prepared

from netlang.training.run.folder import RunFolder
from netlang.training.step.graphs import DRAW, STEP

PROGRAM = """
dataset rows(file: str) -> (x: f32[4], y: f32[2], counts: bool[]) { npz = file }

net Net(x: f32[N, 4]) -> y: f32[N, 2] { BODY }

optimizer broken(lr: schedule) { next weight = weight - lr * gradient / (gradient * 0.0) }

train it(held: str = "all.npz") {
  data = rows("SEEN") |> batches(5, drop_last=true)
  valid = rows(held) |> batches(HELD)
  model = new Net()
  y = model(batch.x)
  error = sum((y - batch.y) ** 2, axis=1)
  loss = LOSS
  optimizer = OPTIMIZER
  run = 2 epochs
  MORE
}
"""
MASKED = "sum(select(batch.counts, error, 0.0)) / sum(cast(batch.counts, f32))"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(
    *, body: str = "y = dense(x, 2)", loss: str = MASKED, optimizer: str = "sgd(0.1)",
    more: str = "", seen: str = "all.npz", held: str = "4",
) -> Path:  # fmt: skip
    """Write a program and its data: examples of which all, few, or none count."""
    draw = np.random.default_rng(0)
    x, y = (draw.normal(size=(10, n)).astype(np.float32) for n in (4, 2))
    np.savez("all.npz", x=x, y=y, counts=np.ones(10, bool))
    np.savez("few.npz", x=x, y=y, counts=np.arange(10) < 5)
    np.savez("none.npz", x=x, y=y, counts=np.zeros(10, bool))
    text = PROGRAM.replace("BODY", body).replace("LOSS", loss).replace("OPTIMIZER", optimizer)
    text = text.replace("HELD", held).replace("MORE", more).replace("SEEN", seen)
    Path("it.net").write_text(text)
    return Path("it.net")


FORMULA = "check the data, and keep divisors and the arguments of `log` and `sqrt` above 0"


@pytest.mark.parametrize("backend", ["onnxruntime", "numpy"])
@pytest.mark.parametrize(
    ("program", "message", "note", "help"),
    [
        (
            {"seen": "few.npz"},
            "the loss is nan at step 2",
            "the first NaN is in `loss.5`, made by `div` (div, it.net:14) from 0 and 0",
            "0 / 0 is undefined: leave out batches in which no example or label counts",
        ),
        (
            {"loss": "mean(error) + sum(log(batch.x * 0.0))"},
            "the loss is -inf at step 1",
            "the first infinity is in `loss.3`, made by `loss` (log, it.net:14) from 0",
            FORMULA,
        ),
        # What a mask leaves out is not the cause.
        (
            {
                "body": "y = select(x[:, :2] < 99.0, dense(x, 2), log(x[:, :2] * 0.0))",
                "loss": "mean(error) + sum(log(batch.x * 0.0 - 1.0))",
            },
            "the loss is nan at step 1",
            "the first NaN is in `loss.5`, made by `loss` (log, it.net:14) from -1",
            FORMULA,
        ),
        (
            {"more": 'init = [load(model, "w.safetensors")]'},
            "the loss is nan at step 1",
            "`model.y.bias` contains NaN before the step begins",
            "the initial parameters contain it: check the file that they are from",
        ),
        # The state is that of the first call, which no step has stored yet.
        (
            {
                "body": "state h: f32[N, 2] = 0.0\n  y = log(h - 1.0) + dense(x, 2)\n  next h = y",
                "more": "carry_state = true",
                "held": "5",
            },
            "the loss is nan at step 1",
            "the first NaN is in `model.y.2`, made by `model.y` (log, it.net:5) from -1",
            FORMULA,
        ),
    ],
)
def test_a_step_that_is_not_finite_is_reported_with_its_cause(
    program: dict[str, str], message: str, note: str, help: str, backend: str,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    write(**program)
    weights = {"y.weight": np.zeros((2, 4), np.float32), "y.bias": np.full(2, np.nan, np.float32)}
    save_file(weights, "w.safetensors")
    code, _, told = said(capsys, "train", "it.net", "--backend", backend)
    assert (code, told) == (
        4,
        f"error[not-finite]: {message}\n   |\n   = note: {note}\n   = help: {help}\n",
    )


@pytest.mark.parametrize("backend", ["onnxruntime", "numpy"])
def test_an_update_of_several_batches_in_which_nothing_counts_is_reported(
    backend: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write(seen="few.npz", more="accumulate = 2")
    assert said(capsys, "train", "it.net", "--backend", backend)[0] == 0
    write(seen="none.npz", more="accumulate = 2")
    code, _, told = said(capsys, "train", "it.net", "--run", "other", "--backend", backend)
    assert (code, told) == (
        4,
        "error[not-finite]: the loss is nan at step 1\n   |\n"
        "   = help: 0 / 0 is undefined: leave out batches in which no example or label counts\n",
    )


def test_a_loss_that_is_not_finite_on_valid_has_its_own_exit_code(
    capsys: pytest.CaptureFixture[str],
) -> None:
    write()
    report = (
        "error[not-finite]: the loss is nan on `valid`\n   |\n"
        "   = help: 0 / 0 is undefined: no example or label of `valid` counts\n"
    )
    code, _, told = said(capsys, "train", "it.net", "--set", "held=none.npz")
    assert (code, told) == (5, report)
    # The steps were good: their result is saved, and the run continues with other data.
    weights = "runs/it/model.safetensors"
    assert np.isfinite(load_file(weights)["y.weight"]).all()
    evaluated = said(capsys, "evaluate", "it.net", "-w", weights, "--set", "held=none.npz")
    assert evaluated == (5, "", report)
    good = ("--set", "held=all.npz", "--override", "examples", "--override", "valid")
    assert said(capsys, "train", "it.net", "--resume", "--set", "held=none.npz")[0] == 5
    code, out, told = said(capsys, "train", "it.net", "--resume", *good)
    assert (code, told) == (0, "")
    assert "epoch 1/2" in out


def test_a_metric_that_is_not_finite_is_null_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    path = write(loss="mean(error)", more="metrics = [log(-mean(error)) as odd]")
    assert said(capsys, "train", path)[0] == 0
    lines = Path("runs/it/log.jsonl").read_text().splitlines()
    assert [json.loads(line, parse_constant=pytest.fail)["valid"]["odd"] for line in lines] == [
        None, None
    ]  # fmt: skip
    weights = "runs/it/model.safetensors"
    code, out, _ = said(capsys, "evaluate", path, "-w", weights, "--json")
    assert code == 0
    assert json.loads(out, parse_constant=pytest.fail)["metrics"]["odd"] is None
    with RunFolder(Path("runs/it")) as folder:
        assert all(math.isnan(report.valid["odd"]) for report in folder.reports(2))


def test_a_parameter_that_is_not_finite_is_not_saved(capsys: pytest.CaptureFixture[str]) -> None:
    write(optimizer="broken(0.1)")
    text = Path("it.net").read_text().replace("run = 2 epochs", "run = 1 step")
    Path("it.net").write_text(text)
    code, _, told = said(capsys, "train", "it.net")
    assert (code, told) == (
        4,
        "error[not-finite]: `model.y.bias` contains NaN or infinity after step 1\n   |\n"
        "   = note: 2 parameters do\n"
        "   = help: lower the learning rate; the last good checkpoint is kept\n",
    )
    assert not list(Path("runs/it").glob("*.safetensors"))


@pytest.mark.parametrize("shape", ["[N, 4]", "[N, 4, 1]", "[N, 4, H]"])
def test_a_batch_of_one_element_leaves_running_statistics_unchanged(
    shape: str, tmp_path: Path
) -> None:
    body = f"y = reshape(x, {shape.replace('H', '1')}) |> norm |> reshape([N, 4]) |> dense(2)"
    block = f"\nblock norm(x: f32{shape}) -> y = batch_norm(x)\n"
    path = write(body=body)
    path.write_text(path.read_text() + block)
    training = prepared(path)
    rows = np.load("all.npz")
    graph = training.steps[0].graph
    for engine in engines(training, tmp_path):
        for size, changes in ((1, False), (2, True)):
            before = engine.state()
            batch = {name: rows[name][:size] for name in rows.files}
            engine.step(graph, batch, {STEP: 1, DRAW: 1, "rate": 0.1})
            after = engine.state()
            names = [name for name in after if name.endswith((".mean", ".var"))]
            assert len(names) == 2
            for name in names:
                assert np.isfinite(after[name]).all()
                assert (after[name] != before[name]).any() == changes
