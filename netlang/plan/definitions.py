"""Checks of optimizers and schedules: where they are defined, and where a section uses them."""

from __future__ import annotations

import math
from collections.abc import Iterator

from msgspec.structs import replace

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Diagnostic, DiagnosticError, Diagnostics
from netlang.diagnostics.errors import NetlangError
from netlang.diagnostics.source import Span
from netlang.evaluate.calls.calls import call_function
from netlang.evaluate.context.frame import Frame, Run, report
from netlang.evaluate.context.selections import Weights
from netlang.evaluate.context.values import Argued, Function, Setting, is_rate
from netlang.evaluate.modules.module import ModuleScope
from netlang.evaluate.optimizers import update_graph
from netlang.evaluate.schedules import rate_at
from netlang.ir.types import F32, TensorType
from netlang.plan.plan import Plan
from netlang.plan.records import Records
from netlang.plan.schedules import Argument, Clock, Schedule, follow, host_values
from netlang.syntax import ast

_WEIGHTS = [TensorType(F32, shape) for shape in ((3, 4), (4,), (2, 3, 3, 3))]
_CLOCK = Clock(10, 100)
_STEPS = 1000


def check_definition(definition: ast.Definition, module: ModuleScope, run: Run) -> None:
    """Evaluate the body for its defaults, and report its errors.

    An optimizer is wrong if it is for a weight of any of several shapes; a schedule is computed at
    the first step. A definition with a parameter that has no default, but for rates, is checked
    where it is used.
    """
    function = module.find(definition.name.text)
    if not isinstance(function, Function) or function.definition is not definition:
        return  # its name is defined twice
    if any(d.is_error and _within(d.span, definition.span) for d in run.diagnostics.items):
        return
    if any(p.default is None and not is_rate(p) for p in definition.params):
        return
    optimizer = definition.kind == "optimizer"
    trials = [_trial(function, type, run) for type in (_WEIGHTS if optimizer else _WEIGHTS[:1])]
    if not all(any(d.is_error for d in trial) for trial in trials):
        return
    note = (f"checked for a weight of {_WEIGHTS[0]}, for example",) if optimizer else ()
    for found in trials[0]:
        # The user did not write the call of this trial.
        run.diagnostics.report(replace(found, notes=(*found.notes, *note), trace=()))


def _trial(function: Function, type: TensorType, run: Run) -> list[Diagnostic]:
    """Evaluate the body once; return what is wrong with it, whatever a call gives."""
    trial = Run(Diagnostics(earlier=run.diagnostics), budget=run.budget, training=True)
    frame = Frame(trial, function.module, kind="file")
    definition = function.definition
    rates = [p for p in definition.params if p.default is None]
    args = [Argued(0.1, param.span, None, param.name) for param in rates]
    span = definition.name.span
    try:
        made = call_function(function, args, ast.Name(span, span.text), span, frame)
        if isinstance(made, Setting) and definition.kind == "optimizer":
            update_graph(made, type, trial)
        elif isinstance(made, Setting):
            rate = Records(Weights({}, ())).rate(made)
            assert isinstance(rate, Schedule)
            rate_at(rate.site, host_values(rate, _CLOCK), _CLOCK.total, 0)
    except DiagnosticError as rejected:
        report(frame, rejected.diagnostic)
    # What depends on the arguments of a call is checked there.
    depends = (rules.ASSERTION, rules.OUT_OF_RANGE)
    return [found for found in trial.diagnostics.items if found.rule not in depends]


def _within(part: Span, whole: Span) -> bool:
    return part.source is whole.source and whole.start <= part.start < whole.end


def check_rates(plan: Plan, frame: Frame) -> None:
    """Compute the schedules of a section at the steps that are known, and report their errors."""
    known = plan.run.unit == "steps"
    clock = Clock(1, math.ceil(plan.run.amount))
    steps = range(min(clock.total, _STEPS)) if known else range(1)
    for schedule in (s for update in plan.updates for r in update.rates for s in _schedules(r)):
        compute = follow(schedule, clock)
        for step in steps:
            try:
                compute(step)
            except NetlangError:
                _report(schedule, clock, step, frame)
                return


def _report(schedule: Schedule, clock: Clock, step: int, frame: Frame) -> None:
    values = host_values(schedule, clock)
    try:
        rate_at(schedule.site, values, clock.total, step)
    except DiagnosticError as rejected:
        found = rejected.diagnostic
        at = f"at step {step + 1:,} of the run"
        report(frame, replace(found, notes=(*found.notes, at)))


def _schedules(rate: Argument) -> Iterator[Schedule]:
    """Yield the schedules of a rate, the innermost first."""
    match rate:
        case Schedule(arguments=arguments):
            for value in arguments.values():
                yield from _schedules(value)
            yield rate
        case tuple():
            for item in rate:
                yield from _schedules(item)
        case _:
            pass
