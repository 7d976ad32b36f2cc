"""What the graph of a batch measures, as accumulators that are added up over batches."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field

from netlang.analysis.accumulators import Accumulator, Accumulators, Decomposition
from netlang.ir.graph import Value


@dataclass(frozen=True, slots=True)
class Measures:
    """The metrics of a graph by name, and its accumulators by the name of the output.

    A metric that is an accumulator itself is the output of its own name. Those of other metrics
    are ``NAME.sum1``, ``NAME.mean2``, …
    """

    metrics: Mapping[str, Decomposition]
    accumulators: Mapping[str, Accumulator]
    names: Mapping[Value, str] = field(repr=False)
    """The name of each accumulator."""

    @property
    def outputs(self) -> dict[str, Value]:
        """Every output of the graph, in terms of the program's values."""
        found = {name: metric.value for name, metric in self.metrics.items()}
        return found | {name: each.value for name, each in self.accumulators.items()}

    def of(self, metric: str) -> list[str]:
        """Return the names of the accumulators of a metric."""
        values = {each.value for each in self.metrics[metric].accumulators}
        return [name for name, each in self.accumulators.items() if each.value in values]


def measures(
    values: Mapping[str, Value], analysis: Accumulators, losses: Container[str]
) -> Measures:
    """Return how to measure some scalars, by name, over several batches.

    Examples are stored for metrics that compare them, but not for ``losses``.
    """
    metrics = {
        name: analysis.decompose(value, store=name not in losses) for name, value in values.items()
    }
    names: dict[Value, str] = {}
    for name, value in values.items():
        names.setdefault(value, name)
    found: dict[str, Accumulator] = {}
    for name, metric in metrics.items():
        for number, each in enumerate(metric.accumulators, 1):
            if each.kind != "size":
                key = names.setdefault(each.value, f"{name}.{each.kind}{number}")
                found.setdefault(key, each)
    return Measures(metrics, found, names)
