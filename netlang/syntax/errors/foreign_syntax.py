"""Values, comments and whole files in the syntax of other languages."""

from __future__ import annotations

import re

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Diagnostic
from netlang.diagnostics.fix import replacement
from netlang.diagnostics.source import Span
from netlang.syntax.errors.location import ErrorLocation
from netlang.syntax.errors.tokens import Token
from netlang.syntax.keywords import DEFINERS

_OURS = re.compile(rf"^(?:{'|'.join(sorted(DEFINERS))})\b", re.MULTILINE)
_FILES = (
    (re.compile(r"\s*[{\[]\s*\""), "JSON"),
    (re.compile(r"(?s)(?=.*^\s*layers?\s*\{)(?=.*^\s*(?:top|bottom|type)\s*:)", re.MULTILINE),
     "a prototxt file of Caffe"),
    (re.compile(r"(?s)(?:---\s*\n|(?:#[^\n]*\n)*\w+:[ \t]*\n\s+(?:-|\w+:) )"), "YAML"),
    (re.compile(r"\s*<[?!\w]"), "XML"),
)  # fmt: skip
"""How files of other formats begin or look."""


def foreign_file(error: ErrorLocation) -> Diagnostic | None:
    """Recognize a file that describes a network in another format."""
    head = error.source.text[:4000]
    if _OURS.search(head):
        return None
    without = re.sub(r"^\s*#[^\n]*\n", "", head, flags=re.MULTILINE)
    for pattern, name in _FILES:
        if pattern.match(without):
            return error.diagnostic(
                rules.FOREIGN_FILE,
                f"this is {name}, not a program",
                error.here,
                helps=(
                    "write a net with a line for each layer: "
                    "`net Name(x: f32[N, 1, 28, 28]) -> y { c = conv(x, 20, 5) … }`",
                ),
            )
    return None


def colon(error: ErrorLocation) -> Diagnostic | None:
    """Explain `name: value` in a call or as a statement."""
    here, before = error.here, error.back(1)
    if here.text == ":" and before.kind == "name" and error.enclosing() == "(":
        if error.back(2).text in ("(", ",") and error.next.starts_value:
            value = error.call_at(error.at + 1)
            return _assignment(error, before, here, error.next, value)
        return None
    for name, sign, value, at in (
        (error.back(2), before, here, error.at),
        (error.back(3), error.back(2), before, error.at - 1),
    ):
        plain = value.kind in ("number", "string") or value.text in ("true", "false", "[")
        called = value.kind == "name" and here.text == "(" and value is before
        statement = sign.text == ":" and name.kind == "name" and name.fresh and not value.fresh
        if statement and (plain or called):
            return _assignment(error, name, sign, value, error.call_at(at))
    return None


def _assignment(
    error: ErrorLocation, name: Token, sign: Token, value: Token, text: str
) -> Diagnostic:
    equals = "=" if error.enclosing() == "(" else " = "
    shown = text if "\n" not in text and len(text) <= 60 else "…"
    between = Span(error.source, name.end, value.start)
    return error.diagnostic(
        rules.FOREIGN_OPERATOR,
        "a value is given with `=`",
        sign,
        "`:` stands before a type",
        helps=(f"write `{name.text}{equals}{shown}`",),
        fixes=(replacement(between, equals),),
    )


def comment(error: ErrorLocation) -> Diagnostic | None:
    """Explain comments that start with `%` or `--`."""
    for token in (error.here, error.back(1)):
        if token.text in ("%", "-", "--") and token.fresh and error.back(1).text != "=":
            if token.text == "-" and error.source.text[token.end : token.end + 1] != "-":
                continue
            end = token.end + (token.text == "-")
            return error.diagnostic(
                rules.FOREIGN_OPERATOR,
                "a comment starts with `#`",
                Span(error.source, token.start, end),
                helps=("write `#` here",),
                fixes=(replacement(Span(error.source, token.start, end), "#"),),
            )
    return None


def number(error: ErrorLocation) -> Diagnostic | None:
    """Explain a percentage, and a decimal comma outside of a call."""
    here, before = error.here, error.back(1)
    if before.text == "%" and error.back(2).kind == "number" and not here.starts_value:
        value, sign = error.back(2), before
        span = Span(error.source, value.start, sign.end)
        plain = re.fullmatch(r"[0-9]+(\.[0-9]+)?", value.text) is not None
        if plain and value.end == sign.start:
            return _decimal(error, span, f"{float(value.text) / 100:g}", "there are no percentages")
    if here.text == "," and before.kind == error.next.kind == "number":
        span = Span(error.source, before.start, error.next.end)
        if re.fullmatch(r"[0-9]+,[0-9]+", span.text):
            text = span.text.replace(",", ".")
            return _decimal(error, span, text, "a number has a decimal point, not a comma")
    return None


def _decimal(error: ErrorLocation, span: Span, text: str, message: str) -> Diagnostic:
    return error.diagnostic(
        rules.NUMBER_FORM,
        message,
        span,
        helps=(f"write `{text}`",),
        fixes=(replacement(span, text),),
    )


_ELEMENTWISE = {".^": "**", ".*": "*", "./": "/", ">>": "|>", "%>%": "|>", "|>>": "|>"}
"""Operators of MATLAB, R and others, and ours."""


def operator(error: ErrorLocation) -> Diagnostic | None:
    """Explain operators of two signs, of which the parser has read the first or none."""
    for first, second in ((error.here, error.next), (error.back(1), error.here)):
        signs = first.text + second.text
        if first.end == second.start and (ours := _ELEMENTWISE.get(signs)) is not None:
            span = Span(error.source, first.start, second.end)
            return error.diagnostic(
                rules.FOREIGN_OPERATOR,
                f"netlang has no `{signs}`",
                span,
                helps=(f"write `{ours}`",),
                fixes=(replacement(span, ours),),
            )
    return None


_ELEMENT_TYPE = re.compile(r"bool|bf16|[fiu](?:8|16|32|64)")


def shape(error: ErrorLocation) -> Diagnostic | None:
    """Explain `f32(N, 784)`, `None` among sizes, and an output without a name."""
    here, before = error.here, error.back(1)
    if here.text == "(" and _ELEMENT_TYPE.fullmatch(before.text):
        inner = error.call_at(error.at)
        close = Span(error.source, here.start, here.start + len(inner))
        if close.text.endswith(")"):
            text = f"[{close.text[1:-1]}]"
            return error.diagnostic(
                rules.FOREIGN_OPERATOR,
                "the sizes of a shape stand in square brackets",
                close,
                helps=(f"write `{before.text}{text}`",),
                fixes=(replacement(close, text),),
            )
    named = _ELEMENT_TYPE.fullmatch(before.text) and here.text == "["
    if named and error.back(2).text == "->":
        type = error.call_at(error.at - 1)
        return error.diagnostic(
            rules.FOREIGN_OPERATOR,
            "an output has a name",
            before,
            "this is only its type",
            helps=(f"write `-> y: {type}`",),
            fixes=(replacement(Span(error.source, before.start, before.start), "y: "),),
        )
    return None
