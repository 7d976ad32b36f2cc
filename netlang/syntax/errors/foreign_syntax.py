"""Values, comments and whole files in the syntax of other languages."""

from __future__ import annotations

import re

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Diagnostic
from netlang.diagnostics.fix import Edit, Fix, replacement
from netlang.diagnostics.source import Span
from netlang.syntax.errors.location import ErrorLocation
from netlang.syntax.errors.tokens import Token
from netlang.syntax.keywords import DEFINERS, TYPE_NAMES
from netlang.syntax.sizes import unknown_size

_OURS = re.compile(rf"^(?:{'|'.join(sorted(DEFINERS))})[ \t]+\w", re.MULTILINE)
_FILES = (
    (re.compile(r"\s*[{\[]\s*\""), "JSON"),
    (re.compile(r"(?s)(?=.*^\s*layers?\s*\{)(?=.*^\s*(?:top|bottom|type)\s*:)", re.MULTILINE),
     "a prototxt file of Caffe"),
    (re.compile(r"(?s)(?:---\s*\n|(?:#[^\n]*\n)*(?:\w+:[^\n]*\n)*\w+:[ \t]*\n\s*(?:-|\w+:) )"),
     "YAML"),
    (re.compile(r"(?s)(?=.*^(?:import|from) +(?:torch|tensorflow|keras|jax|numpy|flax)\b)|"
                r"(?=.*^class +\w+\([\w.]*(?:Module|Model|Layer)\) *:)", re.MULTILINE), "Python"),
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
                error.tokens[0],
                helps=(
                    "make a program of it: `netlang import FILE.prototxt -o FILE.net`"
                    if "Caffe" in name
                    else "write a net with a line for each layer: "
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
    first = error.first_on_line(error.at - 1 if here.fresh and error.at > 0 else error.at)
    line = error.tokens[first : first + 4]
    if len(line) < 4 or error.enclosing() not in ("", "{", "["):
        return None
    name, sign, value, after = line
    typed = value.text in TYPE_NAMES or (value.text in ("[", "(") and after.text in TYPE_NAMES)
    if name.kind != "name" or sign.text != ":" or value.fresh or typed or not value.starts_value:
        return None
    return _assignment(error, name, sign, value, error.rest_of_line(value).text)


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
    last = error.at - 1 if error.here.fresh and error.at > 0 else error.at
    fresh = error.tokens[error.first_on_line(last)]
    if fresh.text == "%" and fresh is not error.tokens[last]:
        return _comment(error, fresh, fresh.end)
    for token in (error.here, error.back(1)):
        if token.text in ("%", "-", "--") and token.fresh and error.back(1).text != "=":
            if token.text == "-" and error.source.text[token.end : token.end + 1] != "-":
                continue
            return _comment(error, token, token.end + (token.text == "-"))
    return None


def _comment(error: ErrorLocation, sign: Token, end: int) -> Diagnostic:
    span = Span(error.source, sign.start, end)
    return error.diagnostic(
        rules.FOREIGN_OPERATOR,
        "a comment starts with `#`",
        span,
        helps=("write `#` here",),
        fixes=(replacement(span, "#"),),
    )


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
                fixes=(_everywhere(error, span, ours),),
            )
    return None


def _everywhere(error: ErrorLocation, operator: Span, ours: str) -> Fix:
    """Return the fix that writes another operator here, and in the rest of the line."""
    text, end = error.source.text, error.rest_of_line(error.here).end
    found = re.compile(re.escape(operator.text)).finditer(text, operator.start, end)
    edits = tuple(Edit(Span(error.source, m.start(), m.end()), ours) for m in found)
    return Fix(f"replace `{operator.text}` with `{ours}`", edits)


def _in_type(error: ErrorLocation) -> bool:
    """Return whether the failure is in the sizes of a type, such as `f32[`."""
    at = error.at - 1
    while at > 0 and error.tokens[at].text != "[" and not error.tokens[at].fresh:
        at -= 1
    return at > 0 and _ELEMENT_TYPE.fullmatch(error.tokens[at - 1].text) is not None


def braces(error: ErrorLocation) -> Diagnostic | None:
    """Explain `{a, b}` and `{"a": 1}` in place of a value."""
    here = error.here
    if here.text != "{" or "STRING" not in error.expected:
        return None
    inner = error.call_at(error.at)
    tokens = [t for t in error.tokens[error.at :] if t.start < here.start + len(inner)]
    if any(t.text == ":" for t in tokens):
        return error.diagnostic(
            rules.FOREIGN_OPERATOR,
            "netlang has no dictionaries",
            here,
            helps=("write a list of tuples, `[(a, 1), (b, 2)]`; settings are arguments, `f(a=1)`",),
        )
    span = Span(error.source, here.start, here.start + len(inner))
    whole = inner.endswith("}") and inner.count("{") == 1 and "=" not in inner
    return error.diagnostic(
        rules.FOREIGN_OPERATOR,
        "a list stands in square brackets",
        here,
        helps=(
            f"write `[{inner[1:-1]}]`"
            if whole and len(inner) <= 60
            else "a list is written `[a, b]`",
        ),
        fixes=(replacement(span, f"[{inner[1:-1]}]"),) if whole else (),
    )


def _sizes(error: ErrorLocation, opener: int) -> Span | None:
    """Return the span of sizes in parentheses, braces or angle brackets."""
    opening = error.tokens[opener]
    closer = {"(": ")", "{": "}", "<": ">"}.get(opening.text)
    for token in error.tokens[opener + 1 : opener + 40]:
        if token.text == closer:
            return Span(error.source, opening.start, token.end)
        if token.fresh or token.text in ("(", "{", "=", "->"):
            break
    return None


_ELEMENT_TYPE = re.compile(r"bool|bf16|[fiu](?:8|16|32|64)")


def shape(error: ErrorLocation) -> Diagnostic | None:
    """Explain `f32(N, 784)`, `None` among sizes, and an output without a name."""
    here, before = error.here, error.back(1)
    for element, opener in ((error.at - 1, error.at), (error.at - 3, error.at - 2)):
        if element >= 0 and _ELEMENT_TYPE.fullmatch(error.tokens[element].text):
            if (brackets := _sizes(error, opener)) is None:
                continue
            text = f"[{brackets.text[1:-1]}]"
            return error.diagnostic(
                rules.FOREIGN_OPERATOR,
                "the sizes of a shape stand in square brackets",
                brackets,
                helps=(f"write `{error.tokens[element].text}{text}`",),
                fixes=(replacement(brackets, text),),
            )
    if here.text in ("?", "*", ":") and before.text in ("[", ",") and _in_type(error):
        return unknown_size(error.span(here), "N" if before.text == "[" else "T")
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
