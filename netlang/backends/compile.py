"""The one pipeline from a graph and its parameters to an ONNX model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from netlang.backends.onnx import Model, embed, lower, save
from netlang.backends.targets import target_of
from netlang.ir.graph import Graph
from netlang.passes.batch_norm import fold_batch_norm
from netlang.passes.pipeline import transform
from netlang.storage.weights import require
from netlang.system.numpy import Array


@dataclass(frozen=True, slots=True)
class CompiledModel:
    """An ONNX model, and its parameters by the names it reads them by."""

    graph: Model
    """The model without its parameters."""
    parameters: Mapping[str, Array]

    def __repr__(self) -> str:
        return f"{self.graph.graph.name}: {self.node_count:,} ONNX nodes"

    @property
    def proto(self) -> Model:
        """The whole model as an ``onnx.ModelProto``."""
        return embed(self.graph, self.parameters)

    @property
    def node_count(self) -> int:
        """The number of ONNX nodes, not counting those inside loops."""
        return len(self.graph.graph.node)

    def save(self, path: str | Path) -> tuple[Path, ...]:
        """Write the model and return the files written.

        Parameters that take more than 1 GiB go to ``<path>.data`` in the same folder. Raises
        ``NetlangError`` for a path that does not end in ``.onnx``.
        """
        target_of(Path(path), "onnx")
        unsaved = Model()
        unsaved.CopyFrom(self.graph)  # saving moves what is large out of a model
        return save(unsaved, Path(path), dict(self.parameters))


def compile_graph(
    graph: Graph,
    parameters: Mapping[str, Array],
    *,
    opset: int = 18,
    only: Sequence[str] | None = None,
    optimize: bool = True,
    fold: bool = True,
    metadata: Mapping[str, str] | None = None,
) -> CompiledModel:
    """Optimize a graph and lower it to ONNX.

    ``only`` names the outputs to keep. ``fold`` folds batch normalization into the preceding
    layers. Without ``optimize`` the graph is lowered as it is: a training step is optimized when
    it is built, because the interpreter runs it too. Raises ``WeightsError`` for parameters that
    do not fit.
    """
    require(graph, parameters)
    if optimize:
        graph = transform(graph)
        if fold:
            graph, parameters = fold_batch_norm(graph, parameters)
    return CompiledModel(*lower(graph, parameters, opset=opset, only=only, metadata=metadata))
