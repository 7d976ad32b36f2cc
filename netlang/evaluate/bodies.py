"""Evaluation of statements, and the results of a definition."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import DiagnosticError, Label, diagnostic
from netlang.diagnostics.source import Span
from netlang.evaluate.context.budget import BudgetError
from netlang.evaluate.context.describe import describe
from netlang.evaluate.context.frame import Frame, Slot, reject, report
from netlang.evaluate.context.parameter_names import bare
from netlang.evaluate.context.values import UNKNOWN, Argued, Function, Object, Results, Unknown
from netlang.evaluate.emit import full
from netlang.evaluate.evaluate import evaluate, truth
from netlang.evaluate.types.fitting import fits
from netlang.evaluate.types.shapes import declare_shape, match_shape
from netlang.ir.graph import State, Value
from netlang.syntax import ast
from netlang.syntax.walk import walk

RESULT = "<result>"
"""The hidden name of an expression body's value."""


def run_body(function: Function, definition: ast.Definition, frame: Frame) -> None:
    """Evaluate the body of a definition in the frame of a call."""
    sites = function.module.sites(definition)
    frame.sites, frame.labels = sites.names, sites.labels
    if isinstance(definition.body, ast.Suite):
        run_statements(definition.body.statements, frame)
        return
    value = evaluate(definition.body, frame)
    frame.bind(RESULT, value, definition.body.span, definition.body)


def run_statements(statements: tuple[ast.Statement, ...], frame: Frame) -> None:
    """Evaluate statements in order; an error in one does not stop the next.

    A failed assertion does, since the statements after it rely on it.
    """
    for i, statement in enumerate(statements):
        try:
            _run(statement, frame)
        except BudgetError:
            raise
        except DiagnosticError as rejected:
            report(frame, rejected.diagnostic)
            _silence([statement], frame)
            if isinstance(statement, ast.Assert):
                _silence(statements[i:], frame)
                break
    frame.base = ""


def _silence(statements: Sequence[ast.Statement], frame: Frame) -> None:
    """Bind the names that some statements would have bound to unknown values."""
    for statement in statements:
        match statement:
            case ast.Bind(targets=targets):
                for target in targets:
                    frame.names.setdefault(target.text, Slot(UNKNOWN, target.span))
            case ast.State(name=name):
                frame.names.setdefault(name.text, Slot(UNKNOWN, name.span))
            case ast.Next(name=name):
                frame.nexts.setdefault(name.text, Slot(UNKNOWN, name.span))
            case _:
                pass


def _run(statement: ast.Statement, frame: Frame) -> None:
    match statement:
        case ast.Bind():
            run_bind(statement, frame)
        case ast.Next(name=name, value=expr):
            frame.base = ""
            frame.nexts[name.text] = Slot(evaluate(expr, frame), maker(expr).span, expr)
        case ast.Yield(value=expr):
            frame.base = ""
            frame.yields.append(Slot(evaluate(expr, frame), maker(expr).span, expr))
        case ast.Assert():
            frame.base = ""
            check_assertion(statement, frame)
        case ast.State():
            _declare_state(statement, frame)


def run_bind(bind: ast.Bind, frame: Frame) -> None:
    """Evaluate a binding and bind its names."""
    names = [t.text for t in bind.targets]
    frame.base = next((n for n in names if not n.startswith("_")), names[0])
    if frame.base in frame.names:
        # A name bound twice is reported as such; its parameters need no second error.
        frame.base = f"{frame.base}'"
    value = evaluate(bind.value, frame)
    if bind.type is not None and value is not UNKNOWN:
        try:
            value = _promised(
                Slot(value, bind.span, bind.value),
                bind.type,
                names[0],
                frame,
                Label(bind.type.span, "this line promises this"),
            )
        except DiagnosticError as rejected:
            report(frame, rejected.diagnostic)
            value = UNKNOWN
    for target, part in zip(
        bind.targets, take_apart(value, bind.targets, bind.value.span), strict=True
    ):
        frame.bind(target.text, part, target.span, bind.value)


def take_apart(value: Object, targets: tuple[ast.Ident, ...], span: Span) -> list[Object]:
    """Unpack a value into the names on the left."""
    count = len(targets)
    if count == 1:
        return [value]
    parts: list[Object]
    match value:
        case Unknown():
            return [UNKNOWN for _ in targets]
        case Results(values=values):
            parts = list(values.values())
            what = f"{len(parts)} results: {', '.join(values)}"
        case list() | tuple():
            parts = list(value)
            what = f"{len(parts)} values"
        case _:
            parts = [value]
            what = f"one value: {describe(value)}"
    if len(parts) != count:
        reject(
            rules.COUNT_MISMATCH,
            f"{count} names for {what}",
            targets[0].span.to(targets[-1].span),
            f"{count} names",
            secondary=(Label(span, f"this returns {what}"),),
            helps=_count_helps(len(parts), count),
        )
    return parts


def _count_helps(parts: int, names: int) -> tuple[str, ...]:
    if parts > names:
        return ("write `_` for a result you don't need",)
    return ("write one name",) if parts == 1 else (f"write {parts} names",)


def maker(expr: ast.Expr) -> ast.Expr:
    """Return the part of an expression that produces its value: the last stage of a pipeline."""
    while True:
        match expr:
            case ast.Paren(value=value) | ast.Label(value=value):
                expr = value
            case ast.Pipe(stages=stages):
                expr = stages[-1]
            case _:
                return expr


def made_by(expr: ast.Expr) -> str:
    """Return the name of the function that produces an expression's value."""
    match bare(maker(expr)):
        case ast.Call(callee=ast.Name(text=text)) | ast.Name(text=text):
            return text
        case _:
            return ""


def _promised(slot: Slot, type: ast.TypeExpr, name: str, frame: Frame, promise: Label) -> Object:
    """Check a value against a declared type."""
    expr = slot.expr
    span = maker(expr).span if expr is not None else slot.span
    if isinstance(type, ast.ShapeType) and isinstance(slot.value, Value):
        try:
            match_shape(slot.value.type, type, frame, name, span, promise=promise)
        except DiagnosticError as rejected:
            from netlang.evaluate.types.promises import repaired

            made = made_by(expr) if expr is not None else ""
            found = repaired(rejected.diagnostic, slot.value, type, made, span, frame)
            raise rejected.repaired(found) from None
        return slot.value
    return fits(Argued(slot.value, span, expr), type, frame, name)


def give_outs(function: Function, definition: ast.Definition, frame: Frame) -> Object:
    """Return the results that the signature declares, checked against their types."""
    outs = definition.outs
    whole = frame.names.get(RESULT)
    if whole is not None and not outs:
        return whole.value
    slots = _split_whole(whole, outs) if whole is not None else None
    results: dict[str, Object] = {}
    for i, out in enumerate(outs):
        slot = slots[i] if slots is not None else frame.names.get(out.name.text)
        if slot is None:
            report_missing(function, out, frame)
            results[out.name.text] = UNKNOWN
            continue
        results[out.name.text] = _give(slot, out, frame)
    if not outs:
        reject(
            rules.NO_RESULT,
            f"`{function.name}` has no result",
            definition.head,
            "its signature names none",
            helps=("name its outputs: `-> y` after the parameters",),
        )
    return next(iter(results.values())) if len(results) == 1 else Results(results)


def _give(slot: Slot, out: ast.Out, frame: Frame) -> Object:
    if out.type is None or slot.value is UNKNOWN:
        return slot.value
    try:
        promise = Label(out.type.span, "the signature promises this")
        return _promised(slot, out.type, out.name.text, frame, promise)
    except DiagnosticError as rejected:
        report(frame, rejected.diagnostic)
        return UNKNOWN


def _split_whole(whole: Slot, outs: tuple[ast.Out, ...]) -> list[Slot]:
    if len(outs) == 1:
        return [whole]
    targets = tuple(out.name for out in outs)
    parts = take_apart(whole.value, targets, whole.span)
    return [Slot(part, whole.span, whole.expr) for part in parts]


def report_missing(function: Function, out: ast.Out, frame: Frame) -> None:
    """Report an output that no statement binds."""
    found = diagnostic(
        rules.OUTPUT_MISSING,
        f"the output `{out.name.text}` never gets a value",
        out.name.span,
        f"`{function.name}` promises this",
        helps=(f"add a line `{out.name.text} = …`, or drop it from the signature",),
    )
    report(frame, found)


def check_assertion(statement: ast.Assert, frame: Frame) -> None:
    """Check an assertion."""
    condition = statement.condition
    if truth(evaluate(condition, frame), condition) is not False:
        return
    from netlang.evaluate.types.assertions import reject_assertion

    reject_assertion(statement, frame)


def _declare_state(statement: ast.State, frame: Frame) -> None:
    name, type = statement.name.text, statement.type
    if frame.kind == "optimizer":
        _declare_optimizer_state(statement, frame)
        return
    if frame.kind != "net":
        reject(
            rules.MISPLACED_STATE,
            "only a net has state",
            statement.span,
            "this is inside a block",
            helps=("in a block, carry the value with `scan … with`",),
        )
    if not isinstance(type, ast.ShapeType):
        _reject_type(type or statement)
    start = _start(statement, type.span.text, frame)
    if start is None:
        frame.bind(name, UNKNOWN, statement.name.span)
        return
    tensor = declare_shape(type, frame, name)
    run = frame.run
    if run.training:
        name = f"{frame.path}.{name}/state"
    elif frame.depth > 1:
        reject(
            rules.NESTED_STATE,
            "a net with state can't be called by another",
            statement.span,
            "its state would have no owner",
        )
    value = run.builder.fresh(name, tensor)
    run.states.append(State(value.name, value, start, value))
    frame.bind(statement.name.text, value, statement.name.span)


def _declare_optimizer_state(statement: ast.State, frame: Frame) -> None:
    """Declare what an optimizer stores of each parameter, by default in the shape of the weight.

    ``state velocity = 0.0 as momentum`` is stored as ``momentum``.
    """
    name, type, run = statement.name, statement.type, frame.run
    label = statement.value.name if isinstance(statement.value, ast.Label) else name
    if any(state.name == label.text for state in run.states):
        reject(
            rules.ALREADY_BOUND,
            f"two states are stored as `{label.text}`",
            label.span,
            helps=(f"give this one another name: `state {name.text} = 0.0 as {label.text}2`",),
        )
    if type is not None and not (isinstance(type, ast.ShapeType) and _sized(type)):
        reject(
            rules.WRONG_TYPE,
            "a state has the shape of the weight, or one of numbers",
            type.span,
            helps=(f"leave the type out, or write one such as `state {name.text}: f32[] = 0.0`",),
        )
    start = _start(statement, type.span.text if type is not None else "", frame)
    tensor = run.weight if type is None else declare_shape(type, frame, name.text)
    if start is None or tensor is None:
        frame.bind(name.text, UNKNOWN, name.span)
        return
    if tensor.dtype.is_integer and start != int(start):
        reject(
            rules.DTYPE_MISMATCH,
            f"a state of {tensor.dtype} starts as an integer",
            statement.value.span,
            f"this is {start:g}",
        )
    if label.text in run.unchanged:
        frame.bind(name.text, full(tensor.shape, start, tensor.dtype, name.span, frame), name.span)
        return
    value = run.builder.fresh(label.text, tensor)
    run.states.append(State(label.text, value, start, value))
    frame.bind(name.text, value, name.span)


def _sized(type: ast.ShapeType) -> bool:
    """Return whether a shape names no dimension, which an optimizer does not have."""
    names = (node for dim in type.dims for node in walk(dim))
    return not any(isinstance(n, ast.Rest) or _is_dimension(n) for n in names)


def _is_dimension(node: ast.Node) -> bool:
    return isinstance(node, ast.Name) and node.text[0].isupper()


def _reject_type(at: ast.TypeExpr | ast.State) -> NoReturn:
    reject(rules.WRONG_TYPE, "a state is a tensor", at.span, helps=("such as `f32[N, 16]`",))


def _start(statement: ast.State, type: str, frame: Frame) -> float | None:
    """Return the number that a state starts with; ``None`` after an error in it."""
    start = evaluate(statement.value, frame)
    if start is UNKNOWN:
        return None
    if isinstance(start, bool) or not isinstance(start, int | float):
        declared = f"{statement.name.text}: {type}" if type else statement.name.text
        reject(
            rules.WRONG_TYPE,
            "a state starts as one number",
            statement.value.span,
            f"this is {describe(start)}",
            helps=(f"write `state {declared} = 0.0`",),
        )
    return float(start)


def finish_states(frame: Frame) -> None:
    """Connect every state to its `next`, which must have the same type."""
    # A second name of a state comes later, and has no next value.
    names = reversed(frame.names.items())
    own = {slot.value: name for name, slot in names if isinstance(slot.value, Value)}
    for i, state in enumerate(frame.run.states):
        name = own.get(state.value, "")
        slot = frame.nexts.get(name)
        if slot is None or slot.value is UNKNOWN:
            continue  # the syntax check reports a state without `next`
        if not isinstance(slot.value, Value):
            reject(
                rules.WRONG_TYPE,
                f"the next value of `{name}` must be a tensor",
                slot.span,
                f"this is {describe(slot.value)}",
            )
        if slot.value.type != state.value.type:
            declared = frame.names[name].span
            found = diagnostic(
                rules.CARRIED_SHAPE,
                f"`{name}` changes shape from one call to the next",
                slot.span,
                f"the next value is {slot.value.type}",
                secondary=(Label(declared, f"the state is {state.value.type}"),),
                helps=(
                    f"declare it as `state {name}: {slot.value.type}`, "
                    f"or bring the next value to {state.value.type}",
                ),
            )
            report(frame, found)
            continue
        frame.run.states[i] = State(state.name, state.value, state.start, slot.value)
