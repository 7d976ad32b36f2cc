"""Weights in and out of files, by path."""

from __future__ import annotations

from collections.abc import Mapping

from netlang.arrays import show_array, type_of
from netlang.faults import BadWeights
from netlang.ir.graph import Graph
from netlang.numeric import Array


def match(graph: Graph, weights: Mapping[str, Array]) -> list[str]:
    """List every difference between the weights a graph needs and those given.

    A line each: missing, extra, wrong shape, wrong element type.
    """
    differences: list[str] = []
    needed = {param.path: param for param in graph.params.values()}
    for path, param in needed.items():
        given = weights.get(path)
        if given is None:
            differences.append(f"missing: `{path}` {param.type}")
        elif type_of(given) != param.type:
            differences.append(f"different: `{path}` must be {param.type}, is {show_array(given)}")
    differences.extend(
        f"extra: `{path}` {show_array(array)}"
        for path, array in weights.items()
        if path not in needed
    )
    return differences


def require(graph: Graph, weights: Mapping[str, Array]) -> None:
    """Raise ``BadWeights`` unless the weights are those of the graph; extra ones may be there."""
    differences = [d for d in match(graph, weights) if not d.startswith("extra:")]
    if differences:
        count = f"{len(differences)} difference{'s' if len(differences) > 1 else ''}"
        raise BadWeights(f"the weights do not fit `{graph.name}`: {count}", notes=differences)
