"""The subgradient at a non-differentiable point is PyTorch's: the derivative to the left of 0.

Tests ``netlang.ops``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import netlang
from netlang.backends import reference
from netlang.passes.autodiff import gradient_name, vjp

SLOPES = {"relu": 0.0, "leaky_relu(0.2)": 0.2, "prelu": 0.25, "abs": 0.0, "elu(0.7)": 0.7}


@pytest.mark.parametrize("call", SLOPES)
def test_the_subgradient(call: str, tmp_path: Path) -> None:
    path = tmp_path / "kink.net"
    path.write_text(f"net Kink(x: f32[1]) -> y: f32[] = sum(x |> {call})\n")
    graph = netlang.load(path)["Kink"].graph
    (x,) = graph.inputs
    weights = {param.path: np.full(1, 0.25, np.float32) for param in graph.params.values()}
    made = reference.run(vjp(graph, [x]), {"x": np.zeros(1, np.float32)}, weights)
    assert made[gradient_name(x, graph)].tolist() == pytest.approx([SLOPES[call]])
