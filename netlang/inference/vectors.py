"""Word vectors: similar words and analogies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from netlang.diagnostics.errors import InputError, require_at_least
from netlang.diagnostics.suggestions import nearest as nearest_name
from netlang.storage.vocabulary import Vocabulary, require_room
from netlang.system.numpy import Array, np


@dataclass(frozen=True, slots=True)
class Near:
    """A word and the cosine similarity of its vector to the one searched for."""

    word: str
    cosine: float


@dataclass(frozen=True, slots=True)
class Vectors:
    """A vector for each word; rows past the last word are unused."""

    words: Vocabulary
    table: Array

    def __post_init__(self) -> None:
        require_room(self.words, len(self.table), "the table of vectors")

    def combined(self, plus: Sequence[str], minus: Sequence[str], count: int) -> list[Near]:
        """Return the words most similar to a sum of unit vectors, excluding the words in it.

        Queen is the sum of king and woman minus man. Source: Mikolov et al., 2013.
        """
        require_at_least("count", count, 1)
        unit = self._unit()
        given = [self.words.number(word) for word in (*plus, *minus)]
        signs = np.array([1.0] * len(plus) + [-1.0] * len(minus))
        direction = signs @ unit[given]
        length = np.linalg.norm(direction)
        cosines = unit @ (direction / length if length else direction)
        cosines[given] = -np.inf
        order = np.argsort(-cosines, kind="stable")[: min(count, len(cosines) - len(set(given)))]
        return [Near(self.words.words[int(i)], float(cosines[i])) for i in order]

    def _unit(self) -> Array:
        table = self.table[: len(self.words)].astype(np.float64)
        lengths = np.linalg.norm(table, axis=1, keepdims=True)
        return table / np.where(lengths == 0, 1, lengths)


def choose_table(weights: Mapping[str, Array], name: str | None, words: int) -> Array:
    """Find the table of vectors: the parameter named, or the only one that fits the words.

    A table with exactly one row for each word is preferred to one with more.
    """
    if name is not None:
        path = name if name in weights else f"{name}.weight"
        if path not in weights:
            near = nearest_name(name, list(weights))
            raise InputError(
                f"there is no parameter `{name}`",
                notes=[f"the parameters are {', '.join(sorted(weights)[:20])}"],
                helps=[f"did you mean `{near}`?"] if near is not None else [],
            )
        if weights[path].ndim != 2:
            raise InputError(
                f"`{path}` is not a table of vectors: its shape is {list(weights[path].shape)}"
            )
        return weights[path]
    roomy = {n: len(a) for n, a in weights.items() if a.ndim == 2 and len(a) >= words}
    fitting = [n for n, rows in roomy.items() if rows == words] or list(roomy)
    if len(fitting) == 1:
        return weights[fitting[0]]
    listed = ", ".join(f"`{n}`" for n in fitting)
    raise InputError(
        f"{len(fitting) or 'no'} parameters have a row for each of the {words:,} words",
        notes=[f"these have: {listed}"] if fitting else [],
        helps=["choose one with `--table`"],
    )
