"""Names that nothing defines, and what the user may have meant."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import NoReturn

from netlang.advice.definitions import advice_for, misspelled, ours_of, undimensioned
from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Diagnostic, DiagnosticError, diagnostic
from netlang.diagnostics.fix import Fix, insertion, joined, replacement
from netlang.diagnostics.source import Span
from netlang.diagnostics.suggestions import Suggestion, folded, nearest, renaming
from netlang.evaluate.context.frame import Frame, reject

ARGUMENTS = "<…>"
"""What denotes the arguments of the user's call in an advice."""

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
    raise DiagnosticError(unknown_name(name, span, frame.visible))


def unknown_name(name: str, span: Span, visible: Callable[[], Iterable[str]]) -> Diagnostic:
    """Return the error for a name that is not among the visible ones."""
    if (commented := _comment(name, span)) is not None:
        return commented

    def suggestion() -> Suggestion:
        notes, helps, meant = advice(name, visible(), _arguments_after(span))
        if meant is None or meant.isidentifier():
            fixes = renaming(span, meant)
        else:
            fixes = _code(span, meant)
        return {"notes": notes, "helps": helps, "fixes": fixes}

    return diagnostic(
        rules.UNKNOWN_NAME,
        f"I don't know `{name}`",
        span,
        "not defined in this block, this file, or the prelude",
        suggestion=suggestion,
    )


def _comment(name: str, span: Span) -> Diagnostic | None:
    """Return the error that a comment of one word starts with `//`, if it does."""
    text = span.source.text
    line = text[text.rfind("\n", 0, span.start) + 1 : span.start]
    signs = re.search(r"//[ \t]*$", line)
    if signs is None or text[span.end :].partition("\n")[0].strip():
        return None
    start = span.start - len(signs[0])
    return diagnostic(
        rules.UNKNOWN_NAME,
        f"I don't know `{name}`",
        span,
        "`//` divides and rounds down",
        helps=(f"a comment starts with `#`: write `# {name}`",),
        fixes=(replacement(Span(span.source, start, start + 2), "#"),),
    )


def _arguments_after(span: Span) -> str | None:
    """Return the text of the arguments of the call that a name begins, if it is one."""
    text = span.source.text
    if text[span.end : span.end + 1] != "(":
        return None
    depth = 0
    for at in range(span.end, min(len(text), span.end + 200)):
        depth += (text[at] in "([") - (text[at] in ")]")
        if depth == 0:
            return text[span.end + 1 : at]
    return None


def _code(span: Span, code: str) -> tuple[Fix, ...]:
    """Return the fix that writes an import, or an expression in place of a call."""
    if code.startswith("from "):
        fix = insertion(Span(span.source, 0, 0), f"{code}\n")
        name = code.rpartition(" ")[2]
        return (fix,) if name == span.text else (joined((fix, replacement(span, name))),)
    given = _arguments_after(span) or ""
    return (replacement(Span(span.source, span.start, span.end + len(given) + 2), code),)


def advice(
    name: str, visible: Iterable[str], given: str | None = None
) -> tuple[tuple[str, ...], tuple[str, ...], str | None]:
    """Return notes and helps for an unknown name, and the name or the code it most likely means.

    ``given`` is the text of its arguments if it is called.
    """
    from netlang.evaluate.modules.families import module_like, module_of, with_lists

    known = set(visible)
    if (text := advice_for(name)) is not None:
        return (), (with_lists(text.replace(ARGUMENTS, given or "…")),), _certain(text, given)
    if (module := module_of(name)) is not None:
        code = f"from {module} import {name}"
        return (), (f"write `{code}` at the top",), code
    if folded(name) == "range" and given is not None:
        code = _range(given)
        return (), (f"both ends are included: write `{code}`",), code
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
    if (like := module_like(name)) is not None:
        code = f"from {like[0]} import {like[1]}"
        return (), (f"write `{code}` at the top, and `{like[1]}` here",), code
    near = nearest(name, known) or misspelled(name, known)
    return (), (f"did you mean `{near}`?",) if near is not None else (), near


def _range(given: str) -> str:
    """Return the range of ours for the arguments of Python's, which leaves out the end."""
    bounds = [part.strip() for part in given.split(",")]
    first, end = ("0", bounds[0]) if len(bounds) == 1 else bounds[:2]
    last = str(int(end) - 1) if end.isdecimal() else f"{end} - 1"
    return f"{first}..{last}"


def _certain(text: str, given: str | None) -> str | None:
    """Return the code of an advice that says what to write in place of a call."""
    found = re.fullmatch(rf"write `([^`]*{ARGUMENTS}[^`]*)`", text)
    return found[1].replace(ARGUMENTS, given) if found and given else None
