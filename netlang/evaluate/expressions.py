"""Evaluation of names, fields, indices and pipelines."""

from __future__ import annotations

from functools import partial
from typing import NoReturn

from netlang.advice.parameters import method_helps
from netlang.diagnostics import rules
from netlang.diagnostics.source import Span
from netlang.diagnostics.suggestions import Suggestion, renaming, suggest
from netlang.evaluate.bodies import maker
from netlang.evaluate.calls.calls import arguments, call
from netlang.evaluate.calls.unknown import reject_unknown
from netlang.evaluate.context.describe import describe, part_helps
from netlang.evaluate.context.frame import Frame, join, reject
from netlang.evaluate.context.parameter_names import ELEMENTS
from netlang.evaluate.context.selections import paths_of
from netlang.evaluate.context.values import (
    UNKNOWN,
    Argued,
    IntRange,
    Layer,
    NamedTuple,
    Object,
    Part,
    Results,
    Unknown,
    fields_of,
)
from netlang.evaluate.emit import primitive
from netlang.evaluate.evaluate import evaluate, evaluates
from netlang.evaluate.types.shapes import match_shape
from netlang.ir.dims import Dim
from netlang.ir.graph import Value
from netlang.syntax import ast


@evaluates(ast.Name)
def _name(expr: ast.Name, frame: Frame) -> Object:
    slot = frame.find(expr.text)
    if slot is not None:
        return slot.value
    value = frame.module.find(expr.text)
    if value is LookupError:
        if frame.run.diagnostics.failed and not frame.module.source.library:
            return UNKNOWN  # already reported by the lookup of names, or follows from what was
        reject_unknown(expr.text, expr.span, frame)
    assert not isinstance(value, type)
    return value


@evaluates(ast.Pipe)
def _pipe(expr: ast.Pipe, frame: Frame) -> Object:
    value = evaluate(expr.value, frame)
    span = expr.value.span
    first: ast.Expr | None = expr.value
    for stage in expr.stages:
        value = _stage(Argued(value, span, first), stage, frame)
        if frame.run.observer is not None:
            frame.run.observer.evaluated(stage, frame, value)
        span = Span(expr.span.source, expr.value.span.start, stage.span.end)
        first = None
    return value


def _stage(piped: Argued, stage: ast.Expr, frame: Frame) -> Object:
    span = stage.span
    while isinstance(stage, ast.Paren | ast.Label):
        stage = stage.value
        span = stage.span
    match stage:
        case ast.Call(callee=callee, args=args):
            function = evaluate(callee, frame)
            if isinstance(function, Unknown):
                return UNKNOWN
            rest = arguments(args, frame, function)
            if piped.value is UNKNOWN or any(a.value is UNKNOWN for a in rest):
                return UNKNOWN
            return call(function, [piped, *rest], stage, callee, frame, span)
        case ast.Index(value=ast.Name(text=text)) if text in ELEMENTS and frame.find(text) is None:
            return _remark(piped, stage, frame)
        case _:
            function = evaluate(stage, frame)
            if piped.value is UNKNOWN:
                return UNKNOWN
            return call(function, [piped], stage, stage, frame, span)


def _remark(piped: Argued, stage: ast.Index, frame: Frame) -> Object:
    """Check a shape written in a pipeline: ``|> f32[N, 16, 5, 5] |>``."""
    assert isinstance(stage.value, ast.Name)
    if isinstance(piped.value, Unknown):
        return UNKNOWN
    if not isinstance(piped.value, Value):
        reject(
            rules.WRONG_TYPE,
            "a shape in a pipeline is about a tensor",
            stage.span,
            f"this is {describe(piped.value)}",
        )
    dims: list[ast.Expr | ast.Rest] = []
    for item in stage.items:
        match item:
            case ast.Dots():
                dims.append(ast.Rest(item.span, None))
            case ast.Slice():
                reject(rules.WRONG_TYPE, "a shape has no slices", item.span)
            case _:
                dims.append(item)
    type = ast.ShapeType(stage.span, ast.Ident(stage.value.span, stage.value.text), tuple(dims))
    match_shape(piped.value.type, type, frame, "the value", stage.span)
    return piped.value


@evaluates(ast.Field)
def _field(expr: ast.Field, frame: Frame) -> Object:
    value = evaluate(expr.value, frame)
    name = expr.name.text
    match value:
        case Unknown():
            return UNKNOWN
        case Results() | NamedTuple():
            values = fields_of(value)
            if name in values:
                return values[name]
            known = [_RESULTS[name]] if _RESULTS.get(name) in values else list(values)
            message = f"`{expr.value.span.text}` has no `{name}`"
            _reject_field(expr, message, list(values), "it has", known)
        case Layer() | Part():
            return _part(value, expr.name, expr.value.span, frame)
        case Value():
            reject(
                rules.NO_FIELD,
                "a tensor has no fields",
                expr.name.span,
                f"this is {value.type}",
                helps=_layer_of(expr, frame)
                or method_helps(name, expr.value.span.text, frame.module.visible()),
            )
        case _:
            reject(
                rules.NO_FIELD,
                f"`{expr.value.span.text}` has no fields",
                expr.name.span,
                f"this is {describe(value)}",
            )


_PARAMETERS = frozenset({"weight", "bias"})


def _layer_of(expr: ast.Field, frame: Frame) -> tuple[str, ...]:
    """Return how to name the layer whose parameter is requested from its result."""
    result = expr.value.span.text
    slot = frame.find(result)
    made = maker(slot.expr) if slot is not None and slot.expr is not None else None
    if expr.name.text not in _PARAMETERS or not isinstance(made, ast.Call):
        return ()
    tensors = [a for a in made.args if isinstance(evaluate(a.value, frame), Value)]
    given = ", ".join(a.span.text for a in made.args if a not in tensors)
    layer = f"{result}_layer"
    return (
        f"make the layer first, `{layer} = new {made.callee.span.text}({given})`, "
        f"then write `{result} = {layer}(…)` and `{layer}.{expr.name.text}`",
    )


_RESULTS = {
    "output": "y", "outputs": "y", "out": "y", "sequence": "y", "all": "y", "hidden": "h",
    "last": "h", "state": "h", "hn": "h", "h_n": "h", "cell": "c", "cn": "c", "c_n": "c",
}  # fmt: skip
"""Other names of the results of a recurrent layer."""


def _reject_field(
    expr: ast.Field, message: str, known: list[str], intro: str, meant: list[str] | None = None
) -> None:
    reject(
        rules.NO_FIELD,
        message,
        expr.name.span,
        notes=(f"{intro}: {', '.join(sorted(known))}",) if known else (),
        suggestion=partial(_field_suggestion, expr.name.span, known, meant or known),
    )


def _field_suggestion(name: Span, known: list[str], meant: list[str]) -> Suggestion:
    if len(meant) == 1 < len(known):
        return {"helps": (f"netlang calls this `{meant[0]}`",), "fixes": renaming(name, meant[0])}
    return suggest(name, known)


def _part(whole: Layer | Part, name: ast.Ident, of: Span, frame: Frame) -> Object:
    """Return a parameter of a layer, or the parameters below a name.

    ``name`` is a field, or the number of an iteration: `m.body[1]` is what `body.1` is in a path.
    """
    layer, prefix = (whole, "") if isinstance(whole, Layer) else (whole.layer, whole.path)
    path = join(prefix, name.text)
    made = frame.run.weights.get(join(layer.path, path))
    if made is not None:
        return made.value
    paths = paths_of(layer, frame)
    if paths is None:
        if frame.run.training and frame.run.diagnostics.failed:
            return UNKNOWN  # the errors of the net are already reported
        reject(
            rules.NO_FIELD,
            f"`{of.text}` has no parameters yet",
            name.span,
            "they are made when it is first called",
            helps=("call the layer before this line",),
        )
    if any(p.startswith(f"{path}.") or p == path for p in paths):
        start = f"{path}."
        names = tuple(p.removeprefix(start) for p in paths if p.startswith(start))
        return Part(layer, path, names)
    parent = f"{prefix}." if prefix else ""
    below = {p.removeprefix(parent).split(".")[0] for p in paths if p.startswith(parent)}
    _reject_part(name, of, below)


def _reject_part(name: ast.Ident, of: Span, below: set[str]) -> NoReturn:
    numbers = sorted(int(each) for each in below if each.isdigit())
    numbered = name.text.lstrip("-").isdigit()
    if numbers:
        wrong = f"`{of.text}` has no iteration {name.text}"
        reject(
            rules.NO_FIELD,
            wrong if numbered else f"`{of.text}` is a loop: it has numbers, not names",
            name.span,
            notes=(f"its iterations are: {', '.join(map(str, numbers))}",),
            helps=() if numbered else (f"write `{of.text}[{numbers[0]}]`",),
        )
    reject(
        rules.NO_FIELD,
        f"`{of.text}` is not a loop, and has no iterations"
        if numbered
        else f"`{of.text}` has no part called `{name.text}`",
        name.span,
        notes=(f"its parts are: {', '.join(sorted(below))}",) if below else (),
        suggestion=partial(suggest, name.span, list(below)),
    )


@evaluates(ast.Index)
def _index(expr: ast.Index, frame: Frame) -> Object:
    if (
        isinstance(expr.value, ast.Name)
        and expr.value.text in ELEMENTS
        and frame.find(expr.value.text) is None
    ):
        reject(
            rules.MISPLACED_SHAPE,
            "a shape belongs in a signature, a binding or a pipeline",
            expr.span,
            helps=(f"to check a value, write `x |> {expr.span.text}`",),
        )
    value = evaluate(expr.value, frame)
    match value:
        case Unknown():
            return UNKNOWN
        case list() | tuple() | IntRange():
            return _item(value, expr, frame)
        case Value():
            return _slice(value, expr, frame)
        case Layer() | Part():
            return _iteration(value, expr, frame)
        case _:
            reject(
                rules.WRONG_TYPE,
                "only a list, a tuple or a tensor can be indexed",
                expr.value.span,
                f"this is {describe(value)}",
                **_field_meant(value, expr),
            )


def _iteration(value: Layer | Part, expr: ast.Index, frame: Frame) -> Object:
    """Return the parameters of one iteration of a loop in a layer, `model.body[1]`."""
    index = expr.items[0]
    if isinstance(value, Part) and not value.names:
        reject(
            rules.WRONG_TYPE,
            "only a list, a tuple or a tensor can be indexed",
            expr.value.span,
            f"this is {describe(value)}",
            helps=part_helps(value, expr.value.span.text),
        )
    if len(expr.items) != 1 or isinstance(index, ast.Slice | ast.Dots):
        reject(
            rules.WRONG_TYPE,
            "the parameters of a loop are numbered by its iterations",
            expr.span,
            helps=(f'to select several, write a pattern: `pick({expr.value.span.text}, "*.**")`',),
        )
    at = evaluate(index, frame)
    if at is UNKNOWN:
        return UNKNOWN
    if not isinstance(at, int) or isinstance(at, bool):
        reject(rules.WRONG_TYPE, "an index must be an int", index.span, f"this is {describe(at)}")
    return _part(value, ast.Ident(index.span, str(at)), expr.value.span, frame)


def _field_meant(value: Object, expr: ast.Index) -> Suggestion:
    if not isinstance(value, Results):
        return {"helps": (), "fixes": ()}
    from netlang.evaluate.types.conversions import indexed

    return indexed(Argued(value, expr.value.span, expr.value), expr)


def _item(
    value: list[Object] | tuple[Object, ...] | IntRange, expr: ast.Index, frame: Frame
) -> Object:
    if len(expr.items) != 1:
        reject(
            rules.WRONG_TYPE, "a list takes one index", expr.span, f"these are {len(expr.items)}"
        )
    items = range(value.first, value.last + 1) if isinstance(value, IntRange) else value
    index = expr.items[0]
    if isinstance(index, ast.Slice):
        first = _bound(index.first, frame)
        last = _bound(index.last, frame)
        step = _step(index.step, frame)
        if isinstance(first, Unknown) or isinstance(last, Unknown) or isinstance(step, Unknown):
            return UNKNOWN
        chosen = items[first:last:step]
        frame.run.budget.reserve(len(chosen), expr.span)
        return [*chosen] if isinstance(chosen, range) else chosen
    if isinstance(index, ast.Dots):
        reject(rules.WRONG_TYPE, "`...` is for tensors", index.span)
    at = evaluate(index, frame)
    if at is UNKNOWN:
        return UNKNOWN
    if not isinstance(at, int) or isinstance(at, bool):
        reject(rules.WRONG_TYPE, "an index must be an int", index.span, f"this is {describe(at)}")
    if not -len(items) <= at < len(items):
        reject(
            rules.INDEX_OUT_OF_RANGE,
            f"there is no item {at}",
            index.span,
            f"the list has {len(items)}, numbered from 0",
            helps=(f"a range includes both ends: `0..{len(items) - 1}` are all of them",)
            if items and not isinstance(index, ast.Int)
            else (),
        )
    return items[at]


def _bound(expr: ast.Expr | None, frame: Frame) -> int | Unknown | None:
    if expr is None:
        return None
    value = evaluate(expr, frame)
    if isinstance(value, bool) or not isinstance(value, int | Unknown):
        reject(rules.WRONG_TYPE, "an index must be an int", expr.span, f"this is {describe(value)}")
    return value


def _slice(value: Value, expr: ast.Index, frame: Frame) -> Object:
    operands = sum(not isinstance(item, ast.Dots) for item in expr.items)
    if operands > value.type.rank:
        reject(
            rules.AXIS_OUT_OF_RANGE,
            "too many indices",
            expr.span,
            f"{operands} for {value.type}, which has {value.type.rank} dimensions",
        )
    items: list[Object] = []
    steps: list[int | Unknown] = []  # one for each axis that remains
    for item in expr.items:
        match item:
            case ast.Dots():
                items += [None] * (value.type.rank - operands)
                steps += [1] * (value.type.rank - operands)
            case ast.Slice(first=first, last=last, step=step):
                whole = first is None and last is None
                items.append(None if whole else (_place(first, frame), _place(last, frame)))
                steps.append(_step(step, frame))
            case _:
                items.append(_place(item, frame))
    bounds = [bound for item in items for bound in (item if isinstance(item, tuple) else (item,))]
    if UNKNOWN in bounds or UNKNOWN in steps:
        return UNKNOWN
    made: Object = value
    if any(item is not None for item in items) or all(step == 1 for step in steps):
        made = _picked("index", made, {"items": tuple(items)}, expr, frame)
    for axis, step in enumerate(steps):
        if step != 1 and isinstance(made, Value):
            made = _picked("every", made, {"by": step, "axis": axis}, expr, frame)
    return made


def _picked(
    name: str, value: Object, attributes: dict[str, object], expr: ast.Index, frame: Frame
) -> Object:
    operands = [Argued(value, expr.value.span, expr.value)]
    (made,) = primitive(name, operands, attributes, expr.span, frame)
    return made


def _step(expr: ast.Expr | None, frame: Frame) -> int | Unknown:
    step = _bound(expr, frame)
    if expr is None or step is None:
        return 1
    if isinstance(step, int) and step < 1:
        reject(
            rules.OUT_OF_RANGE,
            "a step must be 1 or more",
            expr.span,
            f"this is {step}",
            helps=("`flip(x, axis)` and `reverse(xs)` read backwards",) if step < 0 else (),
        )
    return step


def _place(expr: ast.Expr | None, frame: Frame) -> Object:
    if expr is None:
        return None
    value = evaluate(expr, frame)
    if isinstance(value, Value):
        reject(
            rules.RUN_TIME_INDEX,
            "an index must be known when the file is checked",
            expr.span,
            f"this is {value.type}",
            helps=("to pick by a tensor, use `gather(x, ids, axis=…)`",),
        )
    if value is not UNKNOWN and (not isinstance(value, int | Dim) or isinstance(value, bool)):
        reject(rules.WRONG_TYPE, "an index must be an int", expr.span, f"this is {describe(value)}")
    return value
