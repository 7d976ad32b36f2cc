"""Learning rates over time, against values computed by PyTorch."""

from __future__ import annotations

import pytest

from netlang.evaluate.context.values import Duration
from netlang.plan.records import RECORDS
from netlang.plan.schedules import Clock, Rate, Schedule, durations, rate_at

EPOCHWISE = Clock(steps_per_epoch=1, total=12)


def epochs(amount: float) -> Duration:
    return Duration(amount, "epochs")


def schedule(name: str, lr: Rate, **arguments: object) -> Schedule:
    made = RECORDS[name](lr=lr, **arguments)
    assert isinstance(made, Schedule)
    return made


CASES = {
    "multi_step": (
        schedule("multi_step", 0.3, factor=0.5, at=(epochs(4), epochs(8))),
        [0.3] * 4 + [0.15] * 4 + [0.075] * 4,
    ),
    "cosine": (
        schedule("cosine", 0.3, over=epochs(10), final=0.01),
        [0.3, 0.292903195, 0.272307464, 0.240228862, 0.199807464, 0.155, 0.110192536,
         0.069771138, 0.037692536, 0.017096805, 0.01],
    ),
    "exponential": (
        schedule("exponential", 0.3, rate=0.9048374180359595, every=epochs(1)),
        [0.3, 0.271451225, 0.245619226, 0.222245466, 0.201096014, 0.181959198, 0.164643491,
         0.148975591, 0.134798689, 0.121970898, 0.110363832, 0.099861325],
    ),
    "warmup": (
        schedule("warmup", 0.3, over=epochs(5), start=0.1),
        [0.03, 0.084, 0.138, 0.192, 0.246, 0.3, 0.3, 0.3],
    ),
    "one_cycle": (
        schedule("one_cycle", 0.3, over=epochs(12), rise=0.3, start=25.0, end=10_000.0),
        [0.012, 0.104936896, 0.263785548, 0.298324631, 0.279903891, 0.243523696, 0.194213699,
         0.138791131, 0.084918299, 0.040043259, 0.010370096, 1.2e-06],
    ),
    "inverse_time": (
        schedule("inverse_time", 0.3, rate=0.1, every=epochs(1)),
        [0.3, 0.3 / 1.1, 0.3 / 1.2, 0.3 / 1.3],
    ),
    "step_decay": (
        schedule("step_decay", 1.0, factor=0.1, every=epochs(2)),
        [1, 1, 0.1, 0.1, 0.01],
    ),
    "polynomial": (
        schedule("polynomial", 1.0, over=epochs(4), power=2.0, final=0.0),
        [1.0, 0.5625, 0.25, 0.0625, 0.0, 0.0],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_rates_are_those_of_the_formula(name: str) -> None:
    given, expected = CASES[name]
    actual = [rate_at(given, epoch, EPOCHWISE) for epoch in range(len(expected))]
    assert actual == pytest.approx(expected, abs=2e-9)


def test_a_warmup_goes_over_into_the_schedule_it_is_given() -> None:
    cosine = schedule("cosine", 0.3, over=epochs(10), final=0.0)
    both = schedule("warmup", cosine, over=epochs(2), start=0.0)
    assert rate_at(both, 0, EPOCHWISE) == 0.0
    assert rate_at(both, 1, EPOCHWISE) == pytest.approx(rate_at(cosine, 1, EPOCHWISE) / 2)
    assert rate_at(both, 5, EPOCHWISE) == rate_at(cosine, 5, EPOCHWISE)


def test_epochs_are_counted_in_steps() -> None:
    clock = Clock(steps_per_epoch=100, total=1000)
    stairs = schedule("step_decay", 1.0, factor=0.5, every=epochs(2))
    assert [rate_at(stairs, s, clock) for s in (0, 199, 200, 399, 400)] == [1, 1, 0.5, 0.5, 0.25]


def test_a_schedule_knows_over_what_it_changes() -> None:
    cosine = schedule("cosine", 0.3, over=epochs(10), final=0.0)
    both = schedule("warmup", cosine, over=Duration(500, "steps"), start=0.0)
    assert list(durations(both)) == [Duration(500, "steps"), epochs(10)]
    assert not list(durations(0.1))
