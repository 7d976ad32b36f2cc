"""Loops: ``for`` and comprehensions are unrolled, ``scan`` becomes one node."""

from __future__ import annotations

from collections.abc import Sequence

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Label
from netlang.diagnostics.source import Span
from netlang.evaluate.bodies import run_statements, take_apart
from netlang.evaluate.context.describe import describe
from netlang.evaluate.context.frame import Frame, Slot, join, reject
from netlang.evaluate.context.parameter_paths import claim
from netlang.evaluate.context.values import UNKNOWN, Argued, IntRange, Object, Unknown
from netlang.evaluate.emit import add
from netlang.evaluate.evaluate import evaluate, evaluates, truth
from netlang.ir.graph import Graph, Node, Value
from netlang.ir.op import OPS
from netlang.ir.types import F32
from netlang.syntax import ast


@evaluates(ast.For)
def _loop(expr: ast.For, frame: Frame) -> Object:
    return _scan(expr, frame) if expr.kind == "scan" else _for(expr, frame)


def _for(expr: ast.For, frame: Frame) -> Object:
    carried: dict[str, Object] = {c.name.text: evaluate(c.value, frame) for c in expr.carries}
    items = iterations(evaluate(expr.source, frame), expr.source, frame)
    if items is None:
        return UNKNOWN
    path = _loop_path(expr, frame)
    yielded: list[Object] = []
    for index, item in items:
        inner = frame.inner("for", join(path, str(index)))
        _bind_names(expr.names, item, expr.source, inner)
        for carry in expr.carries:
            inner.bind(carry.name.text, carried[carry.name.text], carry.span, carry.value)
        _observe(expr, frame, inner)
        run_statements(expr.body, inner)
        yielded.extend(slot.value for slot in inner.yields)
        carried |= {name: slot.value for name, slot in inner.nexts.items() if name in carried}
    return _loop_value(expr, yielded, list(carried.values()))


def _observe(expr: ast.Expr, frame: Frame, inner: Frame) -> None:
    if frame.run.observer is not None:
        frame.run.observer.iterated(expr, frame, inner)


def _loop_value(expr: ast.For, yielded: Object, carried: list[Object]) -> Object:
    has_yield = any(isinstance(statement, ast.Yield) for statement in expr.body)
    values = [yielded, *carried] if has_yield else carried
    if not values:
        reject(
            rules.NO_RESULT,
            f"this `{expr.kind}` has no result",
            expr.names[0].span,
            "nothing is carried and nothing is yielded",
            helps=("carry a value: `with h = x { next h = … }`, or `yield` one per iteration",),
        )
    return values[0] if len(values) == 1 else tuple(values)


def iterations(source: Object, expr: ast.Expr, frame: Frame) -> Sequence[tuple[int, Object]] | None:
    """Return the iterations of a loop: the number in a path, and the item."""
    match source:
        case Unknown():
            return None
        case IntRange():
            _count(len(source), expr, frame)
            return [(i, i) for i in range(source.first, source.last + 1)]
        case list() | tuple():
            _count(len(source), expr, frame)
            return list(enumerate(source))
        case Value():
            reject(
                rules.LOOP_OVER_TENSOR,
                "`for` runs while the file is checked, and can't go over a tensor",
                expr.span,
                f"this is {source.type}",
                helps=("to go along the time axis at run time, use `scan`",),
            )
        case int():
            reject(
                rules.WRONG_TYPE,
                "`for` goes over a list or a range",
                expr.span,
                f"this is {describe(source)}",
                helps=(f"count with `1..{expr.span.text}`",),
            )
        case _:
            reject(
                rules.WRONG_TYPE,
                "`for` goes over a list or a range",
                expr.span,
                f"this is {describe(source)}",
            )


def _count(iterations: int, expr: ast.Expr, frame: Frame) -> None:
    frame.run.budget.spend(iterations, expr.span, f"{iterations:,} iterations")


def _loop_path(expr: ast.Expr, frame: Frame) -> str:
    if id(expr) in frame.sites or id(expr) in frame.labels:
        return claim(expr, expr.span, frame)
    return frame.binding_path()


def _bind_names(names: tuple[ast.Ident, ...], item: Object, source: ast.Expr, inner: Frame) -> None:
    for name, part in zip(names, take_apart(item, names, source.span), strict=True):
        inner.bind(name.text, part, name.span)


@evaluates(ast.Comprehension)
def _comprehension(expr: ast.Comprehension, frame: Frame) -> Object:
    items = iterations(evaluate(expr.source, frame), expr.source, frame)
    if items is None:
        return UNKNOWN
    path = _loop_path(expr, frame)
    made: list[Object] = []
    for index, item in items:
        inner = frame.inner("for", join(path, str(index)))
        _bind_names(expr.names, item, expr.source, inner)
        _observe(expr, frame, inner)
        if expr.condition is not None:
            chosen = truth(evaluate(expr.condition, inner), expr.condition)
            if not chosen:
                continue
        value = evaluate(expr.body, inner)
        if not expr.nested:
            made.append(value)
        elif isinstance(value, list):
            frame.run.budget.reserve(len(value), expr.span)
            made += value
        else:
            return UNKNOWN
    return made


def _scan(expr: ast.For, frame: Frame) -> Object:
    carried = {c.name.text: evaluate(c.value, frame) for c in expr.carries}
    sources = _sources(expr, frame)
    if sources is None or any(isinstance(v, Unknown) for v in carried.values()):
        return UNKNOWN
    starts = [_start(c, carried[c.name.text]) for c in expr.carries]
    outer = frame.run.builder
    frame.run.builder = outer.inside()
    try:
        inner = frame.inner("scan", _loop_path(expr, frame))
        slices, states = _enter_body(expr, sources, starts, inner)
        _observe(expr, frame, inner)
        run_statements(expr.body, inner)
        body = frame.run.builder.nodes
    finally:
        frame.run.builder = outer
    nexts = _nexts(expr, starts, inner)
    yields = _yielded(inner)
    if nexts is None or yields is None:
        return UNKNOWN
    graph = _body_graph(body, states, slices, [*nexts, *(v for group in yields for v in group)])
    captured = graph.inputs[len(states) + len(slices) :]
    op = OPS["scan"].make((), {"body": graph, "carried": len(states), "scanned": len(slices)})
    operands = [*starts, *sources, *(Argued(v, expr.span) for v in captured)]
    results = add(op, operands, expr.source.span, frame)
    finals, stacked = list(results[: len(states)]), list(results[len(states) :])
    several = any(isinstance(y.value, list | tuple) for y in inner.yields)
    values: list[Object] = [tuple[Object, ...](stacked)] if several else [*stacked]
    values += finals
    if not values:
        return _loop_value(expr, [], [])
    return values[0] if len(values) == 1 else tuple(values)


def _body_graph(
    nodes: Sequence[Node], states: list[Value], slices: list[Value], ends: list[Value]
) -> Graph:
    """Return the graph of a body; values from outside of it are its last inputs."""
    inside = {*slices, *states, *(v for node in nodes for v in node.outputs)}
    read = [*(v for node in nodes for v in node.inputs), *ends]
    captured = dict.fromkeys(v for v in read if v not in inside)
    outputs = {f"out{i}": v for i, v in enumerate(ends)}
    return Graph("scan", (*states, *slices, *captured), {}, tuple(nodes), outputs)


def _sources(expr: ast.For, frame: Frame) -> list[Argued] | None:
    source = expr.source
    while isinstance(source, ast.Paren):
        source = source.value
    parts = source.items if isinstance(source, ast.Tuple) else (source,)
    found: list[Argued] = []
    for part in parts:
        value = evaluate(part, frame)
        if value is UNKNOWN:
            return None
        if not isinstance(value, Value) or value.type.rank < 2:
            reject(
                rules.WRONG_TYPE,
                "`scan` walks along axis 1 of a tensor [N, T, ...]",
                part.span,
                f"this is {describe(value)}",
                helps=_scan_helps(value, part.span),
            )
        found.append(Argued(value, part.span, part))
    if len(found) != len(expr.names):
        reject(
            rules.COUNT_MISMATCH,
            f"{len(expr.names)} names for {len(found)} sequences",
            expr.names[0].span.to(expr.names[-1].span),
            "one name for each sequence",
        )
    first = found[0].value
    assert isinstance(first, Value)
    for other in found[1:]:
        assert isinstance(other.value, Value)
        if other.value.type.shape[:2] != first.type.shape[:2]:
            reject(
                rules.SHAPE_MISMATCH,
                "these sequences differ in number or length",
                found[0].span,
                str(first.type),
                secondary=(Label(other.span, str(other.value.type)),),
                notes=("`scan` walks along axis 1 of all of them together",),
            )
    return found


def _scan_helps(value: Object, span: Span) -> tuple[str, ...]:
    match value:
        case list() | IntRange():
            return ("to go over a list, use `for`; to walk along several tensors, `(a, b)`",)
        case Value():
            text = span.text
            return (f"each step has something in it: `unsqueeze({text}, -1)` gives it an axis",)
        case _:
            return ()


def _start(carry: ast.Carry, value: Object) -> Argued:
    if not isinstance(value, Value):
        reject(
            rules.WRONG_TYPE,
            f"`{carry.name.text}` is carried at run time, so it must be a tensor",
            carry.value.span,
            f"this is {describe(value)}",
            helps=("fill one: `full([N, units], 0.0)`",),
        )
    return Argued(value, carry.span, carry.value)


def _enter_body(
    expr: ast.For, sources: list[Argued], starts: list[Argued], inner: Frame
) -> tuple[list[Value], list[Value]]:
    builder = inner.run.builder
    slices: list[Value] = []
    states: list[Value] = []
    for name, source in zip(expr.names, sources, strict=True):
        assert isinstance(source.value, Value)
        type = source.value.type
        value = builder.fresh(f"{name.text}", type.with_shape(type.shape[0], *type.shape[2:]))
        inner.bind(name.text, value, name.span)
        slices.append(value)
    for carry, start in zip(expr.carries, starts, strict=True):
        assert isinstance(start.value, Value)
        value = builder.fresh(carry.name.text, start.value.type)
        inner.bind(carry.name.text, value, carry.name.span)
        states.append(value)
    return slices, states


def _start_help(value: Value) -> str:
    shape = str(value.type).removeprefix(value.type.dtype.value)
    dtype = "" if value.type.dtype is F32 else f", dtype={value.type.dtype}"
    return f"let it start with that shape, such as `full({shape}, 0.0{dtype})`"


def _yielded(inner: Frame) -> list[list[Value]] | None:
    """Return the tensors of each yield: one, or those of a list or tuple."""
    found: list[list[Value]] = []
    for slot in inner.yields:
        parts = slot.value if isinstance(slot.value, list | tuple) else [slot.value]
        if any(part is UNKNOWN for part in parts):
            return None
        for part in parts:
            if not isinstance(part, Value):
                reject(
                    rules.WRONG_TYPE,
                    "a `scan` yields tensors",
                    slot.expr.span if slot.expr is not None else slot.span,
                    f"this is {describe(part)}",
                )
            if part.type.rank == 0:
                reject(
                    rules.WRONG_TYPE,
                    "a `scan` yields a row for each example, and stacks them along axis 1",
                    slot.expr.span if slot.expr is not None else slot.span,
                    f"this is {describe(part)}, one number for all examples",
                )
        found.append([part for part in parts if isinstance(part, Value)])
    return found


def _nexts(expr: ast.For, starts: list[Argued], inner: Frame) -> list[Value] | None:
    """Check that every carried value has a constant shape, since all steps share one body."""
    found: list[Value] = []
    for carry, start in zip(expr.carries, starts, strict=True):
        slot: Slot | None = inner.nexts.get(carry.name.text)
        if slot is None or slot.value is UNKNOWN:
            return None
        if not isinstance(slot.value, Value):
            reject(
                rules.WRONG_TYPE,
                f"`{carry.name.text}` is carried at run time, so its next value must be a tensor",
                slot.expr.span if slot.expr is not None else slot.span,
                f"this is {describe(slot.value)}",
            )
        assert isinstance(start.value, Value)
        if slot.value.type != start.value.type:
            reject(
                rules.CARRIED_SHAPE,
                f"`{carry.name.text}` changes shape from one step to the next",
                slot.expr.span if slot.expr is not None else slot.span,
                f"the next value is {slot.value.type}",
                secondary=(Label(carry.span, f"the first value is {start.value.type}"),),
                notes=(
                    "a `scan` runs one body for every step, so a carried value keeps its shape",
                ),
                helps=(_start_help(slot.value),),
            )
        found.append(slot.value)
    return found
