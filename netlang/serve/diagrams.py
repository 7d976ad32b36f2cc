"""The layers of a net in a table and in a diagram, each with its places in the text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TypeVar, cast

from netlang.analysis.layers import Layer, layers_of
from netlang.analysis.summary import Summary, fold, prefix_of, summarize
from netlang.analysis.table import default_depth
from netlang.diagnostics.errors import require_at_least
from netlang.diagram.layout import Direction
from netlang.diagram.outline import Box
from netlang.diagram.rendering import render
from netlang.diagram.sketch import sketch
from netlang.editor.facts.records import Location, Net
from netlang.ir.graph import Graph
from netlang.serve.conversion import Converter
from netlang.serve.messages import text_answers

ROWS = 200
"""The most rows of a table; a longer one is folded."""

_REMEMBERED = 40
K = TypeVar("K")
V = TypeVar("V")


class Diagrams:
    """Tables and drawings of graphs, kept for the graphs that are still there."""

    def __init__(self) -> None:
        self._layers: dict[Graph, list[Layer]] = {}
        self._summaries: dict[Graph, tuple[Summary, int | None]] = {}
        self._drawings: dict[tuple[Graph, int | None, Direction], tuple[str, list[Box]]] = {}

    def summary(self, net: Net, converter: Converter) -> Mapping[str, object] | None:
        """Return the table of a net as plain values, each row with its places."""
        graph = net.graph
        if graph is None:
            return None
        if graph not in self._summaries:
            whole = summarize(graph)
            depth = default_depth(whole, ROWS)
            _remember(self._summaries, graph, (whole, depth))
        whole, depth = self._summaries[graph]
        rows = fold(whole, depth).json()
        groups = _grouped(whole, depth)
        listed = cast("list[dict[str, object]]", rows["layers"])
        placed: list[dict[str, object]] = []
        for row, numbers in zip(listed, groups, strict=True):
            places = converter.ranges(self._places(net, numbers, converter))
            placed.append({**row, **_range(places), "places": places})
        return {**rows, "depth": depth, "layers": placed}

    def drawn(
        self, net: Net, depth: int | None, direction: Direction, converter: Converter
    ) -> text_answers.Drawn:
        """Return the diagram of a net; raises ``NetlangError`` for one with too many boxes."""
        graph = net.graph
        assert graph is not None
        require_at_least("depth", depth, 1)
        key = graph, depth, direction
        if key not in self._drawings:
            outline = sketch(graph, depth, located=False)
            svg = render(outline, direction, numbered=True).svg()
            _remember(self._drawings, key, (svg, outline.boxes()))
        svg, found = self._drawings[key]
        boxes = [self._box(net, box, converter) for box in found]
        return text_answers.Drawn(name=net.name, svg=svg, boxes=boxes)

    def _box(self, net: Net, box: Box, converter: Converter) -> text_answers.Box:
        if box.role == "layer":
            places = converter.ranges(self._places(net, box.layers, converter))
        else:
            end = net.ends.get(box.name.removeprefix("next "))
            places = converter.ranges([end] if end is not None else [])
        return text_answers.Box(
            box.number, box.role, box.paths, places[0].start if places else None,
            places[0].end if places else None, places, box.tooltip,
        )  # fmt: skip

    def _layers_of(self, graph: Graph) -> list[Layer]:
        if graph not in self._layers:
            _remember(self._layers, graph, layers_of(graph))
        return self._layers[graph]

    def _places(self, net: Net, numbers: Sequence[int], converter: Converter) -> list[Location]:
        """Return where layers are written, then the calls around them, innermost first.

        Of several layers, that is what is around all of them, or else the place of the first.
        """
        assert net.graph is not None
        layers = self._layers_of(net.graph)
        found = [
            converter.facts.places(net.name, layers[number].nodes[0])
            for number in numbers
            if number < len(layers)
        ]
        if not found:
            return []
        shared = [place for place in found[0] if all(place in each for each in found)]
        return shared or list(found[0])


def _grouped(whole: Summary, depth: int | None) -> list[list[int]]:
    """Return the numbers of the layers in each row of a folded table."""
    numbers = range(len(whole.rows))
    if depth is None:
        return [[number] for number in numbers]
    groups = groupby(numbers, lambda number: prefix_of(whole.rows[number].path, depth))
    return [list(group) for _, group in groups]


def _range(places: Sequence[text_answers.Range]) -> dict[str, int | None]:
    first = next(iter(places), None)
    return {"start": first and first.start, "end": first and first.end}


def _remember(known: dict[K, V], key: K, value: V) -> None:
    known[key] = value
    while len(known) > _REMEMBERED:
        del known[next(iter(known))]
