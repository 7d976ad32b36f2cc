"""What to change where a tensor has the wrong shape: the layer that made it, or a shortcut."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from netlang.diagnostics.fix import Edit, Fix, replacement
from netlang.diagnostics.source import Span
from netlang.diagnostics.suggestions import Suggestion
from netlang.evaluate.context.frame import Frame
from netlang.ir.dims import Shape
from netlang.ir.graph import Node, Scope, Value


def shortcut(values: Sequence[Value], frame: Frame) -> int | None:
    """Return the position of the operand from which the other one is computed, if one is."""
    if len(values) != 2:
        return None
    for position in (0, 1):
        if _leads_to(values[position], values[1 - position], frame):
            return position
    return None


def resized(value: Value, wanted: Shape, frame: Frame) -> Suggestion | None:
    """Suggest the arguments with which the layer behind a tensor would give it a shape.

    The layer may be followed by operators that preserve the shape, such as activations.
    """
    for _ in range(20):
        node = _maker(value, frame)
        if node is None or len(value.type.shape) != len(wanted):
            return None
        arguments = node.op.toward(wanted, *(v.type for v in node.inputs))
        call = _call(node, frame, arguments)
        if call is not None:
            text = _with_arguments(" ".join(call.text.split()), arguments)
            line = call.source.line_col(call.start)[0]
            return {
                "helps": (f"on line {line}, write `{text}`",),
                "fixes": (replacement(call, text),),
            }
        same = [v for v in node.inputs if v.type == value.type]
        if len(same) != 1:
            return None
        value = same[0]
    return None


def first_dense(value: Value, frame: Frame) -> Span | None:
    """Return the first call of the `dense` layers in this body that led from a map to a tensor.

    Operators that preserve the shape, such as activations, may stand between them.
    """
    found: Span | None = None
    for _ in range(100):
        node = _maker(value, frame)
        scope = _layer(node, frame) if node is not None else None
        if node is None or scope is None or scope.kind in _WINDOWS:
            return found
        if scope.kind == "dense":
            found = scope.span
        outer = value.type.shape[:-1]
        same = [
            v
            for v in node.inputs
            if v.type.shape[:-1] == outer and (scope.kind == "dense" or v.type == value.type)
        ]
        if len(same) != 1:
            return found
        value = same[0]
    return found


_WINDOWS = frozenset({"conv", "conv_transpose", "depthwise_conv", "max_pool", "avg_pool"})
"""The layers that read a map with its axes, after which it is a map still."""


def unflattened(value: Value, frame: Frame) -> Suggestion | None:
    """Suggest to leave out the `flatten` that made a vector of a feature map, if one did."""
    for _ in range(20):
        node = _maker(value, frame)
        if node is None:
            return None
        scope = node.scope
        while scope is not None and scope.kind != "flatten":
            scope = scope.parent
        if scope is not None and scope.span is not None:
            at, removed = _stage(scope.span)
            if at.source.library or node.inputs[0].type.rank < 3:
                return None
            line = at.source.line_col(at.start)[0]
            where = f"leave out the `flatten` on line {line}: it merges channels and positions"
            return {"helps": (where,), "fixes": removed}
        same = [v for v in node.inputs if v.type == value.type]
        if len(same) != 1:
            return None
        value = same[0]
    return None


def _stage(span: Span) -> tuple[Span, tuple[Fix, ...]]:
    """Return a call, and the fix that takes it out of its pipeline, if it is in one."""
    text = span.source.text
    after = re.match(r"\s*\|>\s*", text[span.end :])
    before = re.search(r"\s*\|>\s*$", text[: span.start])
    if before is None:
        return span, ()
    start, end = (span.start, span.end + after.end()) if after else (before.start(), span.end)
    removal = Edit(Span(span.source, start, end), "")
    return span, (Fix(f"leave out `{span.text}`", (removal,)),)


def _maker(value: Value, frame: Frame) -> Node | None:
    nodes = reversed(frame.run.builder.nodes)
    return next((node for node in nodes if value in node.outputs), None)


def _leads_to(first: Value, last: Value, frame: Frame) -> bool:
    reached = {last}
    for node in reversed(frame.run.builder.nodes):
        if not reached.isdisjoint(node.outputs):
            reached.update(node.inputs)
    return first in reached and first is not last


def _layer(node: Node, frame: Frame) -> Scope | None:
    """Return the call in the body that is evaluated from which a node comes."""
    scope = node.scope
    while scope is not None and scope.span is not None and scope.span.source.library:
        scope = scope.parent
    return scope if scope is not None and scope.parent is frame.scope else None


def _call(node: Node, frame: Frame, arguments: Mapping[str, int]) -> Span | None:
    """Return the call of a library layer in the body that is evaluated, if it takes arguments."""
    scope = _layer(node, frame)
    if scope is None or scope.span is None or not arguments:
        return None
    function = frame.module.function(scope.kind)
    known = {p.name.text for p in function.params} if function is not None else set[str]()
    whole = scope.library and known.issuperset(arguments) and scope.span.text.endswith(")")
    return scope.span if whole and len(scope.span.text) <= 80 else None


def _with_arguments(call: str, arguments: Mapping[str, int]) -> str:
    for name, value in arguments.items():
        given = rf"\b{name}=(\([^()]*\)|[\w.]+)"
        if re.search(given, call):
            call = re.sub(given, f"{name}={value}", call)
        else:
            call = f"{call[:-1]}, {name}={value})"
    return call
