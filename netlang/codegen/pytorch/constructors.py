"""Constructors: the modules and parameters that a body creates, in the order of the program."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from netlang.codegen.pytorch.calls import (
    Calls,
    arguments,
    form_arguments,
    function_of,
    in_library,
    is_module,
    own_parameters,
    passed,
    relative,
)
from netlang.codegen.pytorch.printing.text import (
    Text,
    binary,
    choice,
    listed,
    literal,
    text,
    tupled,
)
from netlang.codegen.pytorch.scope import INDENT, Named, Scope, access
from netlang.codegen.pytorch.sizes import size_text
from netlang.codegen.pytorch.tables.forms import (
    INITIALIZERS,
    MODULES,
    OPERAND_AXIS,
    OWN_INITIALIZERS,
)
from netlang.codegen.pytorch.translate import constant, is_static, translate
from netlang.codegen.pytorch.units import NoTextError, agreed
from netlang.evaluate.context.frame import Frame
from netlang.evaluate.context.values import Function, Layer, Object
from netlang.ir.graph import Init, Param, Value
from netlang.syntax import ast
from netlang.syntax.walk import children


def construct(body: ast.Suite | ast.Expr, scope: Scope) -> None:
    """Write the constructor's part of a body."""
    if isinstance(body, ast.Suite):
        statements(body.statements, scope)
    else:
        visit(body, scope)


def statements(body: Sequence[ast.Statement], scope: Scope) -> None:
    """Write what the statements of a body create, and the numbers that this depends on."""
    for statement in body:
        match statement:
            case ast.Bind(targets=targets, value=value):
                visit(value, scope)
                _bind(targets, value, scope)
            case ast.Next(value=value) | ast.Yield(value=value) | ast.State(value=value):
                visit(value, scope)
            case ast.Assert():
                pass
    for statement in body:
        if isinstance(statement, ast.Next):
            _carry_number(statement, scope)


def _carry_number(statement: ast.Next, scope: Scope) -> None:
    values = scope.shared.recording.value(statement.value, scope.frames)
    name = statement.name.text
    if values and all(is_static(v) for _, v in values) and scope.is_used(name):
        named = scope.find(name)
        if named is not None:
            scope.emit(f"{named.text} = {translate(statement.value, scope)}")


def _bind(targets: Sequence[ast.Ident], value: ast.Expr, scope: Scope) -> None:
    """Write a number that the constructor computes, if something in it needs it."""
    found = scope.shared.recording.value(value, scope.frames)
    if not found or not all(is_static(v) for _, v in found):
        return
    if not any(scope.is_used(target.text) for target in targets):
        for target in targets:
            scope.names[target.text] = Named(scope.variable(target.text))
        return
    try:
        shown = translate(value, scope)
    except NoTextError:
        return
    variables = [scope.variable(target.text) for target in targets]
    for target, variable in zip(targets, variables, strict=True):
        scope.names[target.text] = Named(variable)
    scope.emit(f"{', '.join(variables)} = {shown}")


def visit(expr: ast.Expr, scope: Scope) -> None:
    """Write what an expression creates, in the order of evaluation."""
    match expr:
        case ast.Paren(value=value) | ast.Label(value=value):
            visit(value, scope)
        case ast.Pipe(value=value, stages=stages):
            visit(value, scope)
            for stage in stages:
                _visit_stage(stage, scope)
        case ast.Call(callee=callee, args=args):
            if not isinstance(callee, ast.Name):
                visit(callee, scope)
            for arg in args:
                visit(arg.value, scope)
            _site(expr, args, scope, piped=False)
        case ast.New(args=args):
            for arg in args:
                visit(arg.value, scope)
            _layer(expr, scope)
        case ast.If():
            _if(expr, scope)
        case ast.For(source=source, carries=carries):
            visit(source, scope)
            for carry in carries:
                visit(carry.value, scope)
            _for(expr, scope)
        case ast.Comprehension(source=source):
            visit(source, scope)
            _unrolled(expr, scope)
        case _:
            for child in children(expr):
                if isinstance(child, ast.Expr):
                    visit(child, scope)


def _visit_stage(stage: ast.Expr, scope: Scope) -> None:
    while isinstance(stage, ast.Paren | ast.Label):
        stage = stage.value
    if isinstance(stage, ast.Call):
        for arg in stage.args:
            visit(arg.value, scope)
        _site(stage, stage.args, scope, piped=True)
    elif isinstance(stage, ast.Name):
        _site(stage, (), scope, piped=True)


def _if(expr: ast.If, scope: Scope) -> None:
    visit(expr.condition, scope)
    outcomes = {bool(v) for _, v in scope.shared.recording.value(expr.condition, scope.frames)}
    if len(outcomes) < 2:
        for outcome in outcomes:
            visit(expr.then if outcome else expr.otherwise, scope)
        return
    then, leaf = _branch(expr.then, scope)
    otherwise, other = _branch(expr.otherwise, scope)
    if leaf or other:
        condition = translate(expr.condition, scope)
        empty = [f"{scope.base} = nn.Module()"]
        scope.leaf = [
            f"if {condition}:", *(INDENT + line for line in leaf or empty),
            "else:", *(INDENT + line for line in other or empty),
        ]  # fmt: skip
    if not then and not otherwise:
        return
    condition = translate(expr.condition, scope)
    if then:
        scope.nest(f"if {condition}:", then)
        if otherwise:
            scope.nest("else:", otherwise)
    else:
        scope.nest(f"if {_negated(expr.condition, condition, scope)}:", otherwise)


_OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


def _negated(expr: ast.Expr, condition: Text, scope: Scope) -> Text:
    if isinstance(expr, ast.Binary) and expr.op in _OPPOSITE and " is " not in condition:
        return binary(_OPPOSITE[expr.op], translate(expr.left, scope), translate(expr.right, scope))
    return text(f"not {condition:a}")


def _branch(expr: ast.Expr, scope: Scope) -> tuple[list[str], list[str]]:
    """Return the lines that a branch writes, and those that create the module of an iteration."""
    lines, leaf = scope.lines, scope.leaf
    scope.lines, scope.leaf = [], []
    visit(expr, scope)
    made, scope.lines = scope.lines, lines
    made_leaf, scope.leaf = scope.leaf, leaf
    return made, made_leaf


# ---- calls ---------------------------------------------------------------------------


def _site(node: ast.Expr, args: Sequence[ast.Argument], scope: Scope, *, piped: bool) -> None:
    found = scope.shared.recording.called(node.span, scope.frames)
    if not found:
        return
    function = function_of(found)
    if in_library(function) and function.name == "param":
        _parameter(node, found, args, scope)
        return
    own = [c.layer is not None and c.layer is not f.layer for f, c in found]
    if is_module(function) and (params := own_parameters(found, scope)):
        shapes: list[tuple[Frame, Object]] = [(f, list(p.type.shape)) for f, p in params]
        _create_parameter(params, constant(shapes, scope), scope)
    elif is_module(function) and not any(own):
        operand = text("x") if piped else None
        given = arguments(function, found, operand, args, scope)
        _create([(f, c.path) for f, c in found], function, found, given, scope)


def _layer(expr: ast.New, scope: Scope) -> None:
    layers = scope.shared.recording.value(expr, scope.frames)
    found: list[tuple[Frame, Frame]] = []
    for frame, layer in layers:
        calls = scope.shared.recording.layers.get(id(layer), [])
        found += [(frame, call) for call in calls[:1]]
    if not found:
        return
    function = function_of(found)
    given = arguments(function, (), None, expr.args, scope, new=True)
    if is_module(function):
        paths = [(f, layer.path) for f, layer in layers if isinstance(layer, Layer)]
        _create(paths, function, found, given, scope)


def _create(
    paths: Sequence[tuple[Frame, str]],
    function: Function,
    found: Calls,
    given: Mapping[str, Text],
    scope: Scope,
) -> None:
    """Create the module of a call at its path."""
    inside = agreed([(f, relative(path, f.path) or "") for f, path in paths])
    if in_library(function) and function.name in MODULES:
        made = _own_module(function, found, given, scope)
    else:
        unit = scope.shared.unit_of(found)
        made = f"{unit.name}({', '.join(_passed_on(found, given, scope))})"
    _assign(inside, made, scope)
    if in_library(function) and function.name in MODULES:
        _initialize_weight(function, found, inside, scope)


def _own_module(function: Function, found: Calls, given: Mapping[str, Text], scope: Scope) -> str:
    form, axis = MODULES[function.name], OPERAND_AXIS[function.name]
    operand = function.params[0].name.text
    sizes: list[tuple[Frame, object]] = []
    for frame, called in found:
        value = called.names[operand].value
        assert isinstance(value, Value)
        sizes.append(
            (frame, value.type.shape[axis] if function.params[1].name.text == "out" else 0)
        )
    channels = size_text(sizes, scope, translate) if any(s for _, s in sizes) else text("")
    texts = [(f, form(form_arguments(c, found, given, scope), channels)) for f, c in found]
    return agreed(texts)


def _passed_on(found: Calls, given: Mapping[str, Text], scope: Scope) -> list[str]:
    """Return the arguments of the constructor of a class of ours."""
    unit = scope.shared.unit_of(found)
    shown: list[str] = []
    for key in unit.sizes:
        sizes: list[tuple[Frame, object]] = []
        for frame, called in found:
            if isinstance(key, str):
                sizes.append((frame, called.names[key].value))
            else:
                value = called.names[key[0]].value
                assert isinstance(value, Value)
                sizes.append((frame, value.type.shape[key[1]]))
        shown.append(str(size_text(sizes, scope, translate)))
    needed = unit.values | unit.attributes
    params = [p for p in unit.function.params if p.name.text in needed]
    return shown + passed(unit, params, found, given, scope)


def _assign(inside: str, made: str, scope: Scope) -> None:
    """Store a module at a path below the module that the scope writes."""
    if inside:
        parent, _, name = inside.rpartition(".")
        _namespaces(parent, scope)
        base = access(str(scope.base), parent)
        scope.emit(f"{access(str(base), name)} = {made}")
        return
    if scope.parent is None:
        scope.unit.base, _, rest = made.partition("(")
        scope.emit(f"super().__init__({rest}")
        return
    scope.leaf = [f"{scope.base} = {made}"]


def _namespaces(path: str, scope: Scope) -> None:
    """Create the modules that are only there to name others."""
    base = str(scope.base)
    for part in path.split(".") if path else ():
        base = str(access(base, part))
        if base not in scope.made:
            scope.made.add(base)
            scope.emit(f"{base} = nn.Module()")


# ---- parameters ----------------------------------------------------------------------


def _parameter(node: ast.Expr, found: Calls, args: Sequence[ast.Argument], scope: Scope) -> None:
    given = arguments(function_of(found), found, None, args, scope)
    values = scope.shared.recording.value(node, scope.frames)
    params = [(f, scope.shared.params[v]) for f, v in values if isinstance(v, Value)]
    _create_parameter(params, given["shape"], scope)


def _create_parameter(params: Sequence[tuple[Frame, Param]], shape: Text, scope: Scope) -> None:
    """Create a parameter, or a buffer for one that training does not change."""
    path = agreed([(f, relative(p.path, f.path) or "") for f, p in params])
    parent, _, name = path.rpartition(".")
    _namespaces(parent, scope)
    base = access(str(scope.base), parent)
    init = params[0][1].init
    start = agreed([(f, _start(p.init, str(shape))) for f, p in params])
    if agreed([(f, str(p.trained)) for f, p in params]) == "False":
        scope.emit(f'{base}.register_buffer("{name}", {start})')
        return
    scope.emit(f"{access(str(base), name)} = nn.Parameter({start})")
    if init.rule != "constant":
        shown = _initializer(str(access(str(base), name)), [(f, p.init) for f, p in params])
        scope.emit(shown)


def _start(init: Init, shape: str) -> str:
    inside = shape[1:-1]
    shape = inside if shape[0] == "[" and not set("[]") & set(inside) else shape
    if init.rule != "constant":
        return f"torch.empty({shape})"
    value = init.arguments[0] if init.arguments else 0.0
    if value in (0.0, 1.0):
        return f"torch.{'ones' if value else 'zeros'}({shape})"
    return f"torch.full(({shape},), {value!r})"


def _initializer(target: str, inits: Sequence[tuple[Frame, Init]]) -> str:
    return agreed(
        [
            (f, INITIALIZERS[i.rule].format(*map(_number, i.arguments), w=target))
            if i.rule in INITIALIZERS
            else (f, f"nn.init.normal_({target})")
            for f, i in inits
        ]
    )


def _number(value: float) -> str:
    return repr(float(f"{value:.6g}"))


def _initialize_weight(function: Function, found: Calls, inside: str, scope: Scope) -> None:
    """Write how the weight of a module starts, where PyTorch would start it in another way."""
    own = Init(OWN_INITIALIZERS[function.name])
    weights = [(f, scope.shared.by_path[f"{c.path}.weight".lstrip(".")].init) for f, c in found]
    different = [
        i for _, i in weights if i.rule != own.rule or i.arguments not in ((), (1.0,), (1.0, 0.0))
    ]
    if different and inside:
        target = access(str(scope.base), f"{inside}.weight")
        scope.emit(_initializer(str(target), weights))


# ---- loops ---------------------------------------------------------------------------


def _unrolled(expr: ast.Comprehension, scope: Scope) -> None:
    """Write a comprehension whose body creates modules as a loop."""
    frames = _iterations(expr, scope)
    if frames:
        _loop(expr, frames, scope, lambda inner: visit(expr.body, inner))


def _iterations(loop: ast.Expr, scope: Scope) -> list[Frame]:
    return [i for f in scope.frames for i in scope.shared.recording.iterations(loop, f)]


def _for(expr: ast.For, scope: Scope) -> None:
    frames = _iterations(expr, scope)
    if not frames:
        return
    if expr.kind == "scan":
        path = agreed([(f, relative(f.path, body_path(f)) or "") for f in frames])
        inner = scope.inner(frames, access(str(scope.base), path), expr)
        if path:
            before = len(scope.lines)
            inner.lines = scope.lines
            _namespaces(path, scope)
            created = len(scope.lines)
            statements(expr.body, inner)
            if len(scope.lines) == created:
                del scope.lines[before:]
                scope.made.discard(str(access(str(scope.base), path)))
        else:
            inner.lines = scope.lines
            statements(expr.body, inner)
        return
    _loop(expr, frames, scope, lambda inner: statements(expr.body, inner))


def body_path(frame: Frame) -> str:
    """Return the path of the frame that a loop is in."""
    assert frame.parent is not None
    return frame.parent.path


def _loop(
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
    scope.emit(*starts)
    scope.nest(f"for {_source(expr, names, frames, scope)}:", body + ends)


def _make_container(path: str, listed: bool, scope: Scope) -> Text:
    """Create the container of the modules of a loop; return its text."""
    kind = "nn.ModuleList" if listed else "nn.ModuleDict"
    if not path:
        if scope.parent is None:
            scope.unit.base = kind
        else:
            scope.container = kind
        return scope.base
    _namespaces(path.rpartition(".")[0], scope)
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
