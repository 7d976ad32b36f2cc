"""The outline of a graph: its layers in boxes and frames."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from netlang.analysis.layers import Layer
from netlang.analysis.summary import Row, kind_at, merge_rows
from netlang.diagnostics.errors import TooLargeError
from netlang.diagram import labels
from netlang.diagram.folding import Net, count_boxes
from netlang.diagram.outline import Box, Edge, Frame, Item, Outline, Role
from netlang.diagram.rendering import page_of
from netlang.diagram.tree import Part, Run, resolve
from netlang.ir.graph import Graph, Value

MANY = 1_000
"""The most boxes of any diagram."""


DETAILED, DETAILS = 16, 3
"""The most boxes of a block that is shown in detail, and the most such blocks."""

READABLE = 1_200.0
"""The height of the largest page on which text is readable when it is as wide as a slide."""


def sketch(
    graph: Graph, depth: int | None = None, *, located: bool = True, merge: bool = True
) -> Outline:
    """Return the outline of a net's diagram; the tooltips of a ``located`` one name source lines.

    With ``merge``, identical iterations of a loop are drawn once.

    Layers whose paths begin with the same ``depth`` names share a box; without a ``depth``, the
    diagram shows as many as fit a page, all blocks of one kind to the same depth, and next to the
    net what is in the blocks that repeat. Raises ``TooLargeError`` for more than ``MANY`` boxes.
    """
    net = Net.of(graph, merge=merge)
    if depth is None and not merge:
        # What all iterations compute matters more than the page.
        depth = net.default_depth()
    return _chosen(net, depth, located=located, details=merge)[1]


def sketch_blocks(
    graph: Graph, depth: int | None = None, *, located: bool = True
) -> tuple[Outline, Outline, dict[str, Outline]]:
    """Return the outline of a net, that with all its blocks closed, and what is in each block.

    Nothing is next to the net. Raises ``TooLargeError`` as ``sketch`` does.
    """
    net = Net.of(graph, merge=True)
    first, whole = _chosen(net, depth, located=located, details=False)
    closed = _Sketch(net, 1, located)
    folded = closed.outline()
    waiting = {**closed.inside, **first.inside}
    blocks: dict[str, Outline] = {}
    while waiting:
        key, run = waiting.popitem()
        inner = _Sketch(net, run.depth + 1, located)
        items, edges = inner.content(run)
        blocks[key] = Outline("", "", 0, items, tuple(edges), inner.values)
        waiting |= {other: run for other, run in inner.inside.items() if other not in blocks}
    return whole, folded, dict(sorted(blocks.items()))


def _chosen(
    net: Net, depth: int | None, *, located: bool, details: bool
) -> tuple[_Sketch, Outline]:
    """Return the outline at a depth, or else the most detailed one that fits a readable page.

    If none fits, that is the one on the smallest page.
    """
    first = net.default_depth() if depth is None else depth
    if net.count(first) > MANY:
        raise _too_many(net, first)
    if depth is not None:
        made = _Sketch(net, depth, located)
        return made, made.outline()
    tried: list[tuple[float, _Sketch, Outline]] = []
    for at in range(first, 0, -1):
        made = _Sketch(net, at, located, net.folded(at))
        outline = made.outline(details=details)
        (width, height), page = page_of(outline)
        if page <= READABLE and 0.5 <= width / height <= 2.0:
            return made, outline
        tried.append((page, made, outline))
    _, made, outline = min(tried, key=lambda each: each[0])
    return made, outline


def _too_many(net: Net, depth: int) -> TooLargeError:
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
class _Block:
    """The content of a box: layers, and the paths of the iterations it represents."""

    layers: Sequence[int]
    paths: tuple[str, ...]
    run: Run | None = None


@dataclass(frozen=True, slots=True)
class _Group:
    """The content of a frame, and the paths of the iterations it represents."""

    kind: str
    paths: tuple[str, ...]
    inner: list[_Block | _Group]


@dataclass(slots=True)
class _Sketch:
    """The builder of an outline; ``boxes`` maps layers to the numbers of their boxes.

    Blocks of a ``folded`` kind have a box at any depth; ``runs`` are those in boxes, each with how
    many it represents, and ``inside`` all that is in boxes, by their keys. ``times`` is how often
    the current frame is repeated.
    """

    net: Net
    depth: int
    located: bool
    folded: frozenset[str] = frozenset()
    runs: list[tuple[Run, int]] = field(default_factory=list[tuple[Run, int]])
    inside: dict[str, Run] = field(default_factory=dict[str, "Run"])
    boxes: dict[int, int] = field(default_factory=dict[int, int])
    values: dict[int, Value] = field(default_factory=dict[int, Value])
    made: int = 0
    times: int = 1

    def outline(self, *, details: bool = False) -> Outline:
        graph = self.net.graph
        starts = {v: self._end(v.name, v, "input") for v in graph.inputs}
        starts |= {s.value: self._end(s.name, s.value, "state") for s in graph.states}
        items = self._items(self._grouped(self.net.parts), "")
        ends = [(v, self._end(name, v, "output")) for name, v in graph.outputs.items()]
        ends += [(s.after, self._end(f"next {s.name}", s.after, "state")) for s in graph.states]
        numbers = {value: box.number for value, box in starts.items()}
        every = range(len(self.net.layers))
        edges = list(self._edges(every, numbers, [(value, box.number) for value, box in ends]))
        frames: list[Frame] = []
        for frame, inside in self._details() if details else ():
            frames.append(frame)
            edges += inside
        return Outline(
            graph.name,
            labels.totals(self.net.summary),
            len(self.net.layers),
            (*starts.values(), *items, *(box for _, box in ends), *frames),
            tuple(dict.fromkeys(edges)),
            self.values,
        )

    def _details(self) -> Iterator[tuple[Frame, list[Edge]]]:
        """Yield a frame for each kind of folded blocks that repeat, and for those inside it."""
        times = Counter[str]()
        for run, count in self.runs:
            times[self.net.kind(run)] += count
        waiting = [run for run, _ in self.runs if times[self.net.kind(run)] > 1]
        shown = {""}
        while waiting and len(shown) <= DETAILS:
            run, *waiting = waiting
            kind = self.net.kind(run)
            if kind in shown or len(run.layers) < 2:
                continue
            shown.add(kind)
            inner, frame, edges = self._detail(run, kind)
            waiting = [*(run for run, _ in inner.runs), *waiting]
            yield frame, edges

    def _detail(self, run: Run, kind: str) -> tuple[_Sketch, Frame, list[Edge]]:
        """Return a frame with what is in a run, its inputs and its results."""
        deepest = max(self.net.layers[at].path.count(".") for at in run.layers) + 2
        depth = next(
            (d for d in range(deepest, run.depth + 1, -1) if count_boxes(run.parts, d) <= DETAILED),
            run.depth + 1,
        )
        folded = self.folded - {kind}
        inner = _Sketch(self.net, depth, self.located, folded, made=self.made)
        items, edges = inner.content(run)
        self.made = inner.made
        self.values |= inner.values
        label = labels.label(labels.name((run.path,), ""), kind)
        return inner, Frame(f"in detail: {label}", (run.path,), items, detail=True), edges

    def content(self, run: Run) -> tuple[tuple[Item, ...], list[Edge]]:
        """Return what is in a run, with its inputs and its results."""
        own = [at for at in run.layers if at not in self.net.aliases]
        read = dict.fromkeys(
            value for at in own for node in self.net.layers[at].nodes for value in node.inputs
        )
        starts = self._ends([v for v in read if self._is_outside(v, run)], "input", run)
        items = self._items(self._grouped(run.parts), run.path)
        results = [v for v in self._outputs(_Block(run.layers, (run.path,))) if v not in starts]
        ends = self._ends(results, "output", run)
        numbers = {value: box.number for value, box in starts.items()}
        edges = self._edges(own, numbers, [(v, box.number) for v, box in ends.items()])
        return (*starts.values(), *items, *ends.values()), list(dict.fromkeys(edges))

    def _is_outside(self, value: Value, run: Run) -> bool:
        """Return whether a value is computed, but not by the layers of a run."""
        maker = self.net.wiring.makers.get(value)
        if maker is None:
            return value not in self.net.graph.params and value not in self.net.wiring.constants
        return maker not in run.layers

    def _grouped(self, parts: Sequence[Part]) -> list[_Block | _Group]:
        return [group for part in parts for group in self._group(part)]

    def _group(self, part: Part) -> list[_Block | _Group]:
        if isinstance(part, int):
            return [_Block((part,), (self.net.layers[part].path,))]
        paths = part.iterations or (part.path,)
        if part.depth >= self.depth or self.net.kind(part) in self.folded:
            self.runs += ((run, count * self.times) for run, count in self.net.blocks(part))
            return [_Block(part.layers, paths, part)]
        self.times *= len(paths)
        inner = self._grouped(part.parts)
        self.times //= len(paths)
        if len(inner) == 1 and isinstance(inner[0], _Block) and len(inner[0].paths) == 1:
            own = inner[0].paths if not part.iterations else part.iterations
            return [_Block(inner[0].layers, own)]
        if not part.iterations and (len(inner) == 1 or not self._is_call(part)):
            return inner
        return [_Group(self.net.kind(part), paths, inner)]

    def _is_call(self, run: Run) -> bool:
        """Return whether the path of a run is that of a call or iteration, not a binding."""
        layers = map(self.net.layers.__getitem__, run.layers)
        return any(scope.path == run.path for layer in layers for scope in layer.blocks)

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
            block=self._key(block.run),
        )

    def _key(self, run: Run | None) -> str:
        """Return the key of what is in a box, and remember that; ``""`` for a single layer."""
        if run is None or len(run.layers) < 2:
            return ""
        while len(run.parts) == 1 and isinstance(run.parts[0], Run):
            run = run.parts[0]
        key = f"{run.layers.start}-{run.layers.stop}"
        self.inside[key] = run
        return key

    def _ends(self, values: Sequence[Value], role: Role, run: Run) -> dict[Value, Box]:
        """Return the inputs or the results of a block; only several need names."""
        names = [labels.name((v.name,), run.path) if len(values) > 1 else "" for v in values]
        return {v: self._end(name, v, role) for v, name in zip(values, names, strict=True)}

    def _end(self, name: str, value: Value, role: Role) -> Box:
        self.made += 1
        self.values[self.made - 1] = value
        shown = labels.shapes((value.type,))
        return Box(
            self.made - 1,
            role,
            "other",
            name,
            role,
            shown,
            f"{role} {name or value.name}: {value.type}",
        )

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
        self,
        layers: Iterable[int],
        starts: Mapping[Value, int],
        ends: Sequence[tuple[Value, int]],
    ) -> Iterator[Edge]:
        for at in layers:
            # An iteration that another one represents has the same edges.
            if at in self.net.aliases:
                continue
            for value in (v for node in self.net.layers[at].nodes for v in node.inputs):
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
        if maker is None or value in starts:
            return starts.get(value)
        return self.boxes[resolve(maker, self.net.aliases)]
