"""Lists, signatures and definitions with a part missing."""

from __future__ import annotations

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Diagnostic, Label
from netlang.diagnostics.fix import insertion, replacement
from netlang.diagnostics.source import Span
from netlang.syntax.errors.location import ErrorLocation
from netlang.syntax.errors.tokens import STARTERS
from netlang.syntax.keywords import DEFINITION_ONLY

_TYPES = frozenset(
    (
        *("f16", "bf16", "f32", "f64", "i8", "i16", "i32", "i64", "u8", "bool", "tensor"),
        *("int", "float", "str", "ints", "padding", "init", "duration", "schedule", "block", "op"),
    )
)


def comma(error: ErrorLocation) -> Diagnostic | None:
    here, before = error.here, error.back(1)
    if error.enclosing() not in ("(", "[") or "," not in error.expected:
        return None
    if not before.ends_value or not (here.starts_value or here.text in ("*", "...")):
        return None
    return error.diagnostic(
        rules.MISSING_COMMA,
        f"there is no comma between `{before.text}` and `{here.text}`",
        here,
        "the next one starts here",
        secondary=(Label(error.after(), "this one ends here"),),
        helps=("put a `,` between them",),
        fixes=(insertion(error.after(), ","),),
    )


def colon(error: ErrorLocation) -> Diagnostic | None:
    """Explain `f(x f32[N])`."""
    here, before = error.here, error.back(1)
    if ":" in error.expected and before.kind == "name" and here.text in _TYPES and not here.fresh:
        return error.diagnostic(
            rules.MISSING_COLON,
            f"there is no `:` between `{before.text}` and its type",
            here,
            "the type starts here",
            helps=(f"write `{before.text}: {error.call_at(error.at)}`",),
            fixes=(insertion(error.span(before), ":"),),
        )
    return None


def double_comma(error: ErrorLocation) -> Diagnostic | None:
    here, before = error.here, error.back(1)
    if here.text == "," and before.text in (",", "(", "["):
        return error.diagnostic(
            rules.STRAY_COMMA,
            "there is nothing before this comma",
            here,
            helps=("remove it",),
            fixes=(replacement(error.span(here), "", "remove the comma"),),
        )
    return None


def definition(error: ErrorLocation) -> Diagnostic | None:
    at = error.after()
    if error.only("->"):
        return error.diagnostic(
            rules.MISSING_OUTPUTS,
            "this definition does not say what it gives",
            at,
            "expected `->` and the outputs after this",
            helps=("add `-> name: type`, such as `-> y: f32[N, 10]`",),
        )
    if "{" in error.expected:
        return _body(error)
    if error.only("("):
        rate = error.back(2).text in DEFINITION_ONLY
        given = "`(lr: schedule)`" if rate else "`(x: f32[N, 4])`"
        return error.diagnostic(
            rules.MISSING_PARAMETERS,
            "this definition has no parameters",
            at,
            "expected `(` after this",
            helps=(f"write {given}; without parameters, `()`",),
        )
    return None


def _body(error: ErrorLocation) -> Diagnostic:
    if "|>" in error.expected and "where" not in _words(error):
        whose, expected = "loop", "`{`"
        write = "`for i in 1..n with h = x { next h = … }`"
    elif "=" in error.expected:
        whose, expected = "definition", "`{` or `=`"
        write = "`{ … }` with a statement a line, or `= …` for one value"
    else:
        whose, expected, write = "definition", "`{`", "`{ … }`"
    return error.diagnostic(
        rules.MISSING_BODY,
        f"this {whose} has no body",
        error.after(),
        f"expected {expected} after this",
        helps=(f"write {write}",),
    )


def _words(error: ErrorLocation) -> list[str]:
    start = max(error.at - 40, 0)
    return [p.text for p in error.tokens[start : error.at] if p.kind == "keyword"]


def top_level(error: ErrorLocation) -> Diagnostic | None:
    if error.enclosing():
        return None
    for token in (error.here, error.back(1)):
        if not token.fresh or token.text not in STARTERS | {"from", "netlang"}:
            continue
        if token.text == "from":
            message, fix = "imports come first in a file", "move it above the first definition"
        elif token.text == "netlang":
            message = "the version is the first line of a file"
            fix = "move it to the top, or remove it"
        else:
            message = f"`{token.text}` stands in the body of a definition"
            fix = "move it into a net or a block"
        return error.diagnostic(rules.MISPLACED_KEYWORD, message, token, helps=(fix,))
    return None


def dangling(error: ErrorLocation) -> Diagnostic | None:
    before = error.back(1)
    if not error.only("NAME") or error.here.kind in ("name", "keyword"):
        return None
    if before.kind == "keyword" and error.here.text in ("=", ":", ","):
        return None
    if before.text == "." and error.here.kind == "number":
        return error.diagnostic(
            rules.MISSING_NAME,
            "a name follows a point, not a number",
            Span(error.source, before.start, error.here.end),
            helps=(f"to take an element, write `[{error.here.text}]`",),
        )
    return error.diagnostic(
        rules.MISSING_NAME,
        f"there is no name after this `{before.text}`",
        before,
        helps=(f"add a name, or remove the `{before.text}`",)
        if before.text in (",", ".", "as")
        else ("add a name",),
    )
