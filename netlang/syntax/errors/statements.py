"""Statements that are not `name = value`."""

from __future__ import annotations

import re

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Diagnostic, Label
from netlang.diagnostics.fix import insertion
from netlang.diagnostics.source import Span
from netlang.diagnostics.suggestions import nearest, renaming
from netlang.syntax.errors.location import ErrorLocation
from netlang.syntax.errors.tokens import Token


def statement(location: ErrorLocation) -> Diagnostic | None:
    here, before = location.here, location.back(1)
    if "=" not in location.expected or location.enclosing() not in ("", "{"):
        return None
    if before.kind in ("name", "keyword") and not before.fresh and location.back(2).ends_value:
        return _run_on(location, before)
    if before.kind == "name" and (before.fresh or location.back(2).text in ("{", "next")):
        if here.starts_value and not here.fresh and here.text not in ("(", "["):
            return _missing_equals(location, before)
        if location.back(2).text == "next":
            return _missing_equals(location, before)
        return _bare(location, before)
    if before.text in ("]", "?") or (before.kind == "name" and location.back(2).text == ":"):
        return _missing_equals(location, before, "a typed value is written `name: type = value`")
    if before.kind == "name" and location.back(2).text == ",":
        return _missing_equals(location, before)
    return None


_BEGINNINGS = {
    "": ("net", "block", "op", "extern", "dataset", "train", "from", "import", "assert"),
    "{": ("next", "yield", "state", "assert"),
}
"""The words that statements begin with, at the top of a file and in braces."""


def _missing_equals(location: ErrorLocation, before: Token, note: str = "") -> Diagnostic:
    meant = before.fresh and nearest(before.text, _BEGINNINGS.get(location.enclosing(), ()))
    if meant and location.here.kind in ("name", "string"):
        return location.say(
            rules.MISSING_EQUALS,
            f"there is no `=` after `{before.text}`",
            before,
            "no word that begins a statement",
            helps=(f"did you mean `{meant}`?",),
            fixes=renaming(location.span(before), meant),
        )
    return location.say(
        rules.MISSING_EQUALS,
        f"there is no `=` after `{before.text}`",
        before if before.kind == "name" else location.after(),
        "expected `=` after this",
        notes=(note,) if note else (),
        helps=("add `= …`",) if note else (f"write `{before.text} = …`",),
        fixes=(insertion(location.after(), " ="),) if location.here.starts_value else (),
    )


def _run_on(location: ErrorLocation, extra: Token) -> Diagnostic:
    end = location.tokens[location.tokens.index(extra) - 1]
    helps = ("to start another statement, begin a new line",)
    if extra.kind == "name":
        helps = (f"to apply `{extra.text}` to it, write `|> {extra.text}`", *helps)
    return location.say(
        rules.TWO_STATEMENTS,
        "each statement starts its own line",
        extra,
        "this can't follow on the same line",
        secondary=(Label(Span(location.source, end.end - 1, end.end), "the statement ends here"),),
        helps=helps,
    )


def _bare(location: ErrorLocation, name: Token) -> Diagnostic:
    at = location.tokens.index(name)
    value = location.call_at(at)
    after = next((p for p in location.tokens[at:] if p.start >= name.start + len(value)), name)
    if after.text == "=":
        return location.say(
            rules.BARE_EXPRESSION,
            "only a name can be given a value",
            Span(location.source, name.start, name.start + len(value)),
            "this is a part of a value",
            notes=("values never change",),
            helps=("give the new value a name of its own: `name = …`",),
        )
    return location.say(
        rules.BARE_EXPRESSION,
        "this value has no name",
        name,
        "a statement gives a value to a name",
        helps=(f"write `name = {value}`",),
    )


def value_as_statement(location: ErrorLocation) -> Diagnostic | None:
    here, before = location.here, location.back(1)
    statement = "NAME" in location.expected and (
        "next" in location.expected or "net" in location.expected
    )
    if not statement:
        return None
    if here.text == "(" and here.fresh:
        close = location.call_at(location.at)
        if re.fullmatch(r"\(\s*\w+(\s*,\s*\w+)*\s*,?\s*\)", close) is not None:
            inner = close.strip("() ,")
            return location.say(
                rules.BARE_EXPRESSION,
                "names on the left of `=` have no brackets",
                here,
                helps=(f"write `{inner} = …`",),
            )
    runs_on = before.ends_value and not here.fresh and here.starts_value
    if runs_on or (here.kind == "keyword" and before.ends_value and not here.fresh):
        return _run_on(location, here)
    if here.fresh and (here.starts_value or here.text in ("-", "+")):
        return location.say(
            rules.BARE_EXPRESSION,
            "this value has no name",
            here,
            "a statement gives a value to a name",
            helps=("write `name = …`",),
        )
    return None
