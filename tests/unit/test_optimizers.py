"""Updates against PyTorch's, in double precision.

Tests ``netlang.prelude``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from updates import update_graph

from netlang.backends import reference
from netlang.ir.types import DType

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
    graph, kept = update_graph(name, given, 3)

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
