"""The content of a diagram: boxes, frames around them, and the edges between boxes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from netlang.ir.graph import Value
from netlang.ir.op import Family

Role = Literal["layer", "input", "output", "state"]


@dataclass(frozen=True, slots=True)
class Note:
    """A line of a box about one example: the value of a layer, or its gradient."""

    kind: Literal["value", "gradient"]
    text: str


@dataclass(frozen=True, slots=True)
class Box:
    """A layer, several folded layers, or an input, output or state of the net.

    ``paths`` are the layers it represents: one, or one for each iteration of a loop. ``recurrent``
    marks layers that carry a state along a sequence. ``notes`` come after the facts. ``layers`` are
    the numbers of its layers among those of the graph. ``block`` is the key of what is in it, if a
    diagram can show that in place of the box.
    """

    number: int
    role: Role
    family: Family
    name: str
    description: str
    facts: tuple[str, ...]
    tooltip: str
    paths: tuple[str, ...] = ()
    several: bool = False
    recurrent: bool = False
    layers: tuple[int, ...] = ()
    notes: tuple[Note, ...] = ()
    block: str = ""


@dataclass(frozen=True, slots=True)
class Frame:
    """The boxes of a block or a loop iteration; ``paths`` are all iterations it represents.

    A ``detail`` is next to the net, and shows what is in one of its boxes.
    """

    label: str
    paths: tuple[str, ...]
    items: tuple[Item, ...]
    detail: bool = False


Item = Box | Frame
Edge = tuple[int, int]
"""The numbers of two boxes; the second reads a result of the first."""


@dataclass(frozen=True, slots=True)
class Outline:
    """The content of a net's diagram, each box before those that read its results.

    ``layers`` counts the layers of the net, however many boxes they are in.
    """

    title: str
    facts: str
    layers: int
    items: tuple[Item, ...]
    edges: tuple[Edge, ...]
    values: Mapping[int, Value] = field(default_factory=dict[int, "Value"], repr=False)
    """The first result of each box, by its number."""

    def boxes(self) -> list[Box]:
        """Return all boxes, in the order of execution."""
        return list(boxes_of(self.items))

    def __str__(self) -> str:
        net = [item for item in self.items if isinstance(item, Box) or not item.detail]
        boxes = sum(box.role == "layer" for box in boxes_of(net))
        return (
            f"{self.title}: {self.layers:,} {plural('layer', self.layers)} in {boxes:,} "
            f"{plural('box', boxes)}"
        )


def annotated(outline: Outline, notes: Mapping[int, Sequence[Note]]) -> Outline:
    """Return an outline with notes in its boxes, by their numbers."""
    return replace(outline, items=_annotated(outline.items, notes))


def _annotated(items: Sequence[Item], notes: Mapping[int, Sequence[Note]]) -> tuple[Item, ...]:
    return tuple(
        replace(item, notes=tuple(notes.get(item.number, ())))
        if isinstance(item, Box)
        else replace(item, items=_annotated(item.items, notes))
        for item in items
    )


def plural(noun: str, count: int) -> str:
    """Return a noun in the form that follows a count."""
    return noun if count == 1 else f"{noun}es" if noun.endswith("x") else f"{noun}s"


def boxes_of(items: Sequence[Item]) -> Iterator[Box]:
    """Yield the boxes among items and in their frames."""
    for item in items:
        if isinstance(item, Box):
            yield item
        else:
            yield from boxes_of(item.items)
