"""Sources of examples: anything with typed columns and examples by index."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar, Self

from msgspec import structs

from netlang.data.fitted import Column, Fitted, Statistics, numbered
from netlang.data.pipeline import Chosen
from netlang.data.tables.later import Later
from netlang.diagnostics import rules
from netlang.diagnostics.errors import ENVIRONMENT, FileError, NetlangError
from netlang.ir.arrays import numpy_dtype
from netlang.ir.types import TensorType
from netlang.system.numpy import Array, np

Batch = dict[str, Array]
EVERY: Chosen = slice(None)


@dataclass(frozen=True, slots=True)
class Epoch:
    """What the randomness of one pass over the data depends on."""

    seed: int = 0
    number: int = 0
    shuffle: bool = False


class Source(ABC):
    """Examples with typed columns.

    ``place`` names them in messages; ``names`` has what the numbers of a column denote, where that
    is known: classes, characters, words. ``heavy`` is true if a batch takes long enough to make
    that several threads should share the work.
    """

    heavy: ClassVar[bool] = False
    place: str
    columns: Mapping[str, TensorType]
    names: Mapping[str, Sequence[str]]

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def examples(self, chosen: Chosen) -> Batch:
        """Return some examples as one array per column, the examples along the first axis."""

    def during(self, epoch: Epoch) -> Source:
        """Return the examples of one epoch: the same number, perhaps sampled again."""
        del epoch
        return self

    def name_of(self, example: int) -> str:
        """Return what users know an example by: its file, or else its number."""
        return str(example)

    def whole(self, column: str) -> Array | None:
        """Return all values of a column, if they are in memory."""
        del column
        return None

    def column(self, name: str) -> Column:
        """Return how the examples of a column are read, as far as training determines it."""
        return Column.of(self.columns[name], self.names.get(name, ()))

    def fitted(self) -> Fitted:
        """Return what these examples determine, if they are those of the training."""
        return Fitted({name: self.column(name) for name in self.columns})

    @abstractmethod
    def fingerprint(self) -> str:
        """Return a text that changes when the data do."""

    def check_unchanged(self) -> None:
        """Raise ``NetlangError`` if files that are still to be read have changed."""
        return

    def gaps(self, column: str, chosen: Chosen = EVERY) -> int:
        """Return how many values in some examples of a column were missing, and were filled."""
        del column, chosen
        return 0

    def unpadded_lengths(self, column: str, chosen: Chosen = EVERY) -> Array | None:
        """Return how long some examples of a column are before they are padded, if they differ."""
        del column, chosen
        return None

    def remarks(self) -> Sequence[str]:
        """Return what was decided when the data were opened, for the user to check."""
        return ()


@dataclass(frozen=True, slots=True)
class Stamp:
    """The size and the time of a file when it was opened."""

    path: Path
    size: int
    time: int

    @classmethod
    def of(cls, path: Path) -> Self:
        try:
            found = path.stat()
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise NetlangError(
                rules.CANNOT_READ, f"cannot read {path}: {reason}", exit_code=ENVIRONMENT
            ) from None
        return cls(path, found.st_size, found.st_mtime_ns)

    def check(self) -> None:
        """Raise ``NetlangError`` if the file has changed since."""
        if Stamp.of(self.path) != self:
            raise NetlangError(
                rules.DATA_CHANGED,
                f"{self.path} has changed since training began",
                helps=["start again, or resume once the file is as it was"],
                exit_code=ENVIRONMENT,
            )


@dataclass(frozen=True, slots=True, eq=False)
class Arrays(Source):
    """Examples that are all in memory, or in files that are mapped into it.

    ``later`` has what is done to the columns in files. ``divisors`` has the columns that are stored
    as bytes and returned as floats: 255 for images.
    ``decided`` are the remarks, ``statistics`` those that columns were normalized by, ``ranges``
    the least and the greatest number of images of floats, ``fills`` what missing values became,
    ``missing`` which they are: ``bool[N]``, or ``bool[N, K]`` for several numbers.
    """

    place: str
    columns: Mapping[str, TensorType]
    arrays: Mapping[str, Array]
    divisors: Mapping[str, float] = field(default_factory=dict[str, float])
    names: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    checksum: str = ""
    decided: Sequence[str] = ()
    statistics: Mapping[str, Statistics] = field(default_factory=dict[str, Statistics])
    ranges: Mapping[str, tuple[float, float]] = field(
        default_factory=dict[str, tuple[float, float]]
    )
    fills: Mapping[str, tuple[float, ...]] = field(default_factory=dict[str, tuple[float, ...]])
    later: Mapping[str, Later] = field(default_factory=dict[str, "Later"])
    missing: Mapping[str, Array] = field(default_factory=dict[str, Array])

    def __len__(self) -> int:
        return len(next(iter(self.arrays.values())))

    def examples(self, chosen: Chosen) -> Batch:
        return {name: self.given(name, chosen) for name in self.arrays}

    def given(self, name: str, chosen: Chosen) -> Array:
        """Return some examples of one column."""
        array = self.arrays[name]
        part = array[chosen] if isinstance(chosen, slice) else array.take(chosen, axis=0)
        if later := self.later.get(name):
            part = later.apply(part, chosen)
        divisor = self.divisors.get(name)
        if divisor is None:
            wanted = self.columns.get(name)
            return part if wanted is None else part.astype(numpy_dtype(wanted.dtype), copy=False)
        return np.divide(part, np.float32(divisor), dtype=np.float32)

    def column(self, name: str) -> Column:
        found = Column.of(self.columns[name], self.names.get(name, ()))
        return structs.replace(
            found,
            scale=self.divisors.get(name),
            statistics=self.statistics.get(name),
            range=self.ranges.get(name),
            fill=self.fills.get(name, ()),
        )

    def whole(self, column: str) -> Array | None:
        changed = column in self.divisors or column in self.later
        return None if changed else self.arrays[column]

    def fingerprint(self) -> str:
        if self.checksum:
            return self.checksum
        from zlib import crc32

        sums = (crc32(np.ascontiguousarray(a).view(np.uint8).data) for a in self.arrays.values())
        return "-".join(f"{s:08x}" for s in sums)

    def gaps(self, column: str, chosen: Chosen = EVERY) -> int:
        found = self.missing.get(column)
        return 0 if found is None else int(np.count_nonzero(found[chosen]))

    def remarks(self) -> Sequence[str]:
        return self.decided

    def remarked(self, remarks: Sequence[str]) -> Arrays:
        """Return the same examples with more remarks."""
        return replace(self, decided=(*self.decided, *remarks)) if remarks else self

    def named(self, column: str, names: Sequence[str], known: Sequence[str] = ()) -> Arrays:
        """Return the same examples, whose numbers in a column denote ``names``.

        They are numbered again by the classes that are ``known`` from the training data. Raises
        ``FileError`` for another one.
        """
        arrays = self.arrays
        if known and tuple(known) != tuple(names):
            used = np.unique(arrays[column]).tolist()
            _, numbers = numbered([names[int(n)] for n in used], known, self.place, "class")
            again = np.array(numbers, arrays[column].dtype)
            arrays = {**arrays, column: again[np.searchsorted(used, arrays[column])]}
        return replace(self, arrays=arrays, names={**self.names, column: tuple(known or names)})


@dataclass(frozen=True, slots=True, eq=False)
class PartialSource(Source):
    """Some of the examples of another source."""

    inner: Source

    @property
    def heavy(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.inner.heavy

    @property
    def place(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.inner.place

    @property
    def columns(self) -> Mapping[str, TensorType]:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.inner.columns

    @property
    def names(self) -> Mapping[str, Sequence[str]]:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.inner.names

    def column(self, name: str) -> Column:
        return self.inner.column(name)

    def during(self, epoch: Epoch) -> Source:
        return replace(self, inner=self.inner.during(epoch))

    def check_unchanged(self) -> None:
        self.inner.check_unchanged()

    def remarks(self) -> Sequence[str]:
        return self.inner.remarks()


@dataclass(frozen=True, slots=True, eq=False)
class SubsetSource(PartialSource):
    """The examples from ``first`` to ``last`` of another source, both included."""

    first: int
    last: int

    def __post_init__(self) -> None:
        if self.last >= len(self.inner):
            raise FileError(
                f"{self.inner.place} has {len(self.inner):,} examples, numbered from 0, and "
                f"`part({self.first}..{self.last})` requests example {len(self.inner):,} and more"
            )

    def __len__(self) -> int:
        return self.last - self.first + 1

    def examples(self, chosen: Chosen) -> Batch:
        if isinstance(chosen, slice):
            start, stop, step = chosen.indices(len(self))
            return self.inner.examples(slice(start + self.first, stop + self.first, step))
        return self.inner.examples(chosen + self.first)

    def gaps(self, column: str, chosen: Chosen = EVERY) -> int:
        return self.inner.gaps(column, np.arange(self.first, self.last + 1)[chosen])

    def unpadded_lengths(self, column: str, chosen: Chosen = EVERY) -> Array | None:
        return self.inner.unpadded_lengths(column, np.arange(self.first, self.last + 1)[chosen])

    def name_of(self, example: int) -> str:
        return self.inner.name_of(example + self.first)

    def whole(self, column: str) -> Array | None:
        values = self.inner.whole(column)
        return None if values is None else values[self.first : self.last + 1]

    def fingerprint(self) -> str:
        return f"{self.inner.fingerprint()}[{self.first}..{self.last}]"
