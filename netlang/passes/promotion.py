"""Promotion of graphs to float64."""

from __future__ import annotations

from msgspec.structs import replace

from netlang.ir.graph import Builder, Graph, Param, State, Value, types
from netlang.ir.op import Primitive
from netlang.ir.types import F32, F64, TensorType
from netlang.ops.elementwise.choice import Cast
from netlang.ops.looping.scan import Scan


def promote(graph: Graph) -> Graph:
    """Return a graph that computes in f64 instead of f32, under the same names.

    Results that are f32 whatever the operands are, such as random numbers, are cast.
    """
    own = (*graph.inputs, *graph.params, *(s.value for s in graph.states))
    now = {v: Value(v.name, _promoted_type(v.type)) for v in own}
    b = Builder()
    b.adopt(tuple(now.values()))
    for node in graph.nodes:
        b.scope, b.span = node.scope, node.span
        inputs = tuple(now[v] for v in node.inputs)
        op = promoted(node.op)
        inferred = op.infer(*types(inputs))
        made = tuple(b.fresh(v.name, t) for v, t in zip(node.outputs, inferred, strict=True))
        b.put(replace(node, op=op, inputs=inputs, outputs=made), node.outputs[0].name)
        casts = [b.one(Cast(F64), v) if v.type.dtype is F32 else v for v in made]
        now.update(zip(node.outputs, casts, strict=True))
    return replace(
        graph,
        inputs=tuple(now[v] for v in graph.inputs),
        params={now[v]: _promoted_param(p) for v, p in graph.params.items()},
        nodes=tuple(b.nodes),
        outputs={name: now[v] for name, v in graph.outputs.items()},
        states=tuple(State(s.name, now[s.value], s.start, now[s.after]) for s in graph.states),
    )


def promoted(op: Primitive) -> Primitive:
    """Return an operator with f64 for f32 in its attributes, as constants and casts have."""
    if isinstance(op, Scan):
        return replace(op, body=promote(op.body))
    narrow = [name for name in op.__struct_fields__ if getattr(op, name) is F32]
    return replace(op, **dict.fromkeys(narrow, F64)) if narrow else op


def _promoted_type(type: TensorType) -> TensorType:
    return TensorType(F64, type.shape) if type.dtype is F32 else type


def _promoted_param(param: Param) -> Param:
    return Param(param.path, _promoted_type(param.type), param.init, param.trained, param.span)
