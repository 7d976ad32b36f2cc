"""Trainings end where published ones do. Source: Zhang et al., Dive into Deep Learning, 2023.

The ranges are over the runs in the history of the book, which has no fixed seeds.

Tests ``netlang.training``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from netlang.cli.guard import guarded
from netlang.cli.main import program

EXAMPLES = Path(__file__).parents[2] / "examples"


def trained(
    folder: Path, file: str, *arguments: str, layer: str = "model"
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Train as an example says; return the weights of a layer and the last line of the log."""
    run = folder / "run"
    assert guarded(program, ["train", str(EXAMPLES / file), *arguments, "--run", str(run)]) == 0
    last = json.loads((run / "log.jsonl").read_text().splitlines()[-1])
    return load_file(run / f"{layer}.safetensors"), last


def test_linear_regression_finds_what_the_data_were_made_from(tmp_path: Path) -> None:
    weights, last = trained(tmp_path, "linear_regression.net")
    np.testing.assert_allclose(weights["weight"], [[2.0, -3.4]], atol=2e-3)
    np.testing.assert_allclose(weights["bias"], [4.2], atol=2e-3)
    assert 0.89e-4 <= last["train"]["loss"] <= 1.16e-4


def test_digits_are_learned_in_seconds(tmp_path: Path) -> None:
    _, last = trained(tmp_path, "train_digits.net")
    assert last["valid"]["acc"] > 0.95


def test_a_kernel_learns_to_find_edges(tmp_path: Path) -> None:
    weights, last = trained(tmp_path, "edge.net")
    np.testing.assert_allclose(weights["weight"].reshape(2), [1, -1], atol=0.03)
    assert last["train"]["loss"] <= 0.022


def test_a_generator_and_its_judge_end_at_the_balance(tmp_path: Path) -> None:
    weights, last = trained(tmp_path, "gan.net", layer="generator")
    assert 0.693 <= round(last["train"]["judging.loss"], 3) <= 0.698
    assert 0.692 <= round(last["train"]["making.loss"], 3) <= 0.705
    noise = np.random.default_rng(0).normal(size=(5000, 2))
    made = noise @ weights["weight"].T + weights["bias"]
    np.testing.assert_allclose(made.mean(axis=0), [1, 2], atol=0.5)


def test_a_polynomial_of_the_right_degree_fits(tmp_path: Path) -> None:
    weights, last = trained(tmp_path, "regressions.net", "cubic")
    np.testing.assert_allclose(weights["weight"], [[5, 1.2, -3.4, 5.6]], atol=0.2)
    assert last["train"]["loss"] < 0.02
    assert last["valid"]["loss"] < 0.02


def test_a_straight_line_is_too_simple_for_a_polynomial(tmp_path: Path) -> None:
    _, last = trained(tmp_path, "regressions.net", "straight")
    assert last["train"]["loss"] > 5
    assert last["valid"]["loss"] > 5


def test_too_many_terms_fit_the_noise_too(tmp_path: Path) -> None:
    weights, last = trained(tmp_path, "regressions.net", "twenty")
    assert last["train"]["loss"] < 0.02
    assert last["valid"]["loss"] > 1.5 * last["train"]["loss"]
    # The terms beyond the third are nothing in the data, and something in what was learned.
    assert np.abs(weights["weight"][0, 4:]).max() > 0.3


@pytest.mark.parametrize(("decay", "least", "most"), [("0.0", 11.4, 15.6), ("3.0", 0.32, 0.43)])
def test_weight_decay_makes_weights_small(
    decay: str, least: float, most: float, tmp_path: Path
) -> None:
    weights, last = trained(tmp_path, "regressions.net", "wide", "--set", f"decay={decay}")
    length = float(np.linalg.norm(weights["weight"]))
    assert least < length < most
    assert last["valid"]["length"] == pytest.approx(length, rel=1e-6)
    gap = last["valid"]["loss"] / last["train"]["loss"]
    assert (gap > 1000) == (decay == "0.0")
