"""What a body computes: the statements of ``forward`` and of functions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress

from netlang.codegen.pytorch.calls import is_layer, relative
from netlang.codegen.pytorch.containers import body_path, modules_of
from netlang.codegen.pytorch.expressions import translate_stage
from netlang.codegen.pytorch.printing.layout import WIDTH
from netlang.codegen.pytorch.printing.text import Text, text, tupled
from netlang.codegen.pytorch.scope import Named, Scope, access
from netlang.codegen.pytorch.translate import is_static, translate, translates
from netlang.codegen.pytorch.units import NoTextError, agreed
from netlang.evaluate.context.frame import Frame
from netlang.evaluate.context.values import Layer, Object
from netlang.ir.graph import Value
from netlang.syntax import ast
from netlang.syntax.walk import walk


def statements(body: Sequence[ast.Statement], scope: Scope, yields: Sequence[Text] = ()) -> None:
    """Write the statements of a body; ``yields`` are the lists that its results go to."""
    after: list[str] = []
    for i, statement in enumerate(body):
        comments = scope.shared.comments(statement.span)
        before = len(scope.lines)
        match statement:
            case ast.Bind(targets=targets, value=value):
                _bind(targets, value, scope)
            case ast.Next(name=name, value=value):
                later = body[i + 1 :]
                after += _next(name.text, value, scope, later)
            case ast.Yield(value=value):
                _yield(value, scope, yields)
            case ast.State() | ast.Assert():
                pass
        if comments and len(scope.lines) > before:
            scope.lines[before:before] = comments
    scope.emit(*after)


def _bind(targets: Sequence[ast.Ident], value: ast.Expr, scope: Scope) -> None:
    found = scope.shared.recording.value(value, scope.frames)
    values = [v for _, v in found]
    names = [target.text for target in targets]
    if not values or all(is_layer(v) for v in values):
        _name_layers(names, found, scope)
        return
    if all(is_static(v) for v in values):
        _bind_numbers(names, value, scope)
        return
    if all(isinstance(v, Value) and v in scope.shared.params for v in values):
        scope.names[names[0]] = Named(translate(value, scope))
        return
    loop = _loop_in(value)
    if loop is not None:
        results = loop_results(loop, scope, [n for n in names if len(names) == 1 or n])
        if len(results) == len(names):
            for name, result in zip(names, results, strict=True):
                _assign_text(name, values[0] if len(names) == 1 else None, result, scope)
            return
        _assign_text(names[0], None, tupled(results), scope)
        return
    if len(names) > 1:
        shown = translate(value, scope)
        bound = [str(scope.bind(name, None)) for name in names]
        used = [scope.is_used(name) for name in names]
        variables = [b if u else "_" for b, u in zip(bound, used, strict=True)]
        scope.emit(f"{', '.join(variables)} = {shown}")
        return
    _assign(names[0], values[0], value, scope)


def _loop_in(value: ast.Expr) -> ast.For | None:
    while isinstance(value, ast.Paren | ast.Label):
        value = value.value
    return value if isinstance(value, ast.For) else None


def _name_layers(names: Sequence[str], found: Sequence[tuple[Frame, Object]], scope: Scope) -> None:
    """Name a list of layers after the container that holds them."""
    for frame, value in found[:1]:
        if isinstance(value, list) and isinstance(value[0], Layer):
            first = value[0].path
            path, _, number = (relative(first, frame.path) or "").rpartition(".")
            container = access(str(scope.base), path)
            shown = container if number == "0" else text(f"{container}.values()")
            scope.names[names[0]] = Named(shown)


def _bind_numbers(names: Sequence[str], value: ast.Expr, scope: Scope) -> None:
    shown: Text | None = None
    if any(scope.is_used(name) for name in names):
        with suppress(NoTextError):
            shown = translate(value, scope)
    variables = [scope.bind(name, None) for name in names]
    if shown is not None:
        scope.emit(f"{', '.join(variables)} = {shown}")


def _assign(name: str, value: Object, expr: ast.Expr, scope: Scope) -> None:
    """Write an assignment; a pipeline that is too long for a line becomes one line per stage."""
    before = len(scope.lines)
    shown = translate(expr, scope)
    variable = scope.variable(name)
    long = len(variable) + len(shown) + 3 + 4 * scope.depth > WIDTH
    pipe = expr
    while isinstance(pipe, ast.Paren | ast.Label):
        pipe = pipe.value
    if long and isinstance(pipe, ast.Pipe):
        del scope.lines[before:]
        shown = _in_steps(pipe, variable, scope)
    _assign_text(name, value, shown, scope)


def _assign_text(name: str, value: Object, shown: Text, scope: Scope) -> None:
    variable = scope.bind(name, value)
    if name != "_" and str(variable) != str(shown):
        scope.emit(f"{variable} = {shown}")


def _in_steps(pipe: ast.Pipe, variable: Text, scope: Scope) -> Text:
    """Assign each stage of a pipeline but the last; return the text of the last."""
    shown = translate(pipe.value, scope)
    texts = [str(translate_stage(s, text("_"), scope)) for s in pipe.stages]
    if any(re.search(rf"(?<![.\w]){variable}\b", t) for t in texts):
        variable = text(scope.fresh("y"))
    for stage in pipe.stages[:-1]:
        step = translate_stage(stage, shown, scope)
        if step != shown:
            scope.emit(f"{variable} = {step}")
        shown = variable
    return translate_stage(pipe.stages[-1], shown, scope)


def _next(name: str, value: ast.Expr, scope: Scope, later: Sequence[ast.Statement]) -> list[str]:
    """Write the next value of what is carried; return the lines that end the iteration."""
    found = scope.shared.recording.value(value, scope.frames)
    if found and all(is_static(v) for _, v in found) and not scope.is_used(name):
        return []
    named = scope.find(name)
    variable = named.text if named is not None else scope.variable(f"{name}_next")
    before = len(scope.lines)
    shown = translate(value, scope)
    long = len(variable) + len(shown) + 3 + 4 * scope.depth > WIDTH
    if long and isinstance(value, ast.Pipe):
        del scope.lines[before:]
        shown = _in_steps(value, variable, scope)
    read = any(isinstance(n, ast.Name) and n.text == name for s in later for n in walk(s))
    if named is None or not read:
        if named is None:
            scope.names[f"{name}_next"] = Named(variable)
        if shown != variable:
            scope.emit(f"{variable} = {shown}")
        return []
    waiting = scope.fresh(f"next_{name}")
    scope.emit(f"{waiting} = {shown}")
    return [f"{variable} = {waiting}"]


def _yield(value: ast.Expr, scope: Scope, yields: Sequence[Text]) -> None:
    if len(yields) == 1:
        scope.emit(f"{yields[0]}.append({translate(value, scope)})")
        return
    while isinstance(value, ast.Paren):
        value = value.value
    items = value.items if isinstance(value, ast.Tuple | ast.List) else (value,)
    for target, item in zip(yields, items, strict=False):
        scope.emit(f"{target}.append({translate(item, scope)})")


# ---- loops ---------------------------------------------------------------------------


@translates(ast.For)
def _loop(expr: ast.For, scope: Scope) -> Text:
    results = loop_results(expr, scope, ())
    return results[0] if len(results) == 1 else tupled(results)


def loop_results(expr: ast.For, scope: Scope, targets: Sequence[str]) -> list[Text]:
    """Write a loop; return its results, the lists that it yields first."""
    frames = [i for f in scope.frames for i in scope.shared.recording.iterations(expr, f)]
    starts = [translate(c.value, scope) if _needed(c, scope) else None for c in expr.carries]
    lists = _lists(expr, frames, scope, targets)
    for name in lists:
        scope.emit(f"{name} = []")
    inner = _enter(expr, frames, scope, lists)
    for carry, start in zip(expr.carries, starts, strict=True):
        variable = inner.variable(carry.name.text)
        inner.names[carry.name.text] = Named(variable)
        if start is not None and start != variable:
            scope.emit(f"{variable} = {start}")
    finals = [inner.names[carry.name.text].text for carry in expr.carries]
    if frames:
        statements(expr.body, inner, lists)
        _header(expr, frames, inner, scope)
    if expr.kind == "scan":
        stacked = [text(f"torch.stack({name}, dim=1)") for name in lists]
        yielded = [*stacked] if len(stacked) < 2 else [tupled(stacked)]
        return [*yielded, *finals]
    return [*lists, *finals]


def _needed(carry: ast.Carry, scope: Scope) -> bool:
    values = scope.shared.recording.value(carry.value, scope.frames)
    static = bool(values) and all(is_static(v) for _, v in values)
    return not static or scope.is_used(carry.name.text)


def _lists(
    expr: ast.For, frames: Sequence[Frame], scope: Scope, targets: Sequence[str]
) -> list[Text]:
    """Return names for the lists of what the iterations yield."""
    count = sum(isinstance(s, ast.Yield) for s in expr.body)
    if not count:
        return []
    if expr.kind == "scan" and frames:
        slots = frames[0].yields
        count = sum(len(s.value) if isinstance(s.value, list | tuple) else 1 for s in slots)
    else:
        count = 1
    if count == 1 and targets and targets[0] != "_":
        return [scope.variable(targets[0])]
    names: list[Text] = []
    for _ in range(count):
        names.append(text(scope.fresh(f"outputs{len(names) + 1}" if count > 1 else "outputs")))
    return names


def _enter(expr: ast.For, frames: Sequence[Frame], scope: Scope, lists: Sequence[Text]) -> Scope:
    if expr.kind == "scan":
        path = agreed([(f, relative(f.path, body_path(f)) or "") for f in frames])
        base = access(str(scope.base), path)
    else:
        base = text(scope.fresh("layer", "module"))
    inner = scope.inner(frames, base, expr)
    for name in lists:
        inner.names[f"[{name}]"] = Named(name)
    for name in expr.names:
        inner.names[name.text] = Named(inner.variable(name.text))
    return inner


def _header(expr: ast.For, frames: Sequence[Frame], inner: Scope, scope: Scope) -> None:
    names = [inner.names[name.text].text for name in expr.names]
    if expr.kind == "scan":
        source = expr.source
        while isinstance(source, ast.Paren):
            source = source.value
        parts = source.items if isinstance(source, ast.Tuple) else (source,)
        steps = [f"{translate(part, scope):a}.unbind(1)" for part in parts]
        walked = steps[0] if len(steps) == 1 else f"zip({', '.join(steps)})"
        scope.nest(f"for {', '.join(names)} in {walked}:", inner.lines)
        return
    module = str(inner.base)
    owning = any(re.search(rf"\b{module}\b", line) for line in inner.lines)
    used = any(inner.is_used(name.text) for name in expr.names)
    target = ", ".join(names)
    if not owning:
        scope.nest(f"for {target} in {translate(expr.source, scope)}:", inner.lines)
        return
    modules = modules_of(frames, scope)
    if not used:
        scope.nest(f"for {module} in {modules}:", inner.lines)
        return
    target = f"({target})" if len(names) > 1 else target
    source = translate(expr.source, scope)
    scope.nest(f"for {target}, {module} in zip({source}, {modules}):", inner.lines)
