"""The braces around a body that has none."""

from __future__ import annotations

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Diagnostic, diagnostic
from netlang.diagnostics.fix import Edit, Fix
from netlang.diagnostics.source import Source, Span


def colon_for_brace(at: Span) -> Diagnostic:
    """Return the diagnostic of a body that follows a colon."""
    return diagnostic(
        rules.FOREIGN_OPERATOR,
        "a body stands between braces",
        at,
        "no `:` before it",
        helps=("write `{ … }`, with a statement a line",),
        fixes=braces(at, Edit(_with_blanks(at), " {")),
    )


def _with_blanks(at: Span) -> Span:
    before = at.source.text[: at.start]
    return Span(at.source, len(before.rstrip(" \t")), at.end)


def braces(head: Span, opening: Edit) -> tuple[Fix, ...]:
    """Return the fix that writes the braces around the indented lines after a head."""
    source = head.source
    number = source.line_col(head.start)[0]
    first = _first_line(source, number)
    margin = _margin(source.line(first))
    last, count = number, source.line_col(len(source.text))[0]
    while last < count:
        line = source.line(last + 1)
        if line.strip() and _margin(line) <= margin:
            break
        last += 1
    if not any(source.line(n).strip() for n in range(number + 1, last + 1)):
        return ()
    after = source.line(last + 1) if last < count else ""
    if after.strip().startswith("}") and _margin(after) == margin:
        return (Fix("write `{`", (opening,)),)
    while not source.line(last).strip():
        last -= 1
    end = source.line_end_offset(last)
    closing = Edit(Span(source, end, end), f"\n{' ' * margin}}}")
    return (Fix("write `{` and `}`", (opening, closing)),)


def _first_line(source: Source, number: int) -> int:
    """Return the line where the head that ends at a line begins: it is not indented deeper."""
    margin = _margin(source.line(number))
    while source.line(number).lstrip().startswith((")", "->", "where", "with")) and number > 1:
        number -= 1
        while number > 1 and _margin(source.line(number)) > margin:
            number -= 1
    return number


def _margin(line: str) -> int:
    return len(line) - len(line.lstrip())
