"""Learning rates over time.

A rate is a number, or a schedule that changes another rate: ``0.1 |> cosine(90 epochs) |> warmup(5
epochs)`` warms up to what the cosine returns. Times are steps; durations in epochs are multiplied
by the steps of an epoch.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import ClassVar, TypeAlias

from msgspec import Struct
from msgspec.structs import asdict

from netlang.evaluate.context.values import Duration


class Clock(Struct, frozen=True):
    """How many steps an epoch has, and how many the run."""

    steps_per_epoch: int
    total: int

    def steps(self, duration: Duration) -> float:
        """Return a duration in steps."""
        return duration.amount * (self.steps_per_epoch if duration.unit == "epochs" else 1)

    def share(self, step: int, duration: Duration) -> float:
        """Return how much of a duration has passed, at most 1."""
        return min(step / self.steps(duration), 1.0)

    def stairs(self, step: int, every: Duration) -> int:
        """Return how many whole times a duration has passed."""
        return int(step // self.steps(every))


class Schedule(Struct, frozen=True, eq=False):
    """A change of another rate; compared by identity, as one schedule is one input of a step.

    The fields of each schedule are the parameters of its function in the library, in their order.
    """

    name: ClassVar[str]
    lr: Rate

    def value(self, step: int, clock: Clock) -> float:
        """Return the learning rate of a step, counted from 0."""
        raise NotImplementedError


Rate: TypeAlias = float | Schedule


def rate_at(rate: Rate, step: int, clock: Clock) -> float:
    """Return the learning rate of a step, counted from 0.

    >>> rate_at(0.1, 5, Clock(10, 100))
    0.1
    """
    return rate.value(step, clock) if isinstance(rate, Schedule) else float(rate)


def durations(rate: Rate) -> Iterator[Duration]:
    """Yield the durations over which a rate changes, that of the outermost schedule first."""
    while isinstance(rate, Schedule):
        if isinstance(rate, _Ramp):
            yield rate.over
        rate = rate.lr


def rate_text(rate: Rate) -> str:
    """Return a rate as a program would write it, every argument by name.

    >>> rate_text(Warmup(lr=0.1, over=Duration(5, "epochs"), start=0.0))
    'warmup(lr=0.1, over=5 epochs, start=0)'
    """
    if not isinstance(rate, Schedule):
        return _text(rate)
    fields = [f"{name}={_text(value)}" for name, value in asdict(rate).items()]
    return f"{rate.name}({', '.join(fields)})"


def _text(value: Rate | Duration | tuple[Duration, ...]) -> str:
    match value:
        case Schedule():
            return rate_text(value)
        case float():
            return f"{value:g}"
        case tuple():
            return f"[{', '.join(map(str, value))}]"
        case _:
            return str(value)


class InverseTime(Schedule, frozen=True, eq=False):
    name: ClassVar[str] = "inverse_time"
    rate: float
    every: Duration

    def value(self, step: int, clock: Clock) -> float:
        return rate_at(self.lr, step, clock) / (1.0 + self.rate * clock.stairs(step, self.every))


class Exponential(Schedule, frozen=True, eq=False):
    name: ClassVar[str] = "exponential"
    rate: float
    every: Duration

    def value(self, step: int, clock: Clock) -> float:
        return rate_at(self.lr, step, clock) * self.rate ** clock.stairs(step, self.every)


class StepDecay(Schedule, frozen=True, eq=False):
    name: ClassVar[str] = "step_decay"
    factor: float
    every: Duration

    def value(self, step: int, clock: Clock) -> float:
        return rate_at(self.lr, step, clock) * self.factor ** clock.stairs(step, self.every)


class MultiStep(Schedule, frozen=True, eq=False):
    name: ClassVar[str] = "multi_step"
    factor: float
    at: tuple[Duration, ...]

    def value(self, step: int, clock: Clock) -> float:
        passed = sum(step >= clock.steps(mark) for mark in self.at)
        return rate_at(self.lr, step, clock) * self.factor**passed


class _Ramp(Schedule, frozen=True, eq=False):
    """A schedule that ends after a duration."""

    over: Duration


class Polynomial(_Ramp, frozen=True, eq=False):
    name: ClassVar[str] = "polynomial"
    power: float
    final: float

    def value(self, step: int, clock: Clock) -> float:
        left = (1.0 - clock.share(step, self.over)) ** self.power
        return self.final + (rate_at(self.lr, step, clock) - self.final) * left


class Cosine(_Ramp, frozen=True, eq=False):
    name: ClassVar[str] = "cosine"
    final: float

    def value(self, step: int, clock: Clock) -> float:
        wave = 1.0 + math.cos(math.pi * clock.share(step, self.over))
        return self.final + (rate_at(self.lr, step, clock) - self.final) * wave / 2.0


class Warmup(_Ramp, frozen=True, eq=False):
    name: ClassVar[str] = "warmup"
    start: float

    def value(self, step: int, clock: Clock) -> float:
        share = clock.share(step, self.over)
        return rate_at(self.lr, step, clock) * (self.start + (1.0 - self.start) * share)


class OneCycle(_Ramp, frozen=True, eq=False):
    """Up to the given rate and down to almost 0 (Smith & Topin, 2017), along cosines."""

    name: ClassVar[str] = "one_cycle"
    rise: float
    start: float
    end: float

    def value(self, step: int, clock: Clock) -> float:
        highest = rate_at(self.lr, step, clock)
        low = highest / self.start
        last = low / self.end
        total = clock.steps(self.over)
        top = self.rise * total - 1.0
        if step <= top:
            return _between(low, highest, step / top)
        return _between(highest, last, min((step - top) / (total - 1.0 - top), 1.0))


def _between(first: float, second: float, share: float) -> float:
    return second + (first - second) * (1.0 + math.cos(math.pi * share)) / 2.0


SCHEDULES = (
    InverseTime,
    Exponential,
    StepDecay,
    MultiStep,
    Polynomial,
    Cosine,
    Warmup,
    OneCycle,
)
