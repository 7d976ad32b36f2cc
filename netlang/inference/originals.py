"""Comparison of a network with the model of another format that it was imported from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace as dataclass_replace
from itertools import pairwise

from msgspec.structs import replace

from netlang.analysis.counts import known, weight_bytes
from netlang.analysis.memory import peak
from netlang.backends.compile import compile_graph
from netlang.backends.onnx.foreign import Foreign, with_outputs
from netlang.backends.ort import ExecutionError, Session
from netlang.diagnostics.errors import InputError, TooLargeError
from netlang.inference.verification import (
    INTEGERS,
    Comparison,
    choose_sizes,
    compare,
    sample_inputs,
)
from netlang.ir.dims import bind
from netlang.ir.graph import Graph, Value
from netlang.system.memory import available_memory
from netlang.system.numpy import Array, np

BEFORE = " before softmax"
ROUNDED = 0.1
"""The part of its largest element by which a quantized output may differ: some 8-bit steps."""

HALF = 5e-3
"""The same for an output in f16, of which a few steps may be rounded in another order."""

_MOVING = ("Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose")


def compare_with_original(
    foreign: Foreign,
    graph: Graph,
    weights: Mapping[str, Array],
    inputs: Sequence[str],
    *,
    seed: int = 0,
    rounded: bool = False,
) -> list[Comparison]:
    """Run a network and the model it comes from in onnxruntime on the same random input.

    ``inputs`` are the names in the file of the inputs of the graph. Where an output is a softmax,
    what is before it is compared too: probabilities that are almost 0 or 1 hide differences. A
    model that rounds values to 8 bits may differ by ``ROUNDED`` of the largest element.
    """
    names = list(foreign.outputs)
    outputs = dict(zip(graph.outputs, names, strict=True))
    before = _before_softmax(foreign, graph)
    sizes = choose_sizes(graph, {})
    _check_memory(graph, sizes)
    session = Session(with_outputs(foreign.path, [name for name, _ in before.values()]))
    feeds, expected = _run_original(session, graph, inputs, sizes, seed)
    del session
    extra = {f"{name}{BEFORE}": value for name, (_, value) in before.items()}
    opened = replace(graph, outputs=dict(graph.outputs) | extra)
    # Batch norms stay as they are: folding them changes the last digits.
    model = compile_graph(opened, weights, fold=False)
    actual = Session(model.proto).run(feeds)
    wanted = outputs | {f"{name}{BEFORE}": theirs for name, (theirs, _) in before.items()}
    compared = [
        compare(ours, actual[ours].reshape(expected[theirs].shape), expected[theirs])
        for ours, theirs in wanted.items()
    ]
    if rounded:
        return [_within(each, ROUNDED) for each in compared]
    return [
        _within(each, HALF) if actual[each.name].dtype == np.float16 else each for each in compared
    ]


def _check_memory(graph: Graph, sizes: Mapping[str, int]) -> None:
    """Raise ``TooLargeError`` for a model that cannot be run to compare it."""
    left, given = available_memory(), known(weight_bytes(graph)) or 0
    arrays = [bind(size, sizes) for v in graph.inputs for size in [v.type.size]]
    need = given + 8 * sum(arrays) + (peak(graph, sizes) or 0)
    if left is not None and need > left:
        raise TooLargeError(
            f"comparing `{graph.name}` with the original takes about {need:,} bytes; "
            f"there are {left:,}"
        )


def _within(compared: Comparison, relative: float) -> Comparison:
    return dataclass_replace(compared, tolerance=relative * compared.largest)


def _run_original(
    session: Session,
    graph: Graph,
    inputs: Sequence[str],
    sizes: Mapping[str, int],
    seed: int,
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Run the original, with integers from the widest range in which every look-up succeeds."""
    ranges = INTEGERS if any(v.type.dtype.is_integer for v in graph.inputs) else INTEGERS[-1:]
    for below, narrower in pairwise((*ranges, 0)):
        feeds = sample_inputs(graph, sizes, seed, below=below)
        theirs = {name: feeds[v.name] for name, v in zip(inputs, graph.inputs, strict=True)}
        try:
            return feeds, session.run(theirs)
        except (InputError, ExecutionError):
            if not narrower:
                raise
    raise AssertionError("the last range returns or raises")


def _before_softmax(foreign: Foreign, graph: Graph) -> dict[str, tuple[str, Value]]:
    """Return the values before the softmax of outputs: their names in the file, and ours."""
    makers = {name: node for node in foreign.nodes for name in node.outputs}
    ours = {v: node for node in graph.nodes for v in node.outputs}
    found: dict[str, tuple[str, Value]] = {}
    for (name, value), theirs in zip(graph.outputs.items(), foreign.outputs, strict=True):
        node, made = makers.get(theirs), ours.get(value)
        while node is not None and node.kind in _MOVING:
            node = makers.get(node.inputs[0])
        while made is not None and (made.op.view or made.op.name == "transpose"):
            made = ours.get(made.inputs[0])
        if node is None or made is None:
            continue
        if node.kind in ("Softmax", "LogSoftmax") and made.op.name.endswith("softmax"):
            found[name] = (node.inputs[0], made.inputs[0])
    return found
