"""Operators without their values, or next to each other without parentheses."""

from __future__ import annotations

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Diagnostic, Label
from netlang.syntax.errors.location import ErrorLocation
from netlang.syntax.errors.tokens import COMPARISONS, OPERATORS, Token


def mix(location: ErrorLocation) -> Diagnostic | None:
    here = location.here
    if here.text not in OPERATORS or not location.back(1).ends_value:
        return None
    phrase = location.phrase()
    inner = [p for p in phrase if p.text in OPERATORS or p.text == "not"]
    if here.text == "|>" and inner:
        sign = inner[-1]
        left = location.between(phrase[0], location.back(1))
        before = location.between(phrase[0], sign)
        last = location.source.text[sign.end : location.back(1).end].strip()
        stage = location.call_at(location.at + 1)
        gap = "" if location.source.text[sign.end] != " " else " "
        helps = (f"write `({left}) |> {stage}`, or `{before}{gap}({last} |> {stage})`",)
        return _mixed(location, sign, here, helps)
    if here.text != "|>" and any(p.text == "|>" for p in inner):
        pipe = [p for p in inner if p.text == "|>"][-1]
        left = location.between(phrase[0], location.back(1))
        return _mixed(
            location,
            pipe,
            here,
            (f"write `({left}) {here.text} {location.call_at(location.at + 1)}`",),
        )
    first = [p for p in inner if p.text in COMPARISONS or p.text == "in"]
    if here.text in COMPARISONS and first:
        left = location.between(phrase[0], location.back(1))
        middle = location.source.text[first[-1].end : location.back(1).end].strip()
        return location.say(
            rules.CHAINED_COMPARISON,
            "comparisons don't chain",
            here,
            "this would compare the result of the first one",
            secondary=(Label(location.span(first[-1]), "which is here"),),
            helps=(f"write `{left} and {middle} {here.text} …`",),
        )
    return None


def _mixed(
    location: ErrorLocation, first: Token, second: Token, helps: tuple[str, ...]
) -> Diagnostic:
    if any("\n" in text or len(text) > 90 for text in helps):
        helps = ("write `(a + b) |> f`, or `a + (b |> f)`",)
    return location.say(
        rules.PIPE_MIX,
        f"`{first.text}` and `{second.text}` need parentheses",
        first,
        "does this come first,",
        secondary=(Label(location.span(second), "or this?"),),
        helps=helps,
    )


def operand(location: ErrorLocation) -> Diagnostic | None:
    here, before = location.here, location.back(1)
    sign: Token | None = None
    if before.text in OPERATORS and not here.starts_value:
        sign = before
    elif here.text in ("=", ":", ",") and before.fresh and location.back(2).text in OPERATORS:
        sign = location.back(2)
    if sign is None or sign.text == "in":
        return None
    if here.text in OPERATORS and sign is before:
        both = f"`{sign.text}` and `{here.text}`"
        return location.say(
            rules.MISSING_OPERAND,
            f"there is no value between {both}",
            here,
            helps=("remove one of the two, or put a value between them",),
        )
    return location.say(
        rules.MISSING_OPERAND,
        f"there is no value after this `{sign.text}`",
        sign,
        helps=(f"add a value, or remove the `{sign.text}`",),
    )
