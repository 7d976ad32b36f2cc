"""The memory that running a net takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager

from netlang.analysis.counts import known, weight_bytes
from netlang.analysis.memory import peak
from netlang.ir.graph import Graph
from netlang.system.memory import within_memory


def run_within_memory(
    graph: Graph, sizes: Mapping[str, int], warn: Callable[[str], None]
) -> AbstractContextManager[None]:
    """Warn of a run that may exceed the memory; report the estimate if it does."""
    weights, values = known(weight_bytes(graph)), peak(graph, sizes)
    need = (weights or 0) + (values or 0)
    parts = f"{weights or 0:,} for parameters, {values or 0:,} for activations"
    return within_memory(need, f"`{graph.name}` takes about {need:,} bytes: {parts}", warn)
