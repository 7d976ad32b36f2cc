"""The loss of sequences that are not aligned, against the sum over all alignments.

Tests ``netlang.prelude``.
"""

from __future__ import annotations

from itertools import groupby, product
from math import exp, log
from pathlib import Path

import numpy as np
import pytest

import netlang
from netlang.backends import reference
from netlang.ir.types import DType
from netlang.passes.autodiff import gradient_name, vjp

PROGRAM = """net Spoken(x: f32[N, T, 4], label: i64[N, L], length: i64[N], labels: i64[N]) -> loss =
  ctc(log_softmax(x), label, length, labels%s)
"""
RNG = np.random.default_rng(0)
GIVEN = {
    "x": RNG.normal(size=(4, 6, 4)).astype(np.float32),
    "label": np.array([[1, 1, 2], [3, 2, 0], [1, 2, 1], [2, 0, 0]]),
    "length": np.array([6, 4, 5, 1]),
    "labels": np.array([3, 2, 3, 1]),
}


def summed(x: np.ndarray, label: list[int], blank: int) -> float:
    """Add up all ways to say ``label`` in as many steps as ``x`` has."""
    shares = np.exp(x.astype(float)) / np.exp(x.astype(float)).sum(axis=1, keepdims=True)
    likely = 0.0
    for way in product(range(x.shape[1]), repeat=len(x)):
        if [said for said, _ in groupby(way) if said != blank] == label:
            likely += exp(sum(log(shares[t, said]) for t, said in enumerate(way)))
    return -log(likely)


def expected(given: dict[str, np.ndarray], blank: int) -> float:
    rows = zip(given["x"], given["label"], given["length"], given["labels"], strict=True)
    each = [summed(x[:t], list(label[:n]), blank) / n for x, label, t, n in rows]
    return float(np.mean(each))


@pytest.fixture
def spoken(tmp_path: Path) -> netlang.Network:
    (tmp_path / "spoken.net").write_text(PROGRAM % "")
    return netlang.load(tmp_path / "spoken.net")["Spoken"]


def test_all_alignments_are_added_up(spoken: netlang.Network) -> None:
    want = expected(GIVEN, 0)
    assert spoken.interpret(double=True, **GIVEN)["loss"] == pytest.approx(want, rel=1e-7)
    assert spoken(**GIVEN)["loss"] == pytest.approx(want, rel=1e-5)


def test_any_number_may_be_the_blank(tmp_path: Path) -> None:
    (tmp_path / "spoken.net").write_text(PROGRAM % ", blank=3")
    spoken = netlang.load(tmp_path / "spoken.net")["Spoken"]
    given = GIVEN | {"label": np.array([[1, 1, 2], [0, 2, 0], [1, 2, 1], [2, 0, 0]])}
    found = spoken.interpret(double=True, **given)["loss"]
    assert found == pytest.approx(expected(given, 3), rel=1e-7)


def test_the_gradient_is_that_of_differences(spoken: netlang.Network) -> None:
    (wrt,) = (v for v in spoken.graph.inputs if v.name == "x")
    graph = vjp(spoken.graph, [wrt])
    seeds = {v.name: np.ones(()) for v in graph.inputs if v.name not in GIVEN}
    wide = GIVEN | {"x": GIVEN["x"].astype(np.float64)}
    slopes = reference.run(graph, wide | seeds, {}, dtype=DType.F64)[
        gradient_name(wrt, spoken.graph)
    ]

    def loss(x: np.ndarray) -> float:
        return float(spoken.interpret(double=True, **(wide | {"x": x}))["loss"])

    for place in ((0, 0, 1), (0, 5, 2), (1, 3, 0), (2, 4, 1), (3, 0, 3), (1, 5, 1)):
        step = np.zeros(wide["x"].shape)
        step[place] = 1e-5
        slope = (loss(wide["x"] + step) - loss(wide["x"] - step)) / 2e-5
        assert slopes[place] == pytest.approx(slope, abs=1e-6)
    assert np.abs(slopes[1, 4:]).max() == 0.0
