"""Nested frames, and the values that pass their borders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from netlang.diagram.layering import Link
from netlang.diagram.outline import Box, Edge, Item, Outline


@dataclass(slots=True)
class Content:
    """The items of a frame, the values that pass its border, and the links between them.

    Its nodes are the entries, the items and the exits, in this order. An entry or an exit is
    identified by the box that produces the value.
    """

    label: Item | None
    items: Sequence[Item]
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
    def of(cls, outline: Outline) -> Nesting:
        frames = [Content(None, outline.items)]
        around: list[tuple[tuple[int, int], ...]] = [()]
        chains: dict[int, tuple[tuple[int, int], ...]] = {}
        # The list grows by the frames inside each one, which the loop then reaches.
        for number, content in enumerate(frames):
            for at, item in enumerate(content.items):
                chain = (*around[number], (number, at))
                if isinstance(item, Box):
                    chains[item.number] = chain
                else:
                    content.inside[at] = len(frames)
                    frames.append(Content(item, item.items, content.depth + 1))
                    around.append(chain)
        nesting = cls(frames, chains, outline.edges)
        for edge in outline.edges:
            for frame, source, target in nesting.steps(edge):
                content = frames[frame]
                if source is None:
                    content.entries.setdefault(edge[0], len(content.entries))
                if target is None:
                    content.exits.setdefault(edge[0], len(content.exits))
                content.wired.append((source, target, edge[0]))
        return nesting

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
