"""Updates against PyTorch's, in double precision."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netlang.backends import reference
from netlang.elaborate.values import Setting
from netlang.ir.graph import Builder, Graph
from netlang.ir.types import F32, I64, DType, TensorType
from netlang.ops.terms import Term
from netlang.training.optimizers import settings, states, update

TRACES = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "data" / "optimizer_traces.jsonl")
    .read_text()
    .splitlines()
]
DEFAULTS: dict[str, dict[str, Any]] = {
    "sgd": {"momentum": 0.0, "nesterov": False, "decay": 0.0},
    "adagrad": {"eps": 1e-10, "decay": 0.0},
    "rmsprop": {"rho": 0.99, "eps": 1e-8, "momentum": 0.0, "decay": 0.0},
    "adadelta": {"rho": 0.9, "eps": 1e-6},
    "adam": {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "decay": 0.0},
    "adamw": {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "decay": 0.01},
}


def gradient(w: np.ndarray) -> np.ndarray:
    """Differentiate sum(w^4)/4 + sum((w * [0.5, 1, 2])^2)/2."""
    return w**3 + w * np.array([0.25, 1.0, 4.0])


@pytest.mark.parametrize("trace", TRACES, ids=lambda trace: f"{trace['name']}-{trace['id']}")
def test_five_steps_are_those_of_pytorch(trace: dict[str, Any]) -> None:
    name = trace["name"]
    given = DEFAULTS[name] | trace["settings"]
    chosen = settings(Setting("optimizer", name, given))
    b = Builder()
    type = TensorType(F32, (3,))
    weight, slope = b.fresh("weight", type), b.fresh("gradient", type)
    rate, count = b.fresh("rate", TensorType(F32, ())), b.fresh("count", TensorType(I64, ()))
    kept = {key: b.fresh(key, type) for key in states(chosen)}
    new, after = update(
        chosen, Term(b, weight), Term(b, slope), {k: Term(b, v) for k, v in kept.items()},
        Term(b, rate), Term(b, count),
    )  # fmt: skip
    outputs = {"new": new.value} | {f"{k}_next": v.value for k, v in after.items()}
    inputs = (weight, slope, rate, count, *kept.values())
    graph = Graph("step", inputs, {}, tuple(b.nodes), outputs)

    w = np.array(trace["start"])
    state = {key: np.zeros(3) for key in kept}
    for step, expected in enumerate(trace["after_each_step"], start=1):
        feeds = {
            "weight": w, "gradient": gradient(w), "rate": np.float64(given["lr"]),
            "count": np.int64(step), **state,
        }  # fmt: skip
        made = reference.run(graph, feeds, {}, dtype=DType.F64)
        w, state = made["new"], {key: made[f"{key}_next"] for key in kept}
        # The bias corrections pass through single precision, as they do in a step.
        np.testing.assert_allclose(w, expected, atol=3e-8)
