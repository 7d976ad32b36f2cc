"""Groups of parameters with settings of their own: `group(biases(model), decay=0.0)`.

A group takes any parameter of the optimizer that it is given to. They are assigned, and checked,
where the optimizer is called.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from msgspec.structs import replace

from netlang.diagnostics import rules
from netlang.diagnostics.source import Span
from netlang.evaluate.arguments import assign
from netlang.evaluate.context.frame import reject
from netlang.evaluate.context.values import GROUPS, Argued, Function, Object, Setting, is_rate

GROUP, RATE, SCALE = "group", "lr", "lr_scale"


def split(function: Function, args: Sequence[Argued]) -> tuple[list[Argued], list[Argued]]:
    """Return the arguments of ``group`` itself, and those for the optimizer.

    Those that are ``none`` leave the optimizer's as it is.
    """
    own = {param.name.text for param in function.params}
    ours = [arg for arg in args if arg.name is None or arg.name.text in own]
    theirs = [arg for arg in args if arg.name is not None and arg.name.text not in own]
    return ours, [arg for arg in theirs if arg.value is not None]


def complete(
    optimizer: Function,
    assigned: Mapping[str, Argued],
    groups: Sequence[Object],
    span: Span,
    setting: Callable[[dict[str, Argued]], Object],
) -> list[Object] | None:
    """Return the groups with an optimizer of their own each; ``None`` after an error in one.

    It has the arguments of the group, and else those of ``assigned``; ``setting`` checks them.
    """
    shared = {name: arg for name, arg in assigned.items() if name != GROUPS.name.text}
    found: list[Object] = []
    for group in groups:
        assert isinstance(group, Setting)
        _check_scale(optimizer, group, span)
        given = {arg.name.text: arg for arg in group.overrides if arg.name is not None}
        if (nested := given.get(GROUPS.name.text)) is not None:
            reject(rules.UNKNOWN_PARAMETER, "a group has no groups of its own", nested.span)
        preset = frozenset(shared.keys() - given.keys())
        own = shared | assign(optimizer, group.overrides, span, preset=preset)
        made = setting(own)
        if not isinstance(made, Setting):
            return None
        arguments = {**group.arguments, "optimizer": made}
        found.append(replace(group, arguments=arguments))
    return found


def _check_scale(optimizer: Function, group: Setting, span: Span) -> None:
    """Reject a scale of the learning rate where there is none."""
    if group.arguments[SCALE] == 1.0:
        return
    if any(is_rate(param) and param.name.text == RATE for param in optimizer.params):
        return
    reject(
        rules.UNKNOWN_PARAMETER,
        f"`{optimizer.name}` has no learning rate `{RATE}`, which a group could scale",
        span,
        helps=(f"leave `{SCALE}` out of its groups",),
    )
