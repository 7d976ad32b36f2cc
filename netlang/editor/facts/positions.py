"""Lines and columns as editors count them: from 0, columns in units of an encoding."""

from __future__ import annotations

from bisect import bisect_right
from typing import Literal

Encoding = Literal["utf-8", "utf-16", "utf-32"]
"""In what columns are counted: bytes, units of two bytes, or characters."""

_UNIT = {"utf-8": 1, "utf-16": 2, "utf-32": 4}
_CODEC = {"utf-8": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}


class Positions:
    """The lines of a text, to convert between offsets and positions; columns are in UTF-16.

    >>> positions = Positions("a\\n😀b")
    >>> positions.position(3), positions.offset(1, 2)
    ((1, 2), 3)
    """

    def __init__(self, text: str, encoding: Encoding = "utf-16") -> None:
        self.text = text
        self._encoding: Encoding = encoding
        self._starts = [0, *(at + 1 for at, c in enumerate(text) if c == "\n")]
        self._plain = text.isascii()

    def position(self, offset: int) -> tuple[int, int]:
        """Return the line and the column of an offset."""
        line = bisect_right(self._starts, offset) - 1
        start = self._starts[line]
        if self._plain:
            return line, offset - start
        return line, units(self.text[start:offset], self._encoding)

    def offset(self, line: int, column: int) -> int:
        """Return the offset of a position; one that does not exist gives the nearest before it."""
        if line >= len(self._starts):
            return len(self.text)
        at = self._starts[max(line, 0)]
        following = line + 1 < len(self._starts)
        end = self._starts[line + 1] - 1 if following else len(self.text)
        if self._plain:
            return min(at + max(column, 0), end)
        while at < end and (column := column - units(self.text[at], self._encoding)) >= 0:
            at += 1
        return at


def units(text: str, encoding: Encoding = "utf-16") -> int:
    """Return how many units of an encoding a text has."""
    encoded = text.encode(_CODEC[encoding], "surrogatepass")
    return len(encoded) // _UNIT[encoding]
