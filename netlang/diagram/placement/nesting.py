"""Nested frames, and the values that pass their borders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from netlang.diagram.outline import Box, Edge, Frame, Item, Outline
from netlang.diagram.placement.layering import Link

Arrangement = Literal["levels", "stack", "columns", "u"]
"""How items are arranged: on levels, one below the other, in columns, or as a U.

The parts of a U are the way down, the bottom and the way up.
"""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a diagram without a border; in a ``flipped`` one, data flows backwards."""

    items: tuple[Item | Part, ...]
    arrangement: Arrangement = "levels"
    flipped: bool = False


@dataclass(slots=True)
class Content:
    """The items of a frame, the values that pass its border, and the links between them.

    Its nodes are the entries, the items and the exits, in this order. An entry or an exit is
    identified by the box that produces the value.
    """

    frame: Frame | None
    items: Sequence[Item | Part]
    arrangement: Arrangement = "levels"
    flipped: bool = False
    depth: int = 0
    inside: dict[int, int] = field(default_factory=dict[int, int])
    entries: dict[int, int] = field(default_factory=dict[int, int])
    exits: dict[int, int] = field(default_factory=dict[int, int])
    wired: list[tuple[int | None, int | None, int]] = field(
        default_factory=list[tuple[int | None, int | None, int]]
    )
    """The items of each link, ``None`` for the border, and the box that produces the value."""

    @property
    def count(self) -> int:
        """The number of nodes."""
        return len(self.entries) + len(self.items) + len(self.exits)

    def node(self, item: int) -> int:
        return len(self.entries) + item

    def item(self, node: int) -> int | None:
        """Return the item of a node; ``None`` for entries, exits and bends."""
        item = node - len(self.entries)
        return item if 0 <= item < len(self.items) else None

    def exit(self, box: int) -> int:
        return len(self.entries) + len(self.items) + self.exits[box]

    def link(self, source: int | None, target: int | None, box: int) -> Link:
        return Link(
            self.entries[box] if source is None else self.node(source),
            self.exit(box) if target is None else self.node(target),
            box,
        )

    def links(self) -> list[Link]:
        if self.arrangement == "stack":
            return [Link(at, at + 1, at) for at in range(len(self.items) - 1)]
        return list(dict.fromkeys(self.link(*wire) for wire in self.wired))


@dataclass(frozen=True, slots=True)
class Nesting:
    """All frames by number; 0 is the whole diagram.

    ``chains`` locate each box: a frame and an item in it, and so on from the outside in.
    """

    frames: Sequence[Content]
    chains: Mapping[int, Sequence[tuple[int, int]]]
    edges: Sequence[Edge]

    @classmethod
    def of(cls, outline: Outline, whole: Part | None = None) -> Nesting:
        """Return the frames of an outline, or those of all its items in parts."""
        whole = whole or Part(outline.items)
        frames = [Content(None, whole.items, whole.arrangement)]
        around: list[tuple[tuple[int, int], ...]] = [()]
        chains: dict[int, tuple[tuple[int, int], ...]] = {}
        # The list grows by the frames inside each one, which the loop then reaches.
        for number, content in enumerate(frames):
            for at, item in enumerate(content.items):
                chain = (*around[number], (number, at))
                if isinstance(item, Box):
                    chains[item.number] = chain
                    continue
                content.inside[at] = len(frames)
                frames.append(_content(item, content))
                around.append(chain)
        nesting = cls(frames, chains, outline.edges)
        for edge in outline.edges:
            for frame, source, target in nesting.wires(edge):
                content = frames[frame]
                if source is None:
                    content.entries.setdefault(edge[0], len(content.entries))
                if target is None:
                    content.exits.setdefault(edge[0], len(content.exits))
                content.wired.append((source, target, edge[0]))
        return nesting

    def wires(self, edge: Edge) -> list[tuple[int, int | None, int | None]]:
        """Return the steps of an edge that connect nodes on levels.

        An edge from one side of a U to the other leaves and enters the sides between two levels.
        """
        steps = self.steps(edge)
        at = self.across(steps)
        return steps if at is None else [*steps[: at - 1], *steps[at + 2 :]]

    @property
    def has_details(self) -> bool:
        """Whether there are frames that show a block of the net in detail."""
        return any(isinstance(item, Frame) and item.detail for item in self.frames[0].items)

    def pairs(self, number: int) -> list[tuple[int, int, int]]:
        """Return the items and the box of each edge from one side of a U to the other."""
        found: dict[tuple[int, int, int], None] = {}
        for edge in self.edges:
            steps = self.steps(edge)
            at = self.across(steps)
            if at is not None and steps[at][0] == number:
                (_, source, _), (_, _, target) = steps[at - 1], steps[at + 1]
                assert source is not None and target is not None
                found[source, target, edge[0]] = None
        return list(found)

    def across(self, steps: Sequence[tuple[int, int | None, int | None]]) -> int | None:
        """Return the number of the step that leads from one side of a U to the other."""
        for at, (frame, source, target) in enumerate(steps):
            if self.frames[frame].arrangement == "u" and (source, target) == (0, 2):
                return at
        return None

    def steps(self, edge: Edge) -> list[tuple[int, int | None, int | None]]:
        """Split an edge at the borders of frames: for each frame, the items it connects there."""
        here, there = self.chains[edge[0]], self.chains[edge[1]]
        shared = 0
        while here[shared] == there[shared]:
            shared += 1
        (frame, source), (_, target) = here[shared], there[shared]
        outwards = [(f, item, None) for f, item in reversed(here[shared + 1 :])]
        inwards = [(f, None, item) for f, item in there[shared + 1 :]]
        return [*outwards, (frame, source, target), *inwards]


def _content(item: Frame | Part, around: Content) -> Content:
    if isinstance(item, Frame):
        return Content(item, item.items, flipped=around.flipped, depth=around.depth + 1)
    flipped = around.flipped or item.flipped
    return Content(None, item.items, item.arrangement, flipped=flipped, depth=around.depth)
