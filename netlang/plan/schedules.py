"""Learning rates over time.

A rate is a number, or a schedule that changes another rate: ``0.1 |> cosine(90 epochs) |> warmup(5
epochs)`` warms up to what the cosine returns. Times are steps; durations in epochs are multiplied
by the steps of an epoch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from msgspec import Struct, json

from netlang.evaluate.context.frame import CallSite
from netlang.evaluate.context.values import Duration
from netlang.evaluate.host_code import HostValue
from netlang.evaluate.schedules import rate_function
from netlang.syntax import ast


class Clock(Struct, frozen=True):
    """How many steps an epoch has, and how many the run."""

    steps_per_epoch: int
    total: int

    def steps(self, duration: Duration) -> float:
        """Return a duration in steps."""
        return duration.amount * (self.steps_per_epoch if duration.unit == "epochs" else 1)


class Schedule(Struct, frozen=True, eq=False):
    """A call of a schedule; compared by identity, as one schedule is one input of a step.

    ``arguments`` are all of the call's, by name; ``over`` is the one of that name: the time that
    the schedule takes, before which a run should not end; ``site`` is the call.
    """

    name: str
    arguments: Mapping[str, Argument]
    over: Duration | None
    site: CallSite


Rate: TypeAlias = float | Schedule
Argument: TypeAlias = float | bool | str | Duration | Schedule | tuple["Argument", ...] | None


def follow(rate: Rate, clock: Clock) -> Callable[[float], float]:
    """Return the function that computes the learning rate of a step, counted from 0.

    >>> follow(0.1, Clock(10, 100))(5)
    0.1
    """
    if not isinstance(rate, Schedule):
        return lambda _: float(rate)
    return rate_function(rate.site, host_values(rate, clock), clock.total)


def host_values(schedule: Schedule, clock: Clock) -> dict[str, HostValue]:
    """Return the arguments of a schedule as its body finds them."""
    arguments = schedule.arguments
    params = schedule.site.function.params
    return {p.name.text: _on_host(arguments[p.name.text], p.type, clock) for p in params}


def _on_host(value: Argument, type: ast.TypeExpr | None, clock: Clock) -> HostValue:
    match value, type:
        case _, ast.OptionalType(inner=inner):
            return None if value is None else _on_host(value, inner, clock)
        case int() | float() | Schedule(), ast.NameType(name="schedule"):
            return follow(value, clock)
        case Schedule(), _:
            raise TypeError(f"a schedule is not a {type}")
        case Duration(), _:
            return clock.steps(value)
        case tuple(), _:
            item = type.item if isinstance(type, ast.ListType) else None
            return tuple(_on_host(each, item, clock) for each in value)
        case _:
            return value


def durations(rate: Argument) -> Iterator[Duration]:
    """Yield the durations over which a rate changes, that of the outermost schedule first."""
    match rate:
        case Schedule(arguments=arguments, over=over):
            if over is not None:
                yield over
            for value in arguments.values():
                yield from durations(value)
        case tuple():
            for item in rate:
                yield from durations(item)
        case _:
            pass


def rate_text(rate: Argument) -> str:
    """Return a rate as a program would write it, every argument by name."""
    match rate:
        case Schedule(name=name, arguments=arguments):
            given = (f"{key}={rate_text(value)}" for key, value in arguments.items())
            return f"{name}({', '.join(given)})"
        case bool():
            return str(rate).lower()
        case str():
            return json.encode(rate).decode()
        case float():
            return f"{rate:g}"
        case tuple():
            return f"[{', '.join(map(rate_text, rate))}]"
        case None:
            return "none"
        case _:
            return str(rate)
