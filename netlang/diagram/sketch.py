"""The outline of a graph: its layers in boxes and frames."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from netlang.analysis.layers import Layer, layers_of
from netlang.analysis.summary import LOOP_SCOPES, Row, Summary, kind_at, merge_rows, summarize
from netlang.diagnostics.errors import TooLargeError
from netlang.diagram import labels
from netlang.diagram.outline import Box, Edge, Frame, Item, Outline, Role
from netlang.diagram.tree import Aliases, Part, Run, Wiring, group_layers, merge_iterations, resolve
from netlang.ir.graph import Graph, Value

FEW = 48
"""The most boxes of a diagram without a given depth: it is folded to fit."""

MANY = 1_000
"""The most boxes of any diagram."""


def sketch(
    graph: Graph, depth: int | None = None, *, located: bool = True, merge: bool = True
) -> Outline:
    """Return the outline of a net's diagram; the tooltips of a ``located`` one name source lines.

    With ``merge``, identical iterations of a loop are drawn once.

    Layers whose paths begin with the same ``depth`` names share a box; without a ``depth``, the
    diagram shows as many as fit a page. Raises ``TooLargeError`` for more than ``MANY`` boxes.
    """
    net = _Net.of(graph, merge=merge)
    chosen = net.default_depth() if depth is None else depth
    if net.count(chosen) > MANY:
        raise _too_many(net, chosen)
    return _Sketch(net, chosen, located).outline()


def _too_many(net: _Net, depth: int) -> TooLargeError:
    fits = next((d for d in range(depth - 1, 0, -1) if net.count(d) <= MANY), None)
    advice = (
        "layers of a block share a box: put some into blocks"
        if fits is None
        else f"`--depth {fits}` draws {net.count(fits):,}"
    )
    return TooLargeError(
        f"a diagram of `{net.graph.name}` would have {net.count(depth):,} boxes, "
        f"and {MANY:,} are the most",
        helps=[advice],
    )


@dataclass(frozen=True, slots=True)
class _Net:
    """A graph with its layers, their groups, and the rows of its summary."""

    graph: Graph
    summary: Summary
    layers: Sequence[Layer]
    wiring: Wiring
    parts: list[Part]
    aliases: Aliases

    @classmethod
    def of(cls, graph: Graph, *, merge: bool) -> _Net:
        summary, layers = summarize(graph), layers_of(graph)
        # Weights that no layer reads have rows of their own.
        layers += [Layer(row.path, row.kind, (), []) for row in summary.rows[len(layers) :]]
        wiring = Wiring.of(graph, layers)
        parts: list[Part] = group_layers(layers)
        aliases: Aliases = {}
        if merge:
            parts, aliases = merge_iterations(graph, layers, wiring, parts)
        return cls(graph, summary, layers, wiring, parts, aliases)

    def default_depth(self) -> int:
        """Return the largest depth with at most ``FEW`` boxes."""
        deepest = max((layer.path.count(".") + 1 for layer in self.layers), default=1)
        return next((d for d in range(deepest + 1, 1, -1) if self.count(d) <= FEW), 1)

    def count(self, depth: int) -> int:
        """Return the number of boxes at a depth."""
        return _count(self.parts, depth)


def _count(parts: Sequence[Part], depth: int) -> int:
    return sum(
        _count(part.parts, depth) if isinstance(part, Run) and part.depth < depth else 1
        for part in parts
    )


@dataclass(frozen=True, slots=True)
class _Block:
    """The content of a box: layers, and the paths of the iterations it represents."""

    layers: Sequence[int]
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Group:
    """The content of a frame, and the paths of the iterations it represents."""

    kind: str
    paths: tuple[str, ...]
    inner: list[_Block | _Group]


@dataclass(slots=True)
class _Sketch:
    """The builder of an outline; ``boxes`` maps layers to the numbers of their boxes."""

    net: _Net
    depth: int
    located: bool
    boxes: dict[int, int] = field(default_factory=dict[int, int])
    values: dict[int, Value] = field(default_factory=dict[int, Value])
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
            labels.totals(self.net.summary),
            len(self.net.layers),
            (*starts.values(), *items, *(box for _, box in ends)),
            tuple(dict.fromkeys(edges)),
            self.values,
        )

    def _grouped(self, parts: Sequence[Part]) -> list[_Block | _Group]:
        return [group for part in parts for group in self._group(part)]

    def _group(self, part: Part) -> list[_Block | _Group]:
        if isinstance(part, int):
            return [_Block((part,), (self.net.layers[part].path,))]
        paths = part.iterations or (part.path,)
        if part.depth >= self.depth:
            return [_Block(part.layers, paths)]
        inner = self._grouped(part.parts)
        if len(inner) == 1 and isinstance(inner[0], _Block) and len(inner[0].paths) == 1:
            own = inner[0].paths if not part.iterations else part.iterations
            return [_Block(inner[0].layers, own)]
        if not part.iterations and (len(inner) == 1 or not self._is_call(part)):
            return inner
        return [_Group(self._kind(part), paths, inner)]

    def _is_call(self, run: Run) -> bool:
        """Return whether the path of a run is that of a call or iteration, not a binding."""
        layers = map(self.net.layers.__getitem__, run.layers)
        return any(scope.path == run.path for layer in layers for scope in layer.blocks)

    def _kind(self, run: Run) -> str:
        """Return the kind of the block that contains all of a run."""
        kinds = [
            {scope.kind for scope in self.net.layers[at].blocks if scope.path == run.path}
            for at in run.layers
        ]
        shared = set[str].intersection(*kinds) - LOOP_SCOPES
        return shared.pop() if len(shared) == 1 else ""

    def _items(self, groups: Sequence[_Block | _Group], around: str) -> tuple[Item, ...]:
        items: list[Item] = []
        before: tuple[str, ...] = ()
        for group in groups:
            if isinstance(group, _Block):
                name = "" if group.paths == before else labels.name(group.paths, around)
                items.append(self._box(group, name))
            else:
                label = labels.label(labels.name(group.paths, around), group.kind)
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
        description = labels.description(self._kinds(block), layers, self.net.graph)
        times = len(block.paths)
        outputs = self._outputs(block)
        if outputs:
            self.values[number] = outputs[0]
        shapes = tuple(v.type for v in outputs) or row.results
        return Box(
            number,
            "layer",
            labels.family_of(layers),
            labels.without_kind(name, row.kind),
            labels.shortened(description),
            (*labels.shapes(shapes), *labels.parameters(row, self._shares(layers, row), times)),
            labels.tooltip(description, row, layers if self.located else (), block.paths, shapes),
            block.paths,
            several=len(layers) > 1 or times > 1,
            recurrent=labels.is_recurrent(layers),
            layers=tuple(block.layers),
        )

    def _end(self, name: str, value: Value, role: Role) -> Box:
        self.made += 1
        self.values[self.made - 1] = value
        shown = labels.shapes((value.type,))
        return Box(self.made - 1, role, "other", name, role, shown, f"{role} {name}: {value.type}")

    def _number(self, layers: Iterable[int]) -> int:
        for at in layers:
            self.boxes[at] = self.made
        self.made += 1
        return self.made - 1

    def _row(self, block: _Block) -> Row:
        rows = [self.net.summary.rows[at] for at in block.layers]
        return merge_rows(rows, block.paths[0].count(".") + 1) if len(rows) > 1 else rows[0]

    def _kinds(self, block: _Block) -> list[str]:
        """Return the kind of each layer of a box, or of its block if that is inside the box."""
        rows = [self.net.summary.rows[at] for at in block.layers]
        if len(rows) == 1:
            return [rows[0].kind]
        return [kind_at(row, block.paths[0].count(".") + 1) for row in rows]

    def _outputs(self, block: _Block) -> list[Value]:
        """Return the results of a box that other boxes read."""
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
        """Return whether earlier layers counted all the parameters that these layers read."""
        read = any(
            v in self.net.graph.params for each in layers for n in each.nodes for v in n.inputs
        )
        return read and row.params == 0 and row.running == 0

    def _edges(
        self, starts: Mapping[Value, int], ends: Sequence[tuple[Value, int]]
    ) -> Iterator[Edge]:
        for at, layer in enumerate(self.net.layers):
            # An iteration that another one represents has the same edges.
            if at in self.net.aliases:
                continue
            for value in (v for node in layer.nodes for v in node.inputs):
                source = self._producer(value, starts)
                if source is not None and source != self.boxes[at]:
                    yield source, self.boxes[at]
        for value, end in ends:
            source = self._producer(value, starts)
            if source is not None:
                yield source, end

    def _producer(self, value: Value, starts: Mapping[Value, int]) -> int | None:
        """Return the box that produces a value; ``None`` for weights and constants."""
        maker = self.net.wiring.makers.get(value)
        if maker is None:
            return starts.get(value)
        return self.boxes[resolve(maker, self.net.aliases)]
