"""Saying what a run takes before it is begun, and again where it did not fit."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from netlang.analysis.counts import known, weight_bytes
from netlang.analysis.memory import peak
from netlang.cli.output import warn
from netlang.faults import ENVIRONMENT, Fault
from netlang.machine import memory_left

if TYPE_CHECKING:
    from netlang.ir.graph import Graph


@contextmanager
def within_memory(graph: Graph, sizes: Mapping[str, int]) -> Generator[None]:
    """Warn of a run that memory does not hold; where it fails for that, tell the estimate."""
    weights, values = known(weight_bytes(graph)), peak(graph, sizes)
    need = (weights or 0) + (values or 0)
    parts = f"{weights or 0:,} for weights, {values or 0:,} for what layers hand on"
    said = f"`{graph.name}` takes about {need:,} bytes: {parts}"
    left = memory_left()
    if left is not None and need > left:
        warn(f"warning[out-of-memory]: {said}; there are {left:,}")
    try:
        yield
    except MemoryError:
        raise _out_of_memory("there is not enough memory", said) from None
    except Fault as fault:
        if fault.rule != "out-of-memory":
            raise
        raise _out_of_memory(fault.message, said) from None


def _out_of_memory(message: str, said: str) -> Fault:
    return Fault(
        "out-of-memory",
        message,
        notes=[said],
        helps=["take a smaller batch or smaller inputs, or allow it more memory (ulimit -v)"],
        exit_code=ENVIRONMENT,
    )
