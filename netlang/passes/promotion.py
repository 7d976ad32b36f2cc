"""Graphs in double precision."""

from __future__ import annotations

from dataclasses import fields, replace

from netlang.ir.graph import Builder, Graph, Param, State, Value, types
from netlang.ir.op import Primitive
from netlang.ir.types import F32, F64, TensorType
from netlang.ops.elementwise.choice import Cast
from netlang.ops.looping.scan import Scan


def widen(graph: Graph) -> Graph:
    """Compute in f64 what a graph computes in f32, under the same names.

    What an operator makes as f32 whatever it is given, as random numbers are, is cast.
    """
    own = (*graph.inputs, *graph.params, *(s.value for s in graph.states))
    now = {v: Value(v.name, _wide(v.type)) for v in own}
    b = Builder()
    b.adopt(tuple(now.values()))
    for node in graph.nodes:
        b.scope, b.span = node.scope, node.span
        inputs = tuple(now[v] for v in node.inputs)
        op = widened(node.op)
        inferred = op.infer(*types(inputs))
        made = tuple(b.fresh(v.name, t) for v, t in zip(node.outputs, inferred, strict=True))
        b.put(replace(node, op=op, inputs=inputs, outputs=made), node.outputs[0].name)
        casts = [b.one(Cast(F64), v) if v.type.dtype is F32 else v for v in made]
        now.update(zip(node.outputs, casts, strict=True))
    return replace(
        graph,
        inputs=tuple(now[v] for v in graph.inputs),
        params={now[v]: _wide_param(p) for v, p in graph.params.items()},
        nodes=tuple(b.nodes),
        outputs={name: now[v] for name, v in graph.outputs.items()},
        states=tuple(State(s.name, now[s.value], s.start, now[s.after]) for s in graph.states),
    )


def widened(op: Primitive) -> Primitive:
    """Replace f32 among the attributes: what a constant, a fill or a cast makes."""
    if isinstance(op, Scan):
        return replace(op, body=widen(op.body))
    narrow = [f.name for f in fields(op) if getattr(op, f.name) is F32]
    return replace(op, **dict.fromkeys(narrow, F64)) if narrow else op


def _wide(type: TensorType) -> TensorType:
    return TensorType(F64, type.shape) if type.dtype is F32 else type


def _wide_param(param: Param) -> Param:
    return Param(param.path, _wide(param.type), param.init, param.trained, param.span)
