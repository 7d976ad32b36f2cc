"""Examples of different lengths, such as sentences, which are padded one batch at a time."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate, pairwise

from msgspec import structs

from netlang.data.columns import fit, fit_declared
from netlang.data.fitted import Column
from netlang.data.pipeline import Location
from netlang.data.source import EVERY, Arrays, Batch, Chosen, Source
from netlang.diagnostics.errors import FileError
from netlang.ir.types import TensorType
from netlang.system.numpy import Array, np


@dataclass(frozen=True, slots=True, eq=False)
class Ragged:
    """Arrays that differ in their first axis, concatenated along it.

    Of arrays in a file, only as much is read as an example has: at most ``longest`` elements, of
    which ``numbers`` has what each is.
    """

    flat: Array
    starts: Array
    numbers: Array | None = None
    longest: int | None = None

    def padded(self, chosen: Array) -> Array:
        """Return some of the arrays, padded with zeros to the longest: ``[N, T, ...]``."""
        lengths = self.starts[chosen + 1] - self.starts[chosen]
        if self.longest is not None:
            lengths = np.minimum(lengths, self.longest)
        steps = np.arange(max(1, int(lengths.max(initial=0))))
        inside = steps < lengths[:, np.newaxis]
        kind = self.flat.dtype if self.numbers is None else self.numbers.dtype
        found = np.zeros((*inside.shape, *self.flat.shape[1:]), kind)
        part = self.flat[(self.starts[chosen][:, np.newaxis] + steps)[inside]]
        found[inside] = part if self.numbers is None else self.numbers[part]
        return found

    def lengths(self) -> Array:
        """Return how many elements each array has, of those that are read: ``i64[N]``."""
        found = np.diff(self.starts)
        return found if self.longest is None else np.minimum(found, self.longest)

    def parts(self) -> tuple[Array, ...]:
        """Return what changes when the data do; of arrays in a file, what is not in it."""
        return (self.flat, self.starts) if self.numbers is None else (self.numbers,)


@dataclass(frozen=True, slots=True, eq=False)
class RaggedSource(Source):
    """Examples of which some columns have a length of their own.

    ``tokens`` has what the numbers of those columns denote.
    """

    place: str
    columns: Mapping[str, TensorType]
    inner: Arrays
    ragged: Mapping[str, Ragged]
    tokens: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])

    @property
    def names(self) -> Mapping[str, Sequence[str]]:  # pyright: ignore[reportIncompatibleVariableOverride]
        return {**self.inner.names, **self.tokens}

    def column(self, name: str) -> Column:
        if name in self.inner.columns:
            return self.inner.column(name)
        return Column.of(self.columns[name], self.names.get(name, ()))

    def __len__(self) -> int:
        return len(next(iter(self.ragged.values())).starts) - 1

    def examples(self, chosen: Chosen) -> Batch:
        numbers = np.arange(len(self))[chosen] if isinstance(chosen, slice) else chosen
        found = self.inner.examples(chosen)
        found |= {name: column.padded(numbers) for name, column in self.ragged.items()}
        return {name: found[name] for name in self.columns}

    def whole(self, column: str) -> Array | None:
        return None if column in self.ragged else self.inner.whole(column)

    def remarked(self, remarks: Sequence[str]) -> RaggedSource:
        """Return the same examples with more remarks."""
        return replace(self, inner=self.inner.remarked(remarks))

    def fingerprint(self) -> str:
        sums = [
            f"{zlib.crc32(np.ascontiguousarray(part).view(np.uint8).data):08x}"
            for column in self.ragged.values()
            for part in column.parts()
        ]
        return "-".join([self.inner.fingerprint(), *sums])

    def gaps(self, column: str, chosen: Chosen = EVERY) -> int:
        return self.inner.gaps(column, chosen)

    def unpadded_lengths(self, column: str, chosen: Chosen = EVERY) -> Array | None:
        own = self.ragged.get(column)
        return None if own is None else own.lengths()[chosen]

    def remarks(self) -> Sequence[str]:
        return self.inner.remarks()


def ragged(
    place: str,
    location: Location,
    arrays: Mapping[str, Array],
    lists: Mapping[str, Sequence[Array]],
) -> RaggedSource:
    """Return examples of which ``lists`` has the columns that differ in length.

    Raises ``FileError`` where they are not what is declared.
    """
    columns = location.columns
    rest = {name: type for name, type in columns.items() if name not in lists}
    own = structs.replace(location, columns=rest)
    inner = fit_declared(place, own, arrays) if rest else Arrays(place, {}, {})
    found = {name: _column(place, name, columns[name], items) for name, items in lists.items()}
    counts = {name: len(column.starts) - 1 for name, column in found.items()}
    counts |= {name: len(array) for name, array in inner.arrays.items()}
    for (one, n), (other, m) in pairwise(counts.items()):
        if n != m:
            raise FileError(
                f"the columns of {place} differ in their number of examples: "
                f"`{one}` has {n:,}, `{other}` has {m:,}"
            )
    for (one, a), (other, b) in pairwise(found.items()):
        same = columns[one].shape[0] == columns[other].shape[0]
        if same and not np.array_equal(a.starts, b.starts):
            at = int(np.argmax(np.diff(a.starts) != np.diff(b.starts)))
            raise FileError(
                f"`{one}` and `{other}` of {place} differ in length in example {at:,}, "
                f"counted from 0, and both are {columns[one].shape[0]} long"
            )
    return RaggedSource(place, columns, inner, found)


def _column(place: str, name: str, type: TensorType, items: Sequence[Array]) -> Ragged:
    starts = np.array([0, *accumulate(map(len, items))], np.int64)
    flat = np.concatenate([item for item in items if len(item)])
    # Checked as if each element were an example.
    fitted = fit(place, {name: type.with_shape(*type.shape[1:])}, {name: flat})
    return Ragged(fitted.examples(slice(None))[name], starts)
