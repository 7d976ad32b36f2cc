"""Modules that hold others: those of the iterations of a loop, and those that only name."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from netlang.codegen.pytorch.calls import (
    relative,
)
from netlang.codegen.pytorch.printing.text import (
    Text,
    choice,
    listed,
    literal,
    text,
    tupled,
    unary,
)
from netlang.codegen.pytorch.scope import INDENT, Named, Scope, access
from netlang.codegen.pytorch.sizes import size_text
from netlang.codegen.pytorch.translate import is_static, translate
from netlang.codegen.pytorch.units import NoTextError, agreed
from netlang.evaluate.context.frame import Frame
from netlang.evaluate.context.values import Object
from netlang.ir.graph import Value
from netlang.syntax import ast


def make_namespaces(path: str, scope: Scope) -> None:
    """Create the modules that are only there to name others."""
    base = str(scope.base)
    for part in path.split(".") if path else ():
        base = str(access(base, part))
        if base not in scope.made:
            scope.made.add(base)
            scope.emit(f"{base} = nn.Module()")


def body_path(frame: Frame) -> str:
    """Return the path of the frame that a loop is in."""
    assert frame.parent is not None
    return frame.parent.path


def modules_of(frames: Sequence[Frame], scope: Scope) -> str:
    """Return the text of the modules of the iterations of a loop."""
    paths = [(f, (relative(f.path, body_path(f)) or "").rpartition(".")[0]) for f in frames]
    container = access(str(scope.base), agreed(paths))
    first = min(int(f.path.rpartition(".")[2]) for f in frames)
    return str(container) if first == 0 else f"{container}.values()"


def fill_container(
    expr: ast.For | ast.Comprehension,
    frames: Sequence[Frame],
    scope: Scope,
    write: Callable[[Scope], None],
) -> None:
    """Write a loop that fills a container with the modules of its iterations."""
    path = agreed([(f, _container(f)) for f in frames])
    module = text(scope.fresh("layer", "module"))
    inner = scope.inner(frames, module, expr)
    names = [inner.variable(name.text) for name in expr.names]
    for name, variable in zip(expr.names, names, strict=True):
        inner.names[name.text] = Named(variable)
    starts = _carried_starts(expr, scope, inner)
    write(inner)
    ends = _carried_ends(expr, frames, scope, inner)
    own = any(re.search(rf"\b{module}\b", line) for line in inner.lines)
    if not inner.lines and not inner.leaf and not ends:
        return
    body = inner.lines
    if own or inner.leaf:
        listed = _is_list(expr, scope)
        container = _make_container(path, listed, scope)
        created = inner.leaf or [f"{module} = {inner.container}()"]
        made = str(module)
        if len(created) == 1 and not own:
            made, created = created[0].removeprefix(f"{module} = "), []
        key = names[0] if len(names) == 1 else text("index")
        store = f"{container}.append({made})" if listed else f"{container}[str({key})] = {made}"
        body = [*created, *body, store]
    body = [*_skipped(expr, inner), *body]
    scope.emit(*starts)
    scope.nest(f"for {_source(expr, names, frames, scope)}:", body + ends)


def _skipped(expr: ast.For | ast.Comprehension, inner: Scope) -> list[str]:
    """Return the lines that skip an iteration for which the condition does not hold."""
    if isinstance(expr, ast.For) or expr.condition is None:
        return []
    return [f"if {unary('not', translate(expr.condition, inner))}:", f"{INDENT}continue"]


def _make_container(path: str, listed: bool, scope: Scope) -> Text:
    """Create the container of the modules of a loop; return its text."""
    kind = "nn.ModuleList" if listed else "nn.ModuleDict"
    if not path:
        if scope.parent is None:
            scope.unit.base = kind
        else:
            scope.container = kind
        return scope.base
    make_namespaces(path.rpartition(".")[0], scope)
    container = access(str(scope.base), path)
    scope.emit(f"{container} = {kind}()")
    return container


def _source(
    expr: ast.For | ast.Comprehension, names: Sequence[Text], frames: Sequence[Frame], scope: Scope
) -> str:
    """Return what a loop of the constructor goes over; it cannot go over tensors."""
    try:
        return f"{', '.join(names)} in {translate(expr.source, scope)}"
    except NoTextError:
        pass
    known = [
        (name, name.text, variable)
        for name, variable in zip(expr.names, names, strict=True)
        if all(is_static(f.names[name.text].value) for f in frames)
    ]
    per_body: dict[int, list[Frame]] = {}
    for frame in frames:
        per_body.setdefault(id(frame.parent), []).append(frame)
    texts: list[tuple[Frame, str]] = []
    for iterations in per_body.values():
        rows = [
            [literal(f.names[name].value) or text("None") for _, name, _ in known]
            for f in iterations
        ]
        items = [row[0] if len(row) == 1 else tupled(row) for row in rows if row]
        shown = listed(items) if known else text(f"range({len(iterations)})")
        texts.append((iterations[0], str(shown)))
    return f"{', '.join(v for _, _, v in known) or '_'} in {agreed(texts)}"


def _container(frame: Frame) -> str:
    """Return the path of the container of an iteration, below the body it is in."""
    return (relative(frame.path, body_path(frame)) or "").rpartition(".")[0]


def _is_list(expr: ast.For | ast.Comprehension, scope: Scope) -> bool:
    """Return whether the iterations are numbered from 0, as the items of a list are."""
    if isinstance(expr, ast.Comprehension) and expr.condition is not None:
        return False
    return all(
        executed[0].path.rpartition(".")[2] == "0"
        for executed in scope.shared.recording.executions(expr, scope.unit.frames)
        if executed
    )


def _carried_starts(expr: ast.For | ast.Comprehension, scope: Scope, inner: Scope) -> list[str]:
    """Return the first values of what the loop carries, as far as the constructor needs it."""
    lines: list[str] = []
    if isinstance(expr, ast.Comprehension):
        return lines
    for carry in expr.carries:
        name = carry.name.text
        values = scope.shared.recording.value(carry.value, scope.frames)
        if values and all(is_static(v) for _, v in values):
            variable = inner.variable(name)
            inner.names[name] = Named(variable)
            if inner.is_used(name):
                lines.append(f"{variable} = {translate(carry.value, scope)}")
            continue
        for (loop, carried, axis), variable in scope.unit.carried.items():
            if loop == id(expr) and carried == name:
                first = [(f, _size(v, axis)) for f, v in values]
                start = size_text(first, scope, translate)
                if start != variable:
                    lines.append(f"{variable} = {start}")
    return lines


def _carried_ends(
    expr: ast.For | ast.Comprehension, frames: Sequence[Frame], scope: Scope, inner: Scope
) -> list[str]:
    """Return the values of what the loop carries after an iteration."""
    lines: list[str] = []
    if isinstance(expr, ast.Comprehension):
        return lines
    for (loop, carried, axis), variable in scope.unit.carried.items():
        if loop != id(expr):
            continue
        statement = next(s for s in expr.body if isinstance(s, ast.Next) and s.name.text == carried)
        after = [(f, _size(f.nexts[carried].value, axis)) for f in frames]
        shown = _size_after(statement.value, after, inner)
        if shown == variable:
            continue
        if shown.startswith(f"{variable} + "):
            lines.append(f"{variable} += {shown.removeprefix(f'{variable} + ')}")
        else:
            lines.append(f"{variable} = {shown}")
    return lines


def _size_after(expr: ast.Expr, sizes: Sequence[tuple[Frame, object]], scope: Scope) -> Text:
    """Return the text of a size of an expression, which may depend on the iteration."""
    while isinstance(expr, ast.Paren | ast.Label):
        expr = expr.value
    if isinstance(expr, ast.If):
        found = scope.shared.recording.value(expr.condition, scope.frames)
        chosen = {id(frame): bool(value) for frame, value in found}
        if len(set(chosen.values())) > 1:
            then = [(f, s) for f, s in sizes if chosen[id(f)]]
            otherwise = [(f, s) for f, s in sizes if not chosen[id(f)]]
            condition = translate(expr.condition, scope)
            first = _size_after(expr.then, then, scope)
            second = _size_after(expr.otherwise, otherwise, scope)
            return first if first == second else choice(condition, first, second)
    return size_text(sizes, scope, translate)


def _size(value: Object, axis: int) -> object:
    assert isinstance(value, Value)
    return value.type.shape[axis]
