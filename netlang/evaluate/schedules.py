"""Schedules: from the call of a definition to the learning rate of each step.

The body of a ``schedule`` is computed on the host, in Python's floats, before each step. It finds
``elapsed``, the steps since the start of the run, and ``length``, the steps of the whole run.
A parameter of type ``schedule`` is its rate at this step, ``lr``, and may be called with another,
``lr(elapsed - warmup)``. A ``duration`` is a number of steps.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Diagnostic, DiagnosticError, Diagnostics
from netlang.diagnostics.errors import NetlangError
from netlang.evaluate.bodies import give_outs, run_body
from netlang.evaluate.context.describe import describe
from netlang.evaluate.context.frame import CallSite, Frame, Run, reject, report
from netlang.evaluate.context.values import Function, Object
from netlang.evaluate.host_code import (
    HostValue,
    RateAt,
    UnsupportedError,
    at_step,
    host_function,
)  # fmt: skip
from netlang.syntax import ast


def rate_function(site: CallSite, values: Mapping[str, HostValue], length: float) -> RateAt:
    """Return the function that computes the learning rate of a step, counted from 0.

    Raises ``NetlangError`` at a step for which the body has no value.
    """
    exact = _Evaluated(site.function, values, length)
    try:
        fast = host_function(site.function, values, length)
    except UnsupportedError:
        return exact.checked

    def rate(step: float) -> float:
        try:
            found = fast(step)
        except (ArithmeticError, IndexError, TypeError, ValueError):
            # What has no value is reported by the evaluator, which knows where in the text it is.
            return exact.checked(step)
        return float(found) if found >= 0.0 else exact.checked(step)

    return rate


class _Evaluated:
    """A body that the evaluator computes: what it means, and what is wrong with it."""

    def __init__(self, function: Function, values: Mapping[str, HostValue], length: float) -> None:
        self._function, self._values, self._length = function, values, length

    def checked(self, step: float) -> float:
        """Return the rate of a step; raise ``NetlangError`` where there is none."""
        try:
            return self.at(step)
        except DiagnosticError as rejected:
            found = rejected.diagnostic
            raise NetlangError(
                found.rule,
                f"`{self._function.name}` has no rate at step {step + 1:,g}: {found.message}",
                notes=[f"in {found.span.source.name}, line {found.span.line}"],
            ) from None

    def at(self, step: float) -> float:
        """Return the rate of a step; raise ``DiagnosticError`` where there is none."""
        function = self._function
        definition = function.definition
        assert isinstance(definition, ast.Definition)
        run = Run(Diagnostics(), tensors=False)
        frame = Frame(run, function.module, kind="schedule", depth=1)
        known: dict[str, Object] = {"elapsed": step, "length": self._length}
        known |= {name: at_step(value, step) for name, value in self._values.items()}
        for name, value in known.items():
            frame.bind(name, value, definition.name.span)
        made: Object = None
        try:
            run_body(function, definition, frame)
            made = give_outs(function, definition, frame)
        except DiagnosticError as rejected:
            report(frame, rejected.diagnostic)
        for found in run.diagnostics.items:
            raise DiagnosticError(_of_a_schedule(found))
        if isinstance(made, bool) or not isinstance(made, int | float):
            reject(
                rules.WRONG_TYPE,
                "a schedule gives a number, the learning rate",
                definition.name.span,
                f"this gives {describe(made)}",
            )
        if made < 0:
            reject(
                rules.OUT_OF_RANGE,
                "a learning rate is not negative",
                definition.name.span,
                f"it is {made:g} after {step:,g} steps",
            )
        return float(made)


def _of_a_schedule(found: Diagnostic) -> Diagnostic:
    if found.rule is not rules.TENSOR_CONSTANT:
        return found
    return replace(found, message="a schedule computes with numbers, not with tensors", helps=())


def rate_at(site: CallSite, values: Mapping[str, HostValue], length: float, step: float) -> float:
    """Return the learning rate of a step, as the evaluator computes it.

    Raises ``DiagnosticError`` where the body has no value.
    """
    return _Evaluated(site.function, values, length).at(step)
