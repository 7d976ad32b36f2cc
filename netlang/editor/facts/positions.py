"""Lines and columns as editors count them: from 0, columns in units of UTF-16."""

from __future__ import annotations

from bisect import bisect_right

_BEYOND_ONE_UNIT = 0xFFFF
"""A character after this one takes two units of UTF-16."""


class Positions:
    """The lines of a text, to convert between offsets and positions.

    >>> positions = Positions("a\\n😀b")
    >>> positions.position(3), positions.offset(1, 2)
    ((1, 2), 3)
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._starts = [0, *(at + 1 for at, c in enumerate(text) if c == "\n")]
        self._plain = text.isascii()

    def position(self, offset: int) -> tuple[int, int]:
        """Return the line and the column of an offset."""
        line = bisect_right(self._starts, offset) - 1
        start = self._starts[line]
        if self._plain:
            return line, offset - start
        return line, units(self.text[start:offset])

    def offset(self, line: int, column: int) -> int:
        """Return the offset of a position; one that does not exist gives the nearest before it."""
        if line >= len(self._starts):
            return len(self.text)
        at = self._starts[max(line, 0)]
        following = line + 1 < len(self._starts)
        end = self._starts[line + 1] - 1 if following else len(self.text)
        if self._plain:
            return min(at + max(column, 0), end)
        while at < end and (column := column - units(self.text[at])) >= 0:
            at += 1
        return at


def units(text: str) -> int:
    """Return how many units of UTF-16 a text has."""
    return len(text) + sum(ord(c) > _BEYOND_ONE_UNIT for c in text)
