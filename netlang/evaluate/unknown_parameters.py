"""Calls with names that are not parameters: which ones are meant, and which are left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import NoReturn

from netlang.advice.parameters import Meant, meant_parameter
from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Label
from netlang.diagnostics.fix import Edit, Fix
from netlang.diagnostics.source import Span
from netlang.evaluate.context.describe import signature
from netlang.evaluate.context.frame import reject
from netlang.evaluate.context.values import Argued, Function


def reject_unknown_parameters(function: Function, args: Sequence[Argued], span: Span) -> NoReturn:
    """Reject all names of a call that are not parameters at once."""
    known = [p.name.text for p in function.params]
    unknown = {
        a.name: meant_parameter(a.name.text, known)
        for a in args
        if a.name is not None and a.name.text not in known
    }
    first, *others = unknown
    quoted = [f"`{name.text}`" for name in unknown]
    listed = " and ".join(filter(None, (", ".join(quoted[:-1]), quoted[-1])))
    helps = tuple(dict.fromkeys(help for meant in unknown.values() for help in meant.helps))
    if others:
        helps = tuple(f"`{n.text}`: {help}" for n, meant in unknown.items() for help in meant.helps)
    reject(
        rules.UNKNOWN_PARAMETER,
        f"`{function.name}` has no parameter{'s' if others else ''} {listed}",
        first.span,
        secondary=tuple(Label(name.span) for name in others),
        notes=(f"its parameters: {signature(function)}",),
        helps=helps,
        fixes=_rewritten(function, args, {n.span: m for n, m in unknown.items()}, span),
    )


def _rewritten(
    function: Function, args: Sequence[Argued], unknown: Mapping[Span, Meant], span: Span
) -> tuple[Fix, ...]:
    """Return the fix that renames what has another name here, and leaves out the rest."""
    taken = [a.name.text for a in args if a.name is not None]
    taken += [meant.name for meant in unknown.values() if meant.name is not None]
    certain = all(meant.dropped or meant.name is not None for meant in unknown.values())
    if not certain or len(set(taken)) < len(taken):
        return ()
    renamed = {at: meant.name for at, meant in unknown.items() if meant.name is not None}
    edits = [Edit(at, name) for at, name in renamed.items()]
    titles = [f"replace `{edit.span.text}` with `{edit.text}`" for edit in edits]
    dropped = [a for a in args if a.name is not None and a.name.span in {*unknown} - {*renamed}]
    edits += without(args, dropped, span)
    titles += [f"leave out `{_whole(arg).text}`" for arg in dropped]
    for arg in dropped:
        after = _after(function, arg, args, span)
        if after is None:
            return ()
        edits += after
    return (Fix(", ".join(titles), tuple(edits)),)


def without(args: Sequence[Argued], dropped: Sequence[Argued], span: Span) -> list[Edit]:
    """Return the edits that take arguments out of a call, each with a comma next to it."""
    written = [a for a in args if a.span.start >= span.start]
    edits: list[Edit] = []
    first = 0
    for is_dropped, group in groupby(written, lambda arg: arg in dropped):
        after = first + len(list(group))
        if is_dropped:
            start, end = _whole(written[first]).start, written[after - 1].span.end
            if first > 0:
                start = written[first - 1].span.end
            elif after < len(written):
                end = _whole(written[after]).start
            edits.append(Edit(Span(span.source, start, end), ""))
        first = after
    return edits


def _whole(arg: Argued) -> Span:
    start = arg.name.span.start if arg.name is not None else arg.span.start
    return Span(arg.span.source, start, arg.span.end)


def _after(
    function: Function, arg: Argued, args: Sequence[Argued], span: Span
) -> list[Edit] | None:
    """Return what a call gets in place of an argument: its activation, or its name."""
    assert arg.name is not None
    given = arg.value.name if isinstance(arg.value, Function) else arg.value
    if arg.name.text == "activation":
        if not isinstance(given, str) or function.module.function(given) is None:
            return None
        if any(a.span.start < span.start for a in args):
            return [_insert(span, span.end, f" |> {given}")]
        return [_insert(span, span.start, f"{given}("), _insert(span, span.end, ")")]
    if arg.name.text == "name":
        valid = isinstance(given, str) and given.isidentifier()
        return [_insert(span, span.end, f" as {given}")] if valid else None
    return []


def _insert(span: Span, at: int, text: str) -> Edit:
    return Edit(Span(span.source, at, at), text)
