"""Receptive fields: the part of the image on which one position of a value depends.

A window of extent ``k`` and stride ``s`` widens a field to ``field + (k - 1) * jump``, where
``jump`` is the distance in the input between neighboring positions; then ``jump`` is multiplied by
``s`` (Araujo, Norris & Sim, "Computing Receptive Fields of Convolutional Neural Networks", 2019).
Where branches meet, the field is the union of theirs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil

from msgspec import Struct
from msgspec.structs import replace

from netlang.ir.dims import Shape
from netlang.ir.graph import Graph, Node, Value, types
from netlang.ir.op import AxisWindow, Window


class AxisField(Struct, frozen=True):
    """The receptive field of one position along one axis of the image.

    ``field`` input positions (``None``: all of them), the first one at ``start``; neighbors are
    ``jump`` apart. ``axis`` is the value's axis that corresponds to it, ``None`` if there is none.
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


class Step(Struct, frozen=True):
    """A window that widens the field: ``field = before.field + (kernel - 1) * before.jump``."""

    node: Node
    before: Field
    after: Field


class ReceptiveFields(Struct, frozen=True):
    """The field of every value that depends on the image, and the windows that widen it."""

    fields: Mapping[Value, Field]
    steps: tuple[Step, ...]

    def at(self, value: Value) -> Field | None:
        """Return the field of ``value``; ``None`` if the net has no windows at all."""
        return self.fields.get(value) if self.steps else None


def show_field(field: Field) -> str:
    """Return a field as ``11×11``, or ``all`` if it covers the whole image.

    >>> show_field((AxisField(2, 11), AxisField(3, 3)))
    '11×3'
    """
    if all(axis_field.field is None for axis_field in field):
        return "all"
    return "×".join(map(str, field))


def receptive_fields(graph: Graph) -> ReceptiveFields:
    """Compute receptive fields in the first input with axes beyond batch and channels."""
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
                widened = (_widen(axis_field, window) for axis_field in before)
                # Patches have all positions along one axis: what follows cannot separate them.
                flattened = output.type.rank != node.inputs[0].type.rank
                fields[output] = tuple(replace(r, axis=None) if flattened else r for r in widened)
                steps.append(Step(node, before, fields[output]))
            else:
                carried = _carried(node, output, fields)
                fields[output] = union(carried)
                if len(carried) == 1 and _gathers(node):
                    steps.append(Step(node, fields[node.inputs[0]], fields[output]))
    return ReceptiveFields(fields, tuple(steps))


def union(fields: Sequence[Field]) -> Field:
    """Return the union of several fields, axis by axis."""
    return tuple(map(_union_axis, zip(*fields, strict=True)))


def _union_axis(parts: tuple[AxisField, ...]) -> AxisField:
    axis = next((r.axis for r in parts if r.axis is not None), None)
    start = min(r.start for r in parts)
    jump = max(r.jump for r in parts)
    ends = [r.start + r.field for r in parts if r.field is not None]
    field = max(ends) - start if len(ends) == len(parts) else None
    return AxisField(axis, field, jump, start)


def _widen(axis_field: AxisField, window: Window) -> AxisField:
    # A window's axes are the ones after batch and channels.
    if axis_field.axis is None or not 0 <= axis_field.axis - 2 < len(window.extent):
        return axis_field.everything
    at = axis_field.axis - 2
    axis = AxisWindow(window.extent[at], window.stride[at], -window.before[at])
    return _windowed(axis_field, axis)


def _windowed(axis_field: AxisField, window: AxisWindow) -> AxisField:
    field, jump = axis_field.field, axis_field.jump
    wider = None if field is None else field + (window.extent - 1) * jump
    start = axis_field.start + window.start * jump
    return AxisField(axis_field.axis, wider, jump * window.stride, start)


def _gathers(node: Node) -> bool:
    """Return whether a position of a scattered or resampled result depends on several."""
    if node.op.view:  # which moves positions, and widens nothing by itself
        return False
    rank = node.inputs[0].type.rank
    windows = (node.op.axis_window(axis, *types(node.inputs)) for axis in range(2, rank))
    return any(window is not None and window.extent > 1 for window in windows)


def _carried(node: Node, output: Value, fields: Mapping[Value, Field]) -> list[Field]:
    """Return the fields of the operands, moved to the axes that they have in the result."""
    target = output.type.shape
    found: list[Field] = []
    for operand, value in enumerate(node.inputs):
        if value in fields:
            as_whole = node.op.seen_whole(operand, value.type.rank)
            parts = tuple(
                _move(
                    axis_field, node, value.type.shape, target, as_whole=axis_field.axis in as_whole
                )
                for axis_field in fields[value]
            )
            # Axes of the image that are merged with one another cannot be distinguished.
            merged = node.op.view and any(map(_lost, fields[value], parts))
            found.append(tuple(part.everything for part in parts) if merged else parts)
    return found


def _lost(before: AxisField, after: AxisField) -> bool:
    return before.axis is not None and after.axis is None and after.field is None


def _move(
    axis_field: AxisField, node: Node, source: Shape, target: Shape, *, as_whole: bool
) -> AxisField:
    if axis_field.axis is None:
        return axis_field
    size, at = source[axis_field.axis], node.op.moved(axis_field.axis, source, target)
    moved = replace(axis_field, axis=at)
    if size == 1:
        return moved
    if as_whole:
        return moved.everything
    if (window := node.op.axis_window(axis_field.axis, *types(node.inputs))) is not None:
        return _windowed(moved, window)
    # An axis that is gone, or has another size, was used as a whole.
    return moved if at is not None and target[at] == size else moved.everything
