"""Reverse mode over a run of nodes: from the cotangents of results to those of operands.

It stands among the operators because some of them, a loop for one, differentiate a graph inside
themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from netlang.ir.graph import Builder, GraphError, Node, Value, Values
from netlang.ir.op import OPS, NoGradientError


def gradients(
    b: Builder,
    cts: Mapping[Value, Value],
    wrt: Sequence[Value],
    *,
    nodes: Sequence[Node] | None = None,
) -> tuple[Value | None, ...]:
    """Add nodes that take the cotangents of some values back to those of ``wrt``.

    ``cts`` gives, for each value a gradient starts from, its cotangent. ``nodes`` are the nodes to
    go back through, in topological order: all of the builder's if not given. A gradient node has
    the scope and the span of the node it belongs to. Gives ``None`` for a value nothing depends
    on; raises ``NoGradientError`` where an operator on the way has none.
    """
    through = tuple(b.nodes if nodes is None else nodes)
    active = differentiable_from(through, wrt)
    found = {v: ct for v, ct in cts.items() if v in active}
    made = _beside(b)
    for node in reversed(through):
        if not any(v in found for v in node.outputs) or active.isdisjoint(node.inputs):
            continue
        if node.op.no_gradient:
            continue
        made.scope, made.span = node.scope, node.span
        _step_back(made, node, found, active)
    results = tuple(found.get(v) for v in wrt)
    _take_over(b, made, results)
    return results


def differentiable_from(nodes: Sequence[Node], roots: Sequence[Value]) -> set[Value]:
    """Find every value that changes smoothly with one of the roots."""
    found = {v for v in roots if v.type.dtype.is_float}
    for node in nodes:
        if not node.op.no_gradient and not found.isdisjoint(node.inputs):
            found.update(v for v in node.outputs if v.type.dtype.is_float)
    return found


def pulled_back(
    b: Builder, inputs: Values, cts: Values, formula: Callable[[Builder, Values], Values]
) -> tuple[Value | None, ...]:
    """Differentiate an operator through a formula of other operators that compute the same."""
    inner = _beside(b)
    outputs = formula(inner, inputs)
    made = gradients(inner, dict(zip(outputs, cts, strict=True)), inputs)
    _take_over(b, inner, made)
    return made


def _step_back(b: Builder, node: Node, found: dict[Value, Value], active: set[Value]) -> None:
    from netlang.ops.terms import zeros

    given = tuple(found[v] if v in found else zeros(b, v.type) for v in node.outputs)
    try:
        made = node.op.vjp(b, node.inputs, node.outputs, given)
    except NoGradientError as missing:
        raise NoGradientError(missing.message, missing.node or node) from None
    for v, ct in zip(node.inputs, made, strict=True):
        if ct is None or v not in active:
            continue
        if ct.type != v.type:
            raise GraphError(f"the gradient of {node.op} for {v}: {v.type} is {ct.type}")
        found[v] = b.one(OPS["add"](), found[v], ct) if v in found else ct


def _beside(b: Builder) -> Builder:
    """Give a builder for nodes of which not all may be needed."""
    beside = Builder(scope=b.scope, span=b.span)
    beside.share_names(b)
    return beside


def _take_over(b: Builder, beside: Builder, results: Sequence[Value | None]) -> None:
    """Add the nodes that lead to the results."""
    wanted = {v for v in results if v is not None}
    kept: list[tuple[Node, str]] = []
    for node, stem in zip(reversed(beside.nodes), reversed(beside.stems), strict=True):
        if not wanted.isdisjoint(node.outputs):
            wanted.update(node.inputs)
            kept.append((node, stem))
    for node, stem in reversed(kept):
        b.put(node, stem)
