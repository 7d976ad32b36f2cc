"""Lists, signatures and definitions with a part missing."""

from __future__ import annotations

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Diagnostic, Label
from netlang.diagnostics.fix import insertion, replacement
from netlang.diagnostics.source import Span
from netlang.syntax.errors.location import ErrorLocation
from netlang.syntax.errors.tokens import STARTERS

_TYPES = frozenset(
    (
        *("f16", "bf16", "f32", "f64", "i8", "i16", "i32", "i64", "u8", "bool", "tensor"),
        *("int", "float", "str", "ints", "padding", "init", "duration", "schedule", "block", "op"),
    )
)


def comma(spot: ErrorLocation) -> Diagnostic | None:
    here, before = spot.here, spot.back(1)
    if spot.enclosing() not in ("(", "[") or "," not in spot.expected:
        return None
    if not before.ends_value or not (here.starts_value or here.text in ("*", "...")):
        return None
    return spot.say(
        rules.MISSING_COMMA,
        f"there is no comma between `{before.text}` and `{here.text}`",
        here,
        "the next one starts here",
        secondary=(Label(spot.after(), "this one ends here"),),
        helps=("put a `,` between them",),
        fixes=(insertion(spot.after(), ","),),
    )


def colon(spot: ErrorLocation) -> Diagnostic | None:
    """Explain `f(x f32[N])`."""
    here, before = spot.here, spot.back(1)
    if ":" in spot.expected and before.kind == "name" and here.text in _TYPES and not here.fresh:
        return spot.say(
            rules.MISSING_COLON,
            f"there is no `:` between `{before.text}` and its type",
            here,
            "the type starts here",
            helps=(f"write `{before.text}: {spot.call_at(spot.at)}`",),
            fixes=(insertion(spot.span(before), ":"),),
        )
    return None


def double_comma(spot: ErrorLocation) -> Diagnostic | None:
    here, before = spot.here, spot.back(1)
    if here.text == "," and before.text in (",", "(", "["):
        return spot.say(
            rules.STRAY_COMMA,
            "there is nothing before this comma",
            here,
            helps=("remove it",),
            fixes=(replacement(spot.span(here), "", "remove the comma"),),
        )
    return None


def definition(spot: ErrorLocation) -> Diagnostic | None:
    at = spot.after()
    if spot.only("->"):
        return spot.say(
            rules.MISSING_OUTPUTS,
            "this definition does not say what it gives",
            at,
            "expected `->` and the outputs after this",
            helps=("add `-> name: type`, such as `-> y: f32[N, 10]`",),
        )
    if "{" in spot.expected:
        return _body(spot)
    if spot.only("("):
        return spot.say(
            rules.MISSING_PARAMETERS,
            "this definition has no parameters",
            at,
            "expected `(` after this",
            helps=("write `(x: f32[N, 4])`; without parameters, `()`",),
        )
    return None


def _body(spot: ErrorLocation) -> Diagnostic:
    if "|>" in spot.expected and "where" not in _words(spot):
        whose, expected = "loop", "`{`"
        write = "`for i in 1..n with h = x { next h = … }`"
    elif "=" in spot.expected:
        whose, expected = "definition", "`{` or `=`"
        write = "`{ … }` with a statement a line, or `= …` for one value"
    else:
        whose, expected, write = "definition", "`{`", "`{ … }`"
    return spot.say(
        rules.MISSING_BODY,
        f"this {whose} has no body",
        spot.after(),
        f"expected {expected} after this",
        helps=(f"write {write}",),
    )


def _words(spot: ErrorLocation) -> list[str]:
    start = max(spot.at - 40, 0)
    return [p.text for p in spot.tokens[start : spot.at] if p.kind == "keyword"]


def top_level(spot: ErrorLocation) -> Diagnostic | None:
    if spot.enclosing():
        return None
    for token in (spot.here, spot.back(1)):
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
        return spot.say(rules.MISPLACED_KEYWORD, message, token, helps=(fix,))
    return None


def dangling(spot: ErrorLocation) -> Diagnostic | None:
    before = spot.back(1)
    if not spot.only("NAME") or spot.here.kind in ("name", "keyword"):
        return None
    if before.kind == "keyword" and spot.here.text in ("=", ":", ","):
        return None
    if before.text == "." and spot.here.kind == "number":
        return spot.say(
            rules.MISSING_NAME,
            "a name follows a point, not a number",
            Span(spot.source, before.start, spot.here.end),
            helps=(f"to take an element, write `[{spot.here.text}]`",),
        )
    return spot.say(
        rules.MISSING_NAME,
        f"there is no name after this `{before.text}`",
        before,
        helps=(f"add a name, or remove the `{before.text}`",)
        if before.text in (",", ".", "as")
        else ("add a name",),
    )
