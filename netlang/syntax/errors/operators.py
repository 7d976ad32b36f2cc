"""Operators without their values, or next to each other without parentheses."""

from __future__ import annotations

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Diagnostic, Label
from netlang.syntax.errors.location import ErrorLocation
from netlang.syntax.errors.tokens import COMPARISONS, OPERATORS, Token


def mix(spot: ErrorLocation) -> Diagnostic | None:
    here = spot.here
    if here.text not in OPERATORS or not spot.back(1).ends_value:
        return None
    phrase = spot.phrase()
    inner = [p for p in phrase if p.text in OPERATORS or p.text == "not"]
    if here.text == "|>" and inner:
        sign = inner[-1]
        left = spot.between(phrase[0], spot.back(1))
        before = spot.between(phrase[0], sign)
        last = spot.source.text[sign.end : spot.back(1).end].strip()
        stage = spot.call_at(spot.at + 1)
        gap = "" if spot.source.text[sign.end] != " " else " "
        helps = (f"write `({left}) |> {stage}`, or `{before}{gap}({last} |> {stage})`",)
        return _mixed(spot, sign, here, helps)
    if here.text != "|>" and any(p.text == "|>" for p in inner):
        pipe = [p for p in inner if p.text == "|>"][-1]
        left = spot.between(phrase[0], spot.back(1))
        return _mixed(
            spot, pipe, here, (f"write `({left}) {here.text} {spot.call_at(spot.at + 1)}`",)
        )
    first = [p for p in inner if p.text in COMPARISONS or p.text == "in"]
    if here.text in COMPARISONS and first:
        middle = spot.source.text[first[-1].end : spot.back(1).end].strip()
        return spot.say(
            rules.CHAINED_COMPARISON,
            "comparisons don't chain",
            here,
            "this would compare the result of the first one",
            secondary=(Label(spot.span(first[-1]), "which is here"),),
            helps=(f"write `{spot.between(phrase[0], spot.back(1))} and {middle} {here.text} …`",),
        )
    return None


def _mixed(spot: ErrorLocation, first: Token, second: Token, helps: tuple[str, ...]) -> Diagnostic:
    if any("\n" in text or len(text) > 90 for text in helps):
        helps = ("write `(a + b) |> f`, or `a + (b |> f)`",)
    return spot.say(
        rules.PIPE_MIX,
        f"`{first.text}` and `{second.text}` need parentheses",
        first,
        "does this come first,",
        secondary=(Label(spot.span(second), "or this?"),),
        helps=helps,
    )


def operand(spot: ErrorLocation) -> Diagnostic | None:
    here, before = spot.here, spot.back(1)
    sign: Token | None = None
    if before.text in OPERATORS and not here.starts_value:
        sign = before
    elif here.text in ("=", ":", ",") and before.fresh and spot.back(2).text in OPERATORS:
        sign = spot.back(2)
    if sign is None or sign.text == "in":
        return None
    if here.text in OPERATORS and sign is before:
        both = f"`{sign.text}` and `{here.text}`"
        return spot.say(
            rules.MISSING_OPERAND,
            f"there is no value between {both}",
            here,
            helps=("remove one of the two, or put a value between them",),
        )
    return spot.say(
        rules.MISSING_OPERAND,
        f"there is no value after this `{sign.text}`",
        sign,
        helps=(f"add a value, or remove the `{sign.text}`",),
    )
