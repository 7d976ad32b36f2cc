"""Outlines rendered as drawings."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from netlang.diagram import drawing
from netlang.diagram.drawing import Curve, Drawing, Group, Label, Point, Shape, text_width
from netlang.diagram.layout import LOOP, Area, Direction, Layout, lay_out
from netlang.diagram.outline import Box, Frame, Item, Note, Outline
from netlang.diagram.placement.wrapping import page_height
from netlang.ir.op import Family

# Light enough for black text in print, and distinct for the color-blind (after Okabe and Ito).
_PAINTS: dict[Family, tuple[str, str]] = {
    "convolution": ("#cfe5f6", "#2b7bba"),
    "pooling": ("#f9d5bf", "#c05a12"),
    "normalization": ("#fbf3b9", "#a89207"),
    "activation": ("#c5ebdd", "#0a8a66"),
    "dense": ("#e6d3ea", "#8d4f9e"),
    "recurrent": ("#bcc9ec", "#2f4a9c"),
    "attention": ("#f7cfe0", "#b83a74"),
    "join": ("#dedede", "#5c5c5c"),
    "other": ("#f7f7f7", "#8a8a8a"),
}
_GROUNDS = ("#fbfbfb", "#f2f2f2")
_NOTES = {"value": "#0a6b3d", "gradient": "#b3261e"}
_INK, _SOFT, _EDGE, _BORDER = "#111111", "#444444", "#4a4a4a", "#9a9a9a"

_NAME, _FACT, _TITLE = 12, 11, 16
_LINE, _INSET, _LEAST = 15.0, 11.0, 88.0
_SHORT = 34
"""The number of characters of a box's facts that fit on one line."""

_ROUND = 20.0
"""The largest radius of the corners of inputs and outputs."""

_BEHIND = 3.0
"""The offset of the second card behind a box that represents several layers."""

_MARGIN, _HEADING, _BELOW, _SWATCH = 20.0, 52.0, 26.0, 14.0


def page_of(outline: Outline) -> tuple[tuple[float, float], float]:
    """Return the size of the diagram of an outline, and the height of a page that it fills."""
    layout = lay_out(_compact(outline, "down"), measured)
    return _size(outline, layout), page_height((layout.width, layout.height))


def render(
    outline: Outline, direction: Direction = "down", *, numbered: bool = False, wrap: bool = True,
    parts: bool = False,
) -> Drawing:  # fmt: skip
    """Return the drawing of an outline: a heading, the net, and a legend of its colors.

    With ``numbered``, an SVG of it has the numbers of the boxes, and with ``parts`` also those of
    frames and edges, and where everything is; with ``wrap``, it fits a page.
    """
    outline = _compact(outline, direction)
    layout = lay_out(outline, measured, direction, wrap=wrap)
    width, key = _page(outline, layout)
    left, top = _MARGIN + (width - layout.width) / 2, _MARGIN + _HEADING
    below = top + layout.height + _BELOW
    legend = tuple(s for name, (x, y) in key for s in _swatch(name, (_MARGIN + x, below + y)))
    net = _net(outline, layout, (left, top), direction)
    shapes = [
        Label((_MARGIN, _MARGIN + 14), "", size=_TITLE, color=_INK, lead=outline.title),
        Label((_MARGIN, _MARGIN + 32), outline.facts, size=_NAME, color=_SOFT),
        *(net if parts else (_plain(group, numbered=numbered) for group in net)),
        *([_part(legend, "still", Area(_MARGIN, below, 0.0, 0.0))] if parts else legend),
    ]
    flat = tuple(s for shape in shapes for s in (shape if isinstance(shape, tuple) else (shape,)))
    return Drawing(*_size(outline, layout), flat, outline.title)


def render_block(outline: Outline, direction: Direction = "down") -> Drawing:
    """Return the drawing of what is in a block, with its parts, but nothing around it."""
    outline = _compact(outline, direction)
    layout = lay_out(outline, measured, direction, wrap=False)
    size = math.ceil(layout.width + LOOP), math.ceil(layout.height)
    return Drawing(*size, tuple(_net(outline, layout, (0.0, 0.0), direction)))


def _compact(outline: Outline, direction: Direction) -> Outline:
    """Save a line per box in diagrams from top to bottom, which are tall."""
    if direction == "right":
        return outline
    return replace(outline, items=_shortened(outline.items))


def _plain(group: Group, *, numbered: bool) -> Group | tuple[Shape, ...]:
    """Return what an image shows: boxes with tooltips, and the shapes of everything else."""
    if group.kind != "box":
        return group.shapes
    kind, data = ("box", group.data[:1]) if numbered else ("", ())
    return Group(group.shapes, group.title, kind, data)


def _page(outline: Outline, layout: Layout) -> tuple[float, list[tuple[Family, Point]]]:
    """Return the width of a diagram without margins, and the keys of its legend."""
    shown = {box.family for box in outline.boxes() if box.role == "layer"}
    families: list[Family] = [family for family in _PAINTS if family in shown]
    heading = max(text_width(outline.title, _TITLE, bold=True), text_width(outline.facts, _NAME))
    width = max(layout.width, heading, min(_legend_width(families), 420.0))
    return width, list(_legend(families, width))


def _size(outline: Outline, layout: Layout) -> tuple[int, int]:
    width, key = _page(outline, layout)
    depth = max((y for _, (_, y) in key), default=-8.0) + 8.0
    height = _MARGIN + _HEADING + layout.height + _BELOW + depth + _MARGIN
    return math.ceil(width + 2 * _MARGIN), math.ceil(height)


def _shortened(items: Sequence[Item]) -> tuple[Item, ...]:
    """Put the facts of a box on one line where that does not make it wide."""
    return tuple(
        replace(item, items=_shortened(item.items))
        if isinstance(item, Frame)
        else replace(item, facts=(" · ".join(item.facts),))
        if len(item.facts) == 2 and len("".join(item.facts)) <= _SHORT
        else item
        for item in items
    )


def _net(outline: Outline, layout: Layout, corner: Point, direction: Direction) -> Iterator[Group]:
    for framed in layout.frames:
        area = _moved(framed.area, corner)
        yield _part(tuple(_framed(framed.frame, area, framed.depth)), "frame", area)
    for (source, target), route in layout.routes.items():
        points = tuple((x + corner[0], y + corner[1]) for x, y in route)
        data = (("from", str(source)), ("to", str(target)))
        yield Group((Curve(points, _EDGE, 1.2, head=True),), kind="edge", data=data)
    for box in outline.boxes():
        area = _moved(layout.boxes[box.number], corner)
        known = [("box", str(box.number))]
        if box.block:
            label = f"{box.name} {box.description}".strip()
            known += [("block", box.block), ("label", label)]
        yield _part(tuple(_boxed(box, area, direction)), "box", area, box.tooltip, known)


def _part(
    shapes: tuple[Shape, ...], kind: str, area: Area, title: str = "",
    known: Sequence[tuple[str, str]] = (),
) -> Group:  # fmt: skip
    where = " ".join(f"{at:.1f}" for at in (area.x, area.y, area.width, area.height))
    return Group(shapes, title, kind, (*known, ("area", where)))


def _moved(area: Area, corner: Point) -> Area:
    return Area(area.x + corner[0], area.y + corner[1], area.width, area.height)


def measured(item: Item) -> tuple[float, float]:
    if isinstance(item, Frame):
        return text_width(item.label, _FACT, bold=True), _LINE
    first = text_width(item.name, _NAME, bold=True) + text_width(f" {item.description}", _NAME)
    facts = (*item.facts, *map(_noted, item.notes))
    widest = max(first, *(text_width(fact, _FACT) for fact in facts), _LEAST - 2 * _INSET)
    behind = _BEHIND if item.several else 0.0
    height = _LINE * (1 + len(facts)) + 9.0
    return math.ceil(widest + 2 * _INSET) + behind, height + behind


def _framed(frame: Frame, area: Area, depth: int) -> Iterator[Shape]:
    ground = _GROUNDS[depth % 2]
    yield drawing.Rectangle(
        (area.x, area.y), area.width, area.height, ground, _BORDER, 7.0, dashed=frame.detail
    )
    position = (area.x + 10.0, area.y + 15.0)
    yield Label(position, "", size=_FACT, color=_SOFT, lead=frame.label)


def _boxed(box: Box, area: Area, direction: Direction) -> Iterator[Shape]:
    end = box.role != "layer"
    fill, line = ("#ffffff", _INK) if end else _PAINTS[box.family]
    behind = _BEHIND if box.several else 0.0
    width, height = area.width - behind, area.height - behind
    radius = min(height / 2, _ROUND) if end else 4.0
    if box.several:
        at = (area.x + behind, area.y + behind)
        yield drawing.Rectangle(at, width, height, fill, line, radius)
    state = box.role == "state"
    yield drawing.Rectangle((area.x, area.y), width, height, fill, line, radius, dashed=state)
    if box.recurrent:
        yield _loop(area, line, direction)
    middle = area.x + width / 2
    position = (middle, area.y + 16.0)
    description = f" {box.description}" if box.name else box.description
    yield Label(position, description, "middle", _NAME, _INK, lead=box.name)
    lines = [(fact, _SOFT) for fact in box.facts]
    lines += [(_noted(note), _NOTES[note.kind]) for note in box.notes]
    for at, (line, color) in enumerate(lines, 1):
        y = area.y + 16.0 + at * _LINE
        yield Label((middle, y), line, "middle", _FACT, color)


def _noted(note: Note) -> str:
    return f"{note.kind} {note.text}"


def _loop(area: Area, color: str, direction: Direction) -> Shape:
    """Return the loop that carries a state from a box back into it."""
    if direction == "right":
        x, y, far = area.x + area.width / 2, area.y + area.height, LOOP - 2.0
        ends = ((x - 9.0, y), (x - 9.0, y + far), (x + 9.0, y + far), (x + 9.0, y))
    else:
        x, y, far = area.x + area.width, area.y + area.height / 2, LOOP - 2.0
        ends = ((x, y + 9.0), (x + far, y + 9.0), (x + far, y - 9.0), (x, y - 9.0))
    return Curve(ends, color, 1.4, head=True)


def _legend_width(families: Sequence[Family]) -> float:
    return sum(_key_width(family) for family in families)


def _key_width(family: Family) -> float:
    return _SWATCH + 6.0 + text_width(family, _FACT) + 14.0


def _legend(families: Sequence[Family], width: float) -> Iterator[tuple[Family, Point]]:
    """Yield the position of each key of the legend, in as many lines as needed."""
    x = y = 0.0
    for family in families:
        if x and x + _key_width(family) - 14.0 > width:
            x, y = 0.0, y + 20.0
        yield family, (x, y)
        x += _key_width(family)


def _swatch(family: Family, at: Point) -> Iterator[Shape]:
    fill, line = _PAINTS[family]
    x, y = at
    yield drawing.Rectangle((x, y - 10.0), _SWATCH, _SWATCH - 2.0, fill, line, 3.0)
    yield Label((x + _SWATCH + 6.0, y), family, size=_FACT, color=_SOFT)
