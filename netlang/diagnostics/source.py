"""Source text, and locations in it."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right

from msgspec import Struct

BYTE_ORDER_MARK = "\ufeff"


class Source:
    """The text of one file.

    ``library`` marks the files that ship with netlang: an error in them is shown at the call in
    the user's file that led to it. ``written`` is the text as it is in the file, where it differs
    from ``text`` by a byte order mark or other line ends.
    """

    __slots__ = ("_lines", "_long_ends", "library", "name", "text", "written")

    def __init__(
        self, name: str, text: str, library: bool = False, written: str | None = None
    ) -> None:
        self.name = name
        self.text = text
        self.library = library
        self.written = text if written is None else written
        self._lines: list[int] = []
        self._long_ends: list[int] | None = None

    def _starts(self) -> list[int]:
        if not self._lines:
            self._lines.append(0)
            self._lines.extend(i + 1 for i, c in enumerate(self.text) if c == "\n")
        return self._lines

    def line_col(self, offset: int) -> tuple[int, int]:
        """Return the line and column of ``offset``, both counted from 1."""
        line = bisect_right(self._starts(), offset)
        return line, offset - self._starts()[line - 1] + 1

    def written_offset(self, offset: int) -> int:
        """Return where in the text as written the character at ``offset`` of the text is."""
        if self.written == self.text:
            return offset
        mark = len(BYTE_ORDER_MARK) if self.written.startswith(BYTE_ORDER_MARK) else 0
        if self._long_ends is None:
            # Each line end of two characters is one in the text.
            ends = enumerate(re.finditer("\r\n", self.written))
            self._long_ends = [end.start() - mark - number for number, end in ends]
        return mark + offset + bisect_left(self._long_ends, offset)

    @property
    def line_end(self) -> str:
        """The characters that end a line of the text as written."""
        return "\r\n" if "\r\n" in self.written else "\n"

    def line_end_offset(self, number: int) -> int:
        """Return the offset of the end of line ``number``, counted from 1."""
        end = self.text.find("\n", self._starts()[number - 1])
        return end if end >= 0 else len(self.text)

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
