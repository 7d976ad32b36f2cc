"""What a picture of a net shows: boxes, frames around them, and the edges between boxes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from netlang.ir.op import Family

Role = Literal["layer", "input", "output", "state"]


@dataclass(frozen=True, slots=True)
class Box:
    """A layer, several that are folded, or an end of the net.

    ``paths`` are the layers it stands for: one, or one for each turn of a loop. ``recurs`` marks
    what hands a state from step to step of a sequence.
    """

    number: int
    role: Role
    family: Family
    name: str
    words: str
    facts: tuple[str, ...]
    tip: str
    paths: tuple[str, ...] = ()
    several: bool = False
    recurs: bool = False


@dataclass(frozen=True, slots=True)
class Frame:
    """The boxes of a block, or of a turn of a loop; ``paths`` are all the turns it stands for."""

    label: str
    paths: tuple[str, ...]
    items: tuple[Item, ...]


Item = Box | Frame
Edge = tuple[int, int]
"""The numbers of two boxes; the second reads what the first makes."""


@dataclass(frozen=True, slots=True)
class Outline:
    """A net as it is drawn: a box stands before those that read what it makes.

    ``layers`` counts those of the net, however many boxes they are in.
    """

    title: str
    facts: str
    layers: int
    items: tuple[Item, ...]
    edges: tuple[Edge, ...]

    def boxes(self) -> list[Box]:
        """List all boxes, in the order of execution."""
        return list(boxes_of(self.items))

    def __str__(self) -> str:
        boxes = sum(box.role == "layer" for box in self.boxes())
        return (
            f"{self.title}: {self.layers:,} {plural('layer', self.layers)} in {boxes:,} "
            f"{plural('box', boxes)}"
        )


def plural(noun: str, count: int) -> str:
    """Write a noun as it stands behind a count."""
    return noun if count == 1 else f"{noun}es" if noun.endswith("x") else f"{noun}s"


def boxes_of(items: Sequence[Item]) -> Iterator[Box]:
    """List the boxes among items and in their frames."""
    for item in items:
        if isinstance(item, Box):
            yield item
        else:
            yield from boxes_of(item.items)
