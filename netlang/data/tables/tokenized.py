"""Columns of texts, each split into words or characters, which are numbered as they occur."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

from netlang.data.pipeline import Chosen, Reading
from netlang.data.tables.text_files import only_letters, words_of
from netlang.system.numpy import Array, np

NUMBERS = "int32"
"""The element type of the numbers of tokens."""
_PART = 1 << 14


class Splitting(NamedTuple):
    """How texts are split: the part of ``Tokens`` that does not depend on other texts."""

    unit: str
    lower: bool
    letters: bool
    fill: str

    @classmethod
    def of(cls, reading: Reading) -> Splitting:
        """Return how the texts of a column with tokens are split."""
        tokens = reading.tokens
        assert tokens is not None
        return cls(tokens.unit, tokens.lower, tokens.letters, str(reading.fill))

    def apply(self, texts: Sequence[str]) -> list[list[str]]:
        """Return the tokens of texts, of which empty ones are filled."""
        filled = (text or self.fill for text in texts)
        seen = (only_letters(text) if self.letters else text for text in filled)
        if self.unit == "words":
            return [words_of(text, lower=self.lower) for text in seen]
        return [list(text.lower() if self.lower else text) for text in seen]


class Numbering(dict[str, int]):
    """The number of each token, in the order in which they occur."""

    def __missing__(self, token: str) -> int:
        self[token] = number = len(self)
        return number

    def numbers(self, lists: Sequence[Sequence[str]]) -> Array:
        """Return the numbers of all tokens of some lists, one after the other: ``i32[M]``."""
        return np.fromiter(map(self.__getitem__, chain.from_iterable(lists)), NUMBERS)


@dataclass(frozen=True, slots=True, eq=False)
class Tokenized:
    """Texts as the numbers of their tokens, one after the other.

    ``flat`` is ``i32[M]``, in memory or in a file; text i is ``flat[starts[i]:starts[i + 1]]``,
    with ``starts`` an ``i64[N + 1]``. ``tokens`` are distinct.
    """

    flat: Array
    starts: Array
    tokens: Sequence[str]

    @classmethod
    def of(cls, lists: Sequence[Sequence[str]]) -> Tokenized:
        numbering = Numbering()
        flat = numbering.numbers(lists)
        return cls(flat, starts_of(np.array([*map(len, lists)], np.int64)), tuple(numbering))

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def lengths(self) -> Array:
        return np.diff(self.starts)

    def counts(self, used: Chosen) -> dict[str, int]:
        """Return how often each token occurs in some texts, or in all where these are none."""
        kept = np.zeros(len(self), np.bool_)
        kept[used] = True
        if not kept.any():
            kept[:] = True
        found = np.zeros(len(self.tokens), np.int64)
        for part in self._parts(kept):
            found += np.bincount(part, minlength=len(found))
        pairs = zip(self.tokens, found.tolist(), strict=True)
        return {token: count for token, count in pairs if count}

    def _parts(self, kept: Array) -> Iterator[Array]:
        """Yield the numbers of the texts that are kept, some thousand texts at a time."""
        for first in range(0, len(self), _PART):
            chosen = kept[first : first + _PART]
            starts = self.starts[first : first + len(chosen) + 1]
            flat = self.flat[starts[0] : starts[-1]]
            yield flat if chosen.all() else flat[np.repeat(chosen, np.diff(starts))]


def starts_of(lengths: Array) -> Array:
    """Return where lists of some lengths start, one after the other, and the last ends."""
    return np.concatenate(([0], np.cumsum(lengths, dtype=np.int64)))
