"""Words of the language in the wrong place."""

from __future__ import annotations

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Diagnostic
from netlang.diagnostics.fix import insertion
from netlang.syntax.errors.location import ErrorLocation


def reserved(location: ErrorLocation) -> Diagnostic | None:
    here, before = location.here, location.back(1)
    if before.kind == "keyword" and here.text in ("=", ":", ","):
        word = before
    elif here.kind == "keyword" and "NAME" in location.expected and _is_used_as_name(location):
        word = here
    else:
        return None
    return location.say(
        rules.RESERVED_WORD,
        f"`{word.text}` is a word of the language",
        word,
        "it can't be a name",
        helps=(f"choose another name, such as `{word.text}_` or `{word.text}1`",),
    )


def _is_used_as_name(location: ErrorLocation) -> bool:
    return len(location.expected) <= 3 or location.next.text in ("=", ":", ",", ")", "]", "|>")


def conditional(location: ErrorLocation) -> Diagnostic | None:
    for token, before in ((location.here, location.back(1)), (location.back(1), location.back(2))):
        if token.text == "if" and before.ends_value and not token.fresh:
            return location.say(
                rules.KEYWORD_ORDER,
                "`if` comes before both values",
                token,
                helps=("write `if condition then a else b`",),
            )
    if "then" in location.expected and not location.here.starts_value:
        return location.say(
            rules.MISSING_KEYWORD,
            "this `if` has no `then`",
            location.here,
            "expected `then` here",
            helps=("write `if condition then a else b`",),
        )
    if "else" in location.expected and (
        location.here.fresh or location.here.text in (")", "]", ",", "")
    ):
        return location.say(
            rules.MISSING_KEYWORD,
            "this `if` has no `else`",
            location.after(),
            "expected `else` here",
            notes=("an `if` is a value, so it has both branches",),
            helps=("write `if condition then a else b`",),
        )
    return None


def comprehension(location: ErrorLocation) -> Diagnostic | None:
    """Explain `[x for i xs]`, `f(x for x in xs)` and `for i in xs: …`."""
    here = location.here
    if (
        "in" in location.expected
        and location.expected <= {"in", ","}
        and location.back(1).kind == "name"
    ):
        return location.say(
            rules.MISSING_KEYWORD,
            "this `for` has no `in`",
            here,
            "expected `in` here",
            helps=("write `for name in values`",),
            fixes=(insertion(location.after(), " in"),),
        )
    if here.text == "for" and location.enclosing() == "(" and location.back(1).ends_value:
        return location.say(
            rules.KEYWORD_ORDER,
            "a list made by `for` stands in square brackets",
            here,
            helps=("write `[value for name in values]`",),
        )
    if here.text == ":" and "{" in location.expected:
        return location.say(
            rules.FOREIGN_OPERATOR,
            "a body stands between braces",
            here,
            "no `:` before it",
            helps=("write `{ … }`, with a statement a line",),
        )
    return None
