"""Edits to the text of a program that make an error go away."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from netlang.diagnostics.source import Span


class Edit(Struct, frozen=True):
    """A span of a file, and the text to write in its place."""

    span: Span
    text: str


class Fix(Struct, frozen=True):
    """A change that makes one error go away; ``title`` is what an editor offers it as.

    The edits are in one file and do not overlap.
    """

    title: str
    edits: tuple[Edit, ...]


def replacement(span: Span, text: str, title: str = "") -> Fix:
    """Return the fix that writes ``text`` in place of a span."""
    return Fix(title or f"replace `{span.text}` with `{text}`", (Edit(span, text),))


def insertion(span: Span, text: str, title: str = "") -> Fix:
    """Return the fix that inserts ``text`` at the end of a span."""
    at = Span(span.source, span.end, span.end)
    return Fix(title or f"insert `{text.strip()}`", (Edit(at, text),))


def joined(fixes: Sequence[Fix]) -> Fix:
    """Return the fix that makes the edits of several, which are in one file and do not overlap."""
    title = ", ".join(fix.title for fix in fixes)
    return Fix(title, tuple(edit for fix in fixes for edit in fix.edits))


def apply(text: str, fix: Fix) -> str:
    """Return the text of a file with the edits of a fix made."""
    for edit in sorted(fix.edits, key=lambda edit: edit.span.start, reverse=True):
        text = text[: edit.span.start] + edit.text + text[edit.span.end :]
    return text


def apply_to(span: Span, fix: Fix) -> str:
    """Return the text of a span, on one line, with the edits of a fix inside it made."""
    start = span.start
    inside = [
        Edit(Span(span.source, edit.span.start - start, edit.span.end - start), edit.text)
        for edit in fix.edits
    ]
    return " ".join(apply(span.text, Fix(fix.title, tuple(inside))).split())
