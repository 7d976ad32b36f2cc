"""Expressions of the program as expressions of Python."""

from __future__ import annotations

import re
from collections.abc import Sequence

from netlang.codegen.pytorch import calls
from netlang.codegen.pytorch.containers import modules_of
from netlang.codegen.pytorch.printing.text import (
    LEVELS,
    Text,
    binary,
    choice,
    listed,
    literal,
    text,
    tupled,
    unary,
)
from netlang.codegen.pytorch.scope import Named, Scope
from netlang.codegen.pytorch.translate import translate, translates
from netlang.codegen.pytorch.units import NoTextError
from netlang.evaluate.context.frame import Frame
from netlang.evaluate.context.parameter_names import ELEMENTS
from netlang.evaluate.context.values import Layer, NamedTuple, Results, fields_of
from netlang.ir.graph import Value
from netlang.syntax import ast

_TENSOR_OPS = {"and": "&", "or": "|"}


@translates(ast.Int, ast.Float, ast.Str, ast.Bool)
def _literal(expr: ast.Int | ast.Float | ast.Str | ast.Bool, scope: Scope) -> Text:
    del scope
    if isinstance(expr, ast.Int | ast.Float):
        return text(expr.span.text)
    shown = literal(expr.value)
    assert shown is not None
    return shown


@translates(ast.Nothing)
def _none(expr: ast.Nothing, scope: Scope) -> Text:
    del expr, scope
    return text("None")


@translates(ast.Paren, ast.Label)
def _inner(expr: ast.Paren | ast.Label, scope: Scope) -> Text:
    return translate(expr.value, scope)


@translates(ast.Name)
def _name(expr: ast.Name, scope: Scope) -> Text:
    values = scope.shared.recording.value(expr, scope.frames)
    if values and all(value is None for _, value in values):
        return text("None")
    named = scope.find(expr.text)
    if named is not None:
        for field in named.fields or ():
            scope.use_field(expr.text, field)
        return named.text if named.fields is None else text(f"({named.text})")
    filled = _filled(expr.text, scope)
    if filled is not None:
        return filled
    try:
        return scope.parameter(expr.text)
    except NoTextError:
        if any(expr.text in f.names for f in scope.unit.frames):
            raise
    return scope.shared.constant(expr.text, scope.unit.function.module)


def _filled(name: str, scope: Scope) -> Text | None:
    """Return the tensor that a number is promoted to, where no call passes another."""
    param = next((p for p in scope.unit.function.params if p.name.text == name), None)
    if param is None or not isinstance(param.type, ast.ShapeType):
        return None
    if not isinstance(param.default, ast.Int | ast.Float) or scope.kind == "init":
        return None
    if any(f.call is None or name in f.call.arguments for f in scope.unit.frames):
        return None
    sizes = [translate(d, scope) for d in param.type.dims if not isinstance(d, ast.Rest)]
    filling = f"{param.default.span.text}, device={scope.device()}"
    return text(f"torch.full({tupled(sizes)}, {filling})")


@translates(ast.List)
def _list(expr: ast.List, scope: Scope) -> Text:
    return listed([translate(item, scope) for item in expr.items])


@translates(ast.Tuple)
def _tuple(expr: ast.Tuple, scope: Scope) -> Text:
    return tupled([translate(item, scope) for item in expr.items])


@translates(ast.Unary)
def _unary(expr: ast.Unary, scope: Scope) -> Text:
    operand = translate(expr.operand, scope)
    values = scope.shared.recording.value(expr, scope.frames)
    if expr.op == "not" and any(isinstance(v, Value) for _, v in values):
        return text(f"~{operand:a}")
    return operand if expr.op == "+" else unary(expr.op, operand)


@translates(ast.Binary)
def _binary(expr: ast.Binary, scope: Scope) -> Text:
    if expr.op == "..":
        return _range(expr, scope)
    left, right = translate(expr.left, scope), translate(expr.right, scope)
    if expr.op in ("==", "!=") and "None" in (left, right):
        if left == "None":
            left, right = right, left
        word = "is" if expr.op == "==" else "is not"
        return text(f"{left.at(LEVELS['is'] + 1)} {word} {right}", LEVELS["is"])
    values = scope.shared.recording.value(expr, scope.frames)
    if expr.op in _TENSOR_OPS and any(isinstance(v, Value) for _, v in values):
        return text(f"({left:a} {_TENSOR_OPS[expr.op]} {right:a})")
    return binary(expr.op, left, right)


def _range(expr: ast.Binary, scope: Scope) -> Text:
    first, last = translate(expr.left, scope), translate(expr.right, scope)
    end = text(str(int(last) + 1)) if last.isdigit() else binary("+", last, text("1"))
    if str(end).endswith(" - 1 + 1"):
        end = text(str(end).removesuffix(" - 1 + 1"))
    return text(f"range({end})" if first == "0" else f"range({first}, {end})")


@translates(ast.If)
def _if(expr: ast.If, scope: Scope) -> Text:
    conditions = scope.shared.recording.value(expr.condition, scope.frames)
    outcomes = {bool(value) for _, value in conditions}
    if len(outcomes) == 1:
        return translate(expr.then if outcomes.pop() else expr.otherwise, scope)
    condition = translate(expr.condition, scope)
    then, otherwise = translate(expr.then, scope), translate(expr.otherwise, scope)
    if then == otherwise:
        return then
    return choice(condition, then, otherwise)


@translates(ast.Pipe)
def _pipe(expr: ast.Pipe, scope: Scope) -> Text:
    shown = translate(expr.value, scope)
    for stage in expr.stages:
        shown = translate_stage(stage, shown, scope)
    return shown


def translate_stage(stage: ast.Expr, piped: Text, scope: Scope) -> Text:
    """Return the text of a stage of a pipeline, with the text of what goes into it."""
    while isinstance(stage, ast.Paren | ast.Label):
        stage = stage.value
    match stage:
        case ast.Index(value=ast.Name(text=name)) if name in ELEMENTS:
            return piped
        case ast.Call(args=args, callee=callee):
            return calls.call(callee, stage, piped, args, scope)
        case _:
            return calls.call(stage, stage, piped, (), scope)


@translates(ast.Call)
def _call(expr: ast.Call, scope: Scope) -> Text:
    return calls.call(expr.callee, expr, None, expr.args, scope)


@translates(ast.Field)
def _field(expr: ast.Field, scope: Scope) -> Text:
    name = expr.name.text
    found = scope.shared.recording.value(expr.value, scope.frames)
    if any(isinstance(value, Layer) for _, value in found):
        values = scope.shared.recording.value(expr, scope.frames)
        return calls.parameter_text(values, scope)
    if isinstance(expr.value, ast.Name):
        named = scope.find(expr.value.text)
        if named is not None and named.fields is not None:
            scope.use_field(expr.value.text, name)
            return named.fields[name]
    places = {
        list(fields_of(value)).index(name)
        for _, value in found
        if isinstance(value, Results | NamedTuple)
    }
    if len(places) == 1:
        return text(f"{translate(expr.value, scope):a}[{places.pop()}]")
    raise NoTextError


@translates(ast.Index)
def _index(expr: ast.Index, scope: Scope) -> Text:
    items = ", ".join(_index_item(item, scope) for item in expr.items)
    return text(f"{translate(expr.value, scope):a}[{items}]")


def _index_item(item: ast.Expr | ast.Slice | ast.Dots, scope: Scope) -> str:
    match item:
        case ast.Dots():
            return "..."
        case ast.Slice(first=first, last=last, step=step):
            bounds = ["" if b is None else str(translate(b, scope)) for b in (first, last)]
            wide = any(" " in b for b in bounds)
            ends = f"{bounds[0]} : {bounds[1]}".strip() if wide else ":".join(bounds)
            return ends if step is None else f"{ends}:{translate(step, scope)}"
        case _:
            return str(translate(item, scope))


@translates(ast.Comprehension)
def _comprehension(expr: ast.Comprehension, scope: Scope) -> Text:
    body, clauses = _clauses(expr, scope)
    whole = f"for {body} in "
    plain = clauses.startswith(whole) and not any(word in clauses for word in (" for ", " if "))
    if plain and scope.kind != "init":
        return text(f"list({clauses.removeprefix(whole)})")
    return text(f"[{body} {clauses}]")


def _clauses(expr: ast.Comprehension, scope: Scope) -> tuple[Text, str]:
    """Return the body of a comprehension, and the clauses after it."""
    frames = [i for f in scope.frames for i in scope.shared.recording.iterations(expr, f)]
    source = translate(expr.source, scope)
    own = scope.kind == "forward"
    inner = scope.inner(frames, text(scope.fresh("layer", "module")) if own else scope.base, expr)
    inner.lines = scope.lines
    names = [inner.variable(name.text) for name in expr.names]
    for name, variable in zip(expr.names, names, strict=True):
        inner.names[name.text] = Named(variable)
    if expr.nested and isinstance(expr.body, ast.Comprehension):
        body, rest = _clauses(expr.body, inner)
    else:
        body, rest = translate(expr.body, inner), ""
    target = ", ".join(names)
    if own and re.search(rf"\b{inner.base}\b", f"{body} {rest}"):
        return body, f"{_over_modules(expr, target, source, frames, inner, scope)} {rest}".rstrip()
    condition = "" if expr.condition is None else f" if {translate(expr.condition, inner)}"
    clause = f"for {target} in {source}{condition}"
    return body, f"{clause} {rest}" if rest else clause


def _over_modules(
    expr: ast.Comprehension,
    target: str,
    source: Text,
    frames: Sequence[Frame],
    inner: Scope,
    scope: Scope,
) -> str:
    """Return the clause of a comprehension whose iterations have modules."""
    modules = modules_of(frames, scope)
    if not any(inner.is_used(name.text) for name in expr.names):
        return f"for {inner.base} in {modules}"
    if expr.condition is not None:
        condition = translate(expr.condition, inner)
        source = text(f"[{target} for {target} in {source} if {condition}]")
    names = f"({target})" if len(expr.names) > 1 else target
    return f"for {names}, {inner.base} in zip({source}, {modules})"


@translates(ast.New, ast.Duration, ast.Counted)
def _no_text(expr: ast.Expr, scope: Scope) -> Text:
    del expr, scope
    raise NoTextError
