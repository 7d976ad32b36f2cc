"""Learning rates over time, against values computed by PyTorch.

Tests ``netlang.evaluate.schedules``, ``netlang.evaluate.host_code`` and ``netlang.plan.schedules``.
"""

from __future__ import annotations

import math

import pytest
from updates import schedule

from netlang.diagnostics.errors import NetlangError
from netlang.evaluate.context.values import Duration
from netlang.evaluate.host_code import UnsupportedError, host_function
from netlang.evaluate.modules.families import returning
from netlang.evaluate.schedules import rate_at as evaluated_at
from netlang.plan.schedules import Clock, durations, follow, host_values, rate_text

EPOCHWISE = Clock(steps_per_epoch=1, total=12)
CASES = {
    "0.3 |> multi_step(0.5, at=[4 epochs, 8 epochs])": [0.3] * 4 + [0.15] * 4 + [0.075] * 4,
    "0.3 |> cosine(10 epochs, final=0.01)": [
        0.3, 0.292903195, 0.272307464, 0.240228862, 0.199807464, 0.155, 0.110192536,
        0.069771138, 0.037692536, 0.017096805, 0.01,
    ],
    "0.3 |> exponential(0.9048374180359595, every=1 epochs)": [
        0.3, 0.271451225, 0.245619226, 0.222245466, 0.201096014, 0.181959198, 0.164643491,
        0.148975591, 0.134798689, 0.121970898, 0.110363832, 0.099861325,
    ],
    "0.3 |> warmup(5 epochs, start=0.1)": [0.03, 0.084, 0.138, 0.192, 0.246, 0.3, 0.3, 0.3],
    "0.3 |> one_cycle(12 epochs)": [
        0.012, 0.104936896, 0.263785548, 0.298324631, 0.279903891, 0.243523696, 0.194213699,
        0.138791131, 0.084918299, 0.040043259, 0.010370096, 1.2e-06,
    ],
    "0.3 |> inverse_time(0.1, every=1 epochs)": [0.3, 0.3 / 1.1, 0.3 / 1.2, 0.3 / 1.3],
    "1.0 |> step_decay(0.1, every=2 epochs)": [1, 1, 0.1, 0.1, 0.01],
    "1.0 |> polynomial(4 epochs, power=2.0)": [1.0, 0.5625, 0.25, 0.0625, 0.0, 0.0],
    # Noam with a width of 512: 512^-0.5 * min(t^-0.5, t * 4^-1.5), from t = 1.
    f"{512**-0.5 * 4**-0.5!r} |> inverse_sqrt(4 epochs)": [
        512**-0.5 * min(t**-0.5, t * 4**-1.5) for t in range(1, 13)
    ],
    # PyTorch's SequentialLR of a constant 0.3 and a cosine over 4 epochs, from epoch 3.
    "sequence([0.3, 0.3 |> cosine(4 epochs)], at=[3 epochs])": [
        0.3, 0.3, 0.3, 0.3, 0.256066017, 0.15, 0.043933983, 0.0, 0.0,
    ],
}  # fmt: skip


@pytest.mark.parametrize("call", CASES)
def test_rates_are_those_of_the_formula(call: str) -> None:
    expected = CASES[call]
    given = schedule(call)
    actual = [follow(given, EPOCHWISE)(epoch) for epoch in range(len(expected))]
    assert actual == pytest.approx(expected, abs=2e-9)


def test_every_schedule_has_a_table() -> None:
    assert {call.removesuffix(")").partition("(")[0].split()[-1] for call in CASES} == set(
        returning("schedule")
    )


@pytest.mark.parametrize("call", CASES)
def test_the_translation_agrees_with_the_evaluator_to_the_last_bit(call: str) -> None:
    given, clock = schedule(call), Clock(7, 84)
    values = host_values(given, clock)
    fast = host_function(given.site.function, values, clock.total)
    steps = range(120)
    expected = [evaluated_at(given.site, values, clock.total, step) for step in steps]
    assert [fast(step) for step in steps] == expected


def test_a_warmup_multiplies_the_schedule_it_is_given() -> None:
    cosine = schedule("0.3 |> cosine(10 epochs)")
    both = schedule("0.3 |> cosine(10 epochs) |> warmup(2 epochs)")
    assert follow(both, EPOCHWISE)(0) == 0.0
    assert follow(both, EPOCHWISE)(1) == pytest.approx(follow(cosine, EPOCHWISE)(1) / 2)
    assert follow(both, EPOCHWISE)(5) == follow(cosine, EPOCHWISE)(5)


def test_epochs_are_counted_in_steps() -> None:
    clock = Clock(steps_per_epoch=100, total=1000)
    stairs = schedule("1.0 |> step_decay(0.5, every=2 epochs)")
    assert [follow(stairs, clock)(s) for s in (0, 199, 200, 399, 400)] == [1, 1, 0.5, 0.5, 0.25]


def test_a_schedule_knows_over_what_it_changes() -> None:
    both = schedule("0.3 |> cosine(10 epochs) |> warmup(500 steps)")
    assert list(durations(both)) == [Duration(500, "steps"), Duration(10, "epochs")]
    assert not list(durations(0.1))


def test_a_rate_is_printed_with_every_argument() -> None:
    both = schedule("sequence([0.1, 0.3 |> cosine(9 epochs)], at=[1 epochs])")
    assert rate_text(both) == (
        "sequence(schedules=[0.1, cosine(lr=0.3, over=9 epochs, final=0)], at=[1 epoch])"
    )


# ---- a program's own ------------------------------------------------------------------------

OWN = """
half = 0.5

schedule steps_then_root(lr: schedule, flat: duration, *, power: float = half) -> rate {
  after = larger(elapsed - flat, 0.0)
  share = 1.0 - after / length
  rate = if elapsed < flat then lr(0) else lr * share ** power
}

op square(x: float) = x * x

schedule squared(lr: schedule) = square(lr)

schedule broken(lr: schedule, at: int) = lr / (at - elapsed)
"""


def test_a_body_sees_the_steps_elapsed_and_the_length_of_the_run() -> None:
    own = schedule("0.4 |> cosine(4 epochs) |> steps_then_root(2 epochs)", OWN)
    cosine = schedule("0.4 |> cosine(4 epochs)")
    clock = Clock(1, 10)
    assert [follow(own, clock)(step) for step in (0, 1)] == [0.4, 0.4]
    assert follow(own, clock)(3) == follow(cosine, clock)(3) * math.sqrt(1.0 - 1 / 10)


def test_what_is_not_translated_is_evaluated() -> None:
    own = schedule("0.3 |> squared()", OWN)
    with pytest.raises(UnsupportedError):
        host_function(own.site.function, host_values(own, EPOCHWISE), EPOCHWISE.total)
    assert follow(own, EPOCHWISE)(5) == 0.3 * 0.3


def test_a_step_without_a_rate_is_reported() -> None:
    own = schedule("0.3 |> broken(7)", OWN)
    assert follow(own, EPOCHWISE)(6) == 0.3
    with pytest.raises(NetlangError) as caught:
        follow(own, EPOCHWISE)(7)
    assert caught.value.message == "`broken` has no rate at step 8: this divides by zero"
    assert caught.value.notes == ("in calls.net, line 14",)
