"""Everything the compiler says to a person, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from netlang.diagnostics.rules.rule import Rule
from netlang.diagnostics.source import Span


class Severity(Enum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Label:
    """A place in the text and what is to be said about it."""

    span: Span
    text: str = ""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One mistake: what is wrong, where, why, and what to do.

    ``trace`` names the calls that led here,
    innermost first; ``notes`` explain; ``helps`` say what to do.
    """

    rule: Rule
    message: str
    primary: Label
    secondary: tuple[Label, ...] = ()
    trace: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    helps: tuple[str, ...] = ()
    severity: Severity = Severity.ERROR

    @property
    def is_error(self) -> bool:
        return self.severity is Severity.ERROR


class DiagnosticError(Exception):
    """A user's mistake on its way to the collector; never leaves the module that raises it."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


@dataclass(slots=True)
class Diagnostics:
    """The mistakes found so far; the same mistake in the same place is kept once."""

    items: list[Diagnostic] = field(default_factory=list[Diagnostic])
    _seen: set[tuple[Rule, Span]] = field(default_factory=set[tuple[Rule, Span]])

    def report(self, diagnostic: Diagnostic) -> None:
        key = (diagnostic.rule, diagnostic.primary.span)
        if key not in self._seen:
            self._seen.add(key)
            self.items.append(diagnostic)

    @property
    def failed(self) -> bool:
        return any(d.severity is Severity.ERROR for d in self.items)

    def sorted(self) -> list[Diagnostic]:
        """Give the diagnostics in the order of the text, file by file.

        A warning on a line with an error follows from it, and is left out.
        """
        files: dict[int, int] = {}
        for d in self.items:
            files.setdefault(id(d.primary.span.source), len(files))
        wrong = {_line(d) for d in self.items if d.severity is Severity.ERROR}
        return sorted(
            (d for d in self.items if d.severity is Severity.ERROR or _line(d) not in wrong),
            key=lambda d: (files[id(d.primary.span.source)], d.primary.span.start),
        )


def _line(diagnostic: Diagnostic) -> tuple[int, int]:
    span = diagnostic.primary.span
    return id(span.source), span.line
