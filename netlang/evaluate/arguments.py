"""Assignment of arguments to parameters."""

from __future__ import annotations

from collections.abc import Sequence

from netlang.advice.calls import completed, with_tensor
from netlang.advice.parameters import parameter_suggestion
from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Label
from netlang.diagnostics.fix import joined
from netlang.diagnostics.source import Span
from netlang.evaluate.context.describe import describe, signature
from netlang.evaluate.context.frame import reject
from netlang.evaluate.context.values import Argued, Function, Object, is_number, takes_tensor
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
    assigned = _by_position(function, args, span, preset, new=new)
    _check_known(function, [a.name for a in args if a.name is not None])
    for arg in args:
        if arg.name is not None:
            _by_name(function, arg, arg.name, assigned, preset)
    if not new:
        _check_missing(function, assigned, preset, span)
        _check_order(function, assigned)
    return assigned


def _by_position(
    function: Function, args: Sequence[Argued], span: Span, preset: frozenset[str], *, new: bool
) -> dict[str, Argued]:
    """Assign positional arguments to the parameters that accept them, in order."""
    positional = [a for a in args if a.name is None]
    if new:
        _no_tensors(positional)
    names = [
        p.name.text
        for p in function.params
        if not p.keyword_only and p.name.text not in preset and not (new and takes_tensor(p))
    ]
    if len(positional) > len(names):
        from netlang.evaluate.extra_arguments import reject_extra

        reject_extra(function, args, names, span, new=new)
    return dict(zip(names, positional, strict=False))


def _check_known(function: Function, names: Sequence[ast.Ident]) -> None:
    """Reject all names that are not parameters at once."""
    known = {p.name.text for p in function.params}
    unknown = [name for name in names if name.text not in known]
    if not unknown:
        return
    suggested = [parameter_suggestion(name.span, known) for name in unknown]
    quoted = [f"`{name.text}`" for name in unknown]
    listed = " and ".join(filter(None, (", ".join(quoted[:-1]), quoted[-1])))
    fixes = [fix for each in suggested for fix in each["fixes"][:1]]
    helps = tuple(dict.fromkeys(help for each in suggested for help in each["helps"]))
    if len(unknown) > 1:
        helps = tuple(
            f"`{name.text}`: {help}"
            for name, each in zip(unknown, suggested, strict=True)
            for help in each["helps"]
        )
        fixes = [joined(fixes)] if len(fixes) == len(unknown) else []
    reject(
        rules.UNKNOWN_PARAMETER,
        f"`{function.name}` has no parameter{'s' if len(unknown) > 1 else ''} {listed}",
        unknown[0].span,
        secondary=tuple(Label(name.span) for name in unknown[1:]),
        notes=(f"its parameters: {signature(function)}",),
        helps=helps,
        fixes=tuple(fixes),
    )


def _by_name(
    function: Function,
    arg: Argued,
    name: ast.Ident,
    assigned: dict[str, Argued],
    preset: frozenset[str],
) -> None:
    """Assign an argument to the parameter it names."""
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
