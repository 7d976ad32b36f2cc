"""Dropout for selu keeps mean 0 and variance 1 in training.

Tests ``netlang.prelude`` and ``netlang.ops.random``.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from netlang.cli.main import program

TEXT = """net Small(image: f32[N, 1, 8, 8]) -> y: f32[N, 10] = image |> flatten |> dense(10)

train small {
  data = digits("train") |> part(0..8) |> batches(8)
  model = new Small()
  drawn = %s(random_normal([8, 50, 1000]), 0.3)
  loss = %s + 0.0 * mean(model(batch.image))
  optimizer = sgd(0.1)
  run = 1 epochs
}
"""


@pytest.mark.parametrize("layer", ["alpha_dropout", "alpha_dropout_channels"])
@pytest.mark.parametrize(
    ("measure", "expected"),
    [
        ("mean(drawn)", 0.0),
        ("variance(drawn)", 1.0),
        # What is dropped has one value: (low - rate * low) * scale, the smallest of all.
        ("mean(cast(abs(drawn + 1.0595) < 0.001, f32))", 0.3),
    ],
)
def test_mean_and_variance_stay(layer: str, measure: str, expected: float, tmp_path: Path) -> None:
    file = tmp_path / "small.net"
    file.write_text(TEXT % (layer, measure))
    done = CliRunner().invoke(program, ["train", str(file), "--run", str(tmp_path / "r"), "--json"])
    assert done.exit_code == 0, done.output
    (epoch,) = (json.loads(line) for line in done.output.splitlines())
    assert epoch["train"]["loss"] == pytest.approx(expected, abs=0.06)
