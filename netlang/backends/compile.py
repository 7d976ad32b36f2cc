"""The one pipeline from a graph and its parameters to an ONNX model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from netlang.backends.onnx import Model, embed, lower, save
from netlang.backends.opsets import DEFAULT
from netlang.backends.snippets import Language, Preparation, snippet
from netlang.backends.targets import target_of
from netlang.diagnostics import rules
from netlang.diagnostics.errors import USAGE, NetlangError
from netlang.ir.graph import Graph
from netlang.passes.batch_norm import fold_batch_norm
from netlang.passes.dead_code import keep_results
from netlang.passes.pipeline import transform
from netlang.storage.weights import require
from netlang.system.numpy import Array


@dataclass(frozen=True, slots=True)
class CompiledModel:
    """An ONNX model, and its parameters by the names it reads them by."""

    graph: Model
    """The model without its parameters."""
    parameters: Mapping[str, Array]
    folded: int
    """The number of batch norms that were folded into the preceding layers."""
    parameter_counts: tuple[int, int]
    """The number of parameters, trainable or not, before and after folding."""
    computation: Graph
    """What the model computes, as a graph of primitive operators."""
    prepared: Mapping[str, Preparation] = field(default_factory=dict[str, Preparation])
    """What is done to raw examples before they are inputs of the model, by input."""
    layers: Mapping[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    """The path and the kind of the layer that each ONNX node belongs to, if it belongs to one."""

    def __repr__(self) -> str:
        return f"{self.graph.graph.name}: {self.node_count:,} ONNX nodes"

    @property
    def proto(self) -> Model:
        """The whole model as an ``onnx.ModelProto``."""
        return embed(self.graph, self.parameters)

    @property
    def node_count(self) -> int:
        """The number of ONNX nodes, not counting constants and those inside loops or functions."""
        return sum(node.op_type != "Constant" for node in self.graph.graph.node)

    def snippet(self, path: str | Path, language: Language = "python") -> str:
        """Return a short program that runs the model, stored in ``path``, with onnxruntime.

        ``language`` is "python" or "js". An image is prepared as ``netlang run`` does; replace
        other inputs, which are zeros.
        """
        inputs = [entry.name for entry in self.graph.graph.input]
        return snippet(self.computation, inputs, str(path), language, self.prepared)

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
    opset: int = DEFAULT,
    only: Sequence[str] | None = None,
    optimize: bool = True,
    fold: bool = True,
    functions: bool = False,
    source: str | None = None,
    metadata: Mapping[str, str] | None = None,
    prepared: Mapping[str, Preparation] | None = None,
) -> CompiledModel:
    """Optimize a graph and lower it to ONNX.

    ``only`` names the outputs to keep. ``fold`` folds batch normalization into the preceding
    layers and stores recurrent weights in ONNX's layout; without it, the model has exactly the
    parameters of the graph. ``functions`` keeps each block as an ONNX function. Without
    ``optimize`` the graph is lowered as it is: a training step is optimized when it is built,
    because the interpreter runs it too. ``source`` is the path of the program if the model is for
    a file, which does not depend on where it is compiled; then nodes have the line that they come
    from, and otherwise the path too. ``prepared`` is for the snippet. Raises ``WeightsError`` for
    parameters that do not fit.
    """
    require(graph, parameters)
    if only is not None:
        graph = keep_results(graph, _checked(graph, only))
        parameters = {p.path: parameters[p.path] for p in graph.params.values()}
    counts, folded = [_count(parameters)], 0
    if optimize:
        graph = transform(graph)
        nodes = len(graph.nodes)
        if fold:
            graph, parameters = fold_batch_norm(graph, parameters)
        folded = nodes - len(graph.nodes)
    counts.append(_count(parameters))
    model, arrays, layers = lower(
        graph, parameters, opset=opset, partial=only is not None, pack=fold, functions=functions,
        source=source, metadata=metadata,
    )  # fmt: skip
    parameter_counts = counts[0], counts[1]
    return CompiledModel(model, arrays, folded, parameter_counts, graph, prepared or {}, layers)


def _checked(graph: Graph, only: Sequence[str]) -> Sequence[str]:
    """Return names of results; raises ``NetlangError`` for one that there is not."""
    for name in only:
        if name not in graph.results:
            listed = ", ".join(f"`{n}`" for n in graph.results)
            raise NetlangError(
                rules.UNKNOWN_OUTPUT,
                f"`{graph.name}` has no output `{name}`",
                helps=[f"the outputs are: {listed}"],
                exit_code=USAGE,
            )
    return only


def _count(parameters: Mapping[str, Array]) -> int:
    return sum(array.size for array in parameters.values())
