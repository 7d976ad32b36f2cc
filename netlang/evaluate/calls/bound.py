"""Blocks with some of their arguments, as values: ``group_norm(groups=8)`` in a list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from netlang.diagnostics.source import Span
from netlang.evaluate.arguments import assign
from netlang.evaluate.builtins.counts import SPECIAL
from netlang.evaluate.context.values import Argued, Bound, Function, Object, lacks_input
from netlang.ir.graph import Value


def bound(callee: Object, args: Sequence[Argued], span: Span) -> Bound | None:
    """Return a block that waits for its input; ``None`` for a call that has one, or needs none.

    Arguments by position are assigned as `new` assigns them, to what is not a tensor.
    """
    before: Mapping[str, Argued] = callee.arguments if isinstance(callee, Bound) else {}
    function = callee.function if isinstance(callee, Bound) else callee
    if not isinstance(function, Function) or any(
        arg.name is None and isinstance(arg.value, Value) for arg in args
    ):
        return None
    if function.name in SPECIAL and function.module.source.library:
        return None
    names = [arg.name.text for arg in args if arg.name is not None]
    if not lacks_input(function, len(args) - len(names), {*names, *before}):
        return None
    made = assign(function, args, span, preset=frozenset(before), new=True)
    return Bound(function, {**before, **made}, span)
