"""Parameters of a model in its train section: by path, by pattern, and their gradients.

Tests ``netlang.evaluate.expressions``, ``netlang.evaluate.builtins.callbacks`` and
``netlang.evaluate.builtins.metrics``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import pytest

import netlang

Backend = Literal["numpy", "onnxruntime"]


def program(*lines: str) -> str:
    body = "\n".join(f"  {line}" for line in lines)
    return f"""\
dataset rows() -> (x: f32[2], y: f32[1]) {{
  csv = "rows.csv"
}}

net Fit(x: f32[N, 2]) -> y: f32[N, 1] {{
  body = for i in 1..2 with h = x {{
    next h = dense(h, 3) |> tanh
  }}
  r = lstm(unsqueeze(body, 1), 2)
  y = dense(r.h, 1)
}}

train fit {{
  data = rows() |> batches(2)
  model = new Fit()
  guess = model(batch.x)
  loss = mse(guess, batch.y)
{body}
  optimizer = sgd(lr=0.1)
  run = 1 epochs
}}
"""


def metrics(folder: Path, backend: Backend, *lines: str) -> list[float]:
    (folder / "rows.csv").write_text("x1,x2,y\n1,0,1\n0,1,2\n", encoding="utf-8")
    file = folder / "fit.net"
    file.write_text(program(*lines), encoding="utf-8")
    run = netlang.load(file).train("fit", folder=folder / f"run_{backend}", backend=backend)
    (report,) = run.history
    return [report.train[name] for name in report.train if name not in ("loss", "gradient_norm")]


@pytest.mark.parametrize("backend", ["numpy", "onnxruntime"])
def test_gradients_of_a_selection_are_those_of_its_parameters(
    tmp_path: Path, backend: Backend
) -> None:
    found = metrics(
        tmp_path,
        backend,
        'both = grad(loss, pick(model, "body.*.weight"))',
        'gates = grad(loss, pick(model.r[0], "weight_*"))',
        "one = norm(grad(loss, model.body[1].weight))",
        "two = norm(grad(loss, model.body[2].weight))",
        "three = norm(grad(loss, model.r[0].weight_ih))",
        "metrics = [norm(both[0]), one, norm(both[1]), two, norm(gates[0]), three]",
    )
    assert len(found) == 6
    assert min(found) > 0
    np.testing.assert_allclose(found[::2], found[1::2], rtol=1e-6)


@pytest.mark.parametrize(
    ("setting", "names"),
    [
        ("[norm(g) for g in grad(loss, weights(model.body))]", ["norm", "norm2"]),
        ("[norm(g) as size for g in grad(loss, weights(model.body))]", ["size", "size2"]),
        ("reverse([mean(guess), loss])", ["reverse", "reverse2"]),
        ("([mean(guess), loss])", ["mean", "loss"]),
    ],
)
def test_metrics_of_a_computed_list_have_one_name_with_numbers(
    setting: str, names: list[str]
) -> None:
    plan = netlang.loads(program(f"metrics = {setting}")).plan("fit")
    assert list(plan.metrics) == names
