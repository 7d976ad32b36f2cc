"""Assignment of arguments to parameters."""

from __future__ import annotations

from collections.abc import Sequence

from netlang.advice.calls import completed, with_tensor
from netlang.advice.parameters import parameter_suggestion
from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Label
from netlang.diagnostics.source import Span
from netlang.evaluate.context.describe import describe
from netlang.evaluate.context.frame import reject
from netlang.evaluate.context.values import Argued, Function, Object, is_number
from netlang.ir.graph import Value
from netlang.syntax import ast


def assign(
    function: Function,
    args: Sequence[Argued],
    span: Span,
    *,
    preset: frozenset[str] = frozenset(),
    new: bool = False,
) -> dict[str, Argued]:
    """Assign each argument to a parameter, by Python's rules.

    ``preset`` lists the parameters that already have a value from ``new``. For ``new`` itself,
    positional arguments are assigned to the parameters that are not tensors, and none is missing.
    """
    assigned = _by_position(function, [a for a in args if a.name is None], preset, new=new)
    for arg in args:
        if arg.name is not None:
            _by_name(function, arg, arg.name, assigned, preset)
    if not new:
        _check_missing(function, assigned, preset, span)
        _check_order(function, assigned)
    return assigned


def _by_position(
    function: Function, args: Sequence[Argued], preset: frozenset[str], *, new: bool
) -> dict[str, Argued]:
    """Assign positional arguments to the parameters that accept them, in order."""
    if new:
        _no_tensors(args)
    names = [
        p.name.text
        for p in function.params
        if not p.keyword_only and p.name.text not in preset and not (new and takes_tensor(p))
    ]
    if len(args) > len(names):
        _too_many(function, args[len(names)], len(names), new)
    return dict(zip(names, args, strict=False))


def _by_name(
    function: Function,
    arg: Argued,
    name: ast.Ident,
    assigned: dict[str, Argued],
    preset: frozenset[str],
) -> None:
    """Assign an argument to the parameter it names."""
    known = {p.name.text for p in function.params}
    if name.text not in known:
        reject(
            rules.UNKNOWN_PARAMETER,
            f"`{function.name}` has no parameter `{name.text}`",
            name.span,
            notes=(f"its parameters: {signature(function)}",),
            **parameter_suggestion(name.span, known),
        )
    if name.text in preset:
        reject(
            rules.ARGUMENT_TWICE,
            f"`{name.text}` is given twice",
            name.span,
            "the layer has it from `new`",
            helps=("leave it out here, or make a second layer",),
        )
    if name.text in assigned and assigned[name.text].name is None:
        reject(
            rules.ARGUMENT_TWICE,
            f"`{name.text}` is given twice",
            name.span,
            "by name here, and by position before",
            notes=(f"its parameters: {signature(function)}",),
        )
    assigned[name.text] = arg


def _no_tensors(args: Sequence[Argued]) -> None:
    for arg in args:
        if isinstance(arg.value, Value):
            reject(
                rules.WRONG_TYPE,
                "`new` makes a layer, and takes no tensor yet",
                arg.span,
                f"this is {arg.value.type}",
                helps=(f"the tensor is given when the layer is called: `layer({arg.span.text})`",),
            )


def takes_tensor(param: ast.Param) -> bool:
    """Return whether a parameter is a tensor: it has a shape, or no type at all."""
    type = param.type
    while isinstance(type, ast.OptionalType):
        type = type.inner
    return type is None or isinstance(type, ast.ShapeType)


def _check_order(function: Function, assigned: dict[str, Argued]) -> None:
    """Reject a tensor and a number, or two tensors, in the wrong order."""
    params = function.params
    first = assigned.get(params[0].name.text) if len(assigned) > 1 else None
    if first is None or first.name is not None or not takes_tensor(params[0]):
        return
    if not is_number(first.value) and _takes(params[0], first.value):
        return
    for param in params[1:]:
        arg = assigned.get(param.name.text)
        if arg is None or arg.name is not None or not isinstance(arg.value, Value):
            continue
        if _takes(param, arg.value) or not _takes(params[0], arg.value):
            continue
        if _takes(param, first.value):
            swapped = f"{function.name}({arg.span.text}, {first.span.text})"
            reject(
                rules.WRONG_ORDER,
                f"`{function.name}` takes `{params[0].name.text}` first, then `{param.name.text}`",
                arg.span,
                f"this is {describe(arg.value)}",
                secondary=(Label(first.span, f"this is {describe(first.value)}"),),
                helps=(f"exchange the two: `{swapped}`",),
            )


def _takes(param: ast.Param, value: Object) -> bool:
    """Return whether a value may be meant for a parameter, by its kind and its element type."""
    type = param.type
    while isinstance(type, ast.OptionalType):
        type = type.inner
    if not isinstance(value, Value):
        return is_number(value) and isinstance(type, ast.NameType) and type.name in ("int", "float")
    if isinstance(type, ast.ShapeType):
        element = type.element.text
        return element in ("tensor", value.type.dtype.value) or (
            element == "float" and value.type.dtype.is_float
        )
    return type is None or (isinstance(type, ast.NameType) and type.name in ("tensor", "any"))


def signature(function: Function) -> str:
    """Print the parameters of a function: ``conv(x, out, kernel, *, stride)``."""
    names: list[str] = []
    for param in function.params:
        if param.keyword_only and "*" not in names:
            names.append("*")
        names.append(param.name.text)
    return f"{function.name}({', '.join(names)})"


_INPUTS_UNWRITTEN = frozenset({"dense", "conv", "conv_transpose", "batch_norm", "layer_norm"})


def _too_many(function: Function, arg: Argued, allowed: int, new: bool) -> None:
    named = [p.name.text for p in function.params if p.keyword_only]
    count = {0: "no arguments", 1: "one argument"}.get(allowed, f"{allowed} arguments")
    after = " after `new`" if new else ""
    reject(
        rules.TOO_MANY_ARGUMENTS,
        f"`{function.name}` takes {count} by position{after}",
        arg.span,
        "this is one too many",
        notes=(
            f"its parameters: {signature(function)}",
            *(
                ("the number of inputs is not written: it follows from the input's shape",)
                if function.name in _INPUTS_UNWRITTEN and not new
                else ()
            ),
        ),
        helps=_fewer(function, named),
    )


def _fewer(function: Function, named: Sequence[str]) -> tuple[str, ...]:
    """Return help for positional arguments that exceed the parameters."""
    last = [p for p in function.params if not p.keyword_only][-1:]
    if last and isinstance(last[0].type, ast.ListType):
        return (f"put the numbers in a list: `{function.name}(x, [1, 2])`",)
    return (f"give the others by name: `{named[0]}=…`",) if named else ()


def _check_missing(
    function: Function, assigned: dict[str, Argued], preset: frozenset[str], span: Span
) -> None:
    missing = [
        p.name.text
        for p in function.params
        if p.default is None and p.name.text not in assigned and p.name.text not in preset
    ]
    if not missing:
        return
    shown = " and ".join(f"`{name}`" for name in missing)
    helps = (f"write `{completed(span, function.name, missing)}`",)
    first = function.params[0].name.text
    if first in assigned and takes_tensor(function.params[0]) and is_number(assigned[first].value):
        helps = with_tensor(span, function.name)
    elif takes_tensor(function.params[0]) and first in missing:
        helps = ()
    reject(
        rules.MISSING_ARGUMENT,
        f"`{function.name}` needs {shown}",
        span,
        notes=(f"its parameters: {signature(function)}",),
        helps=helps,
    )
