"""Offsets as browsers count them: units of UTF-16, where some characters have two."""

from __future__ import annotations

from bisect import bisect_left


class Offsets:
    """Converts offsets in a text between characters and units of UTF-16.

    >>> offsets = Offsets("a😀b")
    >>> offsets.units(2), offsets.characters(3)
    (3, 2)
    """

    def __init__(self, text: str) -> None:
        self._length = len(text)
        plain = text.isascii()
        self._wide = [] if plain else [at for at, c in enumerate(text) if c > "\uffff"]
        self._units = [at + number for number, at in enumerate(self._wide)]

    def units(self, offset: int) -> int:
        """Return the units before a character."""
        return offset + bisect_left(self._wide, offset) if self._wide else offset

    def characters(self, units: int) -> int:
        """Return the character at a unit, at most the end of the text."""
        before = bisect_left(self._units, units)
        if before and self._units[before - 1] == units - 1:
            units += 1  # the second half of a character
        return max(0, min(units - before, self._length))
