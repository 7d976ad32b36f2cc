"""Accuracy and top-k accuracy, with equal logits and with NaN, on both back ends.

Tests ``netlang.prelude``.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

import netlang
from netlang.system.numpy import Array

NAN, INF = math.nan, math.inf
PROGRAM = """
net Hits(logits: f32[N, 4], label: i64[N], shown: bool[N]) -> (first, two, all, across, masked) {
  first = accuracy(logits, label)
  two = top_k(logits, label, 2)
  all = top_k(logits, label, 4)
  across = top_k(transpose(logits, [1, 0]), label, 2, axis=0)
  masked = accuracy(logits, label, mask=shown)
}
"""


@pytest.mark.parametrize(
    ("logits", "label", "first", "two"),
    [
        ([1.0, 4.0, 3.0, 2.0], 1, 1.0, 1.0),
        ([1.0, 4.0, 3.0, 2.0], 2, 0.0, 1.0),
        ([1.0, 4.0, 3.0, 2.0], 3, 0.0, 0.0),
        ([5.0, 5.0, 5.0, 5.0], 0, 1.0, 1.0),
        ([5.0, 5.0, 5.0, 5.0], 1, 0.0, 1.0),
        ([5.0, 5.0, 5.0, 5.0], 2, 0.0, 0.0),
        ([1.0, -INF, -INF, -INF], 0, 1.0, 1.0),
        ([1.0, INF, 2.0, -INF], 1, 1.0, 1.0),
        ([1.0, -INF, 2.0, -INF], 2, 1.0, 1.0),
        ([NAN, NAN, NAN, NAN], 0, 0.0, 0.0),
        ([NAN, NAN, NAN, NAN], 3, 0.0, 0.0),
        ([9.0, NAN, 1.0, 2.0], 0, 0.0, 0.0),
        ([9.0, NAN, 1.0, 2.0], 1, 0.0, 0.0),
    ],
)
def test_the_first_of_equal_logits_count_and_nan_never_does(
    logits: list[float], label: int, first: float, two: float
) -> None:
    given: tuple[Array, ...] = (
        np.array([logits, [0.0, 0.0, 1.0, 2.0]], np.float32),
        np.array([label, 0]),
        np.array([True, False]),
    )
    net = netlang.loads(PROGRAM)["Hits"]
    every = 0.0 if any(map(math.isnan, logits)) else 1.0
    expected = {
        "first": first / 2, "two": two / 2, "all": (every + 1) / 2, "across": two / 2,
        "masked": first,
    }  # fmt: skip
    for made in (net.interpret(*given), net(*given)):
        assert {name: float(value) for name, value in made.items()} == expected


def test_there_are_at_least_k_classes() -> None:
    text = "net L(x: f32[N, 4], label: i64[N]) -> y = top_k(x, label, 5)\n"
    assert "there are no 5 elements to choose from" in netlang.loads(text).problems
