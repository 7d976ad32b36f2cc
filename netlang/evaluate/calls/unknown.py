"""Names that nothing defines, and what the user may have meant."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NoReturn

from netlang.advice.definitions import advice_for, misspelled, ours_of, undimensioned
from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Diagnostic, DiagnosticError, diagnostic
from netlang.diagnostics.source import Span
from netlang.diagnostics.suggestions import folded, nearest, renaming
from netlang.evaluate.context.frame import Frame, reject

_INPUTS_INFERRED = frozenset({"conv", "linear", "batchnorm"})


def reject_unknown(name: str, span: Span, frame: Frame) -> NoReturn:
    """Report a name that nothing defines, with what it most likely means."""
    if name == "batch" and frame.run.training and frame.call is None:
        reject(
            rules.USED_EARLY,
            "`batch` is used before `data`",
            span,
            "its columns aren't known yet",
            helps=("put `data = …` first",),
        )
    raise DiagnosticError(unknown_name(name, span, frame.visible()))


def unknown_name(name: str, span: Span, visible: Iterable[str]) -> Diagnostic:
    """Return the diagnostic of a name that is not among the visible ones."""
    notes, helps, meant = advice(name, visible)
    return diagnostic(
        rules.UNKNOWN_NAME,
        f"I don't know `{name}`",
        span,
        "not defined in this block, this file, or the prelude",
        notes=notes,
        helps=helps,
        fixes=renaming(span, meant),
    )


def advice(
    name: str, visible: Iterable[str]
) -> tuple[tuple[str, ...], tuple[str, ...], str | None]:
    """Return notes and helps for an unknown name, and the name it most likely means."""
    known = set(visible)
    if (text := advice_for(name)) is not None:
        from netlang.evaluate.modules.families import with_lists

        return (), (with_lists(text),), None
    short = undimensioned(name)
    plain = {candidate.replace("_", ""): candidate for candidate in known if candidate.islower()}
    ours = ours_of(name) or (plain.get(short) if short != folded(name) else None)
    if ours and (ours in known or ours.startswith("`")):
        notes: tuple[str, ...] = ()
        if short in _INPUTS_INFERRED:
            notes = ("the number of inputs is not written: it follows from the input's shape",)
        if ours.startswith("`"):
            return notes, (f"netlang calls this {ours}",), None
        return notes, (f"netlang calls this `{ours}`",), ours
    for candidate in known:
        if folded(candidate) == folded(name) and candidate != name:
            return (), (f"did you mean `{candidate}`?",), candidate
    near = nearest(name, known) or misspelled(name, known)
    return (), (f"did you mean `{near}`?",) if near is not None else (), near
