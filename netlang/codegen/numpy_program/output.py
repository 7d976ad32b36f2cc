"""A NumPy program and its parameters in files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from netlang.codegen.numpy_program.graphs import nodes_of
from netlang.codegen.numpy_program.program import Definitions, numpy_program
from netlang.diagnostics import rules
from netlang.diagnostics.errors import NetlangError
from netlang.ir.graph import Graph, written_at
from netlang.ir.types import DType
from netlang.storage.npy import write_npz
from netlang.storage.weights import require
from netlang.system.files import write_atomically
from netlang.system.numpy import Array


def write_program(
    graph: Graph, parameters: Mapping[str, Array], definitions: Definitions, path: Path
) -> tuple[Path, ...]:
    """Write a net as a program, and its parameters as a .npz file next to it; return the files.

    Raises ``NetlangError`` for a net that NumPy cannot compute.
    """
    _check(graph)
    require(graph, parameters)
    weights = path.with_suffix(".npz")
    text = numpy_program(graph, definitions, weights.name)
    files = (path, weights) if graph.params else (path,)
    if graph.params:
        write_npz(weights, parameters)
    write_atomically(path, [text.encode()])
    return files


def _check(graph: Graph) -> None:
    """Raise ``NetlangError`` for what has no counterpart in NumPy."""
    for node in nodes_of(graph):
        extern = node.op.python_function()
        if extern is not None and not extern[0]:
            raise NetlangError(
                rules.NOT_IN_NUMPY,
                f"the `extern op` that {written_at(node)} calls has no function for NumPy",
                notes=["a NumPy program calls the Python function that an `extern op` names"],
                helps=['add it to the `extern op`: `numpy = "package:function"`'],
            )
        if any(value.type.dtype is DType.BF16 for value in (*node.inputs, *node.outputs)):
            raise NetlangError(
                rules.NOT_IN_NUMPY,
                f"{written_at(node)} computes with bf16, which NumPy does not have",
                helps=["use f16 or f32, or compile to ONNX"],
            )
