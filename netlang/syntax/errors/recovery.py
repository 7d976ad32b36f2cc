"""Every syntax error of a text: after each, parsing continues at the next statement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Diagnostic, DiagnosticError
from netlang.diagnostics.source import Source, Span
from netlang.syntax.building.builder import Builder
from netlang.syntax.errors.explanations import Explainer, Failure, offset_of
from netlang.syntax.errors.lexical import (
    LexicalError,
    explain_lexical_error,
    find_lexical_error,
)
from netlang.syntax.errors.resync import Layout, regions
from netlang.syntax.grammar import Body, ResumableParse, SyntaxFailure

_ERRORS = 100
"""The number of errors after which no more are looked for."""

_BRACKETS = (rules.UNCLOSED_BRACKET, rules.STRAY_BRACKET, rules.MISMATCHED_BRACKET)
_OF_BODIES = frozenset((rules.MISSING_NEXT, rules.STRAY_NEXT))
"""What follows where a statement of a body is left out."""


def recover(
    builder: Builder,
    source: Source,
    start: int,
    end: int,
    lexical: LexicalError | None,
    *,
    partly: bool = False,
) -> tuple[list[Any] | None, list[Diagnostic]]:
    """Explain the errors of the text between two offsets, which does not parse.

    ``lexical`` is the first lexical error, if it is known.

    Returns the parts of the file too if keywords in place of names are the only errors, and
    otherwise ``None``: after any other error, the rest would be a guess, which an editor gets
    with ``partly``. A keyword is reported once, however often it is used as a name.
    """
    lexical = lexical or find_lexical_error(source.text, start, end)
    recovery = _Recovery(builder, source, end)
    parts, first = recovery.parse_keywords(start, end, lexical)
    if parts is not None or first is None:
        return parts, [*recovery.keywords.values(), *builder.checks.found]
    if first.rule is rules.FOREIGN_FILE:
        return None, [first]
    for region in regions(source.text, start, end):
        if len(recovery.found) < _ERRORS:
            recovery.parse_region(*region)
    found = [*recovery.keywords.values(), *recovery.found]
    return recovery.parts if partly else None, found or [first]


class _Recovery:
    """Collects the errors of one text."""

    def __init__(self, builder: Builder, source: Source, end: int) -> None:
        self._builder = builder
        self._source = source
        self._end = end
        self.keywords: dict[str, Diagnostic] = {}
        self.found: list[Diagnostic] = []
        self.parts: list[Any] = []
        """What parses, without the statements that do not."""

    def parse_keywords(
        self, start: int, end: int, lexical: LexicalError | None
    ) -> tuple[list[Any] | None, Diagnostic | None]:
        """Parse a text with keywords in place of names; return its parts, or the first error."""
        self._builder.reset(self._source)
        explainer = Explainer(self._source, start, end)
        parse = ResumableParse(self._builder, self._source.text, start, _until(lexical, end))
        while True:
            try:
                return parse.run(), None
            except (SyntaxFailure, DiagnosticError) as failure:
                error = explainer.explain(failure, lexical)
                if not self._read_as_name(parse, failure, error):
                    return None, error

    def parse_region(self, start: int, end: int) -> None:
        """Parse one definition, and what follows up to the next."""
        self._builder.reset(self._source)
        region = _Region(self._builder, self._source, start, end, self._end)
        while len(self.found) < _ERRORS:
            try:
                self.parts += region.parse.run()
                break
            except (SyntaxFailure, DiagnosticError) as failure:
                error = region.explain(failure)
                if self._read_as_name(region.parse, failure, error):
                    region.keyword = error.span
                    continue
                if not region.follows(error, failure):
                    self._report(error)
                if not region.leave_out(error, failure):
                    self.parts += region.parse.finished()
                    break
        lines = {error.span.line for error in self.found}
        for check in self._builder.checks.found:
            body = region.left_out and check.rule in _OF_BODIES
            if not body and not (check.rule is rules.LOOSE_BRACKET and check.span.line in lines):
                self._report(check)
        if region.unclosed is not None:
            self._report(region.unclosed)

    def _report(self, error: Diagnostic) -> None:
        if error.rule is rules.RESERVED_WORD:
            self.keywords.setdefault(error.span.text, error)
        else:
            self.found.append(error)

    def _read_as_name(self, parse: ResumableParse, failure: Failure, error: Diagnostic) -> bool:
        if error.rule is not rules.RESERVED_WORD or not isinstance(failure, SyntaxFailure):
            return False
        self._report(error)
        return parse.read_as_name(failure, error.span.start)


class _Region:
    """The parse of one definition, and what is known of its errors."""

    def __init__(self, builder: Builder, source: Source, start: int, end: int, last: int) -> None:
        self._source = source
        self._start = self._resumed = start
        self._end = end
        self._last = last
        self._layout: Layout | None = None
        self._explainer = Explainer(source, start, last)
        self._lexical = self._find_lexical(start)
        self._damaged = False
        self.parse = ResumableParse(builder, source.text, start, _until(self._lexical, end))
        self.keyword: Span | None = None
        self.left_out = False
        self.unclosed: Diagnostic | None = None

    def explain(self, failure: Failure) -> Diagnostic:
        return self._explainer.explain(failure, self._lexical)

    def follows(self, error: Diagnostic, failure: Failure) -> bool:
        """Return whether an error may only follow from one before it."""
        if error.span.start < self._resumed:
            return True
        if self.keyword is not None and self._is_beside_keyword(error, failure, self.keyword):
            return True
        offset = offset_of(failure)
        closes = self._source.text[offset : offset + 1] == "}" and error.span.start >= offset
        return self._damaged and (closes or offset >= self._end)

    def _is_beside_keyword(self, error: Diagnostic, failure: Failure, keyword: Span) -> bool:
        if error.rule is rules.RESERVED_WORD and error.span != keyword:
            return False
        if self._lexical is not None and offset_of(failure) >= self._lexical.origin:
            return False
        between = keyword.source.text[keyword.end : offset_of(failure)]
        return "\n" not in between or not between.strip()

    def leave_out(self, error: Diagnostic, failure: Failure) -> bool:
        """Go to the statement after the one with an error; return whether there is one."""
        self.left_out = True
        if self._layout is None:
            self._layout = Layout(self._source.text, self._start, self._end)
        at = error.span.start
        self._damaged |= error.rule in _BRACKETS and error.span.text in "{}"
        following = self._layout.after(max(at, self._resumed))
        if following is None:
            if not self._damaged and self._layout.unclosed is not None:
                self._report_unclosed(self._layout.unclosed)
            return False
        self._resumed, bodies = following
        self._damaged |= any(body.start <= at < body.stop for body in bodies)
        if self._lexical is not None and (self._damaged or self._lexical.origin < self._resumed):
            self._lexical = self._find_lexical(self._resumed, bodies)
        until = _until(self._lexical, self._end)
        ahead = offset_of(failure) < self._resumed
        return self.parse.move(self._resumed, until, bodies, ahead=ahead)

    def _find_lexical(self, start: int, bodies: Sequence[Body] = ()) -> LexicalError | None:
        """Return the first lexical error after an offset in bodies, but not one of their braces."""
        text = self._source.text
        braces = [text.find("{", body.start, body.stop) for body in bodies]
        error = find_lexical_error(text, start, self._end, braces)
        if error is None or error.origin >= start:
            return error if error is None or error.start < self._end else self._open(error.origin)
        if not self._damaged:
            self._report_unclosed(error.origin)
        return None

    def _open(self, brace: int) -> LexicalError:
        # What is open at the end of a definition is so up to the end of the text.
        return LexicalError("open", self._last, self._last, brace)

    def _report_unclosed(self, brace: int) -> None:
        self.unclosed = explain_lexical_error(self._source, self._last, self._open(brace))
        self._damaged = True


def _until(lexical: LexicalError | None, end: int) -> int:
    return end if lexical is None else min(lexical.origin + 1, end)
