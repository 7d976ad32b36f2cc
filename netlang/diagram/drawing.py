"""Drawings made of lines, boxes and labels, which can be written as SVG."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from math import cos, radians, sin
from typing import Literal, assert_never

Point = tuple[float, float]
DASH, GAP = 5.0, 3.0
"""The lengths of the dashes of a dashed line, and of the gaps between them."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line through points."""

    points: tuple[Point, ...]
    color: str
    width: float = 1.0
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Dot:
    at: Point
    radius: float
    color: str


@dataclass(frozen=True, slots=True)
class Label:
    """A text with its baseline anchored at a point; ``lead`` is set in bold before it."""

    at: Point
    text: str
    anchor: Literal["start", "middle", "end"] = "start"
    size: int = 12
    color: str = "black"
    lead: str = ""


@dataclass(frozen=True, slots=True)
class Rectangle:
    """A rectangle with rounded corners, by its top left corner."""

    at: Point
    width: float
    height: float
    fill: str
    line: str
    radius: float = 0.0
    thickness: float = 1.0
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Curve:
    """A point, then two control points and a point for each cubic curve; optionally an arrow."""

    points: tuple[Point, ...]
    color: str
    width: float = 1.0
    head: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Shapes that share a tooltip; ``kind`` and ``data`` tell a program what they are."""

    shapes: tuple[Shape, ...]
    title: str = ""
    kind: str = ""
    data: tuple[tuple[str, str], ...] = ()


Shape = Line | Dot | Label | Rectangle | Curve | Group


@dataclass(frozen=True, slots=True)
class Drawing:
    """Shapes on a ground, the later ones on top; the origin is the top left corner."""

    width: int
    height: int
    shapes: tuple[Shape, ...]
    title: str = ""
    ground: str = "white"

    def svg(self, style: str = "", attributes: str = "") -> str:
        """Return the drawing as SVG, with rules of CSS for its colors, and more attributes."""
        size = f'viewBox="0 0 {self.width} {self.height}" width="{self.width}"'
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} height="{self.height}" '
            f'font-family="sans-serif" class="netlang"{attributes}>'
        )
        ground = f'<rect width="{self.width}" height="{self.height}" fill="{self.ground}"/>'
        title = [f"<title>{_escaped(self.title)}</title>"] if self.title else []
        rules = [f"<style>{style}</style>"] if style else []
        shapes = map(element, self.shapes)
        return "\n".join([head, *title, *rules, ground, *shapes, "</svg>", ""])


def dashes(points: tuple[Point, ...]) -> Iterator[tuple[Point, Point]]:
    """Yield the dashes of a dashed line, each within one of its straight segments.

    >>> list(dashes(((0.0, 0.0), (10.0, 0.0))))
    [((0.0, 0.0), (5.0, 0.0)), ((8.0, 0.0), (10.0, 0.0))]
    """
    drawn, left = True, DASH
    for (x, y), (u, v) in pairwise(points):
        length = ((u - x) ** 2 + (v - y) ** 2) ** 0.5
        done = 0.0
        while done < length:
            step = min(left, length - done)
            a, b = done / length, (done + step) / length
            if drawn:
                yield (x + a * (u - x), y + a * (v - y)), (x + b * (u - x), y + b * (v - y))
            done, left = done + step, left - step
            if left <= 0:
                drawn = not drawn
                left = DASH if drawn else GAP


def outline_of(box: Rectangle) -> tuple[Point, ...]:
    """Return the outline of a box, with its rounded corners, as a polygon."""
    (x, y), w, h = box.at, box.width, box.height
    r = min(box.radius, w / 2, h / 2)
    corners_at = [(x + w - r, y + r, -90), (x + w - r, y + h - r, 0), (x + r, y + h - r, 90)]
    corners_at.append((x + r, y + r, 180))
    points = [
        (u + r * cos(radians(start + step)), v + r * sin(radians(start + step)))
        for u, v, start in corners_at
        for step in range(0, 91, 15)
    ]
    return (*points, points[0])


def flatten(points: tuple[Point, ...], steps: int = 16) -> tuple[Point, ...]:
    """Return cubic curves as a polyline.

    >>> flatten(((0.0, 0.0), (0.0, 1.0), (2.0, 1.0), (2.0, 2.0)), steps=2)
    ((0.0, 0.0), (1.0, 1.0), (2.0, 2.0))
    """
    points_on = [points[0]]
    for at in range(0, len(points) - 1, 3):
        part = points[at : at + 4]
        points_on += [_on_curve(part, step / steps) for step in range(1, steps + 1)]
    return tuple(points_on)


def _on_curve(points: tuple[Point, ...], at: float) -> Point:
    weights = [(1 - at) ** 3, 3 * at * (1 - at) ** 2, 3 * at**2 * (1 - at), at**3]
    x = sum(weight * x for weight, (x, _) in zip(weights, points, strict=True))
    y = sum(weight * y for weight, (_, y) in zip(weights, points, strict=True))
    return x, y


HEAD, SPREAD = 7.0, 3.2
"""The length of an arrow head, and half its width."""


def arrow_head(points: tuple[Point, ...]) -> tuple[Point, Point, Point]:
    """Return the corners of the arrow head at the end of a curve, its tip first."""
    (u, v), (x, y) = points[-2:]
    length = ((x - u) ** 2 + (y - v) ** 2) ** 0.5 or 1.0
    a, b = (x - u) / length, (y - v) / length
    back, side = (x - HEAD * a, y - HEAD * b), (SPREAD * b, -SPREAD * a)
    return (x, y), (back[0] + side[0], back[1] + side[1]), (back[0] - side[0], back[1] - side[1])


_NARROW, _WIDE = "iIjlftr.,:;|'!()[]{}/ ", "mwMW@%—"


def text_width(text: str, size: int, *, bold: bool = False) -> float:
    """Estimate the width of a text, generously, because the viewer's font is unknown."""
    widths = (0.42 if c in _NARROW else 0.9 if c in _WIDE else 0.62 for c in text)
    return sum(widths) * size * (1.06 if bold else 1.0)


def _escaped(text: str) -> str:
    """Escape a text for XML, which cannot represent most control characters."""
    shown = "".join(c if c >= " " or c == "\n" else "�" for c in text)
    return escape(shown)


def element(shape: Shape) -> str:
    """Return a shape as SVG."""
    match shape:
        case Line(points=points, color=color, width=width, dashed=dashed):
            dash = f' stroke-dasharray="{DASH:g} {GAP:g}"' if dashed else ""
            path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
            return (
                f'<path d="M{path}" fill="none" stroke="{color}" stroke-width="{width:g}"{dash}/>'
            )
        case Dot(at=(x, y), radius=radius, color=color):
            return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}" fill="{color}"/>'
        case Label(at=(x, y), text=text, anchor=anchor, size=size, color=color, lead=lead):
            position = f'x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}"'
            look = f' fill="{color}"' if color != "black" else ""
            bold = f'<tspan font-weight="bold">{_escaped(lead)}</tspan>' if lead else ""
            return f"<text {position}{look}>{bold}{_escaped(text)}</text>"
        case Rectangle(at=(x, y), width=width, height=height, fill=fill, line=line):
            position = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
            look = f'rx="{shape.radius:g}" fill="{fill}" stroke="{line}"'
            dash = f' stroke-dasharray="{DASH:g} {GAP:g}"' if shape.dashed else ""
            return f'<rect {position} {look} stroke-width="{shape.thickness:g}"{dash}/>'
        case Curve(points=points, color=color, width=width, head=head):
            return _curve(points, color, width, head=head)
        case Group(shapes=shapes, title=title, kind=kind, data=data):
            named = f' class="{kind}"' if kind else ""
            known = "".join(f' data-{name}="{_escaped(value)}"' for name, value in data)
            said = f"<title>{_escaped(title)}</title>" if title else ""
            return "\n".join([f"<g{named}{known}>{said}", *map(element, shapes), "</g>"])
        case _:
            assert_never(shape)


def _curve(points: tuple[Point, ...], color: str, width: float, *, head: bool) -> str:
    """Return a curve as SVG, with straight segments as lines."""
    path = "M{:.1f} {:.1f}".format(*points[0])
    for at in range(0, len(points) - 1, 3):
        a, b, c, d = points[at : at + 4]
        straight = a[0] == d[0] or a[1] == d[1]
        path += "L" if straight else "C"
        path += " ".join(f"{x:.1f} {y:.1f}" for x, y in ([d] if straight else [b, c, d]))
    line = f'<path d="{path}" fill="none" stroke="{color}" stroke-width="{width:g}"/>'
    if not head:
        return line
    corners = " ".join(f"{x:.1f},{y:.1f}" for x, y in arrow_head(points))
    return f'{line}<polygon points="{corners}" fill="{color}"/>'
