"""`docs/scaling.md` says what `scaling.py` measured, and its model agrees with that.

Tests ``tests/bench/scaling.py``.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from measuring import CHECKOUT
from scaling import BYTES, ERROR, MEASURED, SPEEDUP, Machine, fitted, plan, strong, weak

PAGE = (CHECKOUT / "docs" / "scaling.md").read_text("utf-8")
ROWS = re.findall(r"^\| (\d+) \| ([\d,]+) ms \| ([\d,]+) ms \| ([\d.]+) \|$", PAGE, re.MULTILINE)


def test_the_page_has_measurements_of_1_2_and_4_ranks() -> None:
    assert [int(ranks) for ranks, *_ in ROWS] == [1, 2, 4]
    assert f"{BYTES:,} bytes" in PAGE


@pytest.mark.parametrize(("ranks", "measured", "modelled", "times"), ROWS)
def test_the_model_agrees_with_what_was_measured(
    ranks: str, measured: str, modelled: str, times: str
) -> None:
    said = MEASURED.step(32, int(ranks), BYTES) * 1e3
    seconds = float(measured.replace(",", ""))
    assert said == pytest.approx(float(modelled.replace(",", "")), rel=0.02)
    assert said == pytest.approx(seconds, rel=ERROR)
    assert float(ROWS[0][1].replace(",", "")) / seconds == pytest.approx(float(times), abs=0.01)
    assert ranks != "2" or float(times) >= SPEEDUP


@pytest.mark.parametrize("rows", [weak, strong])
def test_the_page_has_the_plan(rows: Callable[[int], int]) -> None:
    assert "\n".join(plan(MEASURED, BYTES, rows)) in PAGE


def test_a_machine_is_recovered_from_its_own_measurements() -> None:
    true = Machine(example=0.01, fixed=0.02, latency=1e-5, bandwidth=1e9, copying=1e10)
    size = 40_000_000
    sums = [2 * 1e-5, 2 * 1e-5 + size / 1e9]
    found = fitted(true.step(32, 1, size), true.step(16, 1, size), 32, sums, size / 1e10, size)
    for ranks in (1, 2, 4, 512):
        assert found.step(64, ranks, size) == pytest.approx(true.step(64, ranks, size))


def test_ranks_that_share_cores_take_turns() -> None:
    own = Machine(example=0.01, fixed=0.0, latency=0.0, bandwidth=1e12, copying=1e12)
    shared = Machine(example=0.01, fixed=0.0, latency=0.0, bandwidth=1e12, copying=1e12, cores=2)
    assert shared.step(32, 2, 4) == own.step(32, 2, 4)
    assert shared.step(32, 4, 4) == pytest.approx(2 * own.step(32, 4, 4))
