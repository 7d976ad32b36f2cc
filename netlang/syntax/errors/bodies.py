"""Bodies without braces."""

from __future__ import annotations

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Diagnostic, diagnostic
from netlang.diagnostics.fix import Edit
from netlang.diagnostics.source import Span
from netlang.syntax.braces import braces, colon_for_brace
from netlang.syntax.errors.location import ErrorLocation

_STATEMENTS = "`{ … }` with a statement a line"


def body(error: ErrorLocation) -> Diagnostic | None:
    """Explain the head of a definition or a loop with no brace after it."""
    here = error.here
    if "{" not in error.expected or error.enclosing() not in ("", "{"):
        return None
    if here.text == ":":
        return colon_for_brace(error.span(here))
    return missing_body(error) if here.fresh else None


def missing_body(error: ErrorLocation) -> Diagnostic:
    """Return the diagnostic of a definition or a loop that ends where its body is expected."""
    if "|>" in error.expected and "where" not in _words(error):
        whose, expected = "loop", "`{`"
        write = "`for i in 1..n with h = x { next h = … }`"
    elif "=" in error.expected:
        whose, expected = "definition", "`{` or `=`"
        write = f"{_STATEMENTS}, or `= …` for one value"
    else:
        whose, expected, write = "definition", "`{`", "`{ … }`"
    at = error.after()
    end = Span(error.source, at.end, at.end)
    return diagnostic(
        rules.MISSING_BODY,
        f"this {whose} has no body",
        at,
        f"expected {expected} after this",
        helps=(f"write {write}",),
        fixes=braces(at, Edit(end, " {")) if error.here.fresh else (),
    )


def _words(error: ErrorLocation) -> list[str]:
    start = max(error.at - 40, 0)
    return [p.text for p in error.tokens[start : error.at] if p.kind == "keyword"]
