"""The gradient of norms and what is computed from them is 0 at 0, as in PyTorch, and not nan.

Tests ``netlang.ops``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import netlang
from netlang.backends import reference
from netlang.passes.autodiff import gradient_name, vjp

CALLS = {
    "norm(x, axis=1)": 3.0 / 5.0,
    "norm(x, p=3.0, axis=1)": 9.0 / 91.0 ** (2.0 / 3.0),
    "norm(x, p=1.0, axis=1)": 1.0,
    "deviation(x, axis=1)": -(0.5**0.5),
}
X = np.array([[0.0, 0.0], [3.0, 4.0]], np.float32)


@pytest.mark.parametrize("call", CALLS)
def test_a_norm_of_zeros_has_a_gradient(call: str, tmp_path: Path) -> None:
    path = tmp_path / "lengths.net"
    path.write_text(f"net Lengths(x: f32[2, 2]) -> y: f32[] = sum({call})\n")
    graph = netlang.load(path)["Lengths"].graph
    (x,) = graph.inputs
    made = reference.run(vjp(graph, [x]), {"x": X}, {})
    slopes = made[gradient_name(x, graph)]
    assert slopes[0].tolist() == [0.0, 0.0]
    assert slopes[1, 0] == pytest.approx(CALLS[call], rel=1e-5)


def test_what_is_not_a_number_has_no_length(tmp_path: Path) -> None:
    path = tmp_path / "lengths.net"
    path.write_text("net Lengths(x: f32[2, 2]) -> y: f32[2] = norm(x, axis=1)\n")
    lengths = netlang.load(path)["Lengths"]
    for made in (lengths.interpret, lengths):
        np.testing.assert_array_equal(made(x=X * [[np.nan], [1.0]])["y"], [np.nan, 5.0])
