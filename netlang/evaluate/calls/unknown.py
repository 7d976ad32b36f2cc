"""Names that nothing defines, and what the user may have meant."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import NoReturn

from netlang.advice.definitions import advice_for, misspelled, ours_of, undimensioned
from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Diagnostic, DiagnosticError, diagnostic
from netlang.diagnostics.fix import Fix, insertion, joined, replacement
from netlang.diagnostics.source import Span
from netlang.diagnostics.suggestions import Suggestion, folded, nearest, renaming, respelled
from netlang.evaluate.context.frame import Frame, reject

ARGUMENTS = "<…>"
"""What denotes the arguments of the user's call in an advice."""

_FILES, _BYTES = 100, 1_000_000
"""How many files next to the program, and how large ones, are searched for a name."""

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
    reported = frame.run.diagnostics.at(span)
    raise DiagnosticError(reported or unknown_name(name, span, frame.visible))


def unknown_name(
    name: str,
    span: Span,
    visible: Callable[[], Iterable[str]],
    local: Callable[[], Collection[str]] = frozenset,
) -> Diagnostic:
    """Return the error for a name that is not among the visible ones; ``local`` ones come first."""
    if (commented := _comment(name, span)) is not None:
        return commented

    def suggestion() -> Suggestion:
        if name in _SPLITS and _alone(span):
            return {
                "helps": (f'write it in quotes: `"{name}"`',),
                "fixes": renaming(span, f'"{name}"'),
            }
        notes, helps, meant = advice(name, visible(), _arguments_after(span), local())
        certain = meant in (respelled(name, [meant or ""]), ours_of(name)) and meant is not None
        if not certain and (other := _file_with(name, span)) is not None:
            meant = f'from "{other}" import {name}'
            notes, helps = (), (f"it is in {other}: write `{meant}` at the top",)
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


_SPLITS = frozenset({"train", "test", "valid", "validation"})
"""Parts of a dataset, which are strings."""


def _alone(span: Span) -> bool:
    """Return whether a name is the one argument of a call."""
    text = span.source.text
    return text[span.start - 1 : span.start] == "(" and text[span.end : span.end + 1] == ")"


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


def _file_with(name: str, span: Span) -> str | None:
    """Return the file next to the program that defines a name, if there is one."""
    if span.source.library:
        return None
    path = Path(span.source.name)
    named = re.escape(name)
    defined = re.compile(
        rf"^(?:(?:net|block|op|extern op|dataset) {named}\b|{named} = )", re.MULTILINE
    )
    for other in sorted(path.parent.glob("*.net"))[:_FILES]:
        if other.name == path.name or other.is_symlink() or other.stat().st_size > _BYTES:
            continue
        try:
            text = other.read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        if defined.search(text):
            return other.name
    return None


def _code(span: Span, code: str) -> tuple[Fix, ...]:
    """Return the fix that writes an import, or an expression in place of a call."""
    if code.startswith("from "):
        text = span.source.text
        version = re.match(r"netlang \d+[^\n]*\n", text)
        at = version.end() if version is not None else 0
        fix = insertion(Span(span.source, at, at), f"{code}\n")
        name = code.rpartition(" ")[2]
        return (fix,) if name == span.text else (joined((fix, replacement(span, name))),)
    given = _arguments_after(span) or ""
    return (replacement(Span(span.source, span.start, span.end + len(given) + 2), code),)


def advice(
    name: str,
    visible: Iterable[str],
    given: str | None = None,
    local: Collection[str] = frozenset(),
) -> tuple[tuple[str, ...], tuple[str, ...], str | None]:
    """Return notes and helps for an unknown name, and the name or the code it most likely means.

    ``given`` is the text of its arguments if it is called; ``local`` names are preferred.
    """
    from netlang.evaluate.modules.families import module_like, module_of, with_lists

    known = set(visible)
    theirs = re.fullmatch(r"[A-Z][A-Za-z0-9]+", name) is not None and (ours_of(name) in known)
    own = respelled(name, known, local)
    if own is not None and (own in local or not theirs):
        return (), (f"did you mean `{own}`?",), own
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
    if (like := module_like(name)) is not None:
        code = f"from {like[0]} import {like[1]}"
        return (), (f"write `{code}` at the top, and `{like[1]}` here",), code
    near = nearest(name, known, local) or misspelled(name, known)
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
