"""Words of the language in the wrong place."""

from __future__ import annotations

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Diagnostic
from netlang.diagnostics.fix import insertion
from netlang.syntax.errors.location import ErrorLocation


def reserved(spot: ErrorLocation) -> Diagnostic | None:
    here, before = spot.here, spot.back(1)
    if before.kind == "keyword" and here.text in ("=", ":", ","):
        word = before
    elif here.kind == "keyword" and "NAME" in spot.expected and _is_used_as_name(spot):
        word = here
    else:
        return None
    return spot.say(
        rules.RESERVED_WORD,
        f"`{word.text}` is a word of the language",
        word,
        "it can't be a name",
        helps=(f"choose another name, such as `{word.text}_` or `{word.text}1`",),
    )


def _is_used_as_name(spot: ErrorLocation) -> bool:
    return len(spot.expected) <= 3 or spot.next.text in ("=", ":", ",", ")", "]", "|>")


def conditional(spot: ErrorLocation) -> Diagnostic | None:
    for token, before in ((spot.here, spot.back(1)), (spot.back(1), spot.back(2))):
        if token.text == "if" and before.ends_value and not token.fresh:
            return spot.say(
                rules.KEYWORD_ORDER,
                "`if` comes before both values",
                token,
                helps=("write `if condition then a else b`",),
            )
    if "then" in spot.expected and not spot.here.starts_value:
        return spot.say(
            rules.MISSING_KEYWORD,
            "this `if` has no `then`",
            spot.here,
            "expected `then` here",
            helps=("write `if condition then a else b`",),
        )
    if "else" in spot.expected and (spot.here.fresh or spot.here.text in (")", "]", ",", "")):
        return spot.say(
            rules.MISSING_KEYWORD,
            "this `if` has no `else`",
            spot.after(),
            "expected `else` here",
            notes=("an `if` is a value, so it has both branches",),
            helps=("write `if condition then a else b`",),
        )
    return None


def comprehension(spot: ErrorLocation) -> Diagnostic | None:
    """Explain `[x for i xs]`, `f(x for x in xs)` and `for i in xs: …`."""
    here = spot.here
    if "in" in spot.expected and spot.expected <= {"in", ","} and spot.back(1).kind == "name":
        return spot.say(
            rules.MISSING_KEYWORD,
            "this `for` has no `in`",
            here,
            "expected `in` here",
            helps=("write `for name in values`",),
            fixes=(insertion(spot.after(), " in"),),
        )
    if here.text == "for" and spot.enclosing() == "(" and spot.back(1).ends_value:
        return spot.say(
            rules.KEYWORD_ORDER,
            "a list made by `for` stands in square brackets",
            here,
            helps=("write `[value for name in values]`",),
        )
    if here.text == ":" and "{" in spot.expected:
        return spot.say(
            rules.FOREIGN_OPERATOR,
            "a body stands between braces",
            here,
            "no `:` before it",
            helps=("write `{ … }`, with a statement a line",),
        )
    return None
