"""Diagnostics as text for people, and as plain values for other programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from netlang.diagnostics.diagnostic import SHOWN, Diagnostic, Label
from netlang.diagnostics.fix import Edit
from netlang.diagnostics.source import Source, Span

TAB = 4

_STYLES = {
    "error": "1;31",
    "warning": "1;33",
    "title": "1",
    "frame": "1;34",
    "secondary": "34",
    "help": "1;32",
}


class _Page(Struct, frozen=True):
    """How wide the page is, whether it has colors, and the column of its frame."""

    color: bool
    width: int
    gutter: int

    def paint(self, text: str, style: str) -> str:
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if self.color and text else text

    def framed(self, text: str = "", number: int | None = None) -> str:
        """Put ``text`` right of the frame, after the number of its line."""
        left = f"{'' if number is None else number:>{self.gutter}} |"
        return self.paint(left, "frame") + (f" {text}" if text else "")


class _Mark(Struct, frozen=True):
    """A label on its line; ``start`` and ``end`` count characters, ``end`` is past the last."""

    start: int
    end: int
    text: str
    primary: bool


def render(diagnostic: Diagnostic, *, color: bool = False, width: int = 120) -> str:
    """Return one diagnostic as text, with the lines it is about; no newline at the end."""
    labels = _labels(diagnostic)
    gutter = max((2, *(len(str(label.span.line)) for label in labels)))
    page = _Page(color, width, gutter)
    lines = [_head(page, diagnostic)]
    sources = dict.fromkeys(label.span.source for label in labels)
    for arrow, source in zip(["-->", *[":::"] * len(sources)], sources, strict=False):
        if not source.text:
            # The file as a whole is meant: it is empty, or could not be read at all.
            lines.append(f"{' ' * gutter}{page.paint(arrow, 'frame')} {visible(source.name)}")
            continue
        here = [label for label in labels if label.span.source is source]
        line, column = source.line_col(here[0].span.start)
        location = f"{visible(source.name)}:{line}:{column}"
        lines += [f"{' ' * gutter}{page.paint(arrow, 'frame')} {location}", page.framed()]
        lines += _excerpt(page, source, here, diagnostic.primary)
    remarks = _remarks(page, diagnostic)
    return "\n".join([*lines, *([page.framed()] if remarks else []), *remarks])


def render_all(
    diagnostics: Sequence[Diagnostic],
    limit: int = SHOWN,
    *,
    color: bool = False,
    width: int = 120,
) -> str:
    """Return the first ``limit`` diagnostics as text and the number of the rest.

    If there are more, errors are shown before warnings.
    """
    shown = list(diagnostics)
    if len(shown) > limit:
        shown = sorted(shown, key=lambda d: not d.is_error)[:limit]
    parts = [render(d, color=color, width=width) for d in shown]
    if rest := len(diagnostics) - len(shown):
        parts.append(f"+ {rest:,} more")
    return "\n\n".join(parts)


def to_json(diagnostic: Diagnostic) -> dict[str, object]:
    """Return the content of a diagnostic as plain values."""
    primary = diagnostic.primary
    return {
        "rule": diagnostic.rule.code,
        "severity": diagnostic.severity.value,
        "message": diagnostic.message,
        **(_location(primary.span) if primary is not None else {}),
        "labels": [
            {**_location(label.span), "text": label.text, "primary": label is primary}
            for label in _labels(diagnostic)
        ],
        "notes": list(diagnostic.notes),
        "helps": list(diagnostic.helps),
        "fixes": [
            {"title": fix.title, "edits": list(map(_edit, fix.edits))} for fix in diagnostic.fixes
        ],
        "trace": list(diagnostic.trace),
    }


def visible(text: str) -> str:
    """Escape characters that would move the cursor or reorder the text around them."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in "\n\t" else f"<U+{ord(c):04X}>" for c in text)


def _labels(diagnostic: Diagnostic) -> tuple[Label, ...]:
    primary = diagnostic.primary
    return diagnostic.secondary if primary is None else (primary, *diagnostic.secondary)


def _location(span: Span) -> dict[str, object]:
    line, column = span.source.line_col(span.start)
    end_line, end_column = span.source.line_col(span.end)
    return {
        "file": span.source.name,
        "line": line,
        "column": column,
        "end_line": end_line,
        "end_column": end_column,
    }


def _edit(edit: Edit) -> dict[str, object]:
    # An editor makes the edit in the file as it is, byte order mark and line ends included.
    source = edit.span.source
    return {
        **_location(edit.span),
        "start": source.written_offset(edit.span.start),
        "end": source.written_offset(edit.span.end),
        "text": edit.text.replace("\n", source.line_end),
    }


def _head(page: _Page, diagnostic: Diagnostic) -> str:
    severity = diagnostic.severity.value
    text = visible(diagnostic.message).replace("\n", "\n  ")
    code = page.paint(f"{severity}[{diagnostic.rule.code}]", severity)
    return code + page.paint(f": {text}", "title")


def _remarks(page: _Page, diagnostic: Diagnostic) -> list[str]:
    return [
        *(_remark(page, "in:  ", text) for text in diagnostic.trace),
        *(_remark(page, "note:", text) for text in diagnostic.notes),
        *(_remark(page, "help:", text) for text in diagnostic.helps),
    ]


def _remark(page: _Page, kind: str, text: str) -> str:
    margin = " " * (page.gutter + 1)
    indent = f"\n{margin}{' ' * len('= note: ')}"
    shown = visible(text).replace("\n", indent)
    style = "help" if kind == "help:" else "frame"
    return f"{margin}{page.paint(f'= {kind}', style)} {shown}"


def _excerpt(
    page: _Page, source: Source, labels: Sequence[Label], primary: Label | None
) -> Iterator[str]:
    marks: dict[int, list[_Mark]] = {}
    for label in labels:
        marks.setdefault(label.span.line, []).append(_mark(label, label is primary))
    before = 0
    for number in sorted(marks):
        if before and number == before + 2:
            yield page.framed(_Window.of(source.line(before + 1), 0, page).text, before + 1)
        elif before and number > before + 2:
            yield page.paint("...", "frame")
        yield from _marked(page, source.line(number), number, marks[number])
        before = number


def _mark(label: Label, primary: bool) -> _Mark:
    line, column = label.span.source.line_col(label.span.start)
    last_line, last_column = label.span.source.line_col(label.span.end)
    if last_line > line:
        last_column = len(label.span.source.line(line).rstrip()) + 1
    return _Mark(column - 1, max(last_column - 1, column), label.text, primary)


def _marked(page: _Page, text: str, number: int, marks: Sequence[_Mark]) -> Iterator[str]:
    focus = next((m for m in marks if m.primary), marks[0]).start
    window = _Window.of(text, focus, page)
    yield page.framed(window.text, number)
    for mark in sorted(marks, key=lambda m: m.start):
        start, end = window.column(mark.start), window.column(mark.end)
        marker = ("^" if mark.primary else "-") * max(1, end - start)
        shown = f"{marker} {visible(mark.text)}".rstrip()
        style = "error" if mark.primary else "secondary"
        yield page.framed(" " * start + page.paint(shown, style))


class _Window(Struct, frozen=True):
    """The part of a line that fits the page, and the screen column of each of its characters."""

    text: str
    first: int
    columns: Sequence[int]

    @classmethod
    def of(cls, line: str, focus: int, page: _Page) -> _Window:
        room = max(20, page.width - page.gutter - 3)
        first = 0 if len(line) <= room else max(0, min(focus - room // 3, len(line) - room + 1))
        cut = line[first : first + room + 1]
        if first == 0 and len(cut) <= room and cut.isascii() and cut.isprintable():
            return cls(cut, 0, range(len(cut) + 1))
        shown, columns = "…" if first else "", [1 if first else 0]
        for i, character in enumerate(cut):
            cell = _cell(character, columns[-1])
            after = columns[-1] + _width(cell)
            last = first + i + 1 == len(line)
            if after > room - (not last):
                return cls(f"{shown}…", first, columns)
            shown += cell
            columns.append(after)
        return cls(shown, first, columns)

    def column(self, character: int) -> int:
        """Return the screen column of a character; one outside is at the nearer edge."""
        at = character - self.first
        if at < 0:
            return 0
        return self.columns[at] if at < len(self.columns) else self.columns[-1] + 1


def _cell(character: str, column: int) -> str:
    if character == "\t":
        return " " * (TAB - column % TAB)
    return visible(character)


def _width(cell: str) -> int:
    if cell.isascii():
        return len(cell)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in cell)
