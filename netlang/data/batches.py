"""Rows in batches, prepared beside the training step."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from netlang.data.opening import open_rows
from netlang.data.sampling import shuffled
from netlang.data.source import Batch, Chosen, Epoch, Source
from netlang.diagnostics.errors import FileError
from netlang.evaluate.context.values import Rows
from netlang.system.numpy import np

_MOST_WORKERS = 8


@dataclass(frozen=True, slots=True)
class Batches:
    """The rows of a source, ``size`` at a time.

    The seed and the epoch decide the order, so that an epoch can be entered at any batch. The last
    batch may be smaller, unless ``drop_last`` leaves it out. With ``in_order``, row i of a batch
    is the one that follows row i of the batch before; rows that fill no such batch are left out.
    """

    source: Source
    size: int
    shuffle: bool = False
    in_order: bool = False
    drop_last: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        if (self.in_order or self.drop_last) and len(self.source) < self.size:
            raise FileError(
                f"{self.source.place} has {len(self.source):,} rows, which fill no batch of "
                f"{self.size:,}",
                helps=[f"make the batches smaller: `batches({len(self.source)}, …)`"],
            )

    def __len__(self) -> int:
        """The number of batches in an epoch."""
        whole, rest = divmod(len(self.source), self.size)
        return whole + bool(rest and not self.drop_last and not self.in_order)

    @property
    def rows(self) -> int:
        """The number of rows in an epoch."""
        return min(len(self) * self.size, len(self.source))

    def epoch(
        self, number: int, start: int = 0, *, ahead: int = 2, workers: int | None = None
    ) -> BatchStream:
        """Give the batches of an epoch from batch ``start``, each a dict of arrays by column.

        ``ahead`` batches are prepared beside the caller's work by ``workers`` threads: one, or as
        many as there are cores where rows take long to make. With 0 ahead each is made when it is
        asked for. Close what is not used up. Raises ``NetlangError`` where files that are read on
        the way have changed.
        """
        self.source.check_unchanged()
        source = self.source.during(Epoch(self.seed, number, self.shuffle))
        if workers is None:
            workers = min(_MOST_WORKERS, os.cpu_count() or 1) if source.heavy else 1
        ahead = max(ahead, workers) if ahead else 0
        return BatchStream(source, self._chosen(number, start), ahead, workers)

    def _chosen(self, number: int, start: int) -> Iterator[Chosen]:
        if self.in_order:
            heads = np.arange(self.size) * len(self)
            return (heads + step for step in range(start, len(self)))
        firsts = range(start * self.size, self.rows, self.size)
        if not self.shuffle:
            return (slice(first, min(first + self.size, self.rows)) for first in firsts)
        order = shuffled(self.seed, number, len(self.source))[: self.rows]
        return (order[first : first + self.size] for first in firsts)


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
            self._coming.append(self._pool.submit(self._source.rows, chosen))

    def __next__(self) -> Batch:
        if self._pool is None:
            return self._source.rows(next(self._chosen))
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
        """Stop preparing batches; waits for the one that is under way."""
        self._chosen = iter(())
        self._coming.clear()
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def __enter__(self) -> BatchStream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_batches(rows: Rows, root: Path, seed: int = 0, *, allow_python: bool = False) -> Batches:
    """Open the data of a train section; paths start at ``root``, the program's folder.

    Raises ``NetlangError`` where a file is missing, damaged, or not what the dataset declares.
    """
    given = rows.origin.batches
    return Batches(
        open_rows(rows, root=root, seed=seed, allow_python=allow_python),
        cast("int", given["size"]),
        bool(given["shuffle"]),
        bool(given["in_order"]),
        bool(given["drop_last"]),
        seed,
    )
