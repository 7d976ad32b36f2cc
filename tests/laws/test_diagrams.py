"""Laws of the diagram of every example: nothing is hidden, left out or shown twice.

Tests ``netlang.diagram``, ``netlang.diagram.placement``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import combinations, count, pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from checked import checked
from hypothesis import given, settings
from hypothesis import strategies as st

from netlang.analysis.layers import layers_of
from netlang.analysis.summary import depth_of, fold, summarize
from netlang.diagram.drawing import (
    Curve,
    Group,
    Label,
    Point,
    Rectangle,
    Shape,
    flatten,
    text_width,
)
from netlang.diagram.folding import FEW
from netlang.diagram.layout import Area, Direction, Layout, lay_out
from netlang.diagram.outline import Box, Edge, Frame, Item, Outline, boxes_of
from netlang.diagram.rendering import measured, render
from netlang.diagram.sketch import sketch
from netlang.ir.graph import Graph, Value
from netlang.program import open_program

FOLDER = Path(__file__).parents[2] / "examples"
NETS = [(path.name, name) for path in sorted(FOLDER.glob("*.net")) for name in checked(path).nets]
EVERY = pytest.mark.parametrize(("file", "net"), NETS, ids=[f"{f}-{n}" for f, n in NETS])
DIRECTIONS: tuple[Direction, ...] = ("down", "right")


@cache
def graph_of(file: str, net: str) -> Graph:
    return checked(FOLDER / file).net(net).graph


@cache
def sketches(file: str, net: str) -> list[tuple[int | None, Outline]]:
    """Yield the outlines that a net is tested with, each with its depth."""
    graph = graph_of(file, net)
    deepest = depth_of(summarize(graph)) + 1
    found = {depth: sketch(graph, depth) for depth in (None, 1, 2)}
    if len(layers_of(graph)) <= 4 * FEW:
        found[deepest] = sketch(graph, deepest)
    return list(found.items())


@cache
def layouts(file: str, net: str) -> list[tuple[Outline, Layout]]:
    return [
        (outline, lay_out(outline, measured, direction))
        for _, outline in sketches(file, net)
        for direction in DIRECTIONS
    ]


def overlap(a: Area, b: Area) -> bool:
    return (
        a.x < b.x + b.width and b.x < a.x + a.width
        and a.y < b.y + b.height and b.y < a.y + a.height
    )  # fmt: skip


def inside(a: Area, b: Area) -> bool:
    return (
        a.x >= b.x and a.y >= b.y
        and a.x + a.width <= b.x + b.width + 1e-6 and a.y + a.height <= b.y + b.height + 1e-6
    )  # fmt: skip


def crosses(start: Point, end: Point, area: Area) -> bool:
    """Return whether a straight line crosses the inside of a rectangle."""
    (x1, y1), (x2, y2), right, bottom = start, end, area.x + area.width, area.y + area.height
    if (
        (x1 < area.x and x2 < area.x) or (x1 > right and x2 > right)
        or (y1 < area.y and y2 < area.y) or (y1 > bottom and y2 > bottom)
    ):  # fmt: skip
        return False  # as most do: they are far away
    low, high = 0.0, 1.0
    bounds = ((area.x, area.x + area.width), (area.y, area.y + area.height))
    for at, to, (least, most) in zip(start, end, bounds, strict=True):
        least, most = least + 0.5, most - 0.5
        step = to - at
        if step == 0:
            if not least < at < most:
                return False
            continue
        first, last = sorted(((least - at) / step, (most - at) / step))
        low, high = max(low, first), min(high, last)
    return low < high


def overlapping(layout: Layout) -> list[tuple[Area, Area]]:
    """List the boxes that cover one another."""
    return [pair for pair in combinations(layout.boxes.values(), 2) if overlap(*pair)]


@EVERY
def test_no_two_boxes_overlap(file: str, net: str) -> None:
    assert not [pair for _, layout in layouts(file, net) for pair in overlapping(layout)]


def framed(
    items: Sequence[Item], around: tuple[Frame, ...] = ()
) -> Iterator[tuple[Item, tuple[Frame, ...]]]:
    for item in items:
        yield item, around
        if isinstance(item, Frame):
            yield from framed(item.items, (*around, item))


def misplaced(outline: Outline, layout: Layout) -> list[Item]:
    """List what is not within its frames, or touches others."""
    frames = {id(placed.frame): placed.area for placed in layout.frames}
    found: list[Item] = []
    for item, around in framed(outline.items):
        area = layout.boxes[item.number] if isinstance(item, Box) else frames[id(item)]
        own = {id(frame) for frame in (*around, item)}
        others = [frames[key] for key in frames if key not in own] if isinstance(item, Box) else []
        within = all(inside(area, frames[id(frame)]) for frame in around)
        if not within or any(overlap(area, other) for other in others):
            found.append(item)
    return found


@EVERY
def test_a_frame_holds_its_own_boxes_and_frames_and_touches_no_others(file: str, net: str) -> None:
    assert not [item for both in layouts(file, net) for item in misplaced(*both)]


def crossing(layout: Layout) -> list[Edge]:
    """List the edges that do not lead from border to border, or pass through a box."""
    found: list[Edge] = []
    for (source, target), way in layout.routes.items():
        line = flatten(way, 8)
        ends = (line[0], layout.boxes[source]), (line[-1], layout.boxes[target])
        low, high = min(y for _, y in line), max(y for _, y in line)
        near = [
            area for area in layout.boxes.values() if area.y <= high and area.y + area.height >= low
        ]
        through = any(crosses(a, b, area) for a, b in pairwise(line) for area in near)
        if through or not all(on_border(*end) for end in ends):
            found.append((source, target))
    return found


def on_border(point: Point, area: Area) -> bool:
    x, y = point
    across = min(abs(x - area.x), abs(x - area.x - area.width))
    along = min(abs(y - area.y), abs(y - area.y - area.height))
    return min(across, along) < 1e-6 and inside(Area(x, y, 0, 0), area)


@EVERY
def test_an_edge_connects_two_boxes_and_crosses_none(file: str, net: str) -> None:
    assert not [edge for _, layout in layouts(file, net) for edge in crossing(layout)]


def hidden(layout: Layout) -> list[str]:
    """List the labels of frames that an edge goes through."""
    lines = [flatten(way, 8) for way in layout.routes.values()]
    parts = [part for line in lines for part in pairwise(line)]
    labels = [
        (placed.frame.label, Area(placed.area.x + 10, placed.area.y + 4, *measured(placed.frame)))
        for placed in layout.frames
    ]
    return [label for label, area in labels if any(crosses(a, b, area) for a, b in parts)]


@EVERY
def test_no_edge_goes_through_the_label_of_a_frame(file: str, net: str) -> None:
    assert not [label for _, layout in layouts(file, net) for label in hidden(layout)]


@EVERY
def test_every_layer_of_the_summary_has_its_box(file: str, net: str) -> None:
    whole = summarize(graph_of(file, net))
    for depth, outline in sketches(file, net):
        turns = [item.paths for item, _ in framed(outline.items) if isinstance(item, Frame)]
        paths = {path for box in outline.boxes() for path in box.paths}
        for row in fold(whole, depth).rows if depth else ():
            shown = told(row.path, turns)
            assert any(shown == p or shown.startswith(f"{p}.") for p in paths), row.path
        assert all(
            any(row.path == p or row.path.startswith(f"{p}.") for row in whole.rows) for p in paths
        )


def told(path: str, turns: Sequence[tuple[str, ...]]) -> str:
    """Return the path under which a layer is drawn, which is that of the first equal iteration."""
    for first, *others in turns:
        for other in others:
            if path == other or path.startswith(f"{other}."):
                path = first + path.removeprefix(other)
    return path


@EVERY
def test_every_edge_of_the_graph_is_drawn_once(file: str, net: str) -> None:
    graph = graph_of(file, net)
    for outline, layout in layouts(file, net):
        assert len(set(outline.edges)) == len(outline.edges)
        assert set(layout.routes) == set(outline.edges)
        # Where each layer has a box of its own, the boxes are in the order of the layers.
        layers = [box for box in outline.boxes() if box.role == "layer"]
        if len(layers) == outline.layers == len(layers_of(graph)):
            assert set(outline.edges) == expected(graph, outline.boxes())


def expected(graph: Graph, boxes: Sequence[Box]) -> set[Edge]:
    numbers = {role: [b.number for b in boxes if b.role == role] for role in ("layer", "state")}
    homes: dict[Value, int] = {}
    readers: list[tuple[Value, int]] = []
    homes |= {v: boxes[at].number for at, v in enumerate(graph.inputs)}
    homes |= {s.value: numbers["state"][at] for at, s in enumerate(graph.states)}
    for layer, number in zip(layers_of(graph), numbers["layer"], strict=True):
        homes |= {v: number for node in layer.nodes for v in node.outputs}
        readers += [(v, number) for node in layer.nodes for v in node.inputs]
    ends = [b.number for b in boxes if b.role == "output"]
    readers += zip(graph.outputs.values(), ends, strict=True)
    after = numbers["state"][len(graph.states) :]
    readers += [(s.after, number) for s, number in zip(graph.states, after, strict=True)]
    edges = {(homes[v], reader) for v, reader in readers if v in homes}
    return {(source, target) for source, target in edges if source != target}


def corners(shape: Shape) -> Iterator[Point]:
    match shape:
        case Rectangle(at=(x, y), width=width, height=height):
            yield from ((x, y), (x + width, y + height))
        case Curve(points=points):
            yield from flatten(points)
        case Label(at=(x, y), text=text, anchor=anchor, size=size, lead=lead):
            width = text_width(lead, size, bold=True) + text_width(text, size)
            before = {"start": 0.0, "middle": 0.5, "end": 1.0}[anchor]
            yield from ((x - before * width, y - size), (x + (1 - before) * width, y + size / 4))
        case Group(shapes=shapes):
            for inner in shapes:
                yield from corners(inner)
        case _:
            raise AssertionError(f"a diagram has no {shape}")


@EVERY
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_everything_is_within_the_diagram(file: str, net: str, direction: Direction) -> None:
    for _, outline in sketches(file, net):
        drawing = render(outline, direction)
        points = [point for shape in drawing.shapes for point in corners(shape)]
        assert min(x for x, _ in points) >= 0 and max(x for x, _ in points) <= drawing.width
        assert min(y for _, y in points) >= 0 and max(y for _, y in points) <= drawing.height


@EVERY
def test_texts_fit_their_boxes(file: str, net: str) -> None:
    for _, outline in sketches(file, net):
        for shape in render(outline).shapes:
            if isinstance(shape, Group):
                front = [inner for inner in shape.shapes if isinstance(inner, Rectangle)][-1]
                area = Area(*front.at, front.width, front.height)
                labels = [inner for inner in shape.shapes if isinstance(inner, Label)]
                assert labels
                places = [point for label in labels for point in corners(label)]
                assert all(inside(Area(x, y, 0, 0), area) for x, y in places)


@EVERY
def test_the_svg_is_xml_without_scripts_and_always_the_same(file: str, net: str) -> None:
    outline = sketch(graph_of(file, net))
    text = render(outline).svg()
    root = ElementTree.fromstring(text)
    groups = root.findall("{*}g")
    assert root.findtext("{*}title") == net
    assert [g.findtext("{*}title") for g in groups] == [box.tooltip for box in outline.boxes()]
    tags = {element.tag.partition("}")[2] for element in root.iter()}
    assert tags <= {"svg", "title", "rect", "path", "polygon", "text", "tspan", "g"}
    # Loaded again: nothing may depend on where objects are in memory.
    again = sketch(open_program(FOLDER / file).net(net).graph)
    assert render(again).svg() == text


@EVERY
def test_a_diagram_fits_a_page_unless_a_depth_is_given(file: str, net: str) -> None:
    outlines = dict(sketches(file, net))
    own = [item for item in outlines[None].items if isinstance(item, Box) or not item.detail]
    boxes = [box for box in boxes_of(own) if box.role == "layer"]
    one = [box for box in outlines[1].boxes() if box.role == "layer"]
    assert len(boxes) <= max(FEW, len(one))
    drawing = render(outlines[None])
    assert 0.5 <= drawing.width / drawing.height <= 2.0


def kinds(graph: Graph, outline: Outline) -> dict[str, set[bool]]:
    """Return whether the blocks of each kind are in frames, in boxes, or in both."""
    scopes = {scope.path: scope.kind for layer in layers_of(graph) for scope in layer.blocks}
    found: dict[str, set[bool]] = {}
    for item, around in framed(outline.items):
        if not any(frame.detail for frame in (*around, item) if isinstance(frame, Frame)):
            several = isinstance(item, Frame) or item.several
            kind = scopes.get(item.paths[0]) if item.paths and several else None
            if kind is not None:
                found.setdefault(kind, set()).add(isinstance(item, Frame))
    return found


@EVERY
def test_blocks_of_one_kind_are_drawn_to_the_same_depth(file: str, net: str) -> None:
    graph = graph_of(file, net)
    found = kinds(graph, dict(sketches(file, net))[None])
    assert not {kind for kind, drawn in found.items() if len(drawn) > 1}


# Diagrams of no network at all, with frames and edges that no program may ever have.


@st.composite
def outlines(draw: st.DrawFn) -> Outline:
    """Draw frames in frames, and edges from any box to any later one."""
    shapes = st.recursive(
        st.none(), lambda inner: st.lists(inner, min_size=1, max_size=5), max_leaves=24
    )
    numbers = count()

    def item(shape: object) -> Item:
        if isinstance(shape, list):
            number = next(numbers)
            items = tuple(map(item, shape))
            return Frame("a label" * (number % 3), (f"f{number}",), items)
        number, words = len(boxes), "w" * draw(st.integers(0, 30))
        facts = ("[N]",) * draw(st.integers(0, 4))
        box = Box(
            number, "layer", "other", "", words, facts, "",
            several=draw(st.booleans()), recurrent=draw(st.booleans()),
        )  # fmt: skip
        boxes.append(box)
        return box

    boxes: list[Box] = []
    items = tuple(map(item, draw(st.lists(shapes, min_size=1, max_size=8))))
    pairs = [(a, b) for b in range(len(boxes)) for a in range(b)]
    edges = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=40)) if pairs else []
    return Outline("Any", "", len(boxes), items, tuple(edges))


@given(outlines(), st.sampled_from(DIRECTIONS))
@settings(max_examples=150, deadline=None, derandomize=True)
def test_any_diagram_is_well_formed(outline: Outline, direction: Direction) -> None:
    layout = lay_out(outline, measured, direction)
    assert not overlapping(layout)
    assert not misplaced(outline, layout)
    assert not crossing(layout)
    assert not hidden(layout)
    assert set(layout.routes) == set(outline.edges)
