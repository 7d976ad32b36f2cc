"""What a run watches: the best value of a metric, files saved for it, and early stops.

Tests ``netlang.training.monitors``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from commands import ran, said
from plans import plan_of
from safetensors.numpy import load_file
from sections import MLP, WORSENING, section, write

import netlang
from netlang.plan.schedules import Clock
from netlang.training.monitors import Monitors
from netlang.training.run.checkpoints import load, split

NAN, INF = math.nan, math.inf
CLOCK = Clock(steps_per_epoch=3, total=30)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def monitors(folder: Path, more: str) -> Monitors:
    return Monitors(plan_of(write(folder, section(more=more))))


@pytest.mark.parametrize(
    ("mode", "values", "saved"),
    [
        ("max", [NAN, -2.0, -3.0, 0.5], [1, 3]),
        ("min", [NAN, 2.0, NAN, 1.0], [1, 3]),
        ("max", [INF, 1.0, INF, 2.0], [1, 3]),
        ("min", [-INF, 1.0, 0.5], [1, 2]),
        ("min", [INF, NAN, 1.0], [2]),
        ("max", [NAN, NAN], []),
    ],
)
def test_a_value_that_is_not_finite_is_never_the_best(
    mode: str, values: list[float], saved: list[int], tmp_path: Path
) -> None:
    found = monitors(tmp_path, f'checkpoint = [save_best(model, "b", by=acc, mode="{mode}")]')
    assert [i for i, value in enumerate(values) if found.to_save({"acc": value})] == saved


def test_a_stop_waits_through_values_that_are_not_finite(tmp_path: Path) -> None:
    found = monitors(tmp_path, "stop = early_stop(loss, patience=2 epochs)")
    told: list[bool] = []
    for value in (NAN, 1.0, NAN, 0.5, INF, NAN):
        found.watch({"loss": value}, len(told) + 1, CLOCK)
        told.append(found.stopped)
    assert told == [False, False, False, False, False, True]
    assert found.best == {"stop": 0.5, "result": 0.5}
    assert found.epoch == 4


def test_the_result_is_the_best_also_where_it_was_not_better_by_enough(tmp_path: Path) -> None:
    found = monitors(tmp_path, "stop = early_stop(loss, patience=2 epochs, min_change=0.5)")
    better = [found.watch({"loss": value}, i, CLOCK) for i, value in enumerate((1.0, 0.9, 0.8), 1)]
    assert better == [True, True, True]
    assert found.stopped
    assert found.remarks(3, Path("runs/it"), CLOCK) == [
        "stopped after epoch 3 of 10: `loss` on `valid` has not improved by more than 0.5 for "
        "2 epochs",
        "the parameters in runs/it are those of epoch 3, with the best `loss` on `valid`: 0.8",
    ]


def test_what_was_never_finite_is_reported(tmp_path: Path) -> None:
    more = "stop = early_stop(loss, patience=9 epochs)\n"
    more += '  checkpoint = [save_best(model, "b.safetensors", by=acc)]'
    found = monitors(tmp_path, more)
    measured = {"loss": NAN, "acc": NAN}
    assert not found.watch(measured, 1, CLOCK)
    assert not found.to_save(measured)
    assert found.remarks(1, Path("runs/it"), CLOCK) == [
        "the parameters in runs/it are the last ones: `loss` on `valid` was never finite",
        "b.safetensors was not saved: `acc` on `valid` was never finite",
    ]
    assert found.remarks(0, Path("runs/it"), CLOCK) == []


def test_the_result_of_a_run_with_a_stop_is_the_best(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, WORSENING)
    code, out, told = said(capsys, "train", "it.net")
    assert (code, told) == (0, "")
    best = load_file("runs/it/best.safetensors")
    value = json.loads(Path("runs/it/log.jsonl").read_text().splitlines()[0])["valid"]["loss"]
    assert out.splitlines()[-2:] == [
        "stopped after epoch 3 of 4: `loss` on `valid` has not improved for 2 epochs",
        f"the parameters in runs/it-1 are those of epoch 1, with the best `loss` on `valid`: "
        f"{value:.4g}",
    ]
    for name, array in load_file("runs/it/model.safetensors").items():
        assert (array == best[name]).all()
    # The run can be continued all the same.
    last = load_file("runs/it/epoch-3.safetensors")
    state, _ = split(load(Path("runs/it"))[0])
    for name, array in last.items():
        assert (state[f"model.{name}"] == array).all()
        assert (array != best[name]).any()


WATCHED = """
dataset rows -> (x: f32[1]) { npz = "rows.npz" }
net L(x: f32[N, 1]) -> y: f32[N, 1] { y = dense(x, 1, bias=false, init=constant(0.0)) }
train it {
  data = rows() |> batches(10)
  model = new L()
  p = model(batch.x)
  loss = mse(p, 3.0 * batch.x)
  watch = mean(log(p - 0.2 * batch.x))
  optimizer = sgd(0.01)
  checkpoint = [save_best(model, "best.safetensors", by=watch, mode="max")]
  run = 5 epochs
}
"""


def test_what_is_watched_is_measured_without_validation_data(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    x = np.random.default_rng(0).uniform(0.5, 2, (30, 1)).astype(np.float32)
    np.savez(tmp_path / "rows.npz", x=x)
    (tmp_path / "it.net").write_text(WATCHED)
    assert ran("train", "it.net") == 0
    assert "watch nan" in capsys.readouterr().out
    best, last = (load_file(f"runs/it/{name}.safetensors") for name in ("best", "model"))
    assert best["y.weight"] == last["y.weight"]


def test_the_rate_is_reduced_each_time_that_nothing_improves_for_long(tmp_path: Path) -> None:
    more = "plateau = reduce_on_plateau(loss, factor=0.5, patience=2 epochs, min_change=0.1)"
    found = monitors(tmp_path, more)
    scales: list[float] = []
    for epoch, value in enumerate((1.0, 0.95, NAN, 0.8, 0.75, 0.74, 0.9, 0.8), 1):
        found.watch({"loss": value}, epoch, CLOCK)
        scales.append(found.scale)
    assert scales == [1.0, 1.0, 0.5, 0.5, 0.5, 0.25, 0.25, 0.125]
    assert found.remarks(8, Path("runs/it"), CLOCK) == [
        "the learning rate was multiplied by 0.5 after epoch 3, 6, 8: `loss` on `valid` had not "
        "improved for 2 epochs"
    ]


PLATEAU = section(
    MLP, "sgd(0.5)", "plateau = reduce_on_plateau(acc, factor=0.5, patience=1 epochs)"
)


def test_reduced_rates_are_those_of_the_steps_and_of_the_log(tmp_path: Path) -> None:
    program = netlang.load(write(tmp_path, PLATEAU.replace("run = 4", "run = 12")))
    run = program.train(folder=tmp_path / "run")
    lines = (run.folder / "steps.jsonl").read_text().splitlines()
    steps = [json.loads(line) for line in lines]
    best, scale = -1.0, 1.0
    for report in run.history:
        rates = {each["rate"] for each in steps if report.epoch - 1 < each["epoch"] <= report.epoch}
        assert rates == {0.5 * scale}
        assert report.rate == 0.5 * scale
        scale *= 1.0 if report.valid["acc"] > best else 0.5
        best = max(best, report.valid["acc"])
    assert scale < 1.0
    assert any("multiplied by 0.5 after epoch" in remark for remark in run.remarks)


@pytest.mark.parametrize("stop", [4, 17, 30])
def test_a_resumed_run_has_the_reduced_rates_of_one_that_was_not_interrupted(
    stop: int, tmp_path: Path
) -> None:
    program = netlang.load(write(tmp_path, PLATEAU.replace("run = 4", "run = 12")))
    whole = program.train(folder=tmp_path / "whole")
    done: list[int] = []

    class Counted(netlang.Callback):
        def stepped(self, step: int, measured: Mapping[str, float]) -> None:
            done.append(step)

    part = tmp_path / "part"
    program.train(folder=part, callback=Counted(), interrupted=lambda: len(done) >= stop)
    resumed = program.train(folder=part, resume=True)
    assert resumed.remarks == whole.remarks
    for name in ("model.safetensors", "steps.jsonl"):
        assert (part / name).read_bytes() == (whole.folder / name).read_bytes()
