"""What a pipeline of a train section gives: ranges, classes, missing values, first examples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from netlang.data.fitted import Statistics
from netlang.data.source import Batch, Source
from netlang.ir.types import TensorType
from netlang.system.numpy import Array, np

_MOST_HEAVY, _PART, _HEAVY_PART = 512, 4096, 32
_FIRST, _LISTED = 4, 12
_MOST_NUMBERS = 6
_PICTURE_RANK = 2
_WIDEST = 40
_ROUNDED = 1e-6


@dataclass(frozen=True, slots=True)
class ColumnReport:
    """One column, as training sees it, over the examples that were read.

    ``classes`` has how many examples have each class or integer, if these are few; of a mask, how
    many pixels. ``low``,
    ``high``, ``mean`` and ``std`` are of all its numbers; ``missing`` is how many were filled in,
    ``statistics`` are those that the column was normalized by.
    """

    name: str
    type: TensorType
    low: float
    high: float
    mean: float
    std: float
    missing: int
    statistics: Statistics | None
    classes: Mapping[str, int]
    lengths: tuple[int, int] | None

    def describe(self) -> str:
        """Return the column in one line, without its name and type."""
        parts: list[str] = []
        if self.lengths is not None:
            parts.append("length {:,} to {:,}".format(*self.lengths))
        if self.classes:
            # Of a mask, the pixels are counted, of which there are many.
            total = sum(self.classes.values()) if self.type.rank else 0
            listed = [
                f"{name[:_WIDEST]} {n / total:.1%}" if total else f"{name[:_WIDEST]} {n:,}"
                for name, n in self.classes.items()
            ]
            more = [f"+ {len(listed) - _LISTED:,} more"] if len(listed) > _LISTED else []
            shown = ", ".join([*listed[:_LISTED], *more])
            count = "1 class" if len(listed) == 1 else f"{len(listed):,} classes"
            parts.append(f"{count}: {shown}")
        else:
            parts.append(f"{self.low:.4g} to {self.high:.4g}")
            if self.type.dtype.is_float:
                mean = 0.0 if abs(self.mean) < _ROUNDED * self.std else self.mean
                parts.append(f"mean {mean:.4g}, standard deviation {self.std:.4g}")
        if self.statistics is not None:
            mean, std = map(_few, (self.statistics.mean, self.statistics.std))
            parts.append(f"normalized by the mean {mean} and the standard deviation {std}")
        if self.missing:
            parts.append(f"{self.missing:,} missing, filled in")
        return "; ".join(parts)

    def plain(self) -> dict[str, object]:
        """Return the column as JSON has it."""
        return {
            "name": self.name, "type": str(self.type), "low": self.low, "high": self.high,
            "mean": self.mean, "std": self.std, "missing": self.missing,
            "classes": dict(self.classes),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class DataReport:
    """Examples of a source: how many there are, how many were read, their columns, the first ones.

    ``first`` has the values of each column as text; ``images`` the first examples of each column of
    images or masks, and ``labels`` their classes, if they have any.
    """

    place: str
    examples: int
    read: int
    columns: Sequence[ColumnReport]
    first: Sequence[Sequence[str]]
    images: Mapping[str, Array]
    labels: Sequence[str]

    def lines(self) -> list[str]:
        """Return the report as text."""
        of = "" if self.read == self.examples else f", of which the first {self.read:,} were read"
        rows = [(c.name, str(c.type), c.describe()) for c in self.columns]
        head = [c.name for c in self.columns]
        return [
            f"{self.examples:,} examples from {self.place}{of}",
            *_table([[f"  {name}", *rest] for name, *rest in rows]),
            "",
            "first examples",
            *_table([["  #", *head], *([f"  {i}", *row] for i, row in enumerate(self.first))]),
        ]

    def plain(self) -> dict[str, object]:
        """Return the report as JSON has it."""
        head = [c.name for c in self.columns]
        first = [dict(zip(head, row, strict=True)) for row in self.first]
        columns = [c.plain() for c in self.columns]
        counts = {"examples": self.examples, "examples_read": self.read}
        return {"place": self.place, **counts, "columns": columns, "first": first}


def report_on(source: Source, images: int = 0) -> DataReport:
    """Read examples, all of them unless each takes long, and return what they are.

    ``images`` is how many to keep of a column of images.
    """
    count = min(len(source), _MOST_HEAVY) if source.heavy else len(source)
    sums = {name: _Sums(source.gaps(name), source.names.get(name, ())) for name in source.columns}
    part = _HEAVY_PART if source.heavy else _PART
    for start in range(0, count, part):
        chosen = slice(start, min(start + part, count))
        for name, array in source.examples(chosen).items():
            if name in sums:
                sums[name].add(array, source.unpadded_lengths(name, chosen))
    head = source.examples(slice(0, min(_FIRST, count)))
    first = [
        [_shown(head[name][i], source.names.get(name, ())) for name in source.columns]
        for i in range(min(_FIRST, count))
    ]
    columns = [each.report(n, source) for n, each in sums.items()]
    kept, labels = _images(source, min(images, len(source)))
    return DataReport(source.place, len(source), count, columns, first, kept, labels)


class _Sums:
    """The numbers of a column, a part at a time."""

    def __init__(self, missing: int, names: Sequence[str]) -> None:
        self._missing, self._names, self._count = missing, names, 0
        self._low, self._high, self._mean, self._squares = np.inf, -np.inf, 0.0, 0.0
        self._classes: dict[int, int] | None = {}
        self._lengths: list[int] = []

    def add(self, array: Array, lengths: Array | None = None) -> None:
        """Add examples ``[N, ...]``, of which as many elements count as they have."""
        if array.ndim > 1:
            self._lengths += [array.shape[1]] if lengths is None else lengths.tolist()
        if lengths is not None and int(lengths.max(initial=0)):
            self._names, self._classes = (), None
            array = array[np.arange(array.shape[1]) < lengths[:, np.newaxis]]
        wide = array.astype(np.float64)
        self._low, self._high = min(self._low, wide.min()), max(self._high, wide.max())
        # The mean and the squares around it, of all parts together (Chan et al., 1979).
        count, mean = wide.size, wide.mean()
        total, difference = self._count + count, mean - self._mean
        self._mean += difference * count / total
        self._squares += ((wide - mean) ** 2).sum()
        self._squares += difference**2 * self._count * count / total
        self._count = total
        if _is_one_hot(array[0], self._names):
            array = array.argmax(axis=1)
        if array.dtype.kind not in "iub" or array.ndim not in (1, 1 + _PICTURE_RANK):
            self._classes = None
        if self._classes is not None:
            for value, n in zip(*np.unique(array, return_counts=True), strict=True):
                self._classes[int(value)] = self._classes.get(int(value), 0) + int(n)

    def report(self, name: str, source: Source) -> ColumnReport:
        """Return what was added."""
        type, names = source.columns[name], self._names
        found, classes = self._classes or {}, dict[str, int]()
        whole = source.whole(name) if names and not type.rank else None
        if whole is not None:
            counts: list[int] = np.bincount(whole, minlength=len(names)).tolist()
            found = dict(enumerate(counts))
        if names and self._classes is not None:
            classes = {text: found.get(i, 0) for i, text in enumerate(names)}
        elif found and len(found) <= _LISTED:
            classes = {str(value): found[value] for value in sorted(found)}
        free = bool(type.shape) and not isinstance(type.shape[0], int)
        std = float(np.sqrt(self._squares / max(self._count, 1)))
        return ColumnReport(
            name, type, float(self._low), float(self._high), float(self._mean), std,
            self._missing, source.column(name).statistics, classes,
            (min(self._lengths), max(self._lengths)) if free and self._lengths else None,
        )  # fmt: skip


def _images(source: Source, count: int) -> tuple[dict[str, Array], list[str]]:
    """Return the first images ``[N, C, H, W]`` and masks ``[N, H, W]``, and their classes."""
    names = [name for name, type in source.columns.items() if _is_picture(type)]
    if not count or not names:
        return {}, []
    batch: Batch = source.examples(slice(0, count))
    known = next((n for n, t in source.columns.items() if not t.rank and n in source.names), None)
    classes = [] if known is None else [source.names[known][int(n)] for n in batch[known]]
    return {name: batch[name] for name in names}, classes


def _is_picture(type: TensorType) -> bool:
    """Return whether examples are images of one or three channels, or masks of integers."""
    if type.rank == _PICTURE_RANK:
        return type.dtype.is_integer and all(isinstance(size, int) for size in type.shape)
    return type.rank == _PICTURE_RANK + 1 and type.shape[0] in (1, 3)


def _shown(value: Array, names: Sequence[str]) -> str:
    """Return one example of a column as text."""
    if _is_one_hot(value, names):
        return names[int(value.argmax())][:_WIDEST]
    if value.ndim > 1:
        return "x".join(map(str, value.shape))
    if not value.ndim:
        number = int(value) if value.dtype.kind in "iub" else None
        if names and number is not None and number < len(names):
            known = names[number][:_WIDEST]
            return known if known == str(number) else f"{number} {known}"
        return f"{value:.4g}" if number is None else str(number)
    flat: list[int] = value.tolist()
    if names:
        words = [names[n] or "·" for n in flat[: 2 * _MOST_NUMBERS] if n < len(names)]
        return " ".join(words)[: 2 * _WIDEST] + (" …" if len(flat) > 2 * _MOST_NUMBERS else "")
    return _few(flat)


def _is_one_hot(value: Array, names: Sequence[str]) -> bool:
    """Return whether an example has a number for each of some categories."""
    return value.dtype.kind == "f" and value.shape == (len(names),) and len(names) > 0


def _few(numbers: Sequence[float]) -> str:
    few = [f"{n:.4g}" for n in numbers[:_MOST_NUMBERS]]
    return ", ".join([*few, "…"] if len(numbers) > len(few) else few)


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield rows with their cells aligned."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip()
