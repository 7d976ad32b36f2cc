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
    """Return what ``Statistics.of`` does, of some of ``count`` examples that are not in memory.

    The mean and the squares around it are those of all parts together: Chan et al., 1979.
    """
    total, mean, squares = 0, np.zeros(1), np.zeros(1)
    for part in _parts(used, count) or _parts(slice(None), count):
        given = examples(part)
        wide = given.reshape(len(given), -1).astype(np.float64)
        own = wide.mean(axis=0)
        wide -= own
        difference, all_ = own - mean, total + len(wide)
        squares = squares + (wide * wide).sum(axis=0)
        squares += difference**2 * (total * len(wide) / all_)
        mean, total = mean + difference * (len(wide) / all_), all_
    std = np.sqrt(squares / total)
    return Statistics(tuple(mean.tolist()), tuple(np.where(std == 0, 1, std).tolist()))


def _parts(used: Chosen, count: int) -> list[Chosen]:
    """Return indices some thousand at a time."""
    if isinstance(used, slice) and used.step in (None, 1):
        first, last, _ = used.indices(count)
        return [slice(i, min(i + _CHUNK, last)) for i in range(first, last, _CHUNK)]
    numbers = np.arange(count)[used]
    return [numbers[i : i + _CHUNK] for i in range(0, len(numbers), _CHUNK)]
