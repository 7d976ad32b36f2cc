"""Batch normalization folded into the preceding layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain, count

from msgspec.structs import replace

from netlang.ir.backward_slice import producers
from netlang.ir.graph import Builder, Graph, Init, Node, Param, Value, Values
from netlang.ir.types import TensorType
from netlang.ops.reducing.linear import Linear
from netlang.ops.reducing.normalization import NormalizeBatch
from netlang.ops.windows.convolution import Convolve
from netlang.passes.dead_code import eliminate_dead_code
from netlang.passes.replay import copy_node, replay, uses
from netlang.system.numpy import Array, np


@dataclass(frozen=True, slots=True)
class _Pair:
    """A layer with weights, and the normalization that is the only reader of its result."""

    layer: Node
    norm: Node


def fold_batch_norm(graph: Graph, weights: Mapping[str, Array]) -> tuple[Graph, dict[str, Array]]:
    """Fold each normalization that follows a convolution or dense layer into its weights.

    The statistics are those in ``weights``, so the result is for evaluation. A layer without a bias
    gets one, named ``bias`` next to its weight. Weights with other uses are not changed.
    """
    pairs = {pair.norm: pair for pair in _pairs(graph)}
    folded = dict(weights)
    params = dict(graph.params)

    layers = {pair.layer for pair in pairs.values()}
    operands: dict[Node, Value] = {}

    def emit(builder: Builder, node: Node, inputs: Values) -> Values:
        if node in layers:
            operands[node] = inputs[0]
        pair = pairs.get(node)
        if pair is None:
            return copy_node(builder, node, inputs)
        layer = pair.layer
        weight, bias = _fold(pair, params, folded)
        builder.scope, builder.span = layer.scope, layer.span
        builder.adopt((bias,))
        return builder.add(layer.op, operands[layer], weight, bias, name=node.outputs[0].name)

    rebuilt = eliminate_dead_code(replace(replay(graph, emit), params=params))
    gone = {v for pair in pairs.values() for v in pair.norm.inputs[1:]} - uses(rebuilt).keys()
    left = {v: p for v, p in params.items() if v not in gone}
    paths = {p.path for p in left.values()}
    dropped = {params[v].path for v in gone} - paths
    return replace(rebuilt, params=left), {n: a for n, a in folded.items() if n not in dropped}


def _pairs(graph: Graph) -> list[_Pair]:
    counts = uses(graph)
    made_by = producers(graph.nodes)
    found: list[_Pair] = []
    for node in graph.nodes:
        if not isinstance(node.op, NormalizeBatch):
            continue
        layer = made_by.get(node.inputs[0])
        if layer is None or not isinstance(layer.op, Convolve | Linear):
            continue
        if isinstance(layer.op, Linear) and node.inputs[0].type.rank != 2:
            continue
        own = (node.inputs[0], *layer.inputs[1:])
        known = all(v in graph.params for v in (*layer.inputs[1:], *node.inputs[1:]))
        if known and all(counts[v] == 1 for v in own):
            found.append(_Pair(layer, node))
    return found


def _fold(
    pair: _Pair, params: dict[Value, Param], weights: dict[str, Array]
) -> tuple[Value, Value]:
    """Store the folded weight and bias; return their values."""
    op = pair.norm.op
    assert isinstance(op, NormalizeBatch)
    scale, shift, mean, var = (
        weights[params[v].path].astype(np.float64) for v in pair.norm.inputs[1:]
    )
    weight = pair.layer.inputs[1]
    path = params[weight].path
    before = weights[path]
    slope = scale / np.sqrt(var + op.eps)
    by_filter = slope.reshape(-1, *(1,) * (before.ndim - 1))
    # Rounded once, element by element: the whole product in float64 would take memory.
    weights[path] = np.multiply(before, by_filter, out=np.empty_like(before), casting="same_kind")
    if len(pair.layer.inputs) > 2:
        bias = pair.layer.inputs[2]
        offset = weights[params[bias].path].astype(np.float64)
    else:
        bias = _new_bias(params, params[weight])
        offset = np.zeros_like(mean)
    weights[params[bias].path] = ((offset - mean) * slope + shift).astype(before.dtype)
    return weight, bias


def _new_bias(params: dict[Value, Param], weight: Param) -> Value:
    """Declare a bias next to a weight, under an unused path."""
    stem = ".".join((*weight.path.split(".")[:-1], "bias"))
    taken = {p.path for p in params.values()} | {v.name for v in params}
    path = next(p for p in chain([stem], (f"{stem}{i}" for i in count(2))) if p not in taken)
    type = TensorType(weight.type.dtype, weight.type.shape[:1])
    value = Value(path, type)
    params[value] = Param(path, type, Init("constant", (0.0,)), weight.trained, weight.span)
    return value
