"""What is done to a column in a file only once examples of it are read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from netlang.data.fitted import Statistics
from netlang.data.pipeline import Chosen
from netlang.system.numpy import Array, np

_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True, eq=False)
class Later:
    """Values for what is missing, and the statistics to normalize by.

    ``gaps`` says of each number of an example whether it is missing: ``bool[N, K]``.
    """

    gaps: Array | None = None
    fill: tuple[float, ...] = ()
    statistics: Statistics | None = None

    def apply(self, part: Array, chosen: Chosen) -> Array:
        """Return some examples, which are not changed, as training sees them."""
        if self.gaps is not None:
            gaps = self.gaps[chosen].reshape(part.shape)
            part = np.where(gaps, np.array(self.fill, part.dtype).reshape(part.shape[1:]), part)
        return part if self.statistics is None else self.statistics.apply(part)


def is_mapped(array: object) -> bool:
    """Return whether an array is in a file, and not in memory."""
    return isinstance(array, np.memmap)


def statistics_of(examples: Callable[[Chosen], Array], used: Chosen, count: int) -> Statistics:
    """Return what ``Statistics.of`` does, of some of ``count`` examples that are not in memory."""
    numbers = np.arange(count)[used]
    numbers = numbers if len(numbers) else np.arange(count)

    def mean_of(change: Callable[[Array], Array]) -> Array:
        total = np.zeros(1)
        for first in range(0, len(numbers), _CHUNK):
            part = numbers[first : first + _CHUNK]
            wide = examples(part).reshape(len(part), -1).astype(np.float64)
            total = total + change(wide).sum(axis=0)
        return total / len(numbers)

    mean = mean_of(lambda wide: wide)
    std = np.sqrt(mean_of(lambda wide: (wide - mean) ** 2))
    return Statistics(tuple(mean.tolist()), tuple(np.where(std == 0, 1, std).tolist()))
