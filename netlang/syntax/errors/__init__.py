"""Explanations of syntax errors: what the text at the first error of a file was meant to be."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Any

from msgspec.structs import replace

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Diagnostic, DiagnosticError, Label
from netlang.diagnostics.fix import Edit, Fix
from netlang.diagnostics.source import Source, Span
from netlang.syntax.errors import (
    definitions,
    durations,
    foreign_syntax,
    keywords,
    operators,
    other_languages,
    statements,
)
from netlang.syntax.errors.lexical import (
    LexicalError,
    explain_lexical_error,
    find_lexical_error,
)
from netlang.syntax.errors.location import ErrorLocation
from netlang.syntax.errors.resync import without_statement
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
    foreign_syntax.foreign_file, foreign_syntax.comment, foreign_syntax.number,
    foreign_syntax.operator, foreign_syntax.shape, foreign_syntax.colon,
    other_languages.number, definitions.dangling, other_languages.slash_comment,
    other_languages.foreign_keyword, other_languages.foreign_operator, other_languages.arrow,
    durations.duration, keywords.reserved, operators.mix,
    keywords.conditional, keywords.comprehension, operators.operand, definitions.double_comma,
    definitions.top_level, statements.statement, definitions.colon, definitions.comma,
    definitions.definition, statements.value_as_statement,
)  # fmt: skip


Failure = SyntaxFailure | DiagnosticError
Parse = Callable[[Source, int, int], Failure | None]


def recover(
    source: Source,
    start: int,
    end: int,
    failure: Failure,
    lexical: LexicalError | None,
    parse: Parse,
) -> tuple[list[Any] | None, list[Diagnostic]]:
    """Explain the errors of the text between two offsets, of which ``failure`` is the first.

    ``lexical`` is the first lexical error, if it is known; ``parse`` parses a part of another
    text and returns how it fails.

    Returns the parts of the file too if keywords in place of names are the only errors, and
    otherwise ``None``: after any other error, the rest would be a guess. A keyword is reported
    once, however often it is used as a name.
    """
    lexical = lexical or find_lexical_error(source.text, start, end)
    explainer = _Explainer(source, start, end, lexical)
    found: dict[str, Diagnostic] = {}
    keyword: Span | None = None
    while True:
        error = explainer.explain(failure)
        follows = keyword is not None and _follows(error, failure, keyword)
        if follows and keyword is not None and not explainer.is_lexical(failure):
            last = found[keyword.text]
            later = _later(source, start, end, keyword.start, last, parse)
            return None, [*found.values(), *later]
        if error.rule is not rules.RESERVED_WORD or not isinstance(failure, SyntaxFailure):
            offset = explainer.origin(failure)
            return None, [*found.values(), error, *_later(source, start, end, offset, error, parse)]
        keyword = error.span
        found.setdefault(keyword.text, error)
        try:
            return failure.resume(keyword.start), [*found.values()]
        except (SyntaxFailure, DiagnosticError) as later:
            failure = later


_ERRORS, _LONGEST = 20, 200_000
"""The number of errors, and the length of a text, up to which later errors are looked for."""

_STRUCTURE = frozenset({rules.FOREIGN_FILE, rules.UNEXPECTED_END})
"""Errors after which nothing is known about what follows."""


def _later(
    source: Source, start: int, end: int, offset: int, error: Diagnostic, parse: Parse
) -> Iterator[Diagnostic]:
    """Find the errors after the first one: without its statement, the text is parsed again.

    An error at the same place follows from one before.
    """
    text = source.text
    seen = {error.span.line}
    for _ in range(_ERRORS):
        if end - start > _LONGEST or error.rule in _STRUCTURE or _is_brace(error):
            return
        rest = without_statement(text, offset, start, end)
        if rest is None:
            return
        text = rest
        part = Source(source.name, text)
        lexical = find_lexical_error(text, start, end)
        failure = parse(part, start, end if lexical is None else min(lexical.origin + 1, end))
        if failure is None:
            return
        explainer = _Explainer(part, start, end, lexical)
        error, offset = explainer.explain(failure), explainer.origin(failure)
        if error.span.line in seen:
            return
        seen.add(error.span.line)
        yield _moved(error, source)


def _is_brace(error: Diagnostic) -> bool:
    """Return whether a brace is missing or extra, so that the end of each body is unknown."""
    bracket = error.rule in (rules.UNCLOSED_BRACKET, rules.STRAY_BRACKET, rules.MISMATCHED_BRACKET)
    return bracket and error.span.text in "{}"


def _moved(error: Diagnostic, source: Source) -> Diagnostic:
    """Return an error of a changed text as one of the text itself."""

    def moved(span: Span) -> Span:
        return Span(source, span.start, span.end)

    return replace(
        error,
        primary=Label(moved(error.span), error.primary.text if error.primary else ""),
        secondary=tuple(Label(moved(label.span), label.text) for label in error.secondary),
        fixes=tuple(
            Fix(fix.title, tuple(Edit(moved(edit.span), edit.text) for edit in fix.edits))
            for fix in error.fixes
        ),
    )


def _follows(error: Diagnostic, failure: Failure, keyword: Span) -> bool:
    """Return whether the text may fail only because a keyword was read as a name."""
    if error.rule is rules.RESERVED_WORD and error.span != keyword:
        return False
    between = keyword.source.text[keyword.end : _offset(failure)]
    return "\n" not in between or not between.strip()


def _offset(failure: Failure) -> int:
    return failure.diagnostic.span.start if isinstance(failure, DiagnosticError) else failure.start


class _Explainer:
    """Explains the errors of one text; what it learns about the text, it learns once."""

    def __init__(self, source: Source, start: int, end: int, lexical: LexicalError | None) -> None:
        self._source = source
        self._start = start
        self._end = end
        self._lexical = lexical
        self._tokens: list[Token] = []
        self._known_until = -1

    def is_lexical(self, failure: Failure) -> bool:
        # An unclosed bracket explains what the parser rejects after it, but nothing before it.
        return self._lexical is not None and _offset(failure) >= self._lexical.origin

    def origin(self, failure: Failure) -> int:
        """Return the offset of an error, that of the bracket for one that is not closed."""
        if self._lexical is not None and self.is_lexical(failure):
            return self._lexical.origin
        return _offset(failure)

    def explain(self, failure: Failure) -> Diagnostic:
        if self._lexical is not None and self.is_lexical(failure):
            return explain_lexical_error(self._source, self._end, self._lexical)
        if isinstance(failure, DiagnosticError):
            return failure.diagnostic
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
