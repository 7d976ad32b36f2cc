"""A graph and its weights as one ONNX model."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from functools import cache

import onnx
from onnx import helper, numpy_helper

from netlang.backends.onnx.emitter import Emitter
from netlang.backends.onnx.functions import DOMAIN, Functions
from netlang.backends.onnx.layouts import PackedWeights, eliminate_transposes
from netlang.backends.onnx.protos import Model, info, needed, reads, weight
from netlang.backends.opsets import DEFAULT, OPSETS
from netlang.diagnostics import rules
from netlang.diagnostics.errors import USAGE, NetlangError
from netlang.ir.arrays import raw
from netlang.ir.graph import Graph, Value
from netlang.passes.dead_code import eliminate_dead_code
from netlang.storage.weights import require
from netlang.system.numpy import Array
from netlang.system.versions import own_version

_IR_WITH_FUNCTIONS = 8


def embed(model: Model, weights: Mapping[str, Array]) -> Model:
    """Return a model with its weights inside; a model without weights is returned as it is."""
    if not weights:
        return model
    whole = Model()
    whole.CopyFrom(model)
    # They go straight into the copy: a message of more than 2 GiB cannot be copied.
    for name, array in weights.items():
        stored = whole.graph.initializer.add()
        stored.CopyFrom(weight(name, array))
        stored.raw_data = bytes(raw(array))
    return whole


def lower(
    graph: Graph,
    weights: Mapping[str, Array],
    *,
    opset: int = DEFAULT,
    partial: bool = False,
    pack: bool = True,
    functions: bool = False,
    source: str | None = None,
    metadata: Mapping[str, str] | None = None,
) -> tuple[Model, dict[str, Array], dict[str, tuple[str, str]]]:
    """Lower a graph to standard operators; return the weights by the names the model reads.

    The last result has the path and the kind of the layer of each node that belongs to one.

    Inputs and outputs are named as in the signature, sizes by their symbols; a state ``h`` is an
    input ``h`` and an output ``h_next``. A ``partial`` model has only the inputs that it reads;
    ``pack`` stores the weights of recurrent nodes in the layout that these nodes expect;
    ``functions`` keeps each block of the program as a function. With
    ``source``, the path of the program, no path is in the model. Raises ``WeightsError`` for
    weights that do not match.
    """
    if opset not in OPSETS:
        raise NetlangError(
            rules.UNKNOWN_OPSET,
            f"opset {opset} is not one that can be written",
            helps=[f"choose one from {OPSETS[0]} to {OPSETS[-1]}"],
            exit_code=USAGE,
        )
    require(graph, weights)
    results = graph.results
    emitter = Emitter(graph, opset, source)
    emitter.names = _first_names(graph)
    for node in eliminate_dead_code(graph).nodes:
        emitter.lower(node)
    emitter.finish(results)
    named = {emitter.names[value]: weights[p.path] for value, p in graph.params.items()}
    packed = _optimize_layouts(emitter, results, named, pack=pack)
    blocks = _grouped(emitter, results) if functions else []
    used = {name for proto in emitter.nodes for name in reads(proto)}
    model = _model(graph, emitter, results, used, blocks, partial=partial, metadata=metadata)
    kept = used if pack else named.keys()
    arrays = {name: array for name, array in (named | packed).items() if name in kept}
    return model, arrays, emitter.layers


def _optimize_layouts(
    emitter: Emitter, results: Iterable[str], weights: Mapping[str, Array], *, pack: bool
) -> dict[str, Array]:
    """Remove the nodes that only reorder elements; return the weights reordered in advance."""

    def known(name: str) -> Array | None:
        if name in emitter.constants:
            return numpy_helper.to_array(emitter.constants[name])
        return weights.get(name)

    results = list(results)
    nodes = eliminate_transposes(emitter.nodes, results)
    arrays = PackedWeights(nodes, known).arrays if pack else {}
    emitter.nodes = needed(nodes, results)
    return arrays


def _grouped(emitter: Emitter, results: Iterable[str]) -> list[onnx.FunctionProto]:
    """Replace the nodes of blocks by calls of functions, and return these."""
    constants = {node.name: node for node in _constants(emitter, emitter.constants)}
    functions = Functions(emitter.calls, emitter.location, constants, emitter.opsets)
    emitter.nodes = functions.group(emitter.nodes, results)
    return functions.protos


def _first_names(graph: Graph) -> dict[Value, str]:
    """Return the names of inputs, states and weights; a weight named like an output is renamed."""
    names = {v: v.name for v in (*graph.inputs, *(s.value for s in graph.states))}
    taken = {*names.values(), *graph.results}
    for value, param in graph.params.items():
        names[value] = f"{param.path}/" if param.path in taken else param.path
    return names


@cache
def _own_version() -> str:
    # The lookup reads files, which takes longer than writing a small model.
    return own_version()


def _description(graph: Graph) -> str:
    """Return the ``##`` comment of the net."""
    scope = next((node.scope for node in graph.nodes if node.scope is not None), None)
    while scope is not None and scope.parent is not None:
        scope = scope.parent
    return scope.doc if scope is not None and scope.kind == graph.name else ""


def _constants(emitter: Emitter, used: Container[str]) -> Iterable[onnx.NodeProto]:
    """Return the constants as nodes: the initializers of a model are its parameters."""
    for name, value in emitter.constants.items():
        if name in used:
            yield helper.make_node("Constant", [], [name], name=name, value=value)


def _model(
    graph: Graph,
    emitter: Emitter,
    results: Mapping[str, Value],
    used: set[str],
    functions: Sequence[onnx.FunctionProto],
    *,
    partial: bool,
    metadata: Mapping[str, str] | None,
) -> Model:
    made = {name for proto in emitter.nodes for name in proto.output}
    nodes = [*_constants(emitter, used), *emitter.nodes]
    entries = (*graph.inputs, *(s.value for s in graph.states))
    inner = {n: v for v, n in emitter.names.items() if n in made and n not in results}
    proto = helper.make_graph(
        nodes,
        graph.name,
        [info(v.name, v.type) for v in entries if not partial or v.name in used],
        [info(name, value.type) for name, value in results.items()],
        doc_string=_description(graph),
        value_info=[info(name, value.type) for name, value in inner.items()],
    )
    opsets = [each for each in emitter.opsets if functions or each.domain != DOMAIN]
    oldest = helper.find_min_ir_version_for(opsets[:1])
    model = helper.make_model(
        proto,
        functions=functions,
        opset_imports=opsets,
        producer_name="netlang",
        producer_version=_own_version(),
        ir_version=max(oldest, _IR_WITH_FUNCTIONS) if functions else oldest,
    )
    units = ", ".join(f"{name} % {unit} == 0" for name, unit in graph.units.items() if unit > 1)
    properties = {"netlang.net": graph.name} | ({"netlang.where": units} if units else {})
    helper.set_model_props(model, properties | dict(metadata or {}))
    return model
