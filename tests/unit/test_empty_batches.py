"""A batch of no rows gives no rows, on both back ends: nobody has to ask first.

Tests ``netlang.ops``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import netlang

CALLS = [
    "conv(4, 3, pad=1)",
    "conv(4, 1)",
    "conv(4, 3, stride=2, groups=2)",
    "depthwise_conv(3, pad=same)",
    "conv_transpose(6, 2, stride=2, groups=2)",
    "max_pool(3, stride=2, pad=1, ceil=true)",
    "adaptive_avg_pool(4)",
    "batch_norm",
    "group_norm(2)",
    'resize(5, mode="cubic")',
    'upsample(1.5, mode="nearest")',
    "unfold(2)",
    "flatten",
    "every(2, axis=1)",
    "sort(axis=1)",
]


@pytest.mark.parametrize("call", CALLS)
def test_no_rows_come_of_none(call: str, tmp_path: Path) -> None:
    path = tmp_path / "none.net"
    path.write_text(f"net None0(x: f32[N, 4, 6, 6]) -> y = x |> {call}\n")
    net = netlang.load(path)["None0"]
    nothing = np.zeros((0, 4, 6, 6), np.float32)
    one = np.zeros((1, 4, 6, 6), np.float32)
    (expected,) = (array.shape[1:] for array in net.interpret(x=one).values())
    for made in (net.interpret(x=nothing), net(x=nothing)):
        assert made["y"].shape == (0, *expected)
