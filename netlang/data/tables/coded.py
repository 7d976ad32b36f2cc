"""Texts of which many are equal: the distinct ones, and which of them each example has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from netlang.data.pipeline import Chosen
from netlang.diagnostics.errors import FileError
from netlang.system.numpy import Array, np


@dataclass(frozen=True, slots=True, eq=False)
class Coded:
    """A column of texts: ``texts``, which are distinct, and their indices, an integer ``[N]``."""

    texts: Sequence[str]
    codes: Array

    @classmethod
    def of(cls, place: str, array: Array) -> Coded:
        """Return the texts of an array ``[N]``; ``FileError`` where they are not Unicode."""
        try:
            found, codes = np.unique(array, return_inverse=True)
        except ValueError:
            raise FileError(f"{place} holds texts that are not Unicode") from None
        return cls(found.tolist(), codes)

    def __len__(self) -> int:
        return len(self.codes)

    def counts(self, used: Chosen) -> dict[str, int]:
        """Return how often each text occurs among some of the examples; only those that do."""
        found = np.bincount(self.codes[used], minlength=len(self.texts)).tolist()
        return {text: count for text, count in zip(self.texts, found, strict=True) if count}

    def equal(self, text: str) -> Array:
        """Return which examples have a text: ``bool[N]``."""
        return self.codes == (self.texts.index(text) if text in self.texts else -1)

    def replaced(self, old: str, new: str) -> Coded:
        """Return the column with one text, if it occurs, replaced by another."""
        if old not in self.texts:
            return self
        texts = sorted({new if text == old else text for text in self.texts})
        at = {text: i for i, text in enumerate(texts)}
        return Coded(texts, self.numbered([at[new if t == old else t] for t in self.texts]))

    def numbered(self, numbers: Sequence[int]) -> Array:
        """Return the number of each example, given that of each text; as narrow as they allow."""
        most = max(numbers, default=0)
        width = np.uint8 if most < 1 << 7 else np.int16 if most < 1 << 15 else np.int32
        return np.array(numbers, width)[self.codes]
