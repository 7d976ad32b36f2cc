"""Sums over batches, and the metrics that follow from them.

All that is stored are sums, in float64: those of several parts of a dataset can be added. Only for
metrics that compare examples, these are stored too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from netlang.analysis.accumulators import (
    BATCH,
    RESULT,
    Accumulator,
    Decomposition,
    axis_of_examples,
    batch_sizes,
)  # fmt: skip
from netlang.ir.arrays import numpy_dtype
from netlang.ir.dims import bind
from netlang.ir.graph import Value
from netlang.ir.types import F64
from netlang.system.numpy import Array, np
from netlang.training.step.measures import Measures

Arrays = Mapping[str, Array]


@dataclass(slots=True)
class Totals:
    """Sums over the batches that were added.

    ``sums`` has the sum of each accumulator by name; a mean is multiplied by its count, and the
    sum of these is in ``counts``. ``stored`` has the tensors of examples, one for each batch or
    more. ``columns`` are those of a batch.
    """

    measures: Measures
    columns: Mapping[str, Value]
    sums: dict[str, Array] = field(default_factory=dict[str, Array])
    counts: dict[str, int] = field(default_factory=dict[str, int])
    stored: dict[str, list[Array]] = field(default_factory=dict[str, "list[Array]"])
    examples: int = 0

    def add(self, found: Arrays, batch: Arrays) -> None:
        """Add what a graph returned for a batch; what is not an accumulator is left out."""
        sizes = self.sizes(batch)
        self.examples += sizes[BATCH]
        for name, each in self.measures.accumulators.items():
            if name not in found:
                continue
            if each.kind == "examples":
                self.stored.setdefault(name, []).append(found[name])
                continue
            value = np.asarray(found[name], np.float64)
            if each.kind == "mean":
                count = bind(each.count, sizes)
                value = value * count
                self.counts[name] = self.counts.get(name, 0) + count
            self.sums[name] = self.sums[name] + value if name in self.sums else value

    def merge(self, other: Totals) -> None:
        """Add the sums over other batches."""
        self.examples += other.examples
        for name, value in other.sums.items():
            self.sums[name] = self.sums[name] + value if name in self.sums else value
        for name, count in other.counts.items():
            self.counts[name] = self.counts.get(name, 0) + count
        for name, arrays in other.stored.items():
            self.stored.setdefault(name, []).extend(arrays)

    def restore(
        self, sums: Mapping[str, list[float]], counts: Mapping[str, int], examples: int,
        stored: Arrays,
    ) -> None:  # fmt: skip
        """Continue from sums whose elements are in lists; a metric that is new has none."""
        self.stored = {name: [array] for name, array in stored.items()}
        for name, each in self.measures.accumulators.items():
            if len(sums.get(name, ())) == each.value.type.size:
                shape = [size for size in each.value.type.shape if isinstance(size, int)]
                self.sums[name] = np.reshape(sums[name], shape)
        self.counts, self.examples = dict(counts), examples

    def sizes(self, batch: Arrays) -> dict[str, int]:
        """Return the sizes of a batch by symbol."""
        shapes = {name: array.shape for name, array in batch.items()}
        known = batch_sizes(self.columns, shapes)
        return {BATCH: next(iter(shapes.values()))[0], **known}

    def total(self, each: Accumulator) -> Array:
        """Return the value of an accumulator over all batches."""
        match each.kind:
            case "size":
                return np.asarray(float(bind(each.count, {BATCH: self.examples})))
            case "sum":
                return self._sum(each)
            case "examples":
                return self.joined(self.measures.names[each.value])
            case "mean":
                count = self.counts.get(self.measures.names[each.value], 0)
                with np.errstate(invalid="ignore", divide="ignore"):
                    return np.divide(self._sum(each), count)

    def joined(self, name: str) -> Array:
        """Return the stored examples of an accumulator as one tensor; at least one is stored."""
        axis = axis_of_examples(self.measures.accumulators[name].value)
        self.stored[name] = [np.concatenate(self.stored[name], axis)]
        return self.stored[name][0]

    def _sum(self, each: Accumulator) -> Array:
        found = self.sums.get(self.measures.names[each.value])
        return np.asarray(np.nan) if found is None else found

    def values(self) -> dict[str, float]:
        """Return every metric over all batches."""
        return {name: self._value(metric) for name, metric in self.measures.metrics.items()}

    def _value(self, metric: Decomposition) -> float:
        totals = {each.value: self.total(each) for each in metric.accumulators}
        if not metric.nodes:
            return float(totals[metric.value])
        from netlang.backends import reference

        feeds = {
            v.name: array if v.type.dtype.is_float else array.astype(numpy_dtype(v.type.dtype))
            for v, array in totals.items()
        }
        sizes = {BATCH: self.examples}
        return float(reference.run(metric.finish, feeds, {}, dtype=F64, sizes=sizes)[RESULT])
