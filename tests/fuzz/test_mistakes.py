"""One mistake in a correct program is answered with an edit, and the edit undoes the mistake.

The sample of the default run is of hundreds; ``python repairs.py 0 5000`` measures thousands, by
kind of mistake.
"""

from __future__ import annotations

from collections import Counter

import pytest
from mistakes import KINDS
from originals import originals
from repairs import OTHER, RESTORED, Mistake, mistake, repairs

UNRECOVERABLE = {
    "column_type": "the type of a column is not written anywhere else",
    "element_type": "an input may hold integers that are converted, or numbers",
    "groups_not_dividing": "any divisor of the channels may be meant",
    "heads_not_dividing": "any divisor of the width may be meant",
    "initializer_in_quotes": "most of the originals have another initializer",
    "missing_stage": "any layer may be missing",
    "one_argument_less": "the value of an argument is not written anywhere else",
    "one_argument_more": "the argument may have been meant for a parameter",
    "optimizer_argument": "the argument is new, and may be one that exists",
    "size_of_the_result": "the layer may be wrong, or the signature",
    "swapped_arguments": "two numbers have no order of their own",
    "unused_value": "the value may be meant to be used",
    "unit_of_the_run": "a number may count epochs or steps",
    "up_by_one": "several kernels and paddings give the size that is needed",
    "width_of_a_sum": "either operand may have the wrong width",
    "wrong_dimension": "any dimension may be meant",
    "wrong_kernel": "several kernels and paddings give the size that is needed",
    "wrong_padding": "several kernels and paddings give the size that is needed",
    "wrong_stride": "several strides give the size that is needed",
}
"""Mistakes after which the original can't be known, and why; a fix may lead to another network."""

SYNTAX = frozenset(
    {"missing_brace", "missing_bracket", "missing_parenthesis", "missing_quote", "shift_for_pipe"}
)
"""Mistakes after which the place of what is missing is guessed."""

SAMPLE = 620


@pytest.fixture(scope="module")
def sample() -> list[Mistake]:
    """Make ten mistakes of each kind."""
    return [wrong for number in range(SAMPLE) if (wrong := mistake(number)) is not None]


def test_there_are_many_kinds_of_mistakes_and_of_programs(sample: list[Mistake]) -> None:
    made = Counter(wrong.kind for wrong in sample)
    assert len(KINDS) >= 60
    assert set(made) == {kind.__name__ for kind in KINDS}
    assert min(made.values()) >= 5
    assert len({wrong.original.path for wrong in sample}) > 100 or len(originals()) > 150


def test_seven_of_ten_mistakes_have_a_fix(sample: list[Mistake]) -> None:
    fixed = sum(any(d.fixes for d in wrong.found) for wrong in sample)
    assert fixed >= 0.7 * len(sample)


def test_a_fix_makes_its_error_go_away_and_brings_no_other(sample: list[Mistake]) -> None:
    led_to = [
        (wrong.kind, repair.outcome, repair.fix.title, repair.text)
        for wrong in sample
        if wrong.kind not in SYNTAX
        for repair in repairs(wrong)
        if repair.outcome not in (RESTORED, OTHER)
    ]
    assert led_to == []


def test_fixes_restore_the_program_where_it_can_be_known(sample: list[Mistake]) -> None:
    changed = [
        (wrong.kind, [repair.fix.title for repair in made], wrong.text)
        for wrong in sample
        if wrong.kind not in UNRECOVERABLE and wrong.kind not in SYNTAX
        if (made := repairs(wrong)) and RESTORED not in {repair.outcome for repair in made}
    ]
    assert changed == []


def test_a_mistake_has_one_number_everywhere() -> None:
    first, again = mistake(7), mistake(7)
    assert first is not None and again is not None
    assert first.text == again.text
