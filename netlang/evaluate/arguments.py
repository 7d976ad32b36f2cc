"""Assignment of arguments to parameters."""

from __future__ import annotations

from collections.abc import Sequence

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Label
from netlang.diagnostics.fix import Edit, Fix
from netlang.diagnostics.source import Span
from netlang.evaluate.context.describe import describe, signature
from netlang.evaluate.context.frame import reject
from netlang.evaluate.context.values import Argued, Function, Object, is_number, takes_tensor
from netlang.evaluate.types.missing import check_missing
from netlang.ir.graph import Value
from netlang.syntax import ast


def assign(
    function: Function,
    args: Sequence[Argued],
    span: Span,
    *,
    preset: frozenset[str] = frozenset(),
    new: bool = False,
    bound: bool = False,
) -> dict[str, Argued]:
    """Assign each argument to a parameter, by Python's rules.

    ``preset`` lists the parameters that already have a value, from ``new`` or, if it is ``bound``,
    from where the block is a value. For ``new`` itself,
    positional arguments are assigned to the parameters that are not tensors, and none is missing.
    """
    check_named_last(args)
    assigned = _by_position(function, args, span, preset, new=new)
    known = {p.name.text for p in function.params}
    if any(a.name is not None and a.name.text not in known for a in args):
        from netlang.evaluate.unknown_parameters import reject_unknown_parameters

        reject_unknown_parameters(function, args, span)
    for arg in args:
        if arg.name is not None:
            _by_name(function, arg, arg.name, assigned, preset, bound=bound)
    if not new:
        check_missing(function, assigned, preset, span)
        _check_order(function, assigned)
    return assigned


def check_named_last(args: Sequence[Argued]) -> None:
    """Reject an argument without a name after one with a name, as the syntax check has done."""
    named = False
    for arg in args:
        if arg.name is not None:
            named = True
        elif named:
            reject(
                rules.POSITIONAL_AFTER_NAMED,
                "positional arguments come before the named ones",
                arg.span,
            )


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

        reject_extra(function, args, names, span, preset, new=new)
    return dict(zip(names, positional, strict=False))


def _by_name(
    function: Function,
    arg: Argued,
    name: ast.Ident,
    assigned: dict[str, Argued],
    preset: frozenset[str],
    *,
    bound: bool,
) -> None:
    """Assign an argument to the parameter it names."""
    if name.text in preset:
        reject(
            rules.ARGUMENT_TWICE,
            f"`{name.text}` is given twice",
            name.span,
            "the block has it already" if bound else "the layer has it from `new`",
            helps=("leave it out here, or where the block gets its arguments",)
            if bound
            else ("leave it out here, or make a second layer",),
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
                fixes=_exchanged(first.span, arg.span, f"exchange the two: `{swapped}`"),
            )


def _exchanged(first: Span, second: Span, title: str) -> tuple[Fix, ...]:
    """Return the fix that exchanges two arguments of a call, unless one is piped into it."""
    between = Span(first.source, first.start, max(second.end, first.start))
    if "|>" in between.text:
        return ()
    return (Fix(title, (Edit(first, second.text), Edit(second, first.text))),)


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
