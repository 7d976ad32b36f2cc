"""Source text, and locations in it."""

from __future__ import annotations

from bisect import bisect_right

from msgspec import Struct


class Source:
    """The text of one file.

    ``library`` marks the files that ship with netlang: an error in them is shown at the call in
    the user's file that led to it.
    """

    __slots__ = ("_lines", "library", "name", "text")

    def __init__(self, name: str, text: str, library: bool = False) -> None:
        self.name = name
        self.text = text
        self.library = library
        self._lines: list[int] = []

    def _starts(self) -> list[int]:
        if not self._lines:
            self._lines.append(0)
            self._lines.extend(i + 1 for i, c in enumerate(self.text) if c == "\n")
        return self._lines

    def line_col(self, offset: int) -> tuple[int, int]:
        """Return the line and column of ``offset``, both counted from 1."""
        line = bisect_right(self._starts(), offset)
        return line, offset - self._starts()[line - 1] + 1

    def line(self, number: int) -> str:
        """Return the text of line ``number``, counted from 1, without its line end."""
        start = self._starts()[number - 1]
        end = self.text.find("\n", start)
        return self.text[start : end if end >= 0 else len(self.text)].rstrip("\r")


class Span(Struct, frozen=True, array_like=True):
    """The characters from ``start`` up to, not including, ``end``."""

    source: Source
    start: int
    end: int

    @property
    def text(self) -> str:
        return self.source.text[self.start : self.end]

    @property
    def line(self) -> int:
        return self.source.line_col(self.start)[0]

    def to(self, other: Span) -> Span:
        """Return the span from the start of this one to the end of ``other``."""
        return Span(self.source, self.start, other.end)
