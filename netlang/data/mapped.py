"""Rows whose columns are transformed on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from netlang.data.sampling import uniform
from netlang.data.source import Batch, Chosen, Epoch, Source
from netlang.data.transforms.images import Transform
from netlang.ir.types import TensorType
from netlang.system.numpy import Array, np


@dataclass(frozen=True, slots=True)
class Step:
    """Transforms of one column, or of several that share one draw; ``site`` numbers the draws."""

    columns: tuple[str, ...]
    transforms: tuple[Transform, ...]
    site: int


@dataclass(frozen=True, slots=True, eq=False)
class Mapped(Source):
    """Rows with some columns transformed."""

    heavy = True
    inner: Source
    steps: tuple[Step, ...]
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
        for step in self.steps:
            for size in [t.size for t in step.transforms if t.size is not None][-1:]:
                for name in step.columns:
                    type = columns[name]
                    columns[name] = type.with_shape(*type.shape[:-2], size, size)
        return columns

    def __len__(self) -> int:
        return len(self.inner)

    def during(self, epoch: Epoch) -> Source:
        return replace(self, inner=self.inner.during(epoch), epoch=epoch)

    def rows(self, chosen: Chosen) -> Batch:
        batch = self.inner.rows(chosen)
        numbers = np.arange(len(self))[chosen] if isinstance(chosen, slice) else chosen
        for step in self.steps:
            for i, transform in enumerate(step.transforms):
                drawn = uniform(
                    self.epoch.seed, self.epoch.number, step.site + i, numbers, transform.draws
                )
                for name in step.columns:
                    batch[name] = transform.apply(batch[name], drawn)
        for name in {name for step in self.steps for name in step.columns}:
            batch[name] = np.ascontiguousarray(batch[name])
        return batch

    def whole(self, column: str) -> Array | None:
        changed = any(column in step.columns for step in self.steps)
        return None if changed else self.inner.whole(column)

    def fingerprint(self) -> str:
        return self.inner.fingerprint()

    def check_unchanged(self) -> None:
        self.inner.check_unchanged()
