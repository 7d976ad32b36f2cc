"""Drawings made of lines, boxes and labels, and their form as SVG."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from math import cos, radians, sin
from typing import Literal, assert_never

Point = tuple[float, float]
DASH, GAP = 5.0, 3.0
"""How long the parts of a dashed line are, and what is between them."""


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
    """A text whose base line starts, ends, or has its middle at a point; ``lead`` is bold."""

    at: Point
    text: str
    anchor: Literal["start", "middle", "end"] = "start"
    size: int = 12
    color: str = "black"
    lead: str = ""


@dataclass(frozen=True, slots=True)
class Rectangle:
    """A rectangle with round corners, by its corner above on the left."""

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
    """A point, then two controls and a point for each cubic curve; with a head at its end."""

    points: tuple[Point, ...]
    color: str
    width: float = 1.0
    head: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Shapes that share a text, which is shown where the pointer rests on them."""

    shapes: tuple[Shape, ...]
    title: str


Shape = Line | Dot | Label | Rectangle | Curve | Group


@dataclass(frozen=True, slots=True)
class Drawing:
    """Shapes on white, the later ones on top; the origin is the corner above on the left."""

    width: int
    height: int
    shapes: tuple[Shape, ...]
    title: str = ""

    def svg(self) -> str:
        """Write it as SVG."""
        size = f'viewBox="0 0 {self.width} {self.height}" width="{self.width}"'
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} height="{self.height}" '
            'font-family="sans-serif">'
        )
        ground = f'<rect width="{self.width}" height="{self.height}" fill="white"/>'
        title = [f"<title>{_escaped(self.title)}</title>"] if self.title else []
        return "\n".join([head, *title, ground, *map(_element, self.shapes), "</svg>", ""])


def dashes(points: tuple[Point, ...]) -> Iterator[tuple[Point, Point]]:
    """Cut the dashes of a dashed line out of it, each within one of its straight parts.

    >>> list(dashes(((0.0, 0.0), (10.0, 0.0))))
    [((0.0, 0.0), (5.0, 0.0)), ((8.0, 0.0), (10.0, 0.0))]
    """
    drawn, left = True, DASH
    for (x, y), (u, v) in pairwise(points):
        length = ((u - x) ** 2 + (v - y) ** 2) ** 0.5
        gone = 0.0
        while gone < length:
            step = min(left, length - gone)
            a, b = gone / length, (gone + step) / length
            if drawn:
                yield (x + a * (u - x), y + a * (v - y)), (x + b * (u - x), y + b * (v - y))
            gone, left = gone + step, left - step
            if left <= 0:
                drawn = not drawn
                left = DASH if drawn else GAP


def outline_of(box: Rectangle) -> tuple[Point, ...]:
    """Go around a box, its round corners too, in straight steps."""
    (x, y), w, h = box.at, box.width, box.height
    r = min(box.radius, w / 2, h / 2)
    turns = [(x + w - r, y + r, -90), (x + w - r, y + h - r, 0), (x + r, y + h - r, 90)]
    turns.append((x + r, y + r, 180))
    points = [
        (u + r * cos(radians(start + step)), v + r * sin(radians(start + step)))
        for u, v, start in turns
        for step in range(0, 91, 15)
    ]
    return (*points, points[0])


def bent(points: tuple[Point, ...], steps: int = 16) -> tuple[Point, ...]:
    """Go along cubic curves in straight steps.

    >>> bent(((0.0, 0.0), (0.0, 1.0), (2.0, 1.0), (2.0, 2.0)), steps=2)
    ((0.0, 0.0), (1.0, 1.0), (2.0, 2.0))
    """
    passed = [points[0]]
    for at in range(0, len(points) - 1, 3):
        part = points[at : at + 4]
        passed += [_on_curve(part, step / steps) for step in range(1, steps + 1)]
    return tuple(passed)


def _on_curve(points: tuple[Point, ...], at: float) -> Point:
    shares = [(1 - at) ** 3, 3 * at * (1 - at) ** 2, 3 * at**2 * (1 - at), at**3]
    x = sum(share * x for share, (x, _) in zip(shares, points, strict=True))
    y = sum(share * y for share, (_, y) in zip(shares, points, strict=True))
    return x, y


HEAD, SPREAD = 7.0, 3.2
"""How long the head of an arrow is, and half of how broad."""


def arrow_head(points: tuple[Point, ...]) -> tuple[Point, Point, Point]:
    """Give the corners of the head at the end of a curve, its tip first."""
    (u, v), (x, y) = points[-2:]
    length = ((x - u) ** 2 + (y - v) ** 2) ** 0.5 or 1.0
    a, b = (x - u) / length, (y - v) / length
    back, side = (x - HEAD * a, y - HEAD * b), (SPREAD * b, -SPREAD * a)
    return (x, y), (back[0] + side[0], back[1] + side[1]), (back[0] - side[0], back[1] - side[1])


_NARROW, _WIDE = "iIjlftr.,:;|'!()[]{}/ ", "mwMW@%—"


def text_width(text: str, size: int, *, bold: bool = False) -> float:
    """Estimate how wide a text is, rather too wide: whoever looks at it has a font of their own."""
    widths = (0.42 if c in _NARROW else 0.9 if c in _WIDE else 0.62 for c in text)
    return sum(widths) * size * (1.06 if bold else 1.0)


def _escaped(text: str) -> str:
    """Escape a text for XML, which has no form at all for most control characters."""
    shown = "".join(c if c >= " " or c == "\n" else "�" for c in text)
    return escape(shown)


def _element(shape: Shape) -> str:
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
            place = f'x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}"'
            look = f' fill="{color}"' if color != "black" else ""
            bold = f'<tspan font-weight="bold">{_escaped(lead)}</tspan>' if lead else ""
            return f"<text {place}{look}>{bold}{_escaped(text)}</text>"
        case Rectangle(at=(x, y), width=width, height=height, fill=fill, line=line):
            place = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
            look = f'rx="{shape.radius:g}" fill="{fill}" stroke="{line}"'
            dash = f' stroke-dasharray="{DASH:g} {GAP:g}"' if shape.dashed else ""
            return f'<rect {place} {look} stroke-width="{shape.thickness:g}"{dash}/>'
        case Curve(points=points, color=color, width=width, head=head):
            return _curve(points, color, width, head=head)
        case Group(shapes=shapes, title=title):
            return "\n".join(
                [f"<g><title>{_escaped(title)}</title>", *map(_element, shapes), "</g>"]
            )
        case _:
            assert_never(shape)


def _curve(points: tuple[Point, ...], color: str, width: float, *, head: bool) -> str:
    """Write a curve, its straight parts as such."""
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
