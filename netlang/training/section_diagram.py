"""The outline of a train section: its data, its nets, its losses, and what minimizes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from netlang.analysis.counts import trained
from netlang.analysis.layers import Layer, layers_of
from netlang.analysis.table import shape_text
from netlang.diagram import labels
from netlang.diagram.outline import Box, Edge, Frame, Item, Outline, Role, boxes_of
from netlang.diagram.sketch import sketch
from netlang.ir.graph import Graph, Node, Value
from netlang.plan.plan import LayerCall, Plan, Update

_LARGE = 24
"""The most boxes of a net next to the section; a larger one is folded."""


def outline_of(plan: Plan) -> Outline:
    """Return the outline of a train section.

    Next to it are the nets that it trains, each once, folded where they are large.
    """
    return _Section(plan).outline()


@dataclass(slots=True)
class _Section:
    """The builder of an outline; ``owners`` maps values to the numbers of their boxes."""

    plan: Plan
    makers: dict[Value, Node] = field(default_factory=dict[Value, Node])
    layers: dict[Value, Layer] = field(default_factory=dict[Value, Layer])
    owners: dict[Value, int] = field(default_factory=dict[Value, int])
    items: list[Item] = field(default_factory=list[Item])
    edges: dict[Edge, None] = field(default_factory=dict[Edge, None])
    called: dict[str, Graph] = field(default_factory=dict[str, Graph])
    entries: dict[str, tuple[str, ...]] = field(default_factory=dict[str, "tuple[str, ...]"])
    made: int = 0

    def outline(self) -> Outline:
        known = self.plan.computation
        self.makers = {v: node for node in known.nodes for v in node.outputs}
        graph = Graph(self.plan.name, tuple(known.batch.values()), known.params, known.nodes, {})
        found = layers_of(graph)
        self.layers = {v: each for each in found for node in each.nodes for v in node.outputs}
        self._data()
        for call in known.calls:
            self._call(call)
        for update in self.plan.updates:
            self._update(update)
        for name, value in self.plan.metrics.items():
            self._claim([value], name)
        frames = [self._detail(name, graph) for name, graph in self.called.items()]
        facts = f"train section: {self.plan.run}"
        return Outline(self.plan.name, facts, len(found), (*self.items, *frames), tuple(self.edges))

    def _box(
        self, role: Role, name: str, description: str, facts: Sequence[str], tooltip: str = "",
        layers: Sequence[Layer] = (),
    ) -> Box:  # fmt: skip
        is_net = name in self.plan.layers
        family = labels.family_of(layers) if is_net else "other"
        shown = labels.shortened(description)
        tooltip = tooltip or f"{name}: {description}"
        number, self.made = self.made, self.made + 1
        several, recurrent = len(layers) > 1, labels.is_recurrent(layers)
        return Box(
            number, role, family, name, shown, tuple(facts), tooltip,
            several=several, recurrent=recurrent,
        )  # fmt: skip

    def _data(self) -> None:
        data, batch = self.plan.data, self.plan.computation.batch
        if data is None or not batch:
            return
        facts = [f"{name}: {shape_text(value.type)}" for name, value in batch.items()]
        shuffled = ", shuffled" if data.batching.shuffle else ""
        facts.append(f"batches of {data.batching.size}{shuffled}")
        text = self._setting("data")
        box = self._box("input", "data", text.partition("(")[0], facts, f"data: {text}")
        self.items.append(box)
        self.owners |= dict.fromkeys(batch.values(), box.number)

    def _setting(self, *names: str) -> str:
        """Return a setting as text, ``""`` if there is none."""
        return self.plan.settings.get(".".join(filter(None, names)), "")

    def _call(self, call: LayerCall) -> None:
        for name, value in call.inputs.items():
            self._claim([value], "" if value not in self.layers else name)
        nodes = self._reached(call.outputs.values(), frozenset(call.inputs.values()))
        layer = self.plan.layers[call.layer]
        params = {
            v: param for v, param in self.plan.computation.params.items()
            if param.path.startswith(f"{layer.path}.")
        }  # fmt: skip
        facts = [shape_text(value.type) for value in call.outputs.values()]
        if call.layer in self.called:
            facts.append("shared parameters")
        else:
            inputs = tuple(call.inputs.values())
            self.called[call.layer] = Graph(
                call.layer, inputs, params, tuple(nodes), dict(call.outputs)
            )
            self.entries[call.layer] = tuple(call.inputs)
            facts += labels.parameter_count(trained(self.called[call.layer]))
            changed = {path for update in self.plan.updates for path in update.paths}
            if params and not any(param.path in changed for param in params.values()):
                facts.append("not trained")
        name = layer.function.name
        box = self._box("layer", call.layer, name, facts, layers=self._layers(nodes))
        self._add(box, nodes)

    def _update(self, update: Update) -> None:
        """Add the loss that a step minimizes, and the optimizer that does it."""
        first = len(self.items)
        self._claim([update.loss], update.loss_name, always=True)
        kind = self._setting(update.name, "optimizer")
        rate = self._setting(update.name, "optimizer", "lr")
        names = [
            name for name, layer in self.plan.layers.items()
            if any(path.startswith(f"{layer.path}.") for path in update.paths)
        ]  # fmt: skip
        facts = [f"updates {', '.join(names)}"] if names else []
        if update.clip is not None:
            facts.append(self._setting(update.name, "clip"))
        box = self._box("output", kind, f"lr {rate}" if rate else "", facts)
        self.edges[self.owners[update.loss], box.number] = None
        self.items.append(box)
        if update.name:
            repeat = f"  ×{update.repeat}" if update.repeat > 1 else ""
            inside = tuple(self.items[first:])
            self.items[first:] = [Frame(f"step {update.name}{repeat}", (), inside)]

    def _claim(self, values: Sequence[Value], name: str, *, always: bool = False) -> None:
        """Add a box with the layers that compute values and are in no box yet, if there are any."""
        nodes = self._reached(values, frozenset())
        if not nodes and not (always and values[0] not in self.owners):
            return
        layers = self._layers(nodes)
        kinds = ", ".join(dict.fromkeys(layer.kind for layer in layers)) or "given"
        shapes = [shape_text(v.type) for v in values if v.type.shape]
        self._add(self._box("layer", name, kinds, shapes, layers=layers), nodes)
        for value in values:
            self.owners.setdefault(value, self.made - 1)

    def _add(self, box: Box, nodes: Sequence[Node]) -> None:
        """Add a box, after what is random or a gradient among its inputs."""
        for node in nodes:
            self.owners |= dict.fromkeys(node.outputs, box.number)
        read = dict.fromkeys(value for node in nodes for value in node.inputs)
        for value in read:
            source = self.owners.get(value, self._source(value))
            if source is not None and source != box.number:
                self.edges[source, box.number] = None
        self.items.append(box)

    def _source(self, value: Value) -> int | None:
        """Return the box of a value that no node makes, ``None`` for parameters and constants."""
        known = self.plan.computation
        if noise := known.noise.get(value):
            box = self._box("input", noise.site, f"random {noise.kind}", [shape_text(value.type)])
        elif value in known.gradients:
            box = self._box("layer", "", "gradient", [shape_text(value.type)])
            sources = [self.owners.get(v) for v in known.gradients[value]]
            self.edges |= {(at, box.number): None for at in sources if at is not None}
        else:
            return None
        self.items.append(box)
        self.owners[value] = box.number
        return box.number

    def _reached(self, values: Iterable[Value], stop: frozenset[Value]) -> list[Node]:
        """Return the nodes that compute values and are in no box yet, in order of execution."""
        found: dict[int, Node] = {}
        waiting = list(values)
        while waiting:
            value = waiting.pop()
            node = self.makers.get(value)
            if node is None or value in stop or value in self.owners or id(node) in found:
                continue
            found[id(node)] = node
            waiting += node.inputs
        return [node for node in self.plan.computation.nodes if id(node) in found]

    def _layers(self, nodes: Sequence[Node]) -> list[Layer]:
        layers = (self.layers[v] for node in nodes for v in node.outputs if v in self.layers)
        return list({id(layer): layer for layer in layers}.values())

    def _detail(self, name: str, graph: Graph) -> Frame:
        """Return a frame with the layers of a net, folded if there are many."""
        layer = self.plan.layers[name]
        outline = sketch(graph)
        for depth in (3, 2):
            if _size(outline) > _LARGE and _size(folded := sketch(graph, depth)) > 1:
                outline = folded
        entries = dict(enumerate(self.entries[name]))
        items = [
            inner
            for item in outline.items
            for inner in (
                item.items if isinstance(item, Frame) and item.paths == (layer.path,) else (item,)
            )
            if isinstance(inner, Box) or not inner.detail
        ]
        start, self.made = self.made, self.made + len(outline.boxes())
        kept = {box.number for box in boxes_of(items)}
        self.edges |= {
            (a + start, b + start): None for a, b in outline.edges if a in kept and b in kept
        }
        label = f"in detail: {labels.label(name, layer.function.name)}"
        inside = tuple(_renumbered(items, start, entries))
        return Frame(label, (layer.path,), inside, detail=True)


def _size(outline: Outline) -> int:
    """Return the number of boxes with layers that are not in a block in detail."""
    net = [item for item in outline.items if isinstance(item, Box) or not item.detail]
    return sum(box.role == "layer" for box in boxes_of(net))


def _renumbered(items: Iterable[Item], start: int, names: Mapping[int, str]) -> Iterable[Item]:
    """Yield items with other numbers of boxes, and names for some of them."""
    for item in items:
        if isinstance(item, Frame):
            yield replace(item, items=tuple(_renumbered(item.items, start, names)))
        else:
            name = names.get(item.number, item.name)
            yield replace(item, number=item.number + start, name=name, block="")
