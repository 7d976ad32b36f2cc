"""Operators without operands, or next to each other without parentheses."""

from __future__ import annotations

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Diagnostic, Label
from netlang.diagnostics.fix import Fix, replacement
from netlang.diagnostics.source import Span
from netlang.syntax.errors.location import ErrorLocation
from netlang.syntax.errors.tokens import COMPARISONS, OPERATORS, Token


def mix(error: ErrorLocation) -> Diagnostic | None:
    here = error.here
    if here.text not in OPERATORS or not error.back(1).ends_value:
        return None
    phrase = error.phrase()
    inner = [p for p in phrase if p.text in OPERATORS or p.text == "not"]
    if here.text == "|>" and inner:
        operator = inner[-1]
        left = error.between(phrase[0], error.back(1))
        before = error.between(phrase[0], operator)
        last = error.source.text[operator.end : error.back(1).end].strip()
        stage = error.call_at(error.at + 1)
        gap = "" if error.source.text[operator.end] != " " else " "
        helps = (f"write `({left}) |> {stage}`, or `{before}{gap}({last} |> {stage})`",)
        return _mixed(error, operator, here, helps)
    if here.text != "|>" and any(p.text == "|>" for p in inner):
        pipe = [p for p in inner if p.text == "|>"][-1]
        left = error.between(phrase[0], error.back(1))
        return _mixed(
            error,
            pipe,
            here,
            (f"write `({left}) {here.text} {error.call_at(error.at + 1)}`",),
        )
    first = [p for p in inner if p.text in COMPARISONS or p.text == "in"]
    if here.text in COMPARISONS and first:
        middle = error.source.text[first[-1].end : error.back(1).end].strip()
        return error.diagnostic(
            rules.CHAINED_COMPARISON,
            "comparisons don't chain",
            here,
            "this would compare the result of the first one",
            secondary=(Label(error.span(first[-1]), "which is here"),),
            helps=(
                f"write `{error.between(phrase[0], error.back(1))} and {middle} {here.text} …`",
            ),
        )
    return None


def _mixed(error: ErrorLocation, first: Token, second: Token, helps: tuple[str, ...]) -> Diagnostic:
    if any("\n" in text or len(text) > 90 for text in helps):
        helps = ("write `(a + b) |> f`, or `a + (b |> f)`",)
    return error.diagnostic(
        rules.PIPE_MIX,
        f"`{first.text}` and `{second.text}` need parentheses",
        first,
        "does this come first,",
        secondary=(Label(error.span(second), "or this?"),),
        helps=helps,
    )


def operand(error: ErrorLocation) -> Diagnostic | None:
    here, before = error.here, error.back(1)
    operator: Token | None = None
    if before.text in OPERATORS and not here.starts_value:
        operator = before
    elif here.text in ("=", ":", ",") and before.fresh and error.back(2).text in OPERATORS:
        operator = error.back(2)
    if operator is None or operator.text == "in":
        return None
    if here.text in OPERATORS and operator is before:
        both = f"`{operator.text}` and `{here.text}`"
        return error.diagnostic(
            rules.MISSING_OPERAND,
            f"there is no value between {both}",
            here,
            helps=("remove one of the two, or put a value between them",),
        )
    return error.diagnostic(
        rules.MISSING_OPERAND,
        f"there is no value after this `{operator.text}`",
        operator,
        helps=(f"add a value, or remove the `{operator.text}`",),
        fixes=_removal(error, operator),
    )


def _removal(error: ErrorLocation, operator: Token) -> tuple[Fix, ...]:
    """Return the fix that removes an operator from the end of a line or of brackets."""
    before = error.tokens[error.tokens.index(operator) - 1]
    after = error.tokens[error.tokens.index(operator) + 1]
    if not before.ends_value or not (after.fresh or after.text in (")", "]", ",", "}")):
        return ()
    span = Span(error.source, before.end, operator.end)
    return (replacement(span, "", f"remove the `{operator.text}`"),)


def half_named(error: ErrorLocation) -> Diagnostic | None:
    """Explain a tuple of which only some items have a name."""
    opening = error.opening()
    if opening is None or error.tokens[opening].text != "(":
        return None
    first = error.tokens[opening + 1 : opening + 3]
    named = [token.text for token in first][1:] == ["="] and first[0].kind == "name"
    if named and error.expected == frozenset(("NAME", ")")) and error.here.kind != "end":
        what, label = error.here, "this one has none"
    elif named and error.only("=") and error.here.text in (",", ")"):
        what, label = error.back(1), "this one has none"
    elif not named and error.here.text == "=" and error.back(1).kind == "name":
        what, label = error.back(1), "those before it have none"
    else:
        return None
    return error.diagnostic(
        rules.UNEXPECTED_TOKEN,
        "the items of a tuple all have a name, or none has",
        what,
        label,
        helps=("name each of them, such as `(kernel=3, out=16)`, or none, `(3, 16)`",),
    )
