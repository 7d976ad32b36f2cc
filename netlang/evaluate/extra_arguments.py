"""Calls with too many arguments, or in the wrong order, and what the whole call should be."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import pairwise
from typing import NoReturn

from msgspec import Struct
from msgspec.structs import replace

from netlang.advice.parameters import argument_orders, is_inferred, our_parameter
from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Diagnostic, Label, diagnostic
from netlang.diagnostics.fix import Edit, Fix, replacement
from netlang.diagnostics.source import Span
from netlang.evaluate.context.describe import describe, signature
from netlang.evaluate.context.frame import reject
from netlang.evaluate.context.source_text import source_text
from netlang.evaluate.context.values import (
    Argued,
    Function,
    Object,
    Unknown,
    is_number,
    takes_tensor,
)
from netlang.evaluate.types.fitting import QUICK
from netlang.ir.graph import Value
from netlang.syntax import ast
from netlang.syntax.walk import walk

INFERRED = "in"
"""The entry of an order for a size that is not written, as it follows from the input."""


class _Call(Struct, frozen=True, eq=False):
    """A call with too many arguments by position, after those that fit."""

    function: Function
    args: Sequence[Argued]
    names: Sequence[str]
    span: Span
    preset: Collection[str]
    new: bool

    @property
    def positional(self) -> list[Argued]:
        return [a for a in self.args if a.name is None]

    @property
    def taken(self) -> frozenset[str]:
        """The parameters that have a value: by name, or from the `new` that made the layer."""
        return frozenset(self.preset).union(a.name.text for a in self.args if a.name is not None)

    @property
    def before(self) -> int:
        """The number of leading arguments that an order of numbers leaves out: the tensor."""
        first = next((p for p in self.function.params if p.name.text in self.names[:1]), None)
        return int(first is not None and takes_tensor(first))

    def whole(self, parts: Sequence[str]) -> str | None:
        """Return the text of the call with other arguments, followed by its named ones."""
        head, opened, _ = self.span.text.partition("(")
        known = {p.name.text for p in self.function.params}
        named = [
            f"{our_parameter(a.name.text, known)}={_text(a)}"
            for a in self.args
            if a.name is not None and not is_inferred(a.name.text, known)
        ]
        text = ", ".join([*parts, *named])
        call = f"{head}({text})" if text else head
        return call if opened and len(call) <= 100 else None

    def text_of(self, args: Sequence[Argued]) -> list[str]:
        """Return the texts of arguments; what is piped into the call stands before it."""
        return [_text(a) for a in args if a.span.start >= self.span.start]


class _Repair(Struct, frozen=True):
    """The argument that is extra and why, and the text of the whole call."""

    at: Argued
    label: str
    whole: str | None
    replaced: bool = True
    """Whether the text replaces exactly the call, so that it is a fix."""


def reject_extra(
    function: Function, args: Sequence[Argued], names: Sequence[str], span: Span,
    preset: Collection[str], *, new: bool,
) -> NoReturn:  # fmt: skip
    """Reject a call with more arguments by position than ``names``, the parameters for them.

    The parameters in ``preset`` have values already.
    """
    call = _Call(function, args, names, span, preset, new)
    count = {0: "no arguments", 1: "one argument"}.get(len(names), f"{len(names)} arguments")
    repair = _decimal_comma(call) or _list(call) or _ordered(call) or _named(call)
    if repair is None:
        repair = _list(call, sizes=True) or _left_out(call)
    whole = repair.whole
    named = [f"`{p.name.text}`" for p in function.params if p.keyword_only]
    helps = (f"write `{whole}`",) if whole is not None else ()
    if not helps and named:
        helps = (f"these are passed by name: {', '.join(named)}",)
    reject(
        rules.TOO_MANY_ARGUMENTS,
        f"`{function.name}` takes {count} by position{' after `new`' if new else ''}",
        repair.at.span,
        repair.label,
        notes=(f"its parameters: {signature(function)}",),
        helps=helps,
        fixes=(replacement(span, whole),) if whole is not None and repair.replaced else (),
    )


def _text(arg: Argued) -> str:
    return " ".join(arg.span.text.split())


def _decimal_comma(call: _Call) -> _Repair | None:
    """Recognize a number such as `0,5`, which is read as two."""
    positional = call.positional
    if len(positional) != len(call.names) + 1:
        return None
    for i, (left, right) in enumerate(pairwise(positional)):
        between = Span(left.span.source, left.span.start, max(right.span.end, left.span.start))
        if re.match(r"[0-9]+,[0-9]+(?![\w.])", between.text):
            parts = call.text_of(positional)
            at = len(parts) - len(positional) + i
            parts[at : at + 2] = [between.text.replace(",", ".", 1)]
            label = "a decimal comma: a comma separates arguments"
            return _Repair(right, label, call.whole(parts))
    return None


def _list(call: _Call, *, sizes: bool = False) -> _Repair | None:
    """Put several arguments in brackets where one parameter takes a list, or a tuple of sizes."""
    params = {p.name.text: p for p in call.function.params}
    extra = len(call.positional) - len(call.names)
    for at, name in reversed([*enumerate(call.names)]):
        declared = params[name].type
        if isinstance(declared, ast.NameType) and declared.name == "ints":
            if not sizes:
                continue
        elif sizes or not isinstance(declared, ast.ListType):
            continue
        items = call.positional[at : at + extra + 1]
        rest = call.positional[at + extra + 1 :]
        fitting = zip(call.names[at + 1 :], rest, strict=True)
        item = source_text(declared.item) if isinstance(declared, ast.ListType) else "int"
        same = all(isinstance(a.value, Value) for a in items) or all(
            isinstance(a.value, str)
            if item == "str"
            else is_number(a.value) and not (item == "int" and isinstance(a.value, float))
            for a in items
        )
        if not same or not all(_accepts(params[n], a.value) for n, a in fitting):
            continue
        piped = any(a.span.start < call.span.start for a in items)
        before = call.text_of(call.positional[:at])
        written = ", ".join(_swapped(call, items) or map(_text, items))
        listed, what = (f"({written})", "tuple") if sizes else (f"[{written}]", "list")
        whole = call.whole([*before, listed, *map(_text, rest)])
        return _Repair(items[1], f"`{name}` is one {what}", whole, not piped)
    return None


def _swapped(call: _Call, axes: Sequence[Argued]) -> list[str] | None:
    """Return the order of all axes for `transpose(x, 1, 2)`, which exchanges two in PyTorch."""
    x = call.positional[0].value
    if call.function.name != "transpose" or not isinstance(x, Value) or len(axes) != 2:
        return None
    rank = x.type.rank
    chosen = [a.value % rank for a in axes if isinstance(a.value, int) and -rank <= a.value < rank]
    if rank < 3 or len(set(chosen)) != 2:
        return None
    exchanged = dict(zip(chosen, reversed(chosen), strict=True))
    return [str(exchanged.get(axis, axis)) for axis in range(rank)]


def _ordered(call: _Call) -> _Repair | None:
    """Reorder the arguments where they stand in the order of another framework."""
    if not call.function.module.source.library:
        return None
    rest = call.positional[call.before :]
    orders = [
        order
        for order in argument_orders(call.function.name)
        if len(order) >= len(rest) and _fits(call, order, rest)
    ]
    exact = [order for order in orders if _infers(call, order, rest)]
    plain = [order for order in orders if INFERRED not in order]
    if exact and plain and _strides(plain[0], rest):
        exact = plain
    for order in exact or plain or orders:
        repair = _reordered(call, order, rest)
        return repair if exact or plain else replace(repair, replaced=False)
    return None


def _strides(order: Sequence[str], args: Sequence[Argued]) -> bool:
    """Return whether numbers are more likely a kernel and a stride than channels and a kernel."""
    given = dict(zip(order, args, strict=False))
    kernel, stride = given.get("kernel"), given.get("stride")
    if kernel is None or stride is None or not (_text(kernel).isdigit() or _text(kernel)[0] == "k"):
        return False
    # A stride of 1 is seldom written, but after a usual kernel.
    kernels = (3, 5, 7) if stride.value == 1 else range(1, 8)
    return kernel.value in kernels and stride.value in (1, 2)


def _fits(call: _Call, order: Sequence[str], args: Sequence[Argued]) -> bool:
    """Return whether each argument is of the kind of the parameter that an order assigns to it."""
    params = {p.name.text: p for p in call.function.params}
    taken = call.taken
    return all(
        isinstance(arg.value, int) and not isinstance(arg.value, bool)
        if name == INFERRED
        else name not in taken
        and (name not in params or _accepts(params[name], arg.value))
        and _in_bounds(call.function, name, arg.value)
        for name, arg in zip(order, args, strict=False)
    )


def _accepts(param: ast.Param, value: Object) -> bool:
    """Return whether a value is of the kind of a parameter; shapes are not compared."""
    if takes_tensor(param) or isinstance(value, Value):
        return takes_tensor(param) and isinstance(value, Value)
    type = param.type
    while isinstance(type, ast.OptionalType):
        type = type.inner
    if isinstance(type, ast.ListType):
        return isinstance(value, list)
    test = QUICK.get(type.name) if isinstance(type, ast.NameType) else None
    return test is None or test(value)


_COMPARED: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


def _in_bounds(function: Function, name: str, value: Object) -> bool:
    """Return whether a number is within the limits that a signature states for a parameter."""
    if not isinstance(value, int | float):
        return True
    for node in walk(*function.definition.where):
        match node:
            case ast.Binary(
                op=op, left=ast.Name(text=text), right=ast.Int(value=limit) | ast.Float(value=limit)
            ) if text == name and op in _COMPARED:
                if not _COMPARED[op](value, limit):
                    return False
            case _:
                pass
    return True


def _infers(call: _Call, order: Sequence[str], args: Sequence[Argued]) -> bool:
    """Return whether the size that an order does not write is the one of the input."""
    if INFERRED not in order or order.index(INFERRED) >= len(args):
        return False
    if call.new:
        return True
    tensor, declared = call.positional[0].value, call.function.params[0].type
    if not isinstance(tensor, Value) or not isinstance(declared, ast.ShapeType):
        return False
    named = [i for i, dim in enumerate(declared.dims) if isinstance(dim, ast.Name)]
    axis = 1 if len(named) > 1 and isinstance(declared.dims[-1], ast.Rest) else -1
    size = args[order.index(INFERRED)].value
    return tensor.type.rank > 1 and tensor.type.shape[axis] == size


def _reordered(call: _Call, order: Sequence[str], args: Sequence[Argued]) -> _Repair:
    given = dict(zip(order, args, strict=False))
    written = [name for name in call.names[call.before :] if name in given]
    parts = call.text_of(call.positional[: call.before])
    parts += [_text(given[name]) for name in written]
    parts += [
        f"{name}={_text(arg)}"
        for name, arg in given.items()
        if name != INFERRED and name not in written
    ]
    whole = call.whole(parts)
    if INFERRED in given:
        label = "leave this out: it follows from the input's shape"
        return _Repair(given[INFERRED], label, whole)
    at = next((i for i, name in enumerate(order) if name not in written), len(order) - 1)
    return _Repair(args[at], f"`{order[at]}` is passed by name", whole)


def _named(call: _Call) -> _Repair | None:
    """Name the one argument that is extra, where one parameter alone accepts it."""
    extra = call.positional[len(call.names) :]
    taken = call.taken
    fitting = [
        p.name.text
        for p in call.function.params
        if p.keyword_only
        and p.name.text not in taken
        and not (isinstance(p.type, ast.NameType) and p.type.name == "init")
        and _accepts(p, extra[0].value)
        and _in_bounds(call.function, p.name.text, extra[0].value)
    ]
    if len(extra) != 1 or len(fitting) != 1:
        return None
    parts = call.text_of(call.positional[: len(call.names)])
    whole = call.whole([*parts, f"{fitting[0]}={_text(extra[0])}"])
    return _Repair(extra[0], f"`{fitting[0]}` is passed by name", whole)


def _left_out(call: _Call) -> _Repair:
    """Leave out what is extra, where no parameter would accept it."""
    extra = call.positional[len(call.names) :]
    others = [p for p in call.function.params if p.keyword_only]
    known = {p.name.text for p in call.function.params}
    meant = any(_accepts(p, a.value) for p in others for a in extra)
    unknown = any(a.name is not None and a.name.text not in known for a in call.args)
    whole = (
        None
        if meant or unknown or len(extra) > 1
        else call.whole(call.text_of(call.positional[: len(call.names)]))
    )
    return _Repair(extra[0], "this is one too many", whole)


def exchanged(function: Function, assigned: Mapping[str, Argued], name: str) -> Diagnostic | None:
    """Return the error that two arguments by position are in the wrong order, if they are.

    ``name`` is the parameter that rejects its argument: each of the two fits the other's parameter.
    """
    params = {p.name.text: p for p in function.params}
    arg = assigned.get(name)
    for other in assigned:
        second = assigned[other]
        if arg is None or other == name or arg.name is not None or second.name is not None:
            continue
        if not (_meant_for(params[name], second) and _meant_for(params[other], arg)):
            continue
        if _meant_for(params[name], arg):
            continue
        first, last = sorted((arg, second), key=lambda a: a.span.start)
        names = [p.name.text for p in function.params if p.name.text in (name, other)]
        between = Span(first.span.source, first.span.start, last.span.end).text
        swap = (Edit(first.span, last.span.text), Edit(last.span, first.span.text))
        title = f"exchange the two: `{last.span.text}` comes before `{first.span.text}`"
        return diagnostic(
            rules.WRONG_ORDER,
            f"`{function.name}` takes `{names[0]}` first, then `{names[1]}`",
            last.span,
            f"this is {describe(last.value)}",
            secondary=(Label(first.span, f"this is {describe(first.value)}"),),
            helps=(title,),
            fixes=() if "|>" in between else (Fix(title, swap),),
        )
    return None


def _meant_for(param: ast.Param, arg: Argued) -> bool:
    """Return whether an argument is of the kind of a parameter, which states its kind."""
    return not isinstance(arg.value, Unknown) and _accepts(param, arg.value)
