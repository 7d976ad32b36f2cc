"""Calls: operators in the form of PyTorch, layers as modules, ops as functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from netlang.codegen.pytorch.printing.text import Text, text
from netlang.codegen.pytorch.scope import Scope, access, python_name
from netlang.codegen.pytorch.tables.arguments import Arguments, NoFormError
from netlang.codegen.pytorch.tables.forms import FORMS, MODULES, NUMBERS, Form
from netlang.codegen.pytorch.tables.padding import padded_operand
from netlang.codegen.pytorch.translate import Lazy, constant
from netlang.codegen.pytorch.units import NoTextError, SplitError, Unit, agreed, body_of, reject
from netlang.diagnostics import rules
from netlang.evaluate.context.frame import Frame
from netlang.evaluate.context.parameter_paths import users_span
from netlang.evaluate.context.values import Function, Layer, Object, takes_tensor
from netlang.ir.graph import Param, Value
from netlang.syntax import ast

Calls = Sequence[tuple[Frame, Frame]]
"""The frames of a call, each after the frame that it was called from."""


def call(
    callee: ast.Expr, node: ast.Expr, piped: Text | None, args: Sequence[ast.Argument], scope: Scope
) -> Text:
    """Return the text of a call; ``piped`` is the first argument in a pipeline."""
    found = scope.shared.recording.called(node.span, scope.frames)
    if not found:
        return _of_numbers(callee, piped, args, scope)
    function = function_of(found)
    given = arguments(function, found, piped, args, scope)
    if isinstance(function.definition, ast.Extern) or has_form(function):
        return _extern(function, found, given, node, scope)
    if is_module(function):
        own = own_parameters(found, scope)
        if own:
            return parameter_access(own, scope)
        return _module(callee, function, found, given, scope)
    return _function(found, given, scope)


def function_of(found: Calls) -> Function:
    """Return what a call calls; raises ``SplitError`` if that differs."""
    functions = {id(c.call.function.definition): c.call.function for _, c in found if c.call}
    if len(functions) > 1:
        raise SplitError(
            {id(body_of(f)): id(c.call.function.definition) for f, c in found if c.call}
        )
    return next(iter(functions.values()))


def in_library(function: Function) -> bool:
    return function.module.library is None or function.module.source.library


def has_form(function: Function) -> bool:
    """Return whether PyTorch has a function of the prelude that is not an operator."""
    return in_library(function) and function.kind == "op" and function.name in FORMS


def is_module(function: Function) -> bool:
    """Return whether a definition creates parameters, so that it is a class."""
    definition = function.definition
    return isinstance(definition, ast.Definition) and function.module.sites(definition).owns


def arguments(
    function: Function,
    found: Calls,
    piped: Text | None,
    args: Sequence[ast.Argument],
    scope: Scope,
    *,
    new: bool = False,
) -> Lazy:
    """Match the arguments of a call, or of ``new``, with parameters."""
    layer = found[0][1].layer if found else None
    preset: Mapping[str, object] = {}
    if layer is not None and found and layer is not found[0][0].layer:
        preset = layer.arguments
    open_names = [
        p.name.text
        for p in function.params
        if p.name.text not in preset and not (new and takes_tensor(p))
    ]
    exprs: dict[str, ast.Expr | Text] = {}
    positional: list[ast.Expr | Text] = [] if piped is None else [piped]
    for arg in args:
        if arg.name is None:
            positional.append(arg.value)
        else:
            exprs[arg.name.text] = arg.value
    exprs |= dict(zip(open_names, positional, strict=False))
    return Lazy(exprs, scope)


def _of_numbers(
    callee: ast.Expr, piped: Text | None, args: Sequence[ast.Argument], scope: Scope
) -> Text:
    """Return the text of a function of numbers, which was computed without a call."""
    if not isinstance(callee, ast.Name) or callee.text not in NUMBERS or not scope.frames:
        raise NoTextError
    function = scope.frames[0].module.function(callee.text)
    if function is None or not in_library(function):
        raise NoTextError
    given = arguments(function, (), piped, args, scope)
    return _rendered(NUMBERS[callee.text], Arguments(given, {}, (), _no_text, _no_text, _no_helper))


def _no_text() -> Text:
    raise NoTextError


def _no_helper(name: str) -> str:
    raise NoTextError


def _extern(function: Function, found: Calls, given: Lazy, node: ast.Expr, scope: Scope) -> Text:
    name = function.name
    if in_library(function) and name in FORMS:
        return _by_form(FORMS[name], function, found, given, node, scope)
    if in_library(function) and name in NUMBERS:
        if scope.kind == "init" and any(_is_tensor(v) for _, f in found for v in values_of(f)):
            raise NoTextError  # the constructor has no tensors; the value explains itself
        return _by_form(NUMBERS[name], function, found, given, node, scope)
    if in_library(function) and name == "param":
        return parameter_text(scope.shared.recording.value(node, scope.frames), scope)
    values = scope.shared.recording.value(node, scope.frames)
    if values and not any(isinstance(v, Value | list) for _, v in values):
        raise NoTextError
    raise reject(
        rules.NO_PYTORCH_FORM,
        f"`{function.name}` has no form in PyTorch",
        users_span(node.span, found[0][0]),
        "this is an extern op of the program"
        if not in_library(function)
        else "netlang does not know how PyTorch writes it",
        "compile the net to ONNX: `--target onnx`",
    )


def values_of(frame: Frame) -> list[Object]:
    """Return the values of the arguments of a call."""
    return [slot.value for slot in frame.names.values()]


def _is_tensor(value: Object) -> bool:
    return isinstance(value, Value)


def _by_form(
    form: Form, function: Function, found: Calls, given: Lazy, node: ast.Expr, scope: Scope
) -> Text:
    try:
        texts = [(f, _rendered(form, form_arguments(c, found, given, scope))) for f, c in found]
    except NoFormError as missing:
        raise reject(
            rules.NO_PYTORCH_FORM,
            f"`{function.name}` has no form in PyTorch with {missing}",
            users_span(node.span, found[0][0]),
            "",
            "compile the net to ONNX: `--target onnx`",
        ) from None
    agreed(texts)
    return texts[0][1]


def _rendered(form: Form, args: Arguments) -> Text:
    if callable(form):
        made = form(args)
        return made if isinstance(made, Text) else text(made)
    return text(form.format_map(args))


def form_arguments(
    called: Frame, found: Calls, given: Mapping[str, Text], scope: Scope
) -> Arguments:
    """Return the arguments of a call for a form."""

    def training() -> Text:
        if scope.kind == "forward":
            return text("self.training")
        scope.unit.training = True
        return text("training")

    def helper(name: str) -> str:
        scope.shared.helpers[name] = None
        return name

    every = [{name: slot.value for name, slot in c.names.items()} for _, c in found]
    values = {name: slot.value for name, slot in called.names.items()}
    return Arguments(given, values, every, training, scope.device, helper)


def module_access(found: Calls, scope: Scope) -> Text:
    """Return the text of the module that a call belongs to."""
    return text(agreed([(f, _access(f, c.path, scope)) for f, c in found]))


def _access(frame: Frame, path: str, scope: Scope) -> str:
    at: Scope | None = scope
    outer: Frame | None = frame
    while at is not None and outer is not None:
        inside = relative(path, outer.path)
        if inside is not None:
            itself = not inside and at.parent is None
            return "super().forward" if itself else str(access(at.base, inside))
        at, outer = at.parent, outer.parent
    raise NoTextError


def relative(path: str, prefix: str) -> str | None:
    """Return a path below another, or ``None`` if it is not below it."""
    if not prefix or path == prefix:
        return path[len(prefix) :]
    return path[len(prefix) + 1 :] if path.startswith(f"{prefix}.") else None


def parameter_text(values: Sequence[tuple[Frame, Object]], scope: Scope) -> Text:
    """Return the text of a parameter as an attribute of its module."""
    found: list[tuple[Frame, Param]] = []
    for frame, value in values:
        if not isinstance(value, Value):
            raise NoTextError
        found.append((frame, scope.shared.params[value]))
    return parameter_access(found, scope)


def parameter_access(found: Sequence[tuple[Frame, Param]], scope: Scope) -> Text:
    """Return the text of a parameter of some frames."""
    return text(agreed([(frame, _access(frame, param.path, scope)) for frame, param in found]))


def own_parameters(found: Calls, scope: Scope) -> list[tuple[Frame, Param]]:
    """Return the parameters that calls consist of: blocks that are nothing but a parameter."""
    params = scope.shared.by_path
    return [(frame, params[call.path]) for frame, call in found if call.path in params]


def _module(callee: ast.Expr, function: Function, found: Calls, given: Lazy, scope: Scope) -> Text:
    named = scope.find(callee.text) if isinstance(callee, ast.Name) else None
    layered = [c for f, c in found if c.layer is not None and c.layer is not f.layer]
    variable = named is not None and bool(layered)
    module = named.text if named is not None and variable else module_access(found, scope)
    if in_library(function) and function.name in MODULES:
        operand = given[function.params[0].name.text]
        shown = [
            (f, padded_operand(operand, form_arguments(c, found, given, scope))) for f, c in found
        ]
        return text(f"{module}({agreed(shown)})")
    unit = scope.shared.unit_of(found)
    params = [p for p in unit.function.params if p.name.text in unit.tensors]
    return text(f"{module}({', '.join(passed(unit, params, found, given, scope))})")


def _function(found: Calls, given: Lazy, scope: Scope) -> Text:
    unit = scope.shared.unit_of(found)
    used = unit.tensors | unit.values
    params = [p for p in unit.function.params if p.name.text in used]
    shown = passed(unit, params, found, given, scope)
    if unit.training:
        if scope.kind == "forward":
            shown.append("training=self.training")
        else:
            scope.unit.training = True
            shown.append("training=training")
    if unit.device:
        shown.append(f"device={scope.device()}")
    return text(f"{unit.name}({', '.join(shown)})")


def passed(
    unit: Unit,
    params: Sequence[ast.Param],
    found: Calls,
    given: Mapping[str, Text],
    scope: Scope,
) -> list[str]:
    """Return the arguments for some parameters of a class or function."""
    shown: list[str] = []
    by_name = False
    for param in ordered(params):
        name = param.name.text
        default = default_text(param)
        value = given.get(name)
        if value is None and (default is None or _has_already(name, found)):
            value = constant([(f, c.names[name].value) for f, c in found], scope)
        if value is None or (value == "None" == default):
            by_name = True
            continue
        keyword = by_name or param.keyword_only or (default is not None and value == default)
        shown.append(f"{python_name(name)}={value}" if keyword else str(value))
    return shown


def _has_already(name: str, found: Calls) -> bool:
    """Return whether a block had an argument before it was called, as `group_norm(8)` in a list."""
    return any(
        name in c.call.arguments and (c.layer is None or name not in c.layer.arguments)
        for _, c in found
        if c.call is not None
    )


def ordered(params: Sequence[ast.Param]) -> list[ast.Param]:
    """Return parameters in the order of Python: those with a default last."""
    return sorted(params, key=lambda param: default_text(param) is not None)


def default_text(param: ast.Param) -> str | None:
    """Return the default of a parameter, if it is a literal."""
    if not isinstance(param.type, ast.NameType | ast.OptionalType) and not isinstance(
        param.default, ast.Nothing
    ):
        return None
    match param.default:
        case ast.Nothing():
            return "None"
        case ast.Bool(value=value):
            return str(value)
        case ast.Int() | ast.Float() | ast.Unary(operand=ast.Int() | ast.Float()) as number:
            return number.span.text
        case _:
            return None


def is_layer(value: Object) -> bool:
    """Return whether a value is a layer, or a list of layers."""
    if isinstance(value, list):
        return bool(value) and all(is_layer(item) for item in value)
    return isinstance(value, Layer)
