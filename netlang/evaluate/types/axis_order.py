"""Inputs whose axes are in the order of another framework: channels last, or the batch last."""

from __future__ import annotations

from msgspec import Struct

from netlang.diagnostics import rules
from netlang.diagnostics.fix import Fix, replacement
from netlang.diagnostics.source import Span
from netlang.evaluate.context.frame import Frame, warn
from netlang.ir.graph import Value
from netlang.syntax import ast

_CHANNELS = (1, 3)
"""The channels of grayscale and of color."""

_LEAST = 8
"""The least height and width of what is taken for an image."""


class Misordered(Struct, frozen=True):
    """An input that is declared in another order of axes, and how it should be declared."""

    name: str
    span: Span
    expected: str
    label: str

    @property
    def help(self) -> str:
        return (
            "the batch comes first and the channels second, [N, C, H, W]: "
            f"declare `{self.name}: {self.expected}`"
        )

    @property
    def fix(self) -> Fix:
        return replacement(self.span, self.expected)


def misordered(params: tuple[ast.Param, ...]) -> Misordered | None:
    """Return the first input that holds images and does not begin with `[N, C]`."""
    for param in params:
        type = param.type
        if not isinstance(type, ast.ShapeType) or len(type.dims) != 4:
            continue
        sizes = [d.value if isinstance(d, ast.Int) else None for d in type.dims]
        if all(sizes[:3]) and isinstance(type.dims[3], ast.Name):
            order, label = (3, 2, 0, 1), "the batch comes last here"
        elif sizes[3] in _CHANNELS and min(sizes[1] or 0, sizes[2] or 0) >= _LEAST:
            order, label = (0, 3, 1, 2), "the channels come last here"
        else:
            continue
        texts = [type.dims[axis].span.text for axis in order if not _rest(type.dims[axis])]
        if len(texts) == 4:
            expected = f"{type.element.text}[{', '.join(texts)}]"
            return Misordered(param.name.text, type.span, expected, label)
    return None


def _rest(entry: ast.Expr | ast.Rest) -> bool:
    return isinstance(entry, ast.Rest)


def enters_window(input: Value, frame: Frame) -> bool:
    """Return whether an input goes straight into a convolution, a pool or the like."""
    return any(
        node.inputs[0] is input and node.op.window(*(v.type for v in node.inputs)) is not None
        for node in frame.run.builder.nodes
        if node.inputs
    )


def misordered_input(operand: Value, frame: Frame) -> Misordered | None:
    """Return the input of the net in the wrong order, if windows are applied to it as it is."""
    outer = frame
    while outer.parent is not None or outer.call is not None:
        outer = outer.parent or (outer.call.frame if outer.call is not None else outer)
    function = outer.module.function(outer.scope.kind) if outer.scope is not None else None
    found = misordered(tuple(function.params)) if function is not None else None
    slot = outer.names.get(found.name) if found is not None else None
    if slot is None or not isinstance(slot.value, Value):
        return None
    return found if slot.value is operand or enters_window(slot.value, frame) else None


def warn_of_order(params: tuple[ast.Param, ...], frame: Frame) -> None:
    """Warn of images in another order that a window operator accepts."""
    found = misordered(params)
    slot = frame.names.get(found.name) if found is not None else None
    if found is None or slot is None or not isinstance(slot.value, Value):
        return
    if enters_window(slot.value, frame):
        warn(
            frame, rules.AXIS_ORDER, f"the axes of `{found.name}` are in another order",
            found.span, found.label, helps=(found.help,), fixes=(found.fix,),
        )  # fmt: skip
