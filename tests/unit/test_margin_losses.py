"""Margin losses against their definitions, class by class.

Tests ``netlang.prelude``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import netlang

LAYERS = Path(__file__).parents[1] / "data" / "layers" / "losses.net"
RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(7, 5)).astype(np.float32)
LABEL = RNG.integers(0, 5, size=7)
SEVERAL = RNG.random((7, 5)) < 0.5


def one_true(power: int, margin: float) -> float:
    rows = [
        sum(max(0.0, margin - row[label] + row[i]) ** power for i in range(5) if i != label) / 5
        for row, label in zip(LOGITS, LABEL, strict=True)
    ]
    return float(np.mean(rows))


def several_true() -> float:
    rows = [
        sum(max(0.0, 1.0 - (a - b)) for a in row[true] for b in row[~true]) / 5
        for row, true in zip(LOGITS, SEVERAL, strict=True)
    ]
    return float(np.mean(rows))


def test_margins_are_summed_over_the_classes() -> None:
    margins = netlang.load(LAYERS)["Margins"]
    made = margins.interpret(double=True, x=LOGITS, label=LABEL, several=SEVERAL)
    assert [float(made[name]) for name in "abc"] == pytest.approx(
        [one_true(1, 1.0), one_true(2, 0.5), several_true()], rel=1e-6
    )
