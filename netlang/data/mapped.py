"""Examples whose columns are transformed when they are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from msgspec import structs

from netlang.data.fitted import Applied, Column
from netlang.data.pipeline import Change
from netlang.data.sampling import uniform
from netlang.data.source import EVERY, Batch, Chosen, Epoch, Source
from netlang.data.transforms.encoding import OneHot
from netlang.diagnostics.errors import FileError
from netlang.ir.types import TensorType
from netlang.system.numpy import Array, np


@dataclass(frozen=True, slots=True, eq=False)
class MappedSource(Source):
    """Examples with some columns transformed; ``site`` numbers the first transform."""

    heavy = True
    inner: Source
    changes: tuple[Change, ...]
    site: int
    epoch: Epoch

    @property
    def place(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.inner.place

    @property
    def names(self) -> Mapping[str, Sequence[str]]:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.inner.names

    @property
    def columns(self) -> Mapping[str, TensorType]:  # pyright: ignore[reportIncompatibleVariableOverride]
        columns = dict(self.inner.columns)
        for change in self.changes:
            for transform in change.transforms:
                columns |= {name: transform.result(columns[name]) for name in change.columns}
        return columns

    def column(self, name: str) -> Column:
        found = self.inner.column(name)
        fixed = (
            transform.fixed()
            for change in self.changes
            if name in change.columns
            for transform in change.transforms
        )
        applied = (Applied(t.name, structs.asdict(t)) for t in fixed if t is not None)
        return structs.replace(found, transforms=(*found.transforms, *applied))

    def __len__(self) -> int:
        return len(self.inner)

    def during(self, epoch: Epoch) -> Source:
        return replace(self, inner=self.inner.during(epoch), epoch=epoch)

    def name_of(self, example: int) -> str:
        return self.inner.name_of(example)

    def examples(self, chosen: Chosen) -> Batch:
        batch = self.inner.examples(chosen)
        numbers = np.arange(len(self))[chosen] if isinstance(chosen, slice) else chosen
        site = self.site
        for change in self.changes:
            for transform in change.transforms:
                drawn = uniform(self.epoch.seed, self.epoch.number, site, numbers, transform.draws)
                site += 1
                for name in change.columns:
                    batch[name] = transform.apply(batch[name], drawn)
        for name in {name for change in self.changes for name in change.columns}:
            batch[name] = np.ascontiguousarray(batch[name])
        return batch

    def whole(self, column: str) -> Array | None:
        changed = any(column in change.columns for change in self.changes)
        return None if changed else self.inner.whole(column)

    def fingerprint(self) -> str:
        return self.inner.fingerprint()

    def check_unchanged(self) -> None:
        self.inner.check_unchanged()

    def gaps(self, column: str, chosen: Chosen = EVERY) -> int:
        return self.inner.gaps(column, chosen)

    def unpadded_lengths(self, column: str, chosen: Chosen = EVERY) -> Array | None:
        return self.inner.unpadded_lengths(column, chosen)

    def remarks(self) -> Sequence[str]:
        return self.inner.remarks()


def with_one_hot(
    source: Source, names: Sequence[str], declared: Mapping[str, TensorType]
) -> Source:
    """Return examples with a number for each category in some columns.

    Raises ``FileError`` where there are more or fewer categories than the declared size.
    """
    changes: list[Change] = []
    for name in names:
        categories = source.names[name]
        encode = OneHot(len(categories))
        type, found = declared[name], encode.result(source.columns[name])
        if type != found and isinstance(type.shape[0], int):
            shown = categories if len(categories) <= 10 else (*categories[:10], "…")
            raise FileError(
                f"`{name}` of {source.place} has {len(categories):,} categories, and the dataset "
                f"declares {type}",
                notes=[f"they are: {', '.join(shown)}"],
                helps=[f"declare it as `{name}: {found}`"],
            )
        changes.append(Change((name,), (encode,)))
    return MappedSource(source, tuple(changes), 0, Epoch()) if changes else source
