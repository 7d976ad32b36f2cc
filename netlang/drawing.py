"""Drawings made of lines, dots and labels, and their form as SVG."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from itertools import pairwise
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
    """A text whose base line starts, ends, or has its middle at a point."""

    at: Point
    text: str
    anchor: Literal["start", "middle", "end"] = "start"
    size: int = 12


Shape = Line | Dot | Label


@dataclass(frozen=True, slots=True)
class Drawing:
    """Shapes on white, the later ones on top; the origin is the corner above on the left."""

    width: int
    height: int
    shapes: tuple[Shape, ...]

    def svg(self) -> str:
        """Write it as SVG."""
        size = f'viewBox="0 0 {self.width} {self.height}" width="{self.width}"'
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} height="{self.height}" '
            'font-family="sans-serif">'
        )
        ground = f'<rect width="{self.width}" height="{self.height}" fill="white"/>'
        return "\n".join([head, ground, *map(_element, self.shapes), "</svg>", ""])


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
        case Label(at=(x, y), text=text, anchor=anchor, size=size):
            place = f'x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}"'
            return f"<text {place}>{escape(text)}</text>"
        case _:
            assert_never(shape)
