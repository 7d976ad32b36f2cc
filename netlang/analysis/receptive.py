"""How much of the image one position of a value sees.

One position after a window of extent ``k`` and stride ``s`` sees ``field + (k - 1) * jump`` of
the input, where ``jump`` is how far apart in the input two neighbours are; then the jump grows by
``s`` (Araujo, Norris & Sim, "Computing Receptive Fields of Convolutional Neural Networks", 2019).
Branches that meet see what either sees.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil

from netlang.ir.dims import Shape
from netlang.ir.graph import Graph, Node, Value, types
from netlang.ir.op import AxisWindow, Window


@dataclass(frozen=True, slots=True)
class AxisField:
    """What one position sees along one axis of the image.

    ``field`` input positions (``None``: all of them), the first one at ``start``; neighbours are
    ``jump`` apart. ``axis`` is where the value carries this axis, ``None`` once it is gone.
    """

    axis: int | None
    field: float | None = 1
    jump: float = 1
    start: float = 0

    def __str__(self) -> str:
        return "all" if self.field is None else str(ceil(self.field))

    @property
    def everything(self) -> AxisField:
        return replace(self, field=None)


Field = tuple[AxisField, ...]
"""One ``AxisField`` for each axis of the image after batch and channels."""


@dataclass(frozen=True, slots=True)
class Step:
    """A window on the way: the arithmetic ``field = before.field + (kernel - 1) * before.jump``."""

    node: Node
    before: Field
    after: Field


@dataclass(frozen=True, slots=True)
class Reception:
    """The field of every value that comes from the image, and the windows that widened it."""

    fields: Mapping[Value, Field]
    steps: tuple[Step, ...]

    def at(self, value: Value) -> Field | None:
        """Give the field of ``value``; ``None`` where the net has no windows at all."""
        return self.fields.get(value) if self.steps else None


def show_field(field: Field) -> str:
    """Print a field as ``11×11``, or ``all`` where nothing is left out.

    >>> show_field((AxisField(2, 11), AxisField(3, 3)))
    '11×3'
    """
    if all(reach.field is None for reach in field):
        return "all"
    return "×".join(map(str, field))


def reception(graph: Graph) -> Reception:
    """Follow the receptive field from the first input with axes beyond batch and channels."""
    fields: dict[Value, Field] = {}
    steps: list[Step] = []
    images = [v for v in graph.inputs if v.type.rank >= 3]
    for image in images:
        if image.type.rank == images[0].type.rank:
            fields[image] = tuple(AxisField(axis) for axis in range(2, image.type.rank))
    for node in graph.nodes:
        if fields.keys().isdisjoint(node.inputs):
            continue
        window = node.op.window(*types(node.inputs))
        for output in node.outputs:
            if window is not None and node.inputs[0] in fields:
                before = fields[node.inputs[0]]
                widened = (_widen(reach, window) for reach in before)
                # Columns have all places along one axis: what comes after tells them apart no more.
                laid = output.type.rank != node.inputs[0].type.rank
                fields[output] = tuple(replace(r, axis=None) if laid else r for r in widened)
                steps.append(Step(node, before, fields[output]))
            else:
                carried = _carried(node, output, fields)
                fields[output] = join(carried)
                if len(carried) == 1 and _gathers(node):
                    steps.append(Step(node, fields[node.inputs[0]], fields[output]))
    return Reception(fields, tuple(steps))


def join(fields: Sequence[Field]) -> Field:
    """See what any of several fields sees, axis by axis."""
    return tuple(map(_join_axis, zip(*fields, strict=True)))


def _join_axis(reaches: tuple[AxisField, ...]) -> AxisField:
    axis = next((r.axis for r in reaches if r.axis is not None), None)
    start = min(r.start for r in reaches)
    jump = max(r.jump for r in reaches)
    ends = [r.start + r.field for r in reaches if r.field is not None]
    field = max(ends) - start if len(ends) == len(reaches) else None
    return AxisField(axis, field, jump, start)


def _widen(reach: AxisField, window: Window) -> AxisField:
    # A window's axes are the ones after batch and channels.
    if reach.axis is None or not 0 <= reach.axis - 2 < len(window.extent):
        return reach.everything
    at = reach.axis - 2
    seen = AxisWindow(window.extent[at], window.stride[at], -window.before[at])
    return _looked_at(reach, seen)


def _looked_at(reach: AxisField, seen: AxisWindow) -> AxisField:
    field = None if reach.field is None else reach.field + (seen.extent - 1) * reach.jump
    start = reach.start + seen.start * reach.jump
    return AxisField(reach.axis, field, reach.jump * seen.stride, start)


def _gathers(node: Node) -> bool:
    """Tell whether one place of a result that is spread or resampled sees several."""
    rank = node.inputs[0].type.rank
    seen = (node.op.axis_window(axis, *types(node.inputs)) for axis in range(2, rank))
    return any(each is not None and each.extent > 1 for each in seen)


def _carried(node: Node, output: Value, fields: Mapping[Value, Field]) -> list[Field]:
    """Follow each axis of each operand to where the result has it."""
    target = output.type.shape
    found: list[Field] = []
    for operand, value in enumerate(node.inputs):
        if value in fields:
            as_whole = node.op.seen_whole(operand, value.type.rank)
            reaches = (
                _move(reach, node, value.type.shape, target, as_whole=reach.axis in as_whole)
                for reach in fields[value]
            )
            found.append(tuple(reaches))
    return found


def _move(
    reach: AxisField, node: Node, source: Shape, target: Shape, *, as_whole: bool
) -> AxisField:
    if reach.axis is None:
        return reach
    size, at = source[reach.axis], node.op.moved(reach.axis, source, target)
    moved = replace(reach, axis=at)
    if size == 1:
        return moved
    if as_whole:
        return moved.everything
    if (seen := node.op.axis_window(reach.axis, *types(node.inputs))) is not None:
        return _looked_at(moved, seen)
    # An axis that is gone, or has another size, was looked at as a whole.
    return moved if at is not None and target[at] == size else moved.everything
