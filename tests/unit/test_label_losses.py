"""Losses of labels that count differently, against their definitions, row by row.

Tests ``netlang.prelude``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import netlang
from netlang.system.numpy import Array

WEIGHTS = [0.5, 2.0, 1.0]
RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(6, 3)).astype(np.float32)
LABEL = np.array([0, 2, -100, 1, 1, -100])
SHOWN = np.array([True, True, True, False, True, True])
PROGRAM = f"""
net Losses(x: f32[N, 3], label: i64[N], shown: bool[N], target: f32[N, 3]) -> (a, b, c, d, e) {{
  a = cross_entropy(x, label, ignore=-100)
  b = cross_entropy(x, label, ignore=-100, class_weights={WEIGHTS}, smoothing=0.1)
  c = cross_entropy(x, label, mask=shown, ignore=-100, class_weights={WEIGHTS})
  d = log_softmax(x) |> nll(label, ignore=-100, class_weights={WEIGHTS})
  e = bce_with_logits(x, target, pos_weight=3.0)
}}
"""


def meant(rows: list[int], weights: list[float], smoothing: float = 0.0) -> float:
    """Add up -log p of the labels, as much as their classes weigh, and divide by these weights."""
    logs: Array = LOGITS - np.log(np.exp(LOGITS).sum(axis=1, keepdims=True))
    hard = [weights[LABEL[i]] * logs[i, LABEL[i]] for i in rows]
    soft = [np.mean(logs[i] * weights) for i in rows]
    total = sum(-(1.0 - smoothing) * h - smoothing * s for h, s in zip(hard, soft, strict=True))
    return float(total / sum(weights[LABEL[i]] for i in rows))


def test_labels_count_as_their_classes_weigh_and_ignored_ones_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "losses.net"
    path.write_text(PROGRAM)
    target = (LOGITS > 0.3).astype(np.float32)
    losses = netlang.load(path)["Losses"]
    given = {"x": LOGITS, "label": LABEL, "shown": SHOWN, "target": target}
    p = 1.0 / (1.0 + np.exp(-LOGITS))
    expected = [
        meant([0, 1, 3, 4], [1.0, 1.0, 1.0]),
        meant([0, 1, 3, 4], WEIGHTS, smoothing=0.1),
        meant([0, 1, 4], WEIGHTS),
        meant([0, 1, 3, 4], WEIGHTS),
        float(-np.mean(3.0 * target * np.log(p) + (1.0 - target) * np.log(1.0 - p))),
    ]
    for made in (losses.interpret(**given), losses(**given)):
        assert [float(made[name]) for name in "abcde"] == pytest.approx(expected, rel=1e-5)


def test_each_class_has_a_weight(tmp_path: Path) -> None:
    path = tmp_path / "losses.net"
    path.write_text(
        "net Short(x: f32[N, 3], label: i64[N]) -> y {\n"
        "  y = cross_entropy(x, label, class_weights=[1.0, 2.0])\n}\n"
    )
    problems = netlang.load(path).problems
    assert "`class_weights` must have a weight for each class" in problems
    assert "losses.net:2:45" in problems
