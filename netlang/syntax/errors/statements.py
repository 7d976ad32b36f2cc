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


def statement(spot: ErrorLocation) -> Diagnostic | None:
    here, before = spot.here, spot.back(1)
    if "=" not in spot.expected or spot.enclosing() not in ("", "{"):
        return None
    if before.kind in ("name", "keyword") and not before.fresh and spot.back(2).ends_value:
        return _run_on(spot, before)
    if before.kind == "name" and (before.fresh or spot.back(2).text in ("{", "next")):
        if here.starts_value and not here.fresh and here.text not in ("(", "["):
            return _missing_equals(spot, before)
        if spot.back(2).text == "next":
            return _missing_equals(spot, before)
        return _bare(spot, before)
    if before.text in ("]", "?") or (before.kind == "name" and spot.back(2).text == ":"):
        return _missing_equals(spot, before, "a typed value is written `name: type = value`")
    if before.kind == "name" and spot.back(2).text == ",":
        return _missing_equals(spot, before)
    return None


_BEGINNINGS = {
    "": ("net", "block", "op", "extern", "dataset", "train", "from", "import", "assert"),
    "{": ("next", "yield", "state", "assert"),
}
"""The words that statements begin with, at the top of a file and in braces."""


def _missing_equals(spot: ErrorLocation, before: Token, note: str = "") -> Diagnostic:
    meant = before.fresh and nearest(before.text, _BEGINNINGS.get(spot.enclosing(), ()))
    if meant and spot.here.kind in ("name", "string"):
        return spot.say(
            rules.MISSING_EQUALS,
            f"there is no `=` after `{before.text}`",
            before,
            "no word that begins a statement",
            helps=(f"did you mean `{meant}`?",),
            fixes=renaming(spot.span(before), meant),
        )
    return spot.say(
        rules.MISSING_EQUALS,
        f"there is no `=` after `{before.text}`",
        before if before.kind == "name" else spot.after(),
        "expected `=` after this",
        notes=(note,) if note else (),
        helps=("add `= …`",) if note else (f"write `{before.text} = …`",),
        fixes=(insertion(spot.after(), " ="),) if spot.here.starts_value else (),
    )


def _run_on(spot: ErrorLocation, extra: Token) -> Diagnostic:
    end = spot.tokens[spot.tokens.index(extra) - 1]
    helps = ("to start another statement, begin a new line",)
    if extra.kind == "name":
        helps = (f"to apply `{extra.text}` to it, write `|> {extra.text}`", *helps)
    return spot.say(
        rules.TWO_STATEMENTS,
        "each statement starts its own line",
        extra,
        "this can't follow on the same line",
        secondary=(Label(Span(spot.source, end.end - 1, end.end), "the statement ends here"),),
        helps=helps,
    )


def _bare(spot: ErrorLocation, name: Token) -> Diagnostic:
    at = spot.tokens.index(name)
    value = spot.call_at(at)
    after = next((p for p in spot.tokens[at:] if p.start >= name.start + len(value)), name)
    if after.text == "=":
        return spot.say(
            rules.BARE_EXPRESSION,
            "only a name can be given a value",
            Span(spot.source, name.start, name.start + len(value)),
            "this is a part of a value",
            notes=("values never change",),
            helps=("give the new value a name of its own: `name = …`",),
        )
    return spot.say(
        rules.BARE_EXPRESSION,
        "this value has no name",
        name,
        "a statement gives a value to a name",
        helps=(f"write `name = {value}`",),
    )


def value_as_statement(spot: ErrorLocation) -> Diagnostic | None:
    here, before = spot.here, spot.back(1)
    statement = "NAME" in spot.expected and ("next" in spot.expected or "net" in spot.expected)
    if not statement:
        return None
    if here.text == "(" and here.fresh:
        close = spot.call_at(spot.at)
        if re.fullmatch(r"\(\s*\w+(\s*,\s*\w+)*\s*,?\s*\)", close) is not None:
            inner = close.strip("() ,")
            return spot.say(
                rules.BARE_EXPRESSION,
                "names on the left of `=` have no brackets",
                here,
                helps=(f"write `{inner} = …`",),
            )
    runs_on = before.ends_value and not here.fresh and here.starts_value
    if runs_on or (here.kind == "keyword" and before.ends_value and not here.fresh):
        return _run_on(spot, here)
    if here.fresh and (here.starts_value or here.text in ("-", "+")):
        return spot.say(
            rules.BARE_EXPRESSION,
            "this value has no name",
            here,
            "a statement gives a value to a name",
            helps=("write `name = …`",),
        )
    return None
