"""Steps of a few numbers, as in a first program: no data, and metrics that are gradients.

Tests ``netlang.training.step``.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import netlang
from netlang.backends import Backend

GATE = """
net Gate() -> f: f32[] {
  x = param([], -2.0)
  f = x * x * x
}

train gate {
  m = new Gate()
  loss = m()
  LINES
  optimizer = sgd(0.1)
  run = 1 step
}
"""
DX, DDX = "  dx = grad(loss, m.x)\n", "  ddx = grad(dx, m.x)\n"


@pytest.mark.parametrize("backend", ["onnxruntime", "numpy"])
@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("", {}),
        (f"{DX}  metrics = [dx]", {"dx": 12.0}),
        (f"{DX}{DDX}  metrics = [ddx, dx]", {"ddx": -12.0, "dx": 12.0}),
        (f"{DX}{DDX}  metrics = [ddx]", {"ddx": -12.0}),
        (f"{DX}  metrics = [sqrt(dx + 4.0) as root]", {"root": 4.0}),
    ],
)
def test_a_step_whose_inputs_are_all_scalars_is_computed(
    lines: str, expected: dict[str, float], backend: Backend, tmp_path: Path
) -> None:
    program = netlang.loads(GATE.replace("LINES", lines))
    run = program.train(folder=tmp_path / "run", backend=backend)
    assert run.history[0].train == pytest.approx({"loss": -8.0, **expected})
    assert run.networks["m"].parameters["x"] == pytest.approx(-3.2)


@pytest.mark.parametrize("backend", ["onnxruntime", "numpy"])
def test_a_metric_may_be_a_random_number(backend: Backend, tmp_path: Path) -> None:
    lines = "noise = random_normal([])\n  metrics = [noise]"
    program = netlang.loads(GATE.replace("LINES", lines))
    first, other = (
        program.train(folder=tmp_path / str(seed), backend=backend, seed=seed).history[0].train
        for seed in (1, 2)
    )
    assert first["noise"] != other["noise"]
