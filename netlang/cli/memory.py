"""What a run of a net takes."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from netlang.analysis.counts import known, weight_bytes
from netlang.analysis.memory import peak
from netlang.cli.output import warn
from netlang.system.machine import within_memory

if TYPE_CHECKING:
    from netlang.ir.graph import Graph


def run_within_memory(graph: Graph, sizes: Mapping[str, int]) -> AbstractContextManager[None]:
    """Warn of a run that memory does not hold; where it fails for that, tell the estimate."""
    weights, values = known(weight_bytes(graph)), peak(graph, sizes)
    need = (weights or 0) + (values or 0)
    parts = f"{weights or 0:,} for parameters, {values or 0:,} for activations"
    return within_memory(need, f"`{graph.name}` takes about {need:,} bytes: {parts}", warn)
