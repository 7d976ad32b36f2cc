"""Errors and warnings as values, and the one function that builds them."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import TypedDict, Unpack

from msgspec import Struct, field
from msgspec.structs import replace

from netlang.diagnostics.fix import Fix
from netlang.diagnostics.rules.rule import Rule
from netlang.diagnostics.source import Span
from netlang.diagnostics.suggestions import Suggestion

SHOWN = 20
"""Diagnostics that are shown in full; the rest are only counted."""


class Severity(Enum):
    ERROR = "error"
    WARNING = "warning"


class Label(Struct, frozen=True):
    """A location in a program and the text shown next to it."""

    span: Span
    text: str = ""


class Diagnostic(Struct, frozen=True):
    """One error or warning: what is wrong, where, why, and what to do about it.

    ``suggestion`` computes helps and fixes where they are shown: comparing a name with all others
    takes long, and a file may be full of errors.
    ``primary`` is ``None`` for an error outside of programs: bad data, bad options, a missing
    library. ``trace`` lists the calls that led to the location, innermost first.
    """

    rule: Rule
    message: str
    primary: Label | None
    secondary: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    helps: tuple[str, ...] = ()
    fixes: tuple[Fix, ...] = ()
    severity: Severity = Severity.ERROR
    trace: tuple[str, ...] = ()
    suggestion: Callable[[], Suggestion] | None = None

    @property
    def is_error(self) -> bool:
        return self.severity is Severity.ERROR

    @property
    def span(self) -> Span:
        """The location; raises ``ValueError`` for an error outside of programs."""
        if self.primary is None:
            raise ValueError(f"this diagnostic has no location: {self.message}")
        return self.primary.span


class Parts(TypedDict, total=False):
    """What a diagnostic may have besides its rule, message and location."""

    secondary: tuple[Label, ...]
    notes: tuple[str, ...]
    helps: tuple[str, ...]
    fixes: tuple[Fix, ...]
    suggestion: Callable[[], Suggestion]


def diagnostic(
    rule: Rule,
    message: str,
    at: Span | None = None,
    label: str = "",
    *,
    severity: Severity = Severity.ERROR,
    **parts: Unpack[Parts],
) -> Diagnostic:
    """Build a diagnostic: the one way to make an error or a warning.

    ``at`` is its location and ``label`` the text shown there.
    """
    primary = None if at is None else Label(at, label)
    return Diagnostic(rule, message, primary, severity=severity, **parts)


class DiagnosticError(Exception):
    """An error in a program on its way to the collector."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic

    def repaired(self, diagnostic: Diagnostic) -> DiagnosticError:
        """Return the error with a better suggestion; an exception of its kind."""
        return self if diagnostic is self.diagnostic else type(self)(diagnostic)


class Diagnostics(Struct):
    """The diagnostics found so far; a rule is reported once at each location."""

    items: list[Diagnostic] = field(default_factory=list[Diagnostic])
    earlier: Diagnostics | None = None
    """Those of the program, where these are of a part of it: what they explain is not repeated."""
    _seen: set[tuple[Rule, Span]] = field(default_factory=set[tuple[Rule, Span]])

    def report(self, diagnostic: Diagnostic) -> None:
        key = (diagnostic.rule, diagnostic.span)
        if key not in self._seen and not self._is_keyword(diagnostic.span):
            self._seen.add(key)
            self.items.append(self.completed(diagnostic))

    def _is_keyword(self, span: Span) -> bool:
        """Return whether a name is reported as a keyword, which explains the rest."""
        own = any(rule.code == "reserved-word" and at == span for rule, at in self._seen)
        return own or (self.earlier is not None and self.earlier._is_keyword(span))

    def completed(self, diagnostic: Diagnostic) -> Diagnostic:
        """Return a diagnostic with its suggestion, unless it is one too many to be shown."""
        if diagnostic.suggestion is None:
            return diagnostic
        if self.crowded:
            return replace(diagnostic, suggestion=None)
        return replace(diagnostic, suggestion=None, **diagnostic.suggestion())

    @property
    def crowded(self) -> bool:
        """Whether as many are found as are shown in full."""
        before = len(self.earlier.items) if self.earlier is not None else 0
        return len(self.items) + before >= SHOWN

    def at(self, span: Span) -> Diagnostic | None:
        """Return the error that is already reported at a location, if there is one."""
        own = next((d for d in self.items if d.is_error and d.span == span), None)
        return own or (self.earlier.at(span) if self.earlier is not None else None)

    @property
    def failed(self) -> bool:
        own = any(d.is_error for d in self.items)
        return own or (self.earlier is not None and self.earlier.failed)

    def sorted(self) -> list[Diagnostic]:
        """Return the diagnostics in the order of the text, file by file.

        A warning on a line with an error follows from it, and is left out.
        """
        files: dict[int, int] = {}
        for d in self.items:
            files.setdefault(id(d.span.source), len(files))
        wrong = {_line(d) for d in self.items if d.is_error}
        return sorted(
            (d for d in self.items if d.is_error or _line(d) not in wrong),
            key=lambda d: (files[id(d.span.source)], d.span.start),
        )


def _line(diagnostic: Diagnostic) -> tuple[int, int]:
    return id(diagnostic.span.source), diagnostic.span.line
