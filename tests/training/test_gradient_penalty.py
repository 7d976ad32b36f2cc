"""`grad(…)` in a loss: a gradient that is differentiated again.

Tests ``netlang.training.step`` and ``netlang.passes.autodiff``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sections import engines, prepared, walk, write

EXAMPLE = Path(__file__).parents[2] / "examples" / "gradient_penalty.net"

LINEAR = """
dataset points -> (p: f32[2]) {
  npz = "points.npz"
}

net Slope(p: f32[N, 2]) -> y: f32[N, 1] = dense(p, 1, init=uniform(-0.1, 0.1))

train it {
  data = points() |> batches(8)
  model = new Slope()
  slope = grad(model(batch.p), batch.p)
  loss = mean((sqrt(sum(slope ** 2, axis=1)) - 1.0) ** 2)
  optimizer = sgd(0.2)
  run = 5 epochs
}
"""


def test_a_penalty_brings_the_length_of_a_gradient_where_it_asks(tmp_path: Path) -> None:
    training = prepared(write(tmp_path, LINEAR))
    fast, _ = engines(training, tmp_path)
    told = walk(training, fast, tmp_path, 20)
    # The gradient of a linear map by its input is its weight, whatever the input.
    weight = fast.state()["model.weight"]
    assert float(np.linalg.norm(weight)) == pytest.approx(1.0, abs=1e-3)
    assert told[0]["loss"] > 0.5
    assert told[-1]["loss"] < 1e-5


def test_both_back_ends_do_the_steps_of_the_example(tmp_path: Path) -> None:
    training = prepared(EXAMPLE)
    fast, exact = engines(training, tmp_path)
    mine, theirs = (walk(training, engine, tmp_path, 5) for engine in (fast, exact))
    for a, b in zip(mine, theirs, strict=True):
        assert a == pytest.approx(b, rel=1e-4, abs=1e-5)
    for name, array in exact.state().items():
        np.testing.assert_allclose(fast.state()[name], array, rtol=1e-3, atol=1e-5)
