"""Examples in batches, prepared in parallel to the training step."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from netlang.data.sampling import shuffled
from netlang.data.source import Batch, Chosen, Epoch, Source
from netlang.diagnostics.errors import FileError
from netlang.system.numpy import Array, np

_MOST_WORKERS = 8


@dataclass(frozen=True, slots=True)
class Batches:
    """The examples of a source, ``size`` at a time.

    The seed and the epoch decide the order, so that an epoch can be resumed at any batch. The last
    batch may be smaller, unless ``drop_last`` leaves it out. With ``in_order``, example i of a
    batch follows example i of the previous batch; examples that fill no such batch are left out.
    """

    source: Source
    size: int
    shuffle: bool = False
    in_order: bool = False
    drop_last: bool = False
    seed: int = 0
    part: tuple[int, int] = (0, 1)
    """Which part of each batch is read, and into how many equal parts a batch is divided."""

    def __post_init__(self) -> None:
        if (self.in_order or self.drop_last) and len(self.source) < self.size:
            raise FileError(
                f"{self.source.place} has {len(self.source):,} examples, which fill no batch of "
                f"{self.size:,}",
                helps=[f"make the batches smaller: `batches({len(self.source)}, …)`"],
            )

    def __len__(self) -> int:
        """The number of batches in an epoch."""
        whole, rest = divmod(len(self.source), self.size)
        return whole + bool(rest and not self.drop_last and not self.in_order)

    @property
    def examples(self) -> int:
        """The number of examples in an epoch."""
        return min(len(self) * self.size, len(self.source))

    def parts(self, batch: int) -> list[int]:
        """Return how many examples each part of a batch of an epoch has; the last may be empty."""
        examples, size = min(self.size, self.examples - batch * self.size), self.part_size
        return [min(size, max(0, examples - i * size)) for i in range(self.part[1])]

    @property
    def part_size(self) -> int:
        """The number of examples in a part of a batch."""
        return self.size // self.part[1]

    def epoch(
        self, number: int, start: int = 0, *, ahead: int = 2, workers: int | None = None
    ) -> BatchStream:
        """Return the batches of an epoch from batch ``start``, each a dict of arrays by column.

        ``ahead`` batches are prepared in parallel to the caller's work by ``workers`` threads: one,
        or one per core where examples take long to make. With 0 ahead, each is made when it is
        requested. A part of a batch without any examples is empty. Close a stream that is not used
        up. Raises ``NetlangError`` where files that are still read have changed.
        """
        self.source.check_unchanged()
        source = self.source.during(Epoch(self.seed, number, self.shuffle))
        if workers is None:
            workers = min(_MOST_WORKERS, os.cpu_count() or 1) if source.heavy else 1
        ahead = max(ahead, workers) if ahead else 0
        first, size = self.part[0] * self.part_size, self.part_size
        whole = self._chosen(number, start)
        chosen = whole if self.part[1] == 1 else (_part(c, first, size) for c in whole)
        return BatchStream(source, chosen, ahead, workers)

    def numbers(self, epoch: int) -> Iterator[Array]:
        """Yield the numbers of the examples of each batch of an epoch."""
        for chosen in self._chosen(epoch, 0):
            yield np.arange(chosen.start, chosen.stop) if isinstance(chosen, slice) else chosen

    def _chosen(self, number: int, start: int) -> Iterator[Chosen]:
        if self.in_order:
            heads = np.arange(self.size) * len(self)
            return (heads + step for step in range(start, len(self)))
        firsts = range(start * self.size, self.examples, self.size)
        if not self.shuffle:
            return (slice(first, min(first + self.size, self.examples)) for first in firsts)
        order = shuffled(self.seed, number, len(self.source))[: self.examples]
        return (order[first : first + self.size] for first in firsts)


def _part(chosen: Chosen, first: int, size: int) -> Chosen:
    """Return some of the chosen examples, as they were chosen: by number, or as a slice."""
    if isinstance(chosen, slice):
        start = min(chosen.start + first, chosen.stop)
        return slice(start, min(start + size, chosen.stop))
    return chosen[first : first + size]


class BatchStream(Iterator[Batch]):
    """The batches of one epoch; closing it stops what is being prepared."""

    def __init__(self, source: Source, chosen: Iterator[Chosen], ahead: int, workers: int) -> None:
        self._source, self._chosen = source, chosen
        self._pool = ThreadPoolExecutor(workers, "netlang-data") if ahead else None
        self._coming: deque[Future[Batch]] = deque()
        for _ in range(ahead):
            self._prepare()

    def _prepare(self) -> None:
        chosen = next(self._chosen, None)
        if chosen is not None and self._pool is not None:
            self._coming.append(self._pool.submit(self._examples, chosen))

    def _examples(self, chosen: Chosen) -> Batch:
        count = chosen.stop - chosen.start if isinstance(chosen, slice) else len(chosen)
        return self._source.examples(chosen) if count else {}

    def __next__(self) -> Batch:
        if self._pool is None:
            return self._examples(next(self._chosen))
        if not self._coming:
            self.close()
            raise StopIteration
        try:
            batch = self._coming.popleft().result()
        except BaseException:
            self.close()
            raise
        self._prepare()
        return batch

    def close(self) -> None:
        """Stop preparing batches, and wait for the current one."""
        self._chosen = iter(())
        self._coming.clear()
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def __enter__(self) -> BatchStream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
