"""One error in a correct program is answered with an edit, and the edit undoes it.

The sample of the default run is of hundreds; ``python repairs.py 0 5000`` measures thousands, by
kind of error.
"""

from __future__ import annotations

from collections import Counter

import pytest
from originals import originals
from repairs import CLEARED, OTHER, RESTORED, Repair, Wrong, repairs, wrong_program
from wrong_programs import KINDS

UNRECOVERABLE = {
    "column_type": "the type of a column is not written anywhere else",
    "element_type": "an input may hold integers that are converted, or numbers",
    "groups_not_dividing": "any divisor of the channels may be meant",
    "heads_not_dividing": "any divisor of the width may be meant",
    "initializer_in_quotes": "most of the originals have another initializer",
    "missing_flatten": "dropout may precede it, and one position may be pooled as well",
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
"""Errors after which the original can't be known, and why; a fix may lead to another network."""

GUESSED = {
    "element_type": "the type of an input may be wrong, and its other uses agree with it",
    "groups_not_dividing": "a program may state the parameters of the one number that is meant",
    "missing_brace": "where a body ends is guessed",
    "missing_bracket": "where a list ends is guessed",
    "missing_parenthesis": "where a call ends is guessed",
    "missing_quote": "where a string ends is guessed",
    "shift_for_pipe": "an arrow and a bar have meanings of their own",
    "size_of_the_result": "the signature may be wrong, and other parts agree with the layer",
    "width_of_a_sum": "a loop may get the width of its value from elsewhere",
}
"""Errors after which a fix may lead to another error, and why."""

UNREPORTED = frozenset({"unused_dataset"})
"""Errors that the checker may accept."""

EACH = 5
"""The errors of each kind in the default run."""

Answered = list[tuple[Wrong, list[Repair]]]


def answered(first: int, count: int) -> Answered:
    """Make errors, and apply the fixes that they get."""
    made = (wrong_program(number) for number in range(first, first + count))
    return [(wrong, repairs(wrong)) for wrong in made if wrong is not None]


@pytest.fixture(scope="module")
def sample() -> Answered:
    return answered(0, EACH * len(KINDS))


def test_there_are_many_kinds_of_errors_in_many_programs(sample: Answered) -> None:
    made = Counter(wrong.kind for wrong, _ in sample)
    assert len(KINDS) >= 60
    assert {kind.__name__ for kind in KINDS} - UNREPORTED <= set(made)
    assert len(originals()) >= 150
    assert len({id(wrong.original) for wrong, _ in sample}) >= 75


def test_seven_of_ten_errors_have_a_fix(sample: Answered) -> None:
    assert share_with_a_fix(sample) >= 0.7


def share_with_a_fix(given: Answered) -> float:
    return sum(bool(made) for _, made in given) / len(given)


def test_a_fix_makes_its_error_go_away_and_brings_no_other(sample: Answered) -> None:
    assert not_cleared(sample) == []


def not_cleared(given: Answered) -> list[tuple[str, str, str, str]]:
    return [
        (wrong.kind, repair.outcome, repair.fix.title, repair.text)
        for wrong, made in given
        if wrong.kind not in GUESSED
        for repair in made
        if repair.outcome not in (RESTORED, CLEARED, OTHER)
    ]


def test_fixes_restore_the_program_where_it_can_be_known(sample: Answered) -> None:
    assert not_restored(sample) == []


def not_restored(given: Answered) -> list[tuple[str, list[str], str]]:
    return [
        (wrong.kind, [repair.fix.title for repair in made], wrong.text)
        for wrong, made in given
        if wrong.kind not in UNRECOVERABLE and wrong.kind not in GUESSED
        if made and {repair.outcome for repair in made}.isdisjoint((RESTORED, CLEARED))
    ]


@pytest.mark.slow
def test_thousands_of_errors_are_answered() -> None:
    given = answered(0, 5_000)
    assert share_with_a_fix(given) >= 0.7
    assert len(not_cleared(given)) + len(not_restored(given)) <= 40


def test_a_program_has_one_number_everywhere() -> None:
    first, again = wrong_program(7), wrong_program(7)
    assert first is not None and again is not None
    assert first.text == again.text
