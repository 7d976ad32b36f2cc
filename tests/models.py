"""Graphs as ONNX models, as they are: nothing is optimized."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from netlang.backends.compile import compile_graph
from netlang.backends.onnx import Model
from netlang.ir.graph import Graph
from netlang.system.numpy import Array


def to_onnx(
    graph: Graph,
    weights: Mapping[str, Array],
    *,
    opset: int = 18,
    only: Sequence[str] | None = None,
    metadata: Mapping[str, str] | None = None,
) -> Model:
    """Return the model of a graph with its parameters inside."""
    return compile_graph(
        graph, weights, opset=opset, only=only, optimize=False, metadata=metadata
    ).proto
