"""Checks of optimizers and schedules where they are defined, before a section uses them."""

from __future__ import annotations

from msgspec.structs import replace

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import DiagnosticError, Diagnostics
from netlang.diagnostics.source import Span
from netlang.evaluate.calls.calls import call_function
from netlang.evaluate.context.frame import Frame, Run, report
from netlang.evaluate.context.selections import Weights
from netlang.evaluate.context.values import Argued, Function, Setting
from netlang.evaluate.modules.module import ModuleScope
from netlang.evaluate.optimizers import is_rate, update_graph
from netlang.evaluate.schedules import rate_at
from netlang.ir.types import F32, TensorType
from netlang.plan.records import Records
from netlang.plan.schedules import Clock, Schedule, host_values
from netlang.syntax import ast

_WEIGHT = TensorType(F32, (3, 4))
_FOR_EXAMPLE = f"checked for a weight of {_WEIGHT}, for example"
_CLOCK = Clock(10, 100)
_STEPS = (0, 50, 99)


def check_definition(definition: ast.Definition, module: ModuleScope, run: Run) -> None:
    """Evaluate the body for its defaults and a small weight, or a few steps, and report errors.

    A definition with a parameter that has no default, but for rates, is checked where it is used;
    so are its assertions.
    """
    function = module.find(definition.name.text)
    if not isinstance(function, Function) or function.definition is not definition:
        return  # its name is defined twice
    if any(d.is_error and _within(d.span, definition.span) for d in run.diagnostics.items):
        return
    rates = {p.name.text: p for p in definition.params if is_rate(p) and p.default is None}
    if any(p.default is None for p in definition.params if p.name.text not in rates):
        return
    trial = Run(Diagnostics(earlier=run.diagnostics), budget=run.budget, training=True)
    frame = Frame(trial, module, kind="file")
    args = [Argued(0.1, param.span, None, param.name) for param in rates.values()]
    span = definition.name.span
    try:
        made = call_function(function, args, ast.Name(span, span.text), span, frame)
        if isinstance(made, Setting) and definition.kind == "optimizer":
            update_graph(made, _WEIGHT, trial)
        elif isinstance(made, Setting):
            _check_schedule(made)
    except DiagnosticError as rejected:
        report(frame, rejected.diagnostic)
    for found in trial.diagnostics.items:
        if found.rule is not rules.ASSERTION:
            # The user did not write the call of this trial.
            shown = (_FOR_EXAMPLE,) if definition.kind == "optimizer" and found.is_error else ()
            run.diagnostics.report(replace(found, notes=(*found.notes, *shown), trace=()))


def _within(part: Span, whole: Span) -> bool:
    return part.source is whole.source and whole.start <= part.start < whole.end


def _check_schedule(made: Setting) -> None:
    rate = Records(Weights({}, ())).rate(made)
    assert isinstance(rate, Schedule)
    values = host_values(rate, _CLOCK)
    for step in _STEPS:
        rate_at(rate.site, values, _CLOCK.total, step)
