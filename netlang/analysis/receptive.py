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

from netlang.ir.dims import Shape, product
from netlang.ir.graph import Graph, Node, Value, types
from netlang.ir.op import Primitive, Window


@dataclass(frozen=True, slots=True)
class Reach:
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
    def everything(self) -> Reach:
        return replace(self, field=None)


Field = tuple[Reach, ...]
"""One ``Reach`` for each axis of the image after batch and channels."""


@dataclass(frozen=True, slots=True)
class Step:
    """A window on the way: the arithmetic ``field = before.field + (kernel - 1) * before.jump``."""

    node: Node
    window: Window
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

    >>> show_field((Reach(2, 11), Reach(3, 3)))
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
            fields[image] = tuple(Reach(axis) for axis in range(2, image.type.rank))
    for node in graph.nodes:
        if fields.keys().isdisjoint(node.inputs):
            continue
        window = node.op.window(*types(node.inputs))
        for output in node.outputs:
            if window is not None and node.inputs[0] in fields:
                before = fields[node.inputs[0]]
                fields[output] = _widen(before, window)
                steps.append(Step(node, window, before, fields[output]))
            else:
                fields[output] = join(_carried(node, output, fields))
    return Reception(fields, tuple(steps))


def join(fields: Sequence[Field]) -> Field:
    """See what any of several fields sees, axis by axis."""
    return tuple(map(_join_axis, zip(*fields, strict=True)))


def _join_axis(reaches: tuple[Reach, ...]) -> Reach:
    axis = next((r.axis for r in reaches if r.axis is not None), None)
    start = min(r.start for r in reaches)
    jump = max(r.jump for r in reaches)
    ends = [r.start + r.field for r in reaches if r.field is not None]
    field = max(ends) - start if len(ends) == len(reaches) else None
    return Reach(axis, field, jump, start)


def _widen(field: Field, window: Window) -> Field:
    first = 2
    return tuple(
        _slide(
            reach,
            window.extent[reach.axis - first],
            window.stride[reach.axis - first],
            window.before[reach.axis - first],
        )
        if reach.axis is not None and 0 <= reach.axis - first < len(window.extent)
        else reach.everything
        for reach in field
    )


def _slide(reach: Reach, extent: int, stride: int, before: int) -> Reach:
    return Reach(
        reach.axis,
        None if reach.field is None else reach.field + (extent - 1) * reach.jump,
        reach.jump * stride,
        reach.start - before * reach.jump,
    )


def _carried(node: Node, output: Value, fields: Mapping[Value, Field]) -> list[Field]:
    """Follow each axis of each operand to where the result has it."""
    target = output.type.shape
    found: list[Field] = []
    for position, value in enumerate(node.inputs):
        if value in fields:
            source = value.type.shape
            places = _places(node.op, source, target)
            mixed = _mixed(node.op, position, value.type.rank)
            found.append(
                tuple(
                    _move(reach, source, places, target, mixed=reach.axis in mixed)
                    for reach in fields[value]
                )
            )
    return found


def _move(
    reach: Reach, source: Shape, places: Sequence[int | None], target: Shape, *, mixed: bool
) -> Reach:
    if reach.axis is None:
        return reach
    size, place = source[reach.axis], places[reach.axis]
    kept = not mixed and place is not None and target[place] == size
    # An axis that is gone or has another size was looked at as a whole.
    return replace(reach if kept or size == 1 else reach.everything, axis=place)


def _places(op: Primitive, source: Shape, target: Shape) -> list[int | None]:
    """Say where each axis of the operand is in the result; ``None`` where it is gone."""
    order: tuple[int, ...] = getattr(op, "order", ()) if op.name == "transpose" else ()
    if order:
        return [order.index(axis) for axis in range(len(source))]
    if op.name not in REGROUPING and len(source) <= len(target):
        return [axis + len(target) - len(source) for axis in range(len(source))]
    return [_aligned(source, axis, target) for axis in range(len(source))]


# These may join and split axes: an axis keeps its place if as much comes before it or behind it.
REGROUPING = frozenset({"reshape", "flatten", "squeeze", "unsqueeze"})


def _aligned(source: Shape, axis: int, target: Shape) -> int | None:
    before, behind = product(source[:axis]), product(source[axis + 1 :])
    for place, size in enumerate(target):
        if size == source[axis] and (
            product(target[:place]) == before or product(target[place + 1 :]) == behind
        ):
            return place
    return None


def _mixed(op: Primitive, position: int, rank: int) -> frozenset[int]:
    """Name the axes a position of the result sees as a whole although their size stays."""
    match op.name:
        case "matmul":
            return frozenset({rank - 1 if position == 0 else rank - 2})
        case _:
            return frozenset()
