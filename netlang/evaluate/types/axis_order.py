"""Tensors whose axes are in the order of another framework.

Images with the channels last, the batch last, or without either; sequences with the steps first,
or where feature maps are expected.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from msgspec import Struct

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Label
from netlang.diagnostics.fix import Edit, Fix, joined, replacement
from netlang.diagnostics.source import Span
from netlang.diagnostics.suggestions import Suggestion
from netlang.evaluate.context.frame import Frame, warn
from netlang.ir.dims import Dim, Shape
from netlang.ir.graph import Node, Value
from netlang.ir.types import TensorType
from netlang.syntax import ast

_CHANNELS = (1, 3)
"""The channels of grayscale and of color."""

_LEAST = 8
"""The least height and width of what is taken for an image."""

_STEPS = ("T", "S", "L")
_BATCH = ("N", "B")
"""The usual names of the number of steps and of the batch."""

_POOLED = {"global_avg_pool": "mean", "global_max_pool": "max"}


class Misordered(Struct, frozen=True):
    """An input that is declared in another order of axes, and how it should be declared."""

    name: str
    span: Span
    expected: str
    label: str
    rule: str
    edits: tuple[Edit, ...] = ()

    @property
    def help(self) -> str:
        more = ", and the outputs likewise" if self.edits else ""
        return f"{self.rule}: declare `{self.name}: {self.expected}`{more}"

    @property
    def fix(self) -> Fix:
        fix = replacement(self.span, self.expected)
        return Fix(fix.title, (*fix.edits, *self.edits))


def misordered(definition: ast.Definition) -> Misordered | None:
    """Return the first input that holds images and does not begin with `[N, C]`."""
    for param in definition.params:
        type = param.type
        if isinstance(type, ast.ShapeType) and not any(map(_rest, type.dims)):
            found = _image(param, type) or _without_axis(param, type, definition)
            if found is not None:
                return found
    return None


def _rest(entry: ast.Expr | ast.Rest) -> bool:
    return isinstance(entry, ast.Rest)


def _image(param: ast.Param, type: ast.ShapeType) -> Misordered | None:
    """Return an image with the batch or the channels last."""
    if len(type.dims) != 4:
        return None
    sizes = [d.value if isinstance(d, ast.Int) else None for d in type.dims]
    named = [isinstance(d, ast.Name) and d.span.text != "C" for d in type.dims]
    large = [named[i] or (sizes[i] or 0) >= _LEAST for i in range(4)]
    if all(sizes[:3]) and named[3]:
        order, label = (3, 2, 0, 1), "the batch comes last here"
    elif named[0] and large[1] and large[2] and sizes[3] in _CHANNELS:
        order, label = (0, 3, 1, 2), "the channels come last here"
    else:
        return None
    texts = ", ".join(type.dims[axis].span.text for axis in order)
    rule = "the batch comes first and the channels second, [N, C, H, W]"
    expected = f"{type.element.text}[{texts}]"
    return Misordered(param.name.text, type.span, expected, label, rule)


def _without_axis(
    param: ast.Param, type: ast.ShapeType, definition: ast.Definition
) -> Misordered | None:
    """Return an image without an axis for the batch or for the channels."""
    sizes = [d.value if isinstance(d, ast.Int) else 0 for d in type.dims]
    texts = [d.span.text for d in type.dims]
    if len(sizes) != 3 or min(sizes[1:]) < _LEAST:
        return None
    if sizes[0] in _CHANNELS:
        expected = f"{type.element.text}[{', '.join(['N', *texts])}]"
        label, rule = "there is no batch here", "the batch comes first, [N, C, H, W]"
        outs = [out.type for out in definition.outs if isinstance(out.type, ast.ShapeType)]
        edits = tuple(_batched(out) for out in outs if not out.dims or out.dims[0].span.text != "N")
        return Misordered(param.name.text, type.span, expected, label, rule, edits)
    if sizes[0] == 0 and sizes[1] == sizes[2]:
        expected = f"{type.element.text}[{texts[0]}, 1, {texts[1]}, {texts[2]}]"
        label, rule = "there are no channels here", "the channels come second, [N, C, H, W]"
        return Misordered(param.name.text, type.span, expected, label, rule)
    return None


def _batched(type: ast.ShapeType) -> Edit:
    """Return the edit that gives a type the axis of the batch."""
    at = type.element.span.end + 1
    return Edit(Span(type.span.source, at, at), "N, " if type.dims else "N")


def enters_window(input: Value, frame: Frame) -> bool:
    """Return whether an input goes straight into a convolution, a pool or the like."""
    return any(
        node.inputs[0] is input and node.op.window(*(v.type for v in node.inputs)) is not None
        for node in frame.run.builder.nodes
        if node.inputs
    )


def misordered_input(operand: Value | None, frame: Frame) -> Misordered | None:
    """Return the input of the net in the wrong order, if windows are applied to it as it is."""
    outer = frame
    while outer.parent is not None or outer.call is not None:
        outer = outer.parent or (outer.call.frame if outer.call is not None else outer)
    function = outer.module.function(outer.scope.kind) if outer.scope is not None else None
    if function is None or not isinstance(function.definition, ast.Definition):
        return None
    found = misordered(function.definition)
    slot = outer.names.get(found.name) if found is not None else None
    if slot is None or not isinstance(slot.value, Value):
        return None
    return found if slot.value is operand or enters_window(slot.value, frame) else None


def suspected(actual: TensorType, wanted: Shape | None, frame: Frame) -> Suggestion | None:
    """Return the order of axes that makes a value have another shape than was promised."""
    found = misordered_input(None, frame)
    if found is not None:
        return {"helps": (found.help,), "fixes": (found.fix,)}
    pick = next(first_axis_picks(frame.run.builder.nodes), None)
    if pick is None or (wanted is not None and len(wanted) == actual.rank == 1):
        return None
    fix = last_step(pick)
    help = f"for the last step, not the last example, write `{fix.edits[0].text}`"
    fits = wanted is not None and wanted[1:] == actual.shape[1:]
    return {"helps": (help,), "fixes": (fix,) if fits else ()}


def in_front_of_parameters(size: Dim, frame: Frame) -> Suggestion | None:
    """Return the order of axes that makes a size of a parameter the one of a batch or of steps.

    ``frame`` is the one of the layer that creates the parameter.
    """
    call = frame.call
    x = next((v for v in call.arguments.values() if isinstance(v, Value)), None) if call else None
    if x is None or call is None:
        return None
    found = misordered_input(x, frame)
    if found is not None:
        return {"helps": (found.help,), "fixes": (found.fix,)}
    if x.type.rank == 3 and x.type.shape[1] == size and isinstance(x.type.shape[2], int):
        while call.span.source.library and call.frame.call is not None:
            call = call.frame.call
        layer = call.function.name
        from netlang.evaluate.types.conversions import certain

        why = f"the second axis should hold the channels, and {size} is the number of steps"
        help, fixes = of_sequence(layer, call.span)
        return {"helps": (f"{why}: {help}",), "fixes": fixes if certain(call.frame) else ()}
    return _batch_last(x, size, frame)


def _batch_last(x: Value, size: Dim, frame: Frame) -> Suggestion | None:
    """Return an input of vectors with the batch last, [D, N], as in MATLAB and in textbooks."""
    outer = frame
    while outer.call is not None:
        outer = outer.call.frame
    for name, slot in outer.names.items():
        if slot.value is not x or x.type.rank != 2 or isinstance(x.type.shape[0], Dim):
            continue
        function = outer.module.function(outer.scope.kind) if outer.scope is not None else None
        definition = function.definition if function is not None else None
        if not isinstance(definition, ast.Definition):
            return None
        for param in definition.params:
            if param.name.text != name or not isinstance(param.type, ast.ShapeType):
                continue
            first, last = (d.span.text for d in param.type.dims)
            expected = f"{param.type.element.text}[{last}, {first}]"
            edits = tuple(_exchanged([first, last], definition, last=True))
            label, rule = "the batch comes last here", "the batch comes first"
            found = Misordered(name, param.type.span, expected, label, rule, edits)
            return {"helps": (found.help,), "fixes": (found.fix,)} if last == str(size) else None
    return None


def warn_of_order(definition: ast.Definition, frame: Frame) -> None:
    """Warn of axes in another order that every operator of a net accepts."""
    found = misordered(definition)
    slot = frame.names.get(found.name) if found is not None else None
    value = slot.value if slot is not None else None
    if found is not None and isinstance(value, Value) and enters_window(value, frame):
        warn(
            frame, rules.AXIS_ORDER, f"the axes of `{found.name}` are in another order",
            found.span, found.label, helps=(found.help,), fixes=(found.fix,),
        )  # fmt: skip
        return
    _warn_of_steps(definition, frame)
    if any(node.op.makes_sequence for node in frame.run.builder.nodes):
        _warn_of_sequences(frame)


def _warn_of_steps(definition: ast.Definition, frame: Frame) -> None:
    """Warn of sequences with the steps first, and of the last example taken for the last step."""
    declared = next(steps_first(definition, frame), None)
    nodes = frame.run.builder.nodes
    recurrent = any(n.op.makes_sequence and n.op.family == "recurrent" for n in nodes)
    pick = next(first_axis_picks(nodes), None) if recurrent else None
    if pick is not None:
        fix = last_step(pick)
        secondary: tuple[Label, ...] = ()
        help = f"write `{fix.edits[0].text}`"
        if declared is not None:
            fix = joined((declared.fix, fix))
            secondary = (Label(declared.span, declared.label),)
            help = f"{declared.help}, and {help}"
        warn(
            frame, rules.AXIS_ORDER, "this takes the last example of the batch, not the last step",
            pick, "the batch is the first axis, the steps are the second", secondary=secondary,
            helps=(help,), fixes=(fix,),
        )  # fmt: skip
    elif declared is not None:
        warn(
            frame, rules.AXIS_ORDER, f"the axes of `{declared.name}` are in another order",
            declared.span, declared.label, helps=(declared.help,), fixes=(declared.fix,),
        )  # fmt: skip


def steps_first(definition: ast.Definition, frame: Frame) -> Iterator[Misordered]:
    """Find the inputs whose steps come before the batch, if a layer runs over the batch then."""
    for param in definition.params:
        type = param.type
        if not isinstance(type, ast.ShapeType) or len(type.dims) not in (2, 3):
            continue
        texts = [d.span.text for d in type.dims]
        if texts[0] not in _STEPS or texts[1] not in _BATCH:
            continue
        slot = frame.names.get(param.name.text)
        shape = slot.value.type.shape if slot and isinstance(slot.value, Value) else ()
        if not any(_runs_over(node, shape) for node in frame.run.builder.nodes):
            continue
        expected = f"{type.element.text}[{', '.join([texts[1], texts[0], *texts[2:]])}]"
        label, rule = "the steps come first here", "the batch comes first"
        edits = tuple(_exchanged(texts, definition))
        yield Misordered(param.name.text, type.span, expected, label, rule, edits)


def _runs_over(node: Node, shape: Sequence[object]) -> bool:
    outer = node.scope.parent if node.scope is not None else None
    if node.op.family != "recurrent" and (outer is None or outer.kind != "split_heads"):
        return False
    return any(v.type.shape[:2] == tuple(shape[:2]) for v in node.inputs)


def _exchanged(
    texts: Sequence[str], definition: ast.Definition, *, last: bool = False
) -> Iterator[Edit]:
    """Return the edits that exchange the two axes in the outputs that have them in this order.

    With ``last``, the second of them, the batch, is enough.
    """
    for out in definition.outs:
        if not isinstance(out.type, ast.ShapeType):
            continue
        dims = out.type.dims
        first, second = ([d.span.text for d in dims[:2]] + ["", ""])[:2]
        if second == texts[1] and (first == texts[0] or (last and len(dims) == 2)):
            yield Edit(dims[0].span, second)
            yield Edit(dims[1].span, first)


def first_axis_picks(nodes: Sequence[Node]) -> Iterator[Span]:
    """Find where one example of the batch is picked from the steps of a recurrent layer."""
    for node in reversed(nodes):
        items = getattr(node.op, "items", ())  # of an index
        span = node.span
        if not items or items[0] != -1 or any(item is not None for item in items[1:]):
            continue
        steps = node.inputs[0].type
        if steps.rank != 3 or not isinstance(steps.shape[0], Dim) or span is None:
            continue
        if re.search(r"\[\s*-1\s*\]$", span.text) and is_sequence(node.inputs[0], nodes):
            yield span


def last_step(pick: Span) -> Fix:
    """Return the fix that takes the last step where the last example is taken."""
    code = re.sub(r"\[\s*-1\s*\]$", "[:, -1]", pick.text)
    return replacement(pick, code)


def is_sequence(value: Value, nodes: Sequence[Node]) -> bool:
    """Return whether a tensor of rank 3 is a sequence of vectors, [N, T, D], by how it was made."""
    for node in reversed(nodes):
        if value not in node.outputs:
            continue
        if node.op.makes_sequence:
            return True
        if node.op.window(*(v.type for v in node.inputs)) is not None:
            return False
        shape = value.type.shape
        same = [v for v in node.inputs if v.type.rank == 3 and v.type.shape[:2] == shape[:2]]
        if not same or node.op.view or node.op.moved(1, same[0].type.shape, shape) != 1:
            return False
        value = same[0]
    return False


def _warn_of_sequences(frame: Frame) -> None:
    """Warn of sequences [N, T, D] where the second axis is expected to be the channels."""
    nodes = frame.run.builder.nodes
    for at, node in enumerate(nodes):
        x = node.inputs[0] if node.inputs else None
        if x is None or x.type.rank != 3 or (layer := _over_channels(node)) is None:
            continue
        call = _call_of(node)
        if call is None or not is_sequence(x, nodes[:at]):
            continue
        help, fix = of_sequence(layer, call)
        warn(
            frame, rules.AXIS_ORDER, f"`{layer}` takes the steps of this sequence for channels",
            call, f"the input is {x.type}, [N, T, D]", helps=(help,), fixes=fix,
        )  # fmt: skip
        return


def _over_channels(node: Node) -> str | None:
    """Return the name of the layer of feature maps that a node belongs to."""
    kind = node.scope.kind if node.scope is not None else ""
    if kind in _POOLED:
        return kind
    over = node.op.normalizes_channels or node.op.window(*(v.type for v in node.inputs)) is not None
    return _layer(node) if over else None


def _layer(node: Node) -> str:
    """Return the name of the outermost layer of the library that a node belongs to."""
    name, scope = node.op.name, node.scope
    while scope is not None and scope.library:
        name, scope = scope.kind, scope.parent
    return name


def _call_of(node: Node) -> Span | None:
    """Return the user's call that a node belongs to."""
    scope = node.scope
    while scope is not None and scope.span is not None and scope.span.source.library:
        scope = scope.parent
    return scope.span if scope is not None and scope.library else None


def of_sequence(layer: str, call: Span) -> tuple[str, tuple[Fix, ...]]:
    """Return what to write where a sequence is given to a layer of feature maps."""
    if layer in _POOLED:
        text = " ".join(call.text.split())
        code = f"{_POOLED[layer]}(axis=1)"
        if text.endswith(")"):
            code = f"{_POOLED[layer]}({text.partition('(')[2][:-1]}, axis=1)"
        return f"to pool the steps, write `{code}`", (replacement(call, code),)
    from netlang.evaluate.types.conversions import stage_before

    code, fix = stage_before(call, "transpose", ("[0, 2, 1]",))
    transposed = f"write `{code}` before it, which brings the features to the second axis"
    if layer == "batch_norm":
        return (
            f"`layer_norm` normalizes each vector; for statistics over the batch, {transposed}",
            (),
        )
    return transposed, fix
