"""Durations with a unit that does not exist, or in the wrong order."""

from __future__ import annotations

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Diagnostic
from netlang.diagnostics.fix import replacement
from netlang.diagnostics.source import Span
from netlang.diagnostics.suggestions import nearest
from netlang.syntax.errors.location import ErrorLocation
from netlang.syntax.errors.tokens import Token

_STEPS = frozenset(("batch", "batches", "iteration", "iterations", "iters", "updates"))
_UNITS = ("epoch", "epochs", "step", "steps")


def duration(error: ErrorLocation) -> Diagnostic | None:
    """Explain `30 batches`, `10 epcohs` and `epochs 10`."""
    pairs = ((error.back(1), error.here), (error.back(2), error.back(1)))
    for first, second in pairs:
        if second.fresh or error.next.text == "(":
            continue
        backwards = first.kind == "name" and first.text in _UNITS
        number, unit = (second, first) if backwards else (first, second)
        meant = _unit(number, unit)
        if meant is None or (not backwards and unit.text in _UNITS):
            continue
        whole = Span(error.source, first.start, second.end)
        label = "the number comes first" if backwards else f"`{unit.text}` is not a unit"
        return error.diagnostic(
            rules.NUMBER_FORM,
            "a duration is a number of epochs or steps",
            whole if backwards else unit,
            label,
            helps=(f"write `{number.text} {meant}`",),
            fixes=(replacement(whole, f"{number.text} {meant}"),),
        )
    return None


def _unit(number: Token, unit: Token) -> str | None:
    """Return the unit that is meant after a number, if one is."""
    if number.kind != "number" or not number.text.replace("_", "").isdecimal():
        return None
    if unit.kind != "name":
        return None
    steps = unit.text.lower() in _STEPS
    near = "steps" if steps else unit.text if unit.text in _UNITS else nearest(unit.text, _UNITS)
    if near is None:
        return None
    return near.rstrip("s") if number.text == "1" else f"{near.rstrip('s')}s"
