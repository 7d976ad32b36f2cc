"""Reverse-mode differentiation of a sequence of nodes.

It is among the operators because some of them, such as loops, differentiate a graph of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import cast

from netlang.ir.graph import Builder, GraphError, Node, Value, Values
from netlang.ir.op import OPS, NoGradientError


def gradients(
    b: Builder,
    cts: Mapping[Value, Value],
    wrt: Sequence[Value],
    *,
    nodes: Sequence[Node] | None = None,
) -> tuple[Value | None, ...]:
    """Add nodes that compute the cotangents of ``wrt`` from those of other values.

    ``cts`` holds the known cotangents. ``nodes`` are the nodes to differentiate, in topological
    order: all nodes of the builder by default. A gradient node has the scope and the span of the
    node it belongs to. Returns ``None`` for a value that nothing depends on. Raises
    ``NoGradientError`` for an operator without a gradient.
    """
    through = tuple(b.nodes if nodes is None else nodes)
    active = differentiable_from(through, wrt)
    found = {v: ct for v, ct in cts.items() if v in active}
    made = _scratch(b)
    for node in reversed(through):
        if not any(v in found for v in node.outputs) or active.isdisjoint(node.inputs):
            continue
        if node.op.no_gradient:
            continue
        made.scope, made.span = node.scope, node.span
        _step_back(made, node, found, active)
    results = tuple(found.get(v) for v in wrt)
    _keep_used(b, made, results)
    return results


def differentiable_from(nodes: Sequence[Node], roots: Sequence[Value]) -> set[Value]:
    """Return the values that depend on one of the roots in a differentiable way."""
    found = {v for v in roots if v.type.dtype.is_float}
    for node in nodes:
        if not node.op.no_gradient and not found.isdisjoint(node.inputs):
            found.update(v for v in node.outputs if v.type.dtype.is_float)
    return found


def differentiate_formula(
    b: Builder, inputs: Values, cts: Values, formula: Callable[[Builder, Values], Values]
) -> tuple[Value | None, ...]:
    """Differentiate an operator through an equivalent formula of other operators."""
    inner = _scratch(b)
    outputs = formula(inner, inputs)
    made = gradients(inner, dict(zip(outputs, cts, strict=True)), inputs)
    _keep_used(b, inner, made)
    return made


def _step_back(b: Builder, node: Node, found: dict[Value, Value], active: set[Value]) -> None:
    from netlang.ops.terms import zeros

    given = [found.get(v) for v in node.outputs]
    if not node.op.partial_cotangents:
        pairs = zip(node.outputs, given, strict=True)
        given = [zeros(b, v.type) if ct is None else ct for v, ct in pairs]
    try:
        made = node.op.vjp(b, node.inputs, node.outputs, cast("Values", tuple(given)))
    except NoGradientError as missing:
        raise NoGradientError(missing.message, missing.node or node) from None
    for v, ct in zip(node.inputs, made, strict=True):
        if ct is None or v not in active:
            continue
        if ct.type != v.type:
            raise GraphError(f"the gradient of {node.op} for {v}: {v.type} is {ct.type}")
        found[v] = b.one(OPS["add"](), found[v], ct) if v in found else ct


def _scratch(b: Builder) -> Builder:
    """Return a builder for nodes of which some may turn out to be unused."""
    scratch = Builder(scope=b.scope, span=b.span)
    scratch.share_names(b)
    return scratch


def _keep_used(b: Builder, scratch: Builder, results: Sequence[Value | None]) -> None:
    """Add the nodes that the results depend on."""
    wanted = {v for v in results if v is not None}
    kept: list[tuple[Node, str]] = []
    for node, stem in zip(reversed(scratch.nodes), reversed(scratch.stems), strict=True):
        if not wanted.isdisjoint(node.outputs):
            wanted.update(node.inputs)
            kept.append((node, stem))
    for node, stem in reversed(kept):
        b.put(node, stem)
