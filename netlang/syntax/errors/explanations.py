"""Explanations of syntax errors: what the text at the first error of a file was meant to be."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from operator import attrgetter

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Diagnostic, DiagnosticError
from netlang.diagnostics.source import Source
from netlang.syntax.errors import (
    bodies,
    definitions,
    durations,
    foreign_syntax,
    keywords,
    operators,
    other_languages,
    python_syntax,
    statements,
)
from netlang.syntax.errors.lexical import (
    LexicalError,
    explain_lexical_error,
    explain_unopened,
)
from netlang.syntax.errors.location import ErrorLocation
from netlang.syntax.errors.tokens import Token, tokenize
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
    return error.diagnostic(
        rules.UNEXPECTED_TOKEN, f"{what} can't stand here", error.here, notes=notes
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
    foreign_syntax.foreign_file, foreign_syntax.comment, foreign_syntax.number,
    python_syntax.expression, definitions.declaration, statements.bracketed_names,
    foreign_syntax.operator, foreign_syntax.shape, foreign_syntax.colon, foreign_syntax.braces,
    definitions.no_arrow, bodies.section, bodies.body, keywords.no_else, other_languages.number,
    definitions.dangling, other_languages.slash_comment,
    other_languages.foreign_keyword, other_languages.foreign_operator, other_languages.arrow,
    durations.duration, keywords.reserved, operators.half_named, operators.mix,
    keywords.conditional, keywords.comprehension, operators.operand, definitions.double_comma,
    definitions.top_level, statements.statement, definitions.colon, definitions.comma,
    definitions.definition, statements.value_as_statement,
)  # fmt: skip


Failure = SyntaxFailure | DiagnosticError


def offset_of(failure: Failure) -> int:
    """Return the offset of the token that does not fit."""
    return failure.diagnostic.span.start if isinstance(failure, DiagnosticError) else failure.start


class Explainer:
    """Explains the errors of one text, in its order; what it learns of the text, it learns once."""

    def __init__(self, source: Source, start: int, end: int) -> None:
        self._source = source
        self._start = start
        self._end = end
        self._tokens: list[Token] = []
        self._known_until = -1

    def explain(self, failure: Failure, lexical: LexicalError | None) -> Diagnostic:
        """Return the diagnostic of a failure; ``lexical`` is the next lexical error, if any."""
        # An unclosed bracket explains what the parser rejects after it, but nothing before it.
        if lexical is not None and offset_of(failure) >= lexical.origin:
            return explain_lexical_error(self._source, self._end, lexical)
        if isinstance(failure, DiagnosticError):
            return failure.diagnostic
        if (unopened := explain_unopened(self._source, failure.start)) is not None:
            return unopened
        error = self._locate(failure)
        for explanation in _EXPLANATIONS:
            if (diagnostic := explanation(error)) is not None:
                return diagnostic
        return _anything(error)

    def _locate(self, failure: SyntaxFailure) -> ErrorLocation:
        if failure.start > self._known_until:
            self._tokenize_around(failure.start)
        found = self._tokens
        at = min(bisect_right(found, failure.start, key=attrgetter("end")), len(found) - 1)
        return ErrorLocation(self._source, found, at, failure.start, failure.expected)

    def _tokenize_around(self, offset: int) -> None:
        # The tokens around an error explain it; a large file is not tokenized as a whole.
        text, start = self._source.text, self._start
        first = text.rfind("\n", start, max(start, offset - _WINDOW)) + 1
        last = text.find("\n", offset + _WINDOW, self._end)
        last = last if last >= 0 else self._end
        self._tokens = tokenize(self._source, max(start, first), last)
        self._known_until = last if last == self._end else offset + _WINDOW // 2
