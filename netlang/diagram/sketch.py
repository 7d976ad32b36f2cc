"""A graph brought into the form that is drawn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from netlang.analysis.layers import Layer, layers_of
from netlang.analysis.summary import TURNS, Row, Summary, joined, kind_at, summarize
from netlang.diagnostics.errors import TooLargeError
from netlang.diagram import wording
from netlang.diagram.outline import Box, Edge, Frame, Item, Outline, Role
from netlang.diagram.tree import Aliases, Part, Run, Wiring, grow, merge_turns, resolve
from netlang.ir.graph import Graph, Value

FEW = 48
"""A picture is folded to at most so many layers, unless a depth is asked for."""

MANY = 1_000
"""A picture of more layers is refused."""


def sketch(graph: Graph, depth: int | None = None) -> Outline:
    """Say what a picture of a net shows.

    Layers whose paths begin with the same ``depth`` names share a box; without a ``depth``, as
    many are shown as fit a page. Raises ``TooLargeError`` for more than ``MANY`` boxes.
    """
    net = _Net.of(graph)
    chosen = net.default_depth() if depth is None else depth
    if net.count(chosen) > MANY:
        raise _too_many(net, chosen)
    return _Sketch(net, chosen).outline()


def _too_many(net: _Net, depth: int) -> TooLargeError:
    fits = next((d for d in range(depth - 1, 0, -1) if net.count(d) <= MANY), None)
    advice = (
        "layers of a block share a box: put some into blocks"
        if fits is None
        else f"`--depth {fits}` draws {net.count(fits):,}"
    )
    return TooLargeError(
        f"a picture of `{net.graph.name}` would have {net.count(depth):,} boxes, "
        f"and {MANY:,} are the most",
        helps=[advice],
    )


@dataclass(frozen=True, slots=True)
class _Net:
    """A graph taken apart: its layers, in groups, and the rows of its summary."""

    graph: Graph
    summary: Summary
    layers: Sequence[Layer]
    wiring: Wiring
    parts: list[Part]
    aliases: Aliases

    @classmethod
    def of(cls, graph: Graph) -> _Net:
        summary, layers = summarize(graph), layers_of(graph)
        # Weights that no layer reads have rows of their own.
        layers += [Layer(row.path, row.kind, (), []) for row in summary.rows[len(layers) :]]
        wiring = Wiring.of(graph, layers)
        parts, aliases = merge_turns(graph, layers, wiring, grow(layers))
        return cls(graph, summary, layers, wiring, parts, aliases)

    def default_depth(self) -> int:
        """Choose the deepest fold with few boxes."""
        deepest = max((layer.path.count(".") + 1 for layer in self.layers), default=1)
        return next((d for d in range(deepest + 1, 1, -1) if self.count(d) <= FEW), 1)

    def count(self, depth: int) -> int:
        """Count the boxes of a fold."""
        return _count(self.parts, depth)


def _count(parts: Sequence[Part], depth: int) -> int:
    return sum(
        _count(part.parts, depth) if isinstance(part, Run) and part.depth < depth else 1
        for part in parts
    )


@dataclass(frozen=True, slots=True)
class _Block:
    """What one box stands for: layers, and the paths of the turns that are like it."""

    layers: Sequence[int]
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Group:
    """What one frame holds, and the paths of the turns that are like it."""

    kind: str
    paths: tuple[str, ...]
    inner: list[_Block | _Group]


@dataclass(slots=True)
class _Sketch:
    """A picture in the making; ``homes`` says which box a layer or an end is in."""

    net: _Net
    depth: int
    homes: dict[int, int] = field(default_factory=dict[int, int])
    made: int = 0

    def outline(self) -> Outline:
        graph = self.net.graph
        starts = {v: self._end(v.name, v, "input") for v in graph.inputs}
        starts |= {s.value: self._end(s.name, s.value, "state") for s in graph.states}
        items = self._items(self._grouped(self.net.parts), "")
        ends = [(v, self._end(name, v, "output")) for name, v in graph.outputs.items()]
        ends += [(s.after, self._end(f"next {s.name}", s.after, "state")) for s in graph.states]
        numbers = {value: box.number for value, box in starts.items()}
        edges = list(self._edges(numbers, [(value, box.number) for value, box in ends]))
        return Outline(
            graph.name,
            wording.totals(self.net.summary),
            len(self.net.layers),
            (*starts.values(), *items, *(box for _, box in ends)),
            tuple(dict.fromkeys(edges)),
        )

    # ---- what is in one box, and what in one frame -------------------------------------------

    def _grouped(self, parts: Sequence[Part]) -> list[_Block | _Group]:
        return [group for part in parts for group in self._group(part)]

    def _group(self, part: Part) -> list[_Block | _Group]:
        if isinstance(part, int):
            return [_Block((part,), (self.net.layers[part].path,))]
        paths = part.turns or (part.path,)
        if part.depth >= self.depth:
            return [_Block(part.layers, paths)]
        inner = self._grouped(part.parts)
        if len(inner) == 1 and isinstance(inner[0], _Block) and len(inner[0].paths) == 1:
            own = inner[0].paths if not part.turns else part.turns
            return [_Block(inner[0].layers, own)]
        if not part.turns and (len(inner) == 1 or not self._is_call(part)):
            return inner
        return [_Group(self._kind(part), paths, inner)]

    def _is_call(self, run: Run) -> bool:
        """Tell whether a block or a turn has the path of a run, and not a binding alone."""
        layers = map(self.net.layers.__getitem__, run.layers)
        return any(scope.path == run.path for layer in layers for scope in layer.blocks)

    def _kind(self, run: Run) -> str:
        """Name the block that all of a run lies in."""
        kinds = [
            {scope.kind for scope in self.net.layers[at].blocks if scope.path == run.path}
            for at in run.layers
        ]
        shared = set[str].intersection(*kinds) - TURNS
        return shared.pop() if len(shared) == 1 else ""

    # ---- boxes and frames --------------------------------------------------------------------

    def _items(self, groups: Sequence[_Block | _Group], around: str) -> tuple[Item, ...]:
        items: list[Item] = []
        before: tuple[str, ...] = ()
        for group in groups:
            if isinstance(group, _Block):
                name = "" if group.paths == before else wording.name(group.paths, around)
                items.append(self._box(group, name))
            else:
                label = wording.label(wording.name(group.paths, around), group.kind)
                times = len(group.paths)
                label += f"  ×{times}" if times > 1 else ""
                inner = self._items(group.inner, group.paths[0])
                items.append(Frame(label, group.paths, inner))
            before = group.paths
        return tuple(items)

    def _box(self, block: _Block, name: str) -> Box:
        layers = [self.net.layers[at] for at in block.layers]
        row = self._row(block)
        number = self._number(block.layers)
        words = wording.words(self._kinds(block), layers, self.net.graph)
        times = len(block.paths)
        shapes = tuple(v.type for v in self._handed_on(block)) or row.results
        return Box(
            number,
            "layer",
            wording.family_of(layers),
            wording.apart(name, row.kind),
            wording.shortened(words),
            (*wording.shapes(shapes), *wording.weights(row, self._shares(layers, row), times)),
            wording.tip(words, row, layers, block.paths, shapes),
            block.paths,
            several=len(layers) > 1 or times > 1,
            recurs=wording.recurs(layers),
        )

    def _end(self, name: str, value: Value, role: Role) -> Box:
        self.made += 1
        shown = wording.shapes((value.type,))
        return Box(self.made - 1, role, "other", name, role, shown, f"{role} {name}: {value.type}")

    def _number(self, layers: Iterable[int]) -> int:
        for at in layers:
            self.homes[at] = self.made
        self.made += 1
        return self.made - 1

    def _row(self, block: _Block) -> Row:
        rows = [self.net.summary.rows[at] for at in block.layers]
        return joined(rows, block.paths[0].count(".") + 1) if len(rows) > 1 else rows[0]

    def _kinds(self, block: _Block) -> list[str]:
        """Say for each layer of a box what it is called there: by its block, if that is inside."""
        rows = [self.net.summary.rows[at] for at in block.layers]
        if len(rows) == 1:
            return [rows[0].kind]
        return [kind_at(row, block.paths[0].count(".") + 1) for row in rows]

    def _handed_on(self, block: _Block) -> list[Value]:
        """Find what others read of a box's results."""
        inside = frozenset(block.layers)
        readers = self.net.wiring.readers
        return [
            value
            for at in block.layers
            for node in self.net.layers[at].nodes
            for value in node.outputs
            if readers.get(value, frozenset()) - inside
        ]

    def _shares(self, layers: Sequence[Layer], row: Row) -> bool:
        """Tell whether all weights that layers read were counted at others before them."""
        read = any(
            v in self.net.graph.params for each in layers for n in each.nodes for v in n.inputs
        )
        return read and row.params == 0 and row.running == 0

    # ---- edges -------------------------------------------------------------------------------

    def _edges(
        self, starts: Mapping[Value, int], ends: Sequence[tuple[Value, int]]
    ) -> Iterator[Edge]:
        for at, layer in enumerate(self.net.layers):
            # A turn that another stands for has the same edges, or leads to its like.
            if at in self.net.aliases:
                continue
            for value in (v for node in layer.nodes for v in node.inputs):
                source = self._home(value, starts)
                if source is not None and source != self.homes[at]:
                    yield source, self.homes[at]
        for value, end in ends:
            source = self._home(value, starts)
            if source is not None:
                yield source, end

    def _home(self, value: Value, starts: Mapping[Value, int]) -> int | None:
        """Find the box that makes a value; ``None`` for weights and constants."""
        maker = self.net.wiring.makers.get(value)
        if maker is None:
            return starts.get(value)
        return self.homes[resolve(maker, self.net.aliases)]
