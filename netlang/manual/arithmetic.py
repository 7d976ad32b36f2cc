"""The arithmetic of a layer: output sizes, parameters, multiply-adds, and receptive field."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

from netlang.analysis.counts import Example, grouped, node_macs
from netlang.analysis.receptive_field import (
    AxisField,
    ReceptiveFields,
    Step,
    receptive_fields,
    show_field,
)
from netlang.ir.dims import Dim, Shape, Size, exact_quotient, product
from netlang.ir.graph import Graph, Node, Param, types, written_at
from netlang.ops.reducing.reduction import Reduction
from netlang.ops.shaping.joining import Concat
from netlang.ops.windows.adaptive import AdaptivePool
from netlang.ops.windows.transposed_convolution import ConvolveTranspose

_AXES = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """A graph with what is computed once for all its layers."""

    graph: Graph
    one: Example
    receptive_fields: ReceptiveFields

    @classmethod
    def of(cls, graph: Graph) -> Arithmetic:
        return cls(graph, Example.of(graph), receptive_fields(graph))

    def explain(self, nodes: Sequence[Node], *, located: bool = True) -> str:
        """Return the arithmetic of every node, and the receptive field of the last result.

        With ``located``, each node has the file and the line that made it.
        """
        parts = ["\n".join(self._node(node, located=located)) for node in nodes]
        if lines := list(self._receptive_field(nodes[-1])):
            parts.append("\n".join(lines))
        return "\n\n".join(parts)

    def _node(self, node: Node, *, located: bool) -> Iterator[str]:
        location = written_at(node) if located else ""
        yield f"{node.op.name}  ({location})" if location else node.op.name
        inputs = [str(v.type) for v in node.inputs if v not in self.graph.params]
        outputs = [str(v.type) for v in node.outputs]
        yield _line("shape", f"{', '.join(inputs)} -> {', '.join(outputs)}".removeprefix(" -> "))
        yield from sizes(node)
        yield from _concatenated(node)
        yield from _operands(node)
        yield from self._parameters(node)
        macs = self.one.size(node_macs(node))
        if macs != 0:
            yield _line("MACs", self._product(node, macs))

    def _parameters(self, node: Node) -> Iterator[str]:
        owned = [self.graph.params[v] for v in node.inputs if v in self.graph.params]
        for trained, label in ((True, "params"), (False, "buffers")):
            params = [p for p in owned if p.trained is trained]
            if not params:
                continue
            formula = " + ".join(map(_factors, params))
            count = _count(sum((p.type.size for p in params), 0))
            named = ", ".join(p.path for p in params)
            shown = formula if formula == count else f"{formula} = {count}"
            yield _line(label, f"{shown}  ({named})")

    def _product(self, node: Node, macs: Size) -> str:
        results = node.outputs[0].type.shape
        shape = [self.one.size(size) for size in results[:1]] + list(results[1:])
        each = exact_quotient(macs, product(shape))
        outputs = "·".join(_count(size) for size in shape if size != 1) or "1"
        worked = self._each(node, each)
        if each is not None and worked:
            return f"{outputs} outputs · {worked} = {_count(macs)}"
        return self._product_per_input(node, macs)

    def _product_per_input(self, node: Node, macs: Size) -> str:
        """Return the product for one input, where each input contributes to a window of outputs."""
        given = node.inputs[0].type.shape
        shape = [self.one.size(size) for size in given[:1]] + list(given[1:])
        each = exact_quotient(macs, product(shape))
        if each is None or (worked := self._each(node, each)) == "":
            return _count(macs)
        inputs = "·".join(_count(size) for size in shape if size != 1) or "1"
        return f"{inputs} inputs · {worked} = {_count(macs)}"

    def _each(self, node: Node, each: Size | None) -> str:
        """Return the multiply-adds of one output: the shape of its kernel, or a number."""
        if each is None:
            return ""
        gates, (given, *_) = getattr(node.op, "gates", None), types(node.inputs)
        if isinstance(gates, int):
            units = node.outputs[0].type.shape[-1]
            return f"{gates}·({_count(given.shape[-1])} + {_count(units)})"
        weight = next((v for v in node.inputs if v in self.graph.params), None)
        if weight is not None and weight.type.rank > 1 and product(weight.type.shape[1:]) == each:
            return f"({_times(weight.type.shape[1:])})" if weight.type.rank > 2 else _count(each)
        return _count(each)

    def _receptive_field(self, node: Node) -> Iterator[str]:
        """Return the receptive field, window by window."""
        field = self.receptive_fields.at(node.outputs[0])
        if field is None:
            return
        everything = all(part.field is None for part in field)
        steps = [] if everything else self._windows_before(node)
        yield f"receptive field: {show_field(field)} of the input"
        for step in steps:
            worked = dict.fromkeys(map(_widened, step.before, step.after))
            shown = "  and  ".join(text for text in worked if text)
            if shown:
                yield _line(_location(step.node), shown)

    def _windows_before(self, node: Node) -> list[Step]:
        """Return the windows on the paths from the input to a node."""
        makers = {value: made for made in self.graph.nodes for value in made.outputs}
        before: set[int] = set()
        stack = [node]
        while stack:
            at = stack.pop()
            if id(at) in before:
                continue
            before.add(id(at))
            stack.extend(makers[value] for value in at.inputs if value in makers)
        return [step for step in self.receptive_fields.steps if id(step.node) in before]


def _concatenated(node: Node) -> Iterator[str]:
    """Return the sum of the concatenated sizes."""
    if not isinstance(node.op, Concat):
        return
    axis = node.op.axis
    parts = " + ".join(_count(v.type.shape[axis]) for v in node.inputs)
    yield _line("concat", f"{parts} = {_count(node.outputs[0].type.shape[axis])} along axis {axis}")


def _operands(node: Node) -> Iterator[str]:
    """Return which part of the input one group, one gate or one result uses."""
    groups, gates = getattr(node.op, "groups", 1), getattr(node.op, "gates", None)
    given, made = types(node.inputs), types(node.outputs)
    if node.op.family == "convolution" and isinstance(groups, int) and groups > 1:
        each = exact_quotient(given[0].shape[1], groups)
        if each is not None:
            take = f"{_count(given[0].shape[1])} / {groups} = {_count(each)}"
            yield _line("groups", f"{groups}, each with {take} of the input's channels")
    if isinstance(gates, int) and isinstance(units := made[0].shape[-1], int):
        yield _line("gates", f"{gates} of {units} units: {gates}·{units} = {gates * units:,} rows")
    if isinstance(node.op, Reduction):
        over = exact_quotient(given[0].size, made[0].size)
        if over is not None and over != 1:
            axes = [n for n in _dropped(given[0].shape, made[0].shape) if n != 1]
            worked = f"{_times(tuple(axes))} = " if len(axes) > 1 else ""
            yield _line("over", f"{worked}{_count(over)} elements per result")


def _dropped(given: Shape, made: Shape) -> list[Size]:
    """Return the sizes of the reduced axes; the other axes keep their order."""
    remaining = [size for size in made if size != 1]
    reduced: list[Size] = []
    for size in given:
        if remaining and remaining[0] == size:
            remaining.pop(0)
        else:
            reduced.append(size)
    return reduced


def _location(node: Node) -> str:
    """Return the path of the user's call that a node belongs to, and the operator."""
    scope, part = node.scope, ""
    while scope is not None:
        if scope.library or not part:
            part = scope.path
        scope = scope.parent if scope.library else None
    return f"{part} {node.op.name}".strip()


def _widened(before: AxisField, after: AxisField) -> str:
    if before.field is None or after.field is None:
        return ""
    extent = round((after.field - before.field) / before.jump) + 1
    return f"{before.field:g} + ({extent} - 1)·{before.jump:g} = {after.field:g}"


def sizes(node: Node) -> Iterator[str]:
    """Return the formula of each spatial size of the output of a window."""
    window, pad = node.op.window(*types(node.inputs)), getattr(node.op, "pad", None)
    if isinstance(node.op, AdaptivePool):
        yield from _parts(node)
    if not isinstance(pad, tuple) or node.inputs[0].type.rank < 3:
        return
    pads = cast("tuple[tuple[int, int], ...]", pad)
    given, made = node.inputs[0].type.shape[2:], node.outputs[0].type.shape[2:]
    names = _AXES.get(len(given), ())
    if isinstance(node.op, ConvolveTranspose):
        yield from _transposed_sizes(node, given, made, pads)
        return
    if window is None:
        return
    for name, size, result, extent, stride, around in zip(
        names, given, made, window.extent, window.stride, pads, strict=False
    ):
        if (worked := _windows(size, result, extent, stride, around)) is not None:
            yield _line(name, f"{worked} = {result}")
    yield from _dilated(node, window.extent)


def _parts(node: Node) -> Iterator[str]:
    """Return the bounds of the windows of adaptive pooling."""
    given, made = node.inputs[0].type.shape[2:], node.outputs[0].type.shape[2:]
    for name, size, parts in zip(_AXES.get(len(given), ()), given, made, strict=False):
        step = f"{_count(size)} / {_count(parts)}"
        if parts == 1:
            yield _line(name, f"one window over all {_count(size)}")
        elif (each := exact_quotient(size, parts)) is not None:
            yield _line(name, f"{_count(parts)} windows of {step} = {_count(each)}")
        else:
            yield _line(
                name, f"{_count(parts)} windows: from floor(i·{step}) to ceil((i + 1)·{step})"
            )


def _windows(
    size: Size, result: Size, extent: int, stride: int, around: tuple[int, int]
) -> str | None:
    """Return the size formula with its numbers, or ``None`` if another formula applies."""
    room = size + around[0] + around[1] - extent
    inside = f"{size}{_padded(around)} - {extent}"
    if room // stride + 1 == result:
        exact = exact_quotient(room, stride) is not None
        return f"({inside}) / {stride} + 1" if exact else f"floor(({inside}) / {stride}) + 1"
    if -(-room // stride) + 1 == result:
        return f"ceil(({inside}) / {stride}) + 1"
    return None


def _padded(around: tuple[int, int]) -> str:
    before, after = around
    if before == after:
        return f" + 2·{before}" if before else ""
    return "".join(f" + {n}" for n in around if n)


def _dilated(node: Node, extent: Sequence[int]) -> Iterator[str]:
    dilation = cast("tuple[int, ...]", getattr(node.op, "dilation", ()) or ())
    for reach, step in dict.fromkeys(zip(extent, dilation, strict=False)):
        if step > 1:
            kernel = (reach - 1) // step + 1
            yield _line(
                "window", f"kernel {kernel}, dilation {step}: ({kernel} - 1)·{step} + 1 = {reach}"
            )


def _transposed_sizes(
    node: Node, given: Shape, made: Shape, pads: Sequence[tuple[int, int]]
) -> Iterator[str]:
    kernel = node.inputs[1].type.shape[2:]
    strides = cast("tuple[int, ...]", getattr(node.op, "stride", ()))
    dilations = cast("tuple[int, ...]", getattr(node.op, "dilation", ()))
    extra = cast("tuple[int, ...]", getattr(node.op, "out_pad", ()))
    rows = zip(
        _AXES[len(given)], given, made, kernel, strides, dilations, extra, pads, strict=False
    )
    for name, size, result, width, stride, step, more, (before, after) in rows:
        reach = str(width) if step == 1 else f"(({width} - 1)·{step} + 1)"
        less = f" - 2·{before}" if before == after else f" - {before} - {after}"
        cut = less if before or after else ""
        added = f" + {more}" if more else ""
        yield _line(name, f"({size} - 1)·{stride} + {reach}{cut}{added} = {result}")


def _factors(param: Param) -> str:
    shape = param.type.shape
    if len(shape) < 3:
        return _times(shape) or "1"
    return f"{_count(shape[0])}·({_times(shape[1:])})"


def _times(shape: Shape) -> str:
    return "·".join(_count(size) for size in shape)


def _count(size: Size) -> str:
    if isinstance(size, Dim):
        shown = grouped(size).replace("*", "·")
        return shown if " " not in shown else f"({shown})"
    return f"{size:,}"


def _line(label: str, text: str) -> str:
    return f"  {label:<8}  {text}"
