"""Programs generated for NumPy, executed in a test."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from netlang.codegen.numpy_program.program import numpy_program
from netlang.ir.graph import Graph
from netlang.system.numpy import Array


def compute(
    graph: Graph, feeds: Mapping[str, Array], weights: Mapping[str, Array]
) -> dict[str, Array]:
    """Generate the program of a graph and call the function of the net."""
    names: dict[str, Any] = {"__name__": "program"}
    exec(compile(numpy_program(graph, lambda name: None, ""), graph.name, "exec"), names)
    inputs = [feeds[value.name] for value in graph.inputs]
    states = [feeds[state.value.name] for state in graph.states]
    arguments = [*inputs, *([nested(weights)] if graph.params else []), *states]
    with np.errstate(all="ignore"):
        return {name: np.asarray(a) for name, a in names[graph.name](*arguments).items()}


def nested(weights: Mapping[str, Array]) -> dict[str | int, Any]:
    """Return weights as `load` in a program does."""
    found: dict[str | int, Any] = {}
    for path, array in weights.items():
        *outer, last = (int(part) if part.isdigit() else part for part in path.split("."))
        inner = found
        for key in outer:
            inner = inner.setdefault(key, {})
        inner[last] = array
    return found
