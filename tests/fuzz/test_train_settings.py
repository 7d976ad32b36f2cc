"""Whatever the settings of a train section are, it is answered.

Tests ``netlang.plan`` and ``netlang.evaluate.builtins.callbacks``.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import train_settings
from running import MEMORY_KIB, answered
from train_settings import ITEMS, makers, program

from netlang.plan.settings import SETTINGS, STEP_SETTINGS


def check(first: int, count: int) -> None:
    script = Path(train_settings.__file__)
    assert answered(script, first, count, program)["peak_kib"] < MEMORY_KIB


def test_hundreds_of_sections_are_answered() -> None:
    check(0, 300)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_ten_thousand_sections_are_answered(part: int) -> None:
    check(2_500 * part, 2_500)


def test_every_setting_and_every_function_for_one_is_given() -> None:
    texts = [program(number) for number in range(2_000)]
    for name in {*SETTINGS, *STEP_SETTINGS}:
        assert sum(f"  {name} = " in text for text in texts) > 20, name
    for kind in ("optimizer", "schedule", "clip", "stop", "checkpoint", "init_rule", "transform"):
        for made in makers()[kind]:
            name = made.name.text.removeprefix("_").removesuffix("_image")
            assert any(f"{name}(" in text for text in texts), name
    assert {*ITEMS} <= {*SETTINGS, *STEP_SETTINGS}


def test_a_section_has_one_number_everywhere() -> None:
    assert program(7) == program(7)
    assert len({program(number) for number in range(200)}) > 190
