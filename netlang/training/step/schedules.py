"""Learning rates over time.

A schedule is a number, or a setting that changes another schedule: ``0.1 |> cosine(90 epochs) |>
warmup(5 epochs)`` warms up what the cosine gives. Times are steps; those given in epochs are
multiplied by the steps of an epoch. Where a schedule goes by stairs, the stair is ``every``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from netlang.diagnostics import rules
from netlang.diagnostics.errors import NetlangError
from netlang.evaluate.context.values import Duration, Object, Setting


@dataclass(frozen=True, slots=True)
class Clock:
    """How epochs are counted in steps, and how long the run is."""

    steps_per_epoch: int
    total: int

    def steps(self, duration: Duration) -> float:
        """Give a duration in steps."""
        return duration.amount * (self.steps_per_epoch if duration.unit == "epochs" else 1)


def rate(schedule: Object, step: int, clock: Clock) -> float:
    """Give the learning rate of a step, counted from 0.

    >>> clock = Clock(10, 100)
    >>> rate(0.1, 5, clock)
    0.1
    """
    match schedule:
        case int() | float():
            return float(schedule)
        case Setting(name=name, arguments=arguments) if name in _SHAPES:
            return _SHAPES[name](_Given(arguments, clock), step)
        case _:
            raise TypeError(f"not a schedule: {schedule!r}")


def length(schedule: Object, clock: Clock) -> float:
    """Give the steps after which a schedule changes no more; 0 where it has no such end."""
    match schedule:
        case Setting(arguments=arguments):
            given = _Given(arguments, clock)
            own = given.steps("over") if "over" in arguments else 0.0
            return max(own, length(arguments.get("lr", 0.0), clock))
        case _:
            return 0.0


@dataclass(frozen=True, slots=True)
class _Given:
    """The arguments of a schedule, as numbers."""

    arguments: Mapping[str, Object]
    clock: Clock

    def lr(self, step: int) -> float:
        return rate(self.arguments["lr"], step, self.clock)

    def number(self, name: str) -> float:
        value = self.arguments[name]
        assert isinstance(value, int | float)
        return float(value)

    def steps(self, name: str) -> float:
        value = self.arguments[name]
        assert isinstance(value, Duration)
        found = self.clock.steps(value)
        if found <= 0:
            raise NetlangError(
                rules.OUT_OF_RANGE, f"`{name}` of a schedule must be longer than nothing"
            )
        return found

    def stairs(self, step: int) -> int:
        return int(step // self.steps("every"))

    def share(self, step: int) -> float:
        """Tell how much of ``over`` has gone by, at most all of it."""
        return min(step / self.steps("over"), 1.0)


def _inverse_time(given: _Given, step: int) -> float:
    return given.lr(step) / (1.0 + given.number("rate") * given.stairs(step))


def _exponential(given: _Given, step: int) -> float:
    return given.lr(step) * given.number("rate") ** given.stairs(step)


def _step_decay(given: _Given, step: int) -> float:
    return given.lr(step) * given.number("factor") ** given.stairs(step)


def _multi_step(given: _Given, step: int) -> float:
    marks = given.arguments["at"]
    assert isinstance(marks, Sequence)
    passed = sum(step >= given.clock.steps(mark) for mark in marks if isinstance(mark, Duration))
    return given.lr(step) * given.number("factor") ** passed


def _polynomial(given: _Given, step: int) -> float:
    final = given.number("final")
    left = (1.0 - given.share(step)) ** given.number("power")
    return final + (given.lr(step) - final) * left


def _cosine(given: _Given, step: int) -> float:
    final = given.number("final")
    return final + (given.lr(step) - final) * (1.0 + math.cos(math.pi * given.share(step))) / 2.0


def _warmup(given: _Given, step: int) -> float:
    start = given.number("start")
    return given.lr(step) * (start + (1.0 - start) * given.share(step))


def _one_cycle(given: _Given, step: int) -> float:
    """Up to the given rate and down to almost nothing (Smith & Topin, 2017), on cosines."""
    highest = given.lr(step)
    low = highest / given.number("start")
    last = low / given.number("end")
    total = given.steps("over")
    top = given.number("rise") * total - 1.0
    if step <= top:
        return _between(low, highest, step / top)
    return _between(highest, last, min((step - top) / (total - 1.0 - top), 1.0))


def _between(first: float, second: float, share: float) -> float:
    return second + (first - second) * (1.0 + math.cos(math.pi * share)) / 2.0


_SHAPES: dict[str, Callable[[_Given, int], float]] = {
    "inverse_time": _inverse_time,
    "exponential": _exponential,
    "step_decay": _step_decay,
    "multi_step": _multi_step,
    "polynomial": _polynomial,
    "cosine": _cosine,
    "warmup": _warmup,
    "one_cycle": _one_cycle,
}
