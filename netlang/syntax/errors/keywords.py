"""Keywords in the wrong position."""

from __future__ import annotations

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Diagnostic
from netlang.diagnostics.fix import insertion
from netlang.diagnostics.suggestions import renaming
from netlang.syntax.errors.location import ErrorLocation

_WORDS_IN_VALUES = frozenset(
    (
        *("true", "false", "none", "and", "or", "not", "in"),
        *("if", "then", "else", "for", "scan", "new"),
    )
)


def reserved(error: ErrorLocation) -> Diagnostic | None:
    here, before = error.here, error.back(1)
    if before.kind == "keyword" and here.text in ("=", ":", ","):
        word = before
    elif here.kind == "keyword" and "NAME" in error.expected and _is_used_as_name(error):
        word = here
    else:
        return None
    following = error.next if word is here else here
    if word.text == "train" and following.text == ")":
        return error.diagnostic(
            rules.RESERVED_WORD,
            f"`{word.text}` is a keyword",
            word,
            "the part of a dataset is a string",
            helps=(f'write `"{word.text}"`',),
            fixes=renaming(error.span(word), f'"{word.text}"'),
        )
    return error.diagnostic(
        rules.RESERVED_WORD,
        f"`{word.text}` is a keyword",
        word,
        "it can't be a name",
        helps=(f"choose another name, such as `{word.text}_` or `{word.text}1`",),
    )


def _is_used_as_name(error: ErrorLocation) -> bool:
    here, following = error.here, error.next
    if len(error.expected) <= 3 or following.text in ("=", ":", ",", ")", "]", "|>"):
        return True
    # A keyword that starts a line, or that a value follows, begins a statement or a clause.
    if here.fresh or here.text in _WORDS_IN_VALUES:
        return False
    return following.fresh or following.kind in ("operator", "keyword", "end")


def conditional(error: ErrorLocation) -> Diagnostic | None:
    for token, before in ((error.here, error.back(1)), (error.back(1), error.back(2))):
        if token.text == "if" and before.ends_value and not token.fresh:
            return error.diagnostic(
                rules.KEYWORD_ORDER,
                "`if` comes before both values",
                token,
                helps=("write `if condition then a else b`",),
            )
    if "then" in error.expected and not error.here.starts_value:
        return error.diagnostic(
            rules.MISSING_KEYWORD,
            "this `if` has no `then`",
            error.here,
            "expected `then` here",
            helps=("write `if condition then a else b`",),
        )
    if "else" in error.expected and (error.here.fresh or error.here.text in (")", "]", ",", "")):
        return error.diagnostic(
            rules.MISSING_KEYWORD,
            "this `if` has no `else`",
            error.after(),
            "expected `else` here",
            notes=("an `if` is a value, so it has both branches",),
            helps=("write `if condition then a else b`",),
        )
    return None


def comprehension(error: ErrorLocation) -> Diagnostic | None:
    """Explain `[x for i xs]`, `f(x for x in xs)` and `for i in xs: …`."""
    here = error.here
    if "in" in error.expected and error.expected <= {"in", ","} and error.back(1).kind == "name":
        return error.diagnostic(
            rules.MISSING_KEYWORD,
            "this `for` has no `in`",
            here,
            "expected `in` here",
            helps=("write `for name in values`",),
            fixes=(insertion(error.after(), " in"),),
        )
    if here.text == "for" and error.enclosing() == "(" and error.back(1).ends_value:
        return error.diagnostic(
            rules.KEYWORD_ORDER,
            "a list made by `for` stands in square brackets",
            here,
            helps=("write `[value for name in values]`",),
        )
    if here.text == ":" and "{" in error.expected:
        return error.diagnostic(
            rules.FOREIGN_OPERATOR,
            "a body stands between braces",
            here,
            "no `:` before it",
            helps=("write `{ … }`, with a statement a line",),
        )
    return None
