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


def statement(error: ErrorLocation) -> Diagnostic | None:
    here, before = error.here, error.back(1)
    if "=" not in error.expected or error.enclosing() not in ("", "{"):
        return None
    if before.kind in ("name", "keyword") and not before.fresh and error.back(2).ends_value:
        return _run_on(error, before)
    if before.kind == "name" and (before.fresh or error.back(2).text in ("{", "next")):
        if here.starts_value and not here.fresh and here.text not in ("(", "["):
            return _missing_equals(error, before)
        if error.back(2).text == "next":
            return _missing_equals(error, before)
        return _bare(error, before)
    if before.text in ("]", "?") or (before.kind == "name" and error.back(2).text == ":"):
        return _missing_equals(error, before, "a typed value is written `name: type = value`")
    if before.kind == "name" and error.back(2).text == ",":
        return _missing_equals(error, before)
    return None


_BEGINNINGS = {
    "": ("net", "block", "op", "extern", "dataset", "train", "from", "import", "assert"),
    "{": ("next", "yield", "state", "assert"),
}
"""The keywords that statements begin with, at the top of a file and in braces."""


def _missing_equals(error: ErrorLocation, before: Token, note: str = "") -> Diagnostic:
    meant = before.fresh and nearest(before.text, _BEGINNINGS.get(error.enclosing(), ()))
    if meant and error.here.kind in ("name", "string"):
        return error.diagnostic(
            rules.MISSING_EQUALS,
            f"there is no `=` after `{before.text}`",
            before,
            "not a keyword that begins a statement",
            helps=(f"did you mean `{meant}`?",),
            fixes=renaming(error.span(before), meant),
        )
    return error.diagnostic(
        rules.MISSING_EQUALS,
        f"there is no `=` after `{before.text}`",
        before if before.kind == "name" else error.after(),
        "expected `=` after this",
        notes=(note,) if note else (),
        helps=("add `= …`",) if note else (f"write `{before.text} = …`",),
        fixes=(insertion(error.after(), " ="),) if error.here.starts_value else (),
    )


def _run_on(error: ErrorLocation, extra: Token) -> Diagnostic:
    end = error.tokens[error.tokens.index(extra) - 1]
    helps = ("to start another statement, begin a new line",)
    if extra.kind == "name":
        helps = (f"to apply `{extra.text}` to it, write `|> {extra.text}`", *helps)
    return error.diagnostic(
        rules.TWO_STATEMENTS,
        "each statement starts its own line",
        extra,
        "this can't follow on the same line",
        secondary=(Label(Span(error.source, end.end - 1, end.end), "the statement ends here"),),
        helps=helps,
    )


def _bare(error: ErrorLocation, name: Token) -> Diagnostic:
    at = error.tokens.index(name)
    value = error.call_at(at)
    after = next((p for p in error.tokens[at:] if p.start >= name.start + len(value)), name)
    if after.text == "=":
        return error.diagnostic(
            rules.BARE_EXPRESSION,
            "only a name can be given a value",
            Span(error.source, name.start, name.start + len(value)),
            "this is a part of a value",
            notes=("values never change",),
            helps=("give the new value a name of its own: `name = …`",),
        )
    return error.diagnostic(
        rules.BARE_EXPRESSION,
        "this value has no name",
        name,
        "a statement gives a value to a name",
        helps=(f"write `name = {value}`",),
    )


def value_as_statement(error: ErrorLocation) -> Diagnostic | None:
    here, before = error.here, error.back(1)
    statement = "NAME" in error.expected and ("next" in error.expected or "net" in error.expected)
    if not statement:
        return None
    if here.text == "(" and here.fresh:
        close = error.call_at(error.at)
        if re.fullmatch(r"\(\s*\w+(\s*,\s*\w+)*\s*,?\s*\)", close) is not None:
            inner = close.strip("() ,")
            return error.diagnostic(
                rules.BARE_EXPRESSION,
                "names on the left of `=` have no brackets",
                here,
                helps=(f"write `{inner} = …`",),
            )
    runs_on = before.ends_value and not here.fresh and here.starts_value
    if runs_on or (here.kind == "keyword" and before.ends_value and not here.fresh):
        return _run_on(error, here)
    if here.fresh and (here.starts_value or here.text in ("-", "+")):
        return error.diagnostic(
            rules.BARE_EXPRESSION,
            "this value has no name",
            here,
            "a statement gives a value to a name",
            helps=("write `name = …`",),
        )
    return None
