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


def section(error: ErrorLocation) -> Diagnostic | None:
    """Explain `step {`, `step name` without a brace, and `train name as other {`."""
    here, before = error.here, error.back(1)
    if before.text == "step" and before.fresh and here.text == "{":
        return error.diagnostic(
            rules.MISSING_NAME,
            "there is no name after this `step`",
            before,
            helps=("add a name",),
        )
    if before.text == "step" and before.fresh and here.kind == "name" and not here.fresh:
        return error.diagnostic(
            rules.MISSING_BODY,
            "this step has no body",
            here,
            "expected `{` after this",
            helps=("write `{ … }`",),
            fixes=braces(error.span(here), Edit(Span(error.source, here.end, here.end), " {"))
            if error.next.fresh
            else (),
        )
    if "LIKE" in error.expected and here.text in _LIKE and not here.fresh:
        base = error.next.text if error.next.kind == "name" else "base"
        return error.diagnostic(
            rules.MISSING_BODY,
            "a train section is `like` one other section",
            here,
            "expected `{`, or `like`, a name and `{`",
            helps=(f"write `like {base} {{ … }}`",),
        )
    return None


_LIKE = frozenset(("like", "as", "from", "of", "extends", "with"))


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
