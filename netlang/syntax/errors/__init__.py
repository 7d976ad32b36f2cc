"""Explanations of syntax errors: what the text at the first error of a file was meant to be."""

from __future__ import annotations

from collections.abc import Callable

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Diagnostic, DiagnosticError
from netlang.diagnostics.source import Source
from netlang.syntax.errors import definitions, keywords, operators, other_languages, statements
from netlang.syntax.errors.lexical import explain_lexical_error, find_lexical_error
from netlang.syntax.errors.location import ErrorLocation
from netlang.syntax.errors.tokens import tokenize
from netlang.syntax.grammar import SyntaxFailure

_WINDOW = 100_000
_SHOWN = ("=", ":", ",", ")", "]", "}", "{", "->", "then", "else", "in", "import", "where")
_KINDS = {"INT": "a number", "STRING": "a string"}


def _anything(error: ErrorLocation) -> Diagnostic:
    wanted = _wanted(error.expected)
    notes = (f"expected {wanted}",) if wanted else ()
    if error.here.kind == "end":
        return error.diagnostic(
            rules.UNEXPECTED_END,
            "the file ends in the middle of something",
            error.after(),
            f"expected {wanted} after this" if wanted else "",
            helps=("finish it",),
        )
    what = "this string" if error.here.kind == "string" else f"`{error.here.text[:40]}`"
    helps: tuple[str, ...] = ()
    if error.here.text == "{" and "STRING" in error.expected:
        helps = ("a list is written `[a, b]`",)
    return error.diagnostic(
        rules.UNEXPECTED_TOKEN, f"{what} can't stand here", error.here, notes=notes, helps=helps
    )


def _wanted(expected: frozenset[str]) -> str:
    words = [f"`{token}`" for token in _SHOWN if token in expected]
    if {"NAME", "INT", "STRING"} <= expected:
        words.insert(0, "a value")
    elif "NAME" in expected:
        words.insert(0, "a name")
    else:
        words = [text for kind, text in _KINDS.items() if kind in expected] + words
    words = words[:4]
    return " or ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


# The order matters: the first that recognizes the error explains it.
_EXPLANATIONS: tuple[Callable[[ErrorLocation], Diagnostic | None], ...] = (
    other_languages.number, definitions.dangling, other_languages.slash_comment,
    other_languages.foreign_keyword, other_languages.foreign_operator, other_languages.arrow,
    keywords.reserved, operators.mix,
    keywords.conditional, keywords.comprehension, operators.operand, definitions.double_comma,
    definitions.top_level, statements.statement, definitions.colon, definitions.comma,
    definitions.definition, statements.value_as_statement,
)  # fmt: skip


def explain(
    source: Source, start: int, end: int, failure: SyntaxFailure | DiagnosticError
) -> Diagnostic:
    """Return the diagnostic of the first error between two offsets."""
    lexical = find_lexical_error(source.text, start, end)
    at = failure.diagnostic.span.start if isinstance(failure, DiagnosticError) else failure.start
    # An unclosed bracket explains what the parser rejects after it, but nothing before it.
    if lexical is not None and at >= lexical.origin:
        return explain_lexical_error(source, end, lexical)
    if isinstance(failure, DiagnosticError):
        return failure.diagnostic
    error = _locate(source, start, end, failure)
    for explanation in _EXPLANATIONS:
        if (diagnostic := explanation(error)) is not None:
            return diagnostic
    return _anything(error)


def _locate(source: Source, start: int, end: int, failure: SyntaxFailure) -> ErrorLocation:
    # The tokens around an error explain it; a large file is not tokenized as a whole.
    text = source.text
    first = text.rfind("\n", start, max(start, failure.start - _WINDOW)) + 1
    last = text.find("\n", failure.start + _WINDOW, end)
    found = tokenize(source, max(start, first), last if last >= 0 else end)
    at = next((i for i, p in enumerate(found) if p.end > failure.start), len(found) - 1)
    return ErrorLocation(source, found, at, failure.start, failure.expected)
