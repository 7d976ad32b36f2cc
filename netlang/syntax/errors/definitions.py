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


def comma(location: ErrorLocation) -> Diagnostic | None:
    here, before = location.here, location.back(1)
    if location.enclosing() not in ("(", "[") or "," not in location.expected:
        return None
    if not before.ends_value or not (here.starts_value or here.text in ("*", "...")):
        return None
    return location.say(
        rules.MISSING_COMMA,
        f"there is no comma between `{before.text}` and `{here.text}`",
        here,
        "the next one starts here",
        secondary=(Label(location.after(), "this one ends here"),),
        helps=("put a `,` between them",),
        fixes=(insertion(location.after(), ","),),
    )


def colon(location: ErrorLocation) -> Diagnostic | None:
    """Explain `f(x f32[N])`."""
    here, before = location.here, location.back(1)
    if (
        ":" in location.expected
        and before.kind == "name"
        and here.text in _TYPES
        and not here.fresh
    ):
        return location.say(
            rules.MISSING_COLON,
            f"there is no `:` between `{before.text}` and its type",
            here,
            "the type starts here",
            helps=(f"write `{before.text}: {location.call_at(location.at)}`",),
            fixes=(insertion(location.span(before), ":"),),
        )
    return None


def double_comma(location: ErrorLocation) -> Diagnostic | None:
    here, before = location.here, location.back(1)
    if here.text == "," and before.text in (",", "(", "["):
        return location.say(
            rules.STRAY_COMMA,
            "there is nothing before this comma",
            here,
            helps=("remove it",),
            fixes=(replacement(location.span(here), "", "remove the comma"),),
        )
    return None


def definition(location: ErrorLocation) -> Diagnostic | None:
    at = location.after()
    if location.only("->"):
        return location.say(
            rules.MISSING_OUTPUTS,
            "this definition does not say what it gives",
            at,
            "expected `->` and the outputs after this",
            helps=("add `-> name: type`, such as `-> y: f32[N, 10]`",),
        )
    if "{" in location.expected:
        return _body(location)
    if location.only("("):
        return location.say(
            rules.MISSING_PARAMETERS,
            "this definition has no parameters",
            at,
            "expected `(` after this",
            helps=("write `(x: f32[N, 4])`; without parameters, `()`",),
        )
    return None


def _body(location: ErrorLocation) -> Diagnostic:
    if "|>" in location.expected and "where" not in _words(location):
        whose, expected = "loop", "`{`"
        write = "`for i in 1..n with h = x { next h = … }`"
    elif "=" in location.expected:
        whose, expected = "definition", "`{` or `=`"
        write = "`{ … }` with a statement a line, or `= …` for one value"
    else:
        whose, expected, write = "definition", "`{`", "`{ … }`"
    return location.say(
        rules.MISSING_BODY,
        f"this {whose} has no body",
        location.after(),
        f"expected {expected} after this",
        helps=(f"write {write}",),
    )


def _words(location: ErrorLocation) -> list[str]:
    start = max(location.at - 40, 0)
    return [p.text for p in location.tokens[start : location.at] if p.kind == "keyword"]


def top_level(location: ErrorLocation) -> Diagnostic | None:
    if location.enclosing():
        return None
    for token in (location.here, location.back(1)):
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
        return location.say(rules.MISPLACED_KEYWORD, message, token, helps=(fix,))
    return None


def dangling(location: ErrorLocation) -> Diagnostic | None:
    before = location.back(1)
    if not location.only("NAME") or location.here.kind in ("name", "keyword"):
        return None
    if before.kind == "keyword" and location.here.text in ("=", ":", ","):
        return None
    if before.text == "." and location.here.kind == "number":
        return location.say(
            rules.MISSING_NAME,
            "a name follows a point, not a number",
            Span(location.source, before.start, location.here.end),
            helps=(f"to take an element, write `[{location.here.text}]`",),
        )
    return location.say(
        rules.MISSING_NAME,
        f"there is no name after this `{before.text}`",
        before,
        helps=(f"add a name, or remove the `{before.text}`",)
        if before.text in (",", ".", "as")
        else ("add a name",),
    )
