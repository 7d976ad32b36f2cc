"""Calls of blocks, ops, nets and layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from msgspec.structs import replace

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import DiagnosticError
from netlang.diagnostics.fix import Edit, Fix
from netlang.diagnostics.source import Span
from netlang.evaluate.arguments import assign, check_named_last
from netlang.evaluate.bodies import finish_states, give_outs, run_body
from netlang.evaluate.builtins.conditions import condition, is_filter
from netlang.evaluate.builtins.counts import SPECIAL
from netlang.evaluate.builtins.data import reject_examples_for_a_transform
from netlang.evaluate.builtins.numbers import numeric
from netlang.evaluate.builtins.registry import COMPILE_TIME
from netlang.evaluate.calls import groups
from netlang.evaluate.calls.binding import bind_arguments
from netlang.evaluate.calls.bound import bound
from netlang.evaluate.calls.extern_ops import call_extern_op
from netlang.evaluate.calls.unknown import reject_unknown
from netlang.evaluate.context.describe import describe
from netlang.evaluate.context.frame import DEPTH_LIMIT, CallSite, Frame, LayerCall, reject
from netlang.evaluate.context.memo import key_of, mark, remember, repeat
from netlang.evaluate.context.parameter_paths import claim, origin
from netlang.evaluate.context.values import (
    DIRECTIONS,
    GROUPS,
    UNKNOWN,
    Argued,
    Bound,
    Examples,
    Function,
    Layer,
    Object,
    Part,
    Results,
    Sampled,
    Setting,
    Unknown,
    is_number,
    takes_tensor,
)
from netlang.evaluate.emit import primitive, result
from netlang.evaluate.evaluate import RULES, evaluate, evaluate_item, evaluates
from netlang.ir.graph import Scope, Value
from netlang.ir.op import OPS
from netlang.syntax import ast
from netlang.syntax.keywords import PREDEFINED


@evaluates(ast.Call)
def _call(expr: ast.Call, frame: Frame) -> Object:
    item = frame.run.item is expr
    callee = _callee(expr, frame)
    if isinstance(callee, Unknown):
        return UNKNOWN  # the types of its arguments are unknown
    args = arguments(expr.args, frame, callee)
    if item and (waiting := bound(_meant(callee, args), args, expr.span)) is not None:
        return waiting
    return call(callee, args, expr, expr.callee, frame)


def _meant(callee: Object, args: Sequence[Argued]) -> Object:
    return _overloaded(callee, args) if isinstance(callee, Function) else callee


def _callee(expr: ast.Call, frame: Frame) -> Object:
    """Evaluate what is called; a method of a tensor is rejected with the call to write instead."""
    if not isinstance(expr.callee, ast.Field) or frame.run.observer is not None:
        return evaluate(expr.callee, frame)
    try:
        return RULES[ast.Field](expr.callee, frame)
    except DiagnosticError as rejected:
        if rejected.diagnostic.rule is not rules.NO_FIELD:
            raise
        from netlang.evaluate.calls.methods import with_function

        raise DiagnosticError(with_function(rejected.diagnostic, expr, frame)) from None


def arguments(args: Sequence[ast.Argument], frame: Frame, callee: Object = None) -> list[Argued]:
    """Evaluate the arguments of a call, in the order of the text."""
    if is_filter(callee):
        return [condition(a, frame) or _argued(a, frame) for a in args]
    return [_argued(a, frame) for a in args]


def _argued(arg: ast.Argument, frame: Frame) -> Argued:
    return Argued(evaluate_item(arg.value, frame), arg.value.span, arg.value, arg.name)


def call(
    callee: Object,
    args: list[Argued],
    node: ast.Expr,
    named: ast.Expr,
    frame: Frame,
    span: Span | None = None,
) -> Object:
    """Call a block, op, net, dataset or layer. ``node`` is the site that may own parameters."""
    span = span or node.span
    frame.run.budget.traverse(span, *[a.value for a in args])
    if not all(_known(a.value) for a in args):
        return UNKNOWN
    match callee:
        case Unknown():
            return UNKNOWN
        case Layer():
            return _call_layer(callee, args, span, frame)
        case Sampled():
            return callee(_step_of(args, span))
        case Function():
            return call_function(callee, args, node, span, frame)
        case Bound():
            return call_function(callee.function, args, node, span, frame, callee.arguments)
        case Value():
            reject(
                rules.NOT_CALLABLE,
                f"`{named.span.text}` is a tensor, not a block",
                named.span,
                f"this is {describe(callee)}",
                helps=_hidden_help(named, frame)
                or (
                    f"a tensor goes into a layer: `{named.span.text} |> dense(10)`",
                    "a layer to be called later is made with `new`: `layer = new dense(10)`",
                ),
            )
        case _:
            reject(
                rules.NOT_CALLABLE,
                f"`{named.span.text}` can't be called",
                named.span,
                f"this is {describe(callee)}",
                helps=_hidden_help(named, frame),
            )


def _step_of(args: Sequence[Argued], span: Span) -> float:
    """Return the step at which a schedule calls another, `lr(elapsed - 100)`."""
    if len(args) == 1 and is_number(args[0].value) and isinstance(args[0].value, int | float):
        return args[0].value
    reject(
        rules.WRONG_TYPE,
        "a learning rate is called with the number of a step",
        span,
        helps=("such as `lr(elapsed - 100.0)`; `lr` alone is the rate now",),
    )


def _known(value: Object) -> bool:
    if isinstance(value, list | tuple):
        return all(map(_known, value))
    return value is not UNKNOWN


def _hidden_help(named: ast.Expr, frame: Frame) -> tuple[str, ...]:
    hidden = frame.module.function(named.text) if isinstance(named, ast.Name) else None
    if hidden is None:
        return ()
    return (
        f"the local name `{hidden.name}` hides the {hidden.kind} of that name: "
        "call the value something else",
    )


def call_function(
    function: Function,
    args: list[Argued],
    node: ast.Expr,
    span: Span,
    frame: Frame,
    given: Mapping[str, Argued] = MappingProxyType({}),
) -> Object:
    """Call a definition with its arguments; ``given`` are those that it has already."""
    if frame.run.training and frame.call is None and (function.kind == "net" or _owning(function)):
        reject(
            rules.NET_WITHOUT_NEW,
            f"in a `train` section, `{function.name}` is used through `new`",
            span,
            "this would create new parameters at each use",
            helps=(f"make it once, `model = new {function.name}()`, and call `model(…)`",),
            fixes=_newly(function, args, span),
        )
    if function.name in SPECIAL and function.module.source.library:
        return SPECIAL[function.name](args, span, frame)
    function = _overloaded(function, args)
    overrides: list[Argued] = []
    if function.name == groups.GROUP and function.module.source.library:
        check_named_last(args)
        args, overrides = groups.split(function, args)
    if args and isinstance(args[0].value, Examples) and _is_transform(function):
        reject_examples_for_a_transform(function.public_name, args[0].value, args[0].span, span)
    if any(p.type is None for p in function.params) and function.kind in PREDEFINED:
        return UNKNOWN  # the lookup of names reports the signature
    if function.name in function.module.recursive:
        return UNKNOWN
    preset = frozenset(given)
    assigned = assign(function, args, span, preset=preset, bound=True) | dict(given)
    if isinstance(function.definition, ast.Extern):
        made = _call_extern(function, function.definition, assigned, node, span, frame)
        return replace(made, overrides=tuple(overrides)) if isinstance(made, Setting) else made
    if function.kind in PREDEFINED:
        return _setting(function, function.definition, assigned, span, frame)
    path = claim(node, span, frame) if _owning(function) else None
    made = _call_body(
        function,
        function.definition,
        assigned,
        span,
        frame,
        path=frame.binding_path() if path is None else path,
        layer=frame.layer,
    )
    outs = function.definition.outs
    if isinstance(made, Value) and len(outs) == 1 and outs[0].name.text in DIRECTIONS:
        frame.run.modes[made] = DIRECTIONS[outs[0].name.text]
    return made


def _newly(function: Function, args: Sequence[Argued], span: Span) -> tuple[Fix, ...]:
    """Return the fix that makes a layer with `new`, unless an argument is for its calls."""
    free = sum(not takes_tensor(p) and not p.keyword_only for p in function.params)
    positional = sum(a.name is None for a in args)
    if positional > free or any(isinstance(a.value, Value) for a in args):
        return ()
    at = Span(span.source, span.start, span.start)
    return (Fix("insert `new`", (Edit(at, "new "),)),)


def _overloaded(function: Function, args: Sequence[Argued]) -> Function:
    """Return the definition that a name denotes for these arguments.

    `flip` and `resize` without a tensor are transforms of images, or stages of columns; `split` of
    examples is a split of a dataset, and `grad` with respect to a selection returns a list.
    """
    if not function.module.source.library:
        return function
    match function.name:
        case "flip" | "resize" if not any(isinstance(a.value, Value | Unknown) for a in args):
            column = any(isinstance(a.value, Setting) and a.value.type == "column" for a in args)
            other = f"_{function.name}_{'column' if column else 'image'}"
        case "grad" if any(map(_is_selection, args)):
            other = "_grad_of_parameters"
        case "split" if any(isinstance(a.value, Examples) for a in args):
            other = "_split_rows"
        case _:
            return function
    return function.module.function(other) or function


def _is_selection(arg: Argued) -> bool:
    match arg.value:
        case Layer() | Part() | Setting(type="selection"):
            return True
        case _:
            return False


def _is_transform(function: Function) -> bool:
    match function.definition:
        case ast.Extern(outs=[ast.Out(type=ast.NameType(name="transform"))]):
            return True
        case _:
            return False


def _owning(function: Function) -> bool:
    definition = function.definition
    if isinstance(definition, ast.Extern) or definition.kind in PREDEFINED:
        return False
    return function.module.sites(definition).owns


def _call_body(
    function: Function,
    definition: ast.Definition,
    assigned: dict[str, Argued],
    span: Span,
    frame: Frame,
    *,
    path: str,
    layer: Layer | None,
) -> Object:
    run = frame.run
    # A layer's parameters are shared between its calls, which a copy would not see.
    copyable = run.tensors and run.observer is None
    repeatable = layer is None and copyable
    known_calls = run.known_calls if copyable and function.module.source.library else None
    keyed = key_of(function, assigned) if repeatable or known_calls is not None else None
    recording = run.recordings.get(keyed[0]) if repeatable and keyed is not None else None
    if keyed is not None and recording is not None:
        repeated = repeat(recording, keyed[1], path, span, frame)
        if repeated is not None:
            return repeated
    before = mark(run)
    inner = enter(function, span, frame, path=path, layer=layer)
    if keyed is not None and known_calls is not None:
        repeated = known_calls.repeat(*keyed, inner)
        if repeated is not None:
            if repeatable:
                remember(*keyed, before, inner, repeated)
            return repeated
    known = bind_arguments(function, assigned, inner)
    inner.call = CallSite(
        function,
        {name: inner.names[name].value for name in assigned if name in inner.names},
        span,
        frame,
    )
    if run.bound is not None:
        run.bound.extend(
            (p.name.text, p.name.span, inner.names[p.name.text].value)
            for p in definition.params
            if p.name.text in inner.names
        )
    if not known:
        return UNKNOWN
    if run.observer is not None:
        run.observer.entered(inner)
    for clause in definition.where:
        _check_clause(clause, inner)
    run_body(function, definition, inner)
    if function.kind == "net" and run.training:
        finish_states(inner)
    result = give_outs(function, definition, inner)
    if keyed is not None and repeatable:
        recording = remember(*keyed, before, inner, result)
        if recording is not None and known_calls is not None:
            known_calls.keep(keyed[0], recording, assigned, before, inner)
    return result


def enter(function: Function, span: Span, frame: Frame, *, path: str, layer: Layer | None) -> Frame:
    """Open the frame of a call, within the limits."""
    run = frame.run
    if frame.depth >= DEPTH_LIMIT:
        reject(
            rules.TOO_DEEP,
            f"calls are nested more than {DEPTH_LIMIT} deep",
            span,
            "this call is inside too many others",
        )
    library = function.module.library is None
    block = not library and function.kind in ("block", "net")
    return Frame(
        run,
        function.module,
        None,
        path,
        function.kind,
        CallSite(function, {}, span, frame),
        layer,
        Scope(path, function.name, span, frame.scope, library, function.definition.doc, block),
        frame.depth + 1,
    )


def _check_clause(clause: ast.Expr, inner: Frame) -> None:
    from netlang.evaluate.types.where import check_clause

    check_clause(clause, inner)


@evaluates(ast.New)
def _new(expr: ast.New, frame: Frame) -> Object:
    name = expr.path[-1]
    function = frame.module.function(name.text)
    slot = frame.find(name.text)
    value = slot.value if slot is not None else frame.module.find(name.text)
    given: Mapping[str, Argued] = MappingProxyType({})
    if isinstance(value, Function):
        function = value
    elif isinstance(value, Bound):
        function, given = value.function, value.arguments
    if function is None:
        _reject_new(name, frame)
        return UNKNOWN
    if function.kind not in ("block", "net"):
        reject(
            rules.WRONG_TYPE,
            "`new` makes a layer of a block or a net",
            name.span,
            f"this is {describe(function)}, which has no parameters",
            helps=(f"call it: `{function.name}(…)`",),
        )
    args = arguments(expr.args, frame)
    if any(a.value is UNKNOWN for a in args):
        return UNKNOWN
    preset = frozenset(given)
    assigned = assign(function, args, expr.span, preset=preset, new=True, bound=True) | dict(given)
    owns = _owning(function)
    path = claim(expr, expr.span, frame) if owns else frame.binding_path()
    return Layer(function, assigned, path, expr.span, (expr.span, origin(frame)))


def _reject_new(name: ast.Ident, frame: Frame) -> None:
    """Reject a layer of what is not a definition, unless its error is already reported."""
    slot = frame.find(name.text)
    value = slot.value if slot is not None else frame.module.find(name.text)
    if isinstance(value, type):  # LookupError
        reject_unknown(name.text, name.span, frame)
    if value is not UNKNOWN:
        reject(
            rules.WRONG_TYPE,
            "`new` makes a layer of a block or a net",
            name.span,
            f"this is {describe(value)}",
        )


def _call_layer(layer: Layer, args: list[Argued], span: Span, frame: Frame) -> Object:
    preset = frozenset(layer.arguments)
    frame.run.budget.traverse(span, *[a.value for a in layer.arguments.values()])
    assigned = assign(layer.function, args, span, preset=preset) | dict(layer.arguments)
    definition = layer.function.definition
    assert isinstance(definition, ast.Definition)
    results = _call_body(
        layer.function, definition, assigned, span, frame, path=layer.path, layer=layer
    )
    if frame.run.training and "." not in layer.path:
        given = {name: arg.value for name, arg in assigned.items()}
        first = {definition.outs[0].name.text: results} if definition.outs else {}
        named = results.values if isinstance(results, Results) else first
        frame.run.calls.append(LayerCall(layer.path, _tensors(given), _tensors(named)))
    return results


def _tensors(values: Mapping[str, Object]) -> dict[str, Value]:
    return {name: value for name, value in values.items() if isinstance(value, Value)}


def _call_extern(
    function: Function,
    definition: ast.Extern,
    assigned: dict[str, Argued],
    node: ast.Expr,
    span: Span,
    frame: Frame,
) -> Object:
    path = frame.binding_path()
    inner = enter(function, span, frame, path=path, layer=frame.layer)
    library = function.module.source.library
    name = function.implementation
    if library and assigned and all(is_number(a.value) for a in assigned.values()):
        compute = numeric(name, definition)
        if compute is not None:
            return compute({k: a.value for k, a in assigned.items()}, span)
    if not bind_arguments(function, assigned, inner):
        return UNKNOWN
    values = {p.name.text: inner.names[p.name.text].value for p in function.params}
    if any(isinstance(v, Unknown) for v in values.values()):
        return UNKNOWN
    if frame.run.observer is not None:
        inner.call = CallSite(function, values, span, frame)
        frame.run.observer.entered(inner)
    _check_arguments(definition.where, assigned, values, inner)
    if definition.kind == "dataset":
        from netlang.evaluate.calls.datasets import examples_of

        return examples_of(function, definition, values, inner)
    if library and name in COMPILE_TIME:
        return COMPILE_TIME[name](values, assigned, node, span, frame)
    if not library:
        return call_extern_op(function, definition, values, span, inner)
    match definition.outs[0].type:
        case ast.NameType(name=kind):
            return Setting(kind, function.public_name, values)
        case _:
            return _call_primitive(function, values, assigned, span, inner)


def _check_arguments(
    where: Sequence[ast.Expr],
    assigned: dict[str, Argued],
    values: dict[str, Object],
    inner: Frame,
) -> None:
    if not where:
        return
    from netlang.evaluate.types.where import check_arguments

    assert inner.call is not None
    inner.call = replace(inner.call, arguments=values)
    for clause in where:
        check_arguments(clause, assigned, inner.call.span, inner)


def _setting(
    function: Function,
    definition: ast.Definition,
    assigned: dict[str, Argued],
    span: Span,
    frame: Frame,
) -> Object:
    """Return an optimizer or a schedule: its checked arguments, and the body they are for."""
    inner = enter(function, span, frame, path="", layer=None)
    if not bind_arguments(function, assigned, inner):
        return UNKNOWN
    values = {p.name.text: inner.names[p.name.text].value for p in function.params}
    if not all(map(_known, values.values())):
        return UNKNOWN
    _check_arguments(definition.where, assigned, values, inner)
    chosen = values.get(GROUPS.name.text)
    if function.kind == "optimizer" and isinstance(chosen, list):

        def own(given: dict[str, Argued]) -> Object:
            return _setting(function, definition, given, span, frame)

        completed = groups.complete(function, assigned, chosen, span, own)
        if completed is None:
            return UNKNOWN
        values[GROUPS.name.text] = completed
    site = CallSite(function, values, span, frame)
    return Setting(function.kind, function.name, values, site)


def adjusted(optimizer: Setting, given: Mapping[str, Argued]) -> Object:
    """Return an optimizer with other values of some of its parameters, and without groups."""
    site = optimizer.call
    assert site is not None and isinstance(site.function.definition, ast.Definition)
    now = {name: Argued(value, site.span) for name, value in site.arguments.items()}
    assigned = {**now, **given}
    del assigned[GROUPS.name.text]
    return _setting(site.function, site.function.definition, assigned, site.span, site.frame)


_PASSES = 4
"""How many times an operator goes over a list."""


def _call_primitive(
    function: Function,
    values: dict[str, Object],
    assigned: dict[str, Argued],
    span: Span,
    inner: Frame,
) -> Object:
    operands: list[Argued] = []
    attributes: dict[str, Object] = {}
    for param in function.params:
        value = values[param.name.text]
        at = assigned[param.name.text].span if param.name.text in assigned else span
        match value:
            case Value() | [Value(), *_] if isinstance(param.type, ast.NameType):
                reject(
                    rules.WRONG_TYPE,
                    f"`{param.name.text}` can't be a tensor",
                    at,
                    f"this is {describe(value)}",
                )
            case Value():
                operands.append(Argued(value, at))
            case list() if value and all(isinstance(v, Value) for v in value):
                operands.extend(_listed(value, assigned.get(param.name.text), at))
            case None if takes_tensor(param):
                pass  # an optional tensor without an argument
            case _:
                inner.run.budget.traverse(span, *(value,) * _PASSES)
                attributes[param.name.text] = value
    # The node belongs to the call's scope, its name to the caller's binding.
    assert inner.call is not None
    inner.base = ""
    made = primitive(function.implementation, operands, attributes, span, inner)
    return list(made) if OPS[function.implementation].lists_results else result(made)


def _listed(values: list[Object], arg: Argued | None, span: Span) -> list[Argued]:
    expr = arg.expr if arg is not None else None
    if isinstance(expr, ast.List) and len(expr.items) == len(values):
        return [Argued(v, e.span) for v, e in zip(values, expr.items, strict=True)]
    return [Argued(v, span) for v in values]
