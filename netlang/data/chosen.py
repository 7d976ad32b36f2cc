"""Examples that are chosen from others: at random, or by the values of columns."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

from netlang.data.columns import UNKNOWN_CATEGORY
from netlang.data.pipeline import Chosen, Condition, Division, Restriction
from netlang.data.sampling import shuffled
from netlang.data.source import EVERY, Batch, PartialSource, Source
from netlang.data.tables.cells import NUMBER
from netlang.diagnostics.errors import FileError
from netlang.diagnostics.suggestions import did_you_mean
from netlang.system.numpy import Array, np

_STREAM = 1 << 62
"""Separates the order of a division from those of epochs."""
_EXACT = 1e-9
_PART = 1 << 16


@dataclass(frozen=True, slots=True, eq=False)
class ChosenSource(PartialSource):
    """The examples of another source at some indices, ``i64[N]``."""

    indices: Array

    def __len__(self) -> int:
        return len(self.indices)

    def examples(self, chosen: Chosen) -> Batch:
        return self.inner.examples(self.indices[chosen])

    def gaps(self, column: str, chosen: Chosen = EVERY) -> int:
        return self.inner.gaps(column, self.indices[chosen])

    def unpadded_lengths(self, column: str, chosen: Chosen = EVERY) -> Array | None:
        return self.inner.unpadded_lengths(column, self.indices[chosen])

    def name_of(self, example: int) -> str:
        return self.inner.name_of(int(self.indices[example]))

    def whole(self, column: str) -> Array | None:
        values = self.inner.whole(column)
        return None if values is None else values[self.indices]

    def fingerprint(self) -> str:
        return f"{self.inner.fingerprint()}[{crc32(self.indices.tobytes()):08x}]"


def chosen_by(step: Division | Restriction, source: Source) -> Array:
    """Return the indices of the examples that a step keeps, in order.

    Raises ``FileError`` where none are left, or a column is not in memory.
    """
    kept = _divided(step, source) if isinstance(step, Division) else _restricted(step, source)
    if not len(kept):
        raise FileError(
            f"no example of {source.place} is left, of {len(source):,}",
            helps=["keep more of them"],
        )
    return kept


def _divided(step: Division, source: Source) -> Array:
    order = shuffled(step.seed, _STREAM, len(source))
    if step.by:
        # Each class in random order, one after the other: what is taken at regular distances has
        # the same share of each.
        order = order[np.argsort(_groups(source, step.by)[order], kind="stable")]
    places = np.arange(len(order))
    if step.fraction is None:
        kept = places % step.count != step.index
    else:
        steps = np.floor(np.arange(len(order) + 1) * step.fraction + _EXACT)
        kept = np.diff(steps) > 0
    return np.sort(order[kept != step.rest])


def _groups(source: Source, column: str) -> Array:
    """Return a number for the class of each example, in the order in which the classes occur.

    The numbers of the classes may be others where the model is used.
    """
    if source.names.get(column, ())[-1:] == (UNKNOWN_CATEGORY,):
        raise FileError(
            f"`{column}` of {source.place} has a category for all that the training data lack, "
            "which depends on the division",
            helps=["divide by another column, or at random"],
        )
    _, first, inverse = np.unique(_values(source, column), return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[inverse]


def _restricted(step: Restriction, source: Source) -> Array:
    kept = np.ones(len(source), np.bool_)
    for column, values in step.values.items():
        numbers = [_number(source, column, value) for value in values]
        kept &= np.isin(_values(source, column), numbers)
    for condition in step.conditions:
        kept &= _met(source, condition)
    return np.flatnonzero(kept)


_COMPARISONS = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
    "==": operator.eq, "!=": operator.ne,
}  # fmt: skip


def _met(source: Source, condition: Condition) -> Array:
    """Return which examples meet a condition: ``bool[N]``."""
    column, value = condition.column, condition.value
    number = _number(source, column, value)
    return _COMPARISONS[condition.comparison](_values(source, column), number)


def _number(source: Source, column: str, value: float | str) -> float:
    """Return the number of a class that may be given by its name."""
    names = source.names.get(column, ())
    if not isinstance(value, str):
        _reject_ambiguous(source, column, names, value)
        return value
    if value not in names:
        raise FileError(
            f"`{column}` of {source.place} has no class `{value}`",
            notes=[f"its classes are: {', '.join(names)}"] if names else (),
            helps=did_you_mean(value, names),
        )
    return names.index(value)


def _reject_ambiguous(source: Source, column: str, names: Sequence[str], value: float) -> None:
    """Raise ``FileError`` where a number may be the name of a class, and not its number."""
    if list(names) == list(map(str, range(len(names)))) or not all(map(NUMBER.fullmatch, names)):
        return
    few = ", ".join(f'"{name}"' for name in names[:3])
    raise FileError(
        f"`{column}` of {source.place} has categories that are numbers, and `{value}` may be the "
        "name of one, or count them from 0",
        helps=[
            f"give them by name: `only({column}=[{few}])`",
            f"or read `{column}` as numbers, without `categories`",
        ],
    )


def _values(source: Source, column: str) -> Array:
    values = source.whole(column)
    if values is None and not source.heavy and not source.columns[column].rank:
        parts = range(0, len(source), _PART)
        values = np.concatenate([source.examples(slice(i, i + _PART))[column] for i in parts])
    if values is not None and values.size == len(source):
        values = values.reshape(-1)
    if values is None or values.ndim != 1:
        raise FileError(
            f"examples of {source.place} cannot be chosen by `{column}`: it is not in memory",
            helps=["choose them by another column, or at random"],
        )
    return values
