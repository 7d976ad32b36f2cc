"""Trainings end where published ones do. Source: Zhang et al., Dive into Deep Learning, 2023."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from sections import gan

from netlang.cli.guard import guarded
from netlang.cli.main import program

EXAMPLES = Path(__file__).parents[2] / "examples"


def trained(folder: Path, text: str, *options: str) -> tuple[dict[str, np.ndarray], list[dict]]:
    """Train the only section of a program; give the weights of `model` and the log."""
    path = folder / "it.net"
    path.write_text(text, "utf-8")
    run = folder / "run"
    arguments = ["train", str(path), "--run", str(run), *options]
    assert guarded(program, arguments) == 0
    log = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    weights = run / "model.safetensors"
    return (load_file(weights) if weights.exists() else {}), log


def test_linear_regression_finds_what_the_data_were_made_from(tmp_path: Path) -> None:
    run = tmp_path / "run"
    arguments = ["train", str(EXAMPLES / "linear_regression.net"), "--run", str(run)]
    assert guarded(program, arguments) == 0
    weights = load_file(run / "model.safetensors")
    np.testing.assert_allclose(weights["weight"], [[2.0, -3.4]], atol=2e-3)
    np.testing.assert_allclose(weights["bias"], [4.2], atol=2e-3)


def test_digits_are_learned_in_seconds(tmp_path: Path) -> None:
    arguments = ["train", str(EXAMPLES / "train_digits.net"), "--run", str(tmp_path / "run")]
    assert guarded(program, arguments) == 0
    log = [json.loads(x) for x in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert log[-1]["valid"]["acc"] > 0.95


EDGE = """
dataset pictures -> (x: f32[1, 6, 8], y: f32[1, 6, 7]) {
  npz = "pictures.npz"
}

net Edge(x: f32[N, 1, H, W]) -> y: f32[N, 1, H, W - 1] = conv(x, 1, (1, 2), bias=false)

train edge {
  data = pictures() |> batches(1)
  model = new Edge()
  loss = sum((model(batch.x) - batch.y) ** 2)
  optimizer = sgd(0.03)
  run = 10 epochs
}
"""


def test_a_kernel_learns_to_find_edges(tmp_path: Path) -> None:
    x = np.ones((1, 1, 6, 8), np.float32)
    x[..., 2:6] = 0
    np.savez(tmp_path / "pictures.npz", x=x, y=x[..., :-1] - x[..., 1:])
    weights, log = trained(tmp_path, EDGE)
    np.testing.assert_allclose(weights["weight"].reshape(2), [1, -1], atol=0.1)
    assert log[-1]["train"]["loss"] < 0.1


def test_a_generator_and_its_judge_end_at_the_balance(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    points = draw.normal(size=(1000, 2)) @ np.array([[1, 2], [-0.1, 0.5]]) + np.array([1, 2])
    np.savez(tmp_path / "points.npz", p=points.astype(np.float32))
    _, log = trained(tmp_path, gan(batch=8, epochs=20))
    last = log[-1]["train"]
    assert last["d.loss"] == pytest.approx(np.log(2), abs=0.02)
    assert last["g.loss"] == pytest.approx(np.log(2), abs=0.05)
    weights = load_file(tmp_path / "run" / "gen.safetensors")
    made = draw.normal(size=(5000, 2)) @ weights["weight"].T + weights["bias"]
    np.testing.assert_allclose(made.mean(axis=0), [1, 2], atol=0.5)


FIT = """
net Fit(x: f32[N, TERMS]) -> y: f32[N, 1] = dense(x, 1, bias=false)

train fit {
  all = noisy_polynomial(200, terms=TERMS, w=[5.0, 1.2, -3.4, 5.6])
  data = all |> part(0..99) |> batches(10, shuffle=true)
  valid = all |> part(100..199) |> batches(10)
  model = new Fit()
  loss = mse(model(batch.x), batch.y)
  optimizer = sgd(0.01)
  run = 400 epochs
}
"""


def test_a_polynomial_of_the_right_degree_fits(tmp_path: Path) -> None:
    weights, log = trained(tmp_path, FIT.replace("TERMS", "4"))
    np.testing.assert_allclose(weights["weight"], [[5, 1.2, -3.4, 5.6]], atol=0.2)
    assert log[-1]["train"]["loss"] < 0.02
    assert log[-1]["valid"]["loss"] < 0.02


def test_a_straight_line_is_too_simple_for_a_polynomial(tmp_path: Path) -> None:
    _, log = trained(tmp_path, FIT.replace("TERMS", "2"))
    assert log[-1]["train"]["loss"] > 2
    assert log[-1]["valid"]["loss"] > 2


DECAY = """
net Wide(x: f32[N, 200]) -> y: f32[N, 1] {
  weight = param([1, 200], normal(1.0))
  bias = param([1], 0.0)
  y = linear(x, weight, bias)
}

train wide(decay: float = 0.0) {
  all = noisy_linear(120, w=[0.01 for i in 1..200], b=0.05)
  data = all |> part(0..19) |> batches(5, shuffle=true)
  valid = all |> part(20..119) |> batches(5)
  model = new Wide()
  loss = mse(model(batch.x), batch.y) / 2.0
  optimizer = sgd(0.003, groups=[group(weights(model), decay=decay)])
  run = 100 epochs
}
"""


@pytest.mark.parametrize(("decay", "least", "most"), [("0.0", 11.0, 15.0), ("3.0", 0.3, 0.45)])
def test_weight_decay_makes_weights_small(
    decay: str, least: float, most: float, tmp_path: Path
) -> None:
    weights, log = trained(tmp_path, DECAY, "--set", f"decay={decay}")
    assert least < float(np.linalg.norm(weights["weight"])) < most
    gap = log[-1]["valid"]["loss"] / log[-1]["train"]["loss"]
    assert (gap > 100) == (decay == "0.0")
