"""Diagnostics of the compiler as the records of an editor."""

from __future__ import annotations

from pathlib import Path

from netlang.diagnostics.diagnostic import Diagnostic, Label
from netlang.diagnostics.fix import Fix
from netlang.diagnostics.source import Span
from netlang.editor.facts.names import library_path
from netlang.editor.facts.records import Location, Problem, QuickFix, Related, TextEdit


def problem(found: Diagnostic) -> Problem:
    """Return a diagnostic of a program as a record."""
    label = found.primary.text if found.primary is not None else ""
    return Problem(
        found.rule.code,
        "error" if found.is_error else "warning",
        found.message,
        location(found.span),
        label,
        tuple(map(_related, found.secondary)),
        found.notes,
        found.helps,
        found.trace,
        tuple(map(_fix, found.fixes)),
    )


def unreadable(found: Diagnostic, path: Path) -> Problem:
    """Return an error about a whole text, such as a file that is not a program."""
    return Problem(
        found.rule.code, "error", found.message, Location(str(path), 0, 0),
        notes=found.notes, helps=found.helps,
    )  # fmt: skip


def location(span: Span) -> Location:
    """Return a span as a place in a file."""
    source = span.source
    path = str(library_path(source.name)) if source.library else source.name
    return Location(path, span.start, span.end)


def _related(label: Label) -> Related:
    return Related(location(label.span), label.text)


def _fix(fix: Fix) -> QuickFix:
    return QuickFix(
        fix.title, tuple(TextEdit(location(edit.span), edit.text) for edit in fix.edits)
    )
