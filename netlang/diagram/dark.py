"""Drawings on a dark ground: the colors keep their hue, and lightness is turned round."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from colorsys import hls_to_rgb, rgb_to_hls
from dataclasses import replace
from typing import assert_never

from netlang.diagram.drawing import (
    Curve,
    Dot,
    Drawing,
    Group,
    Label,
    Line,
    Rectangle,
    Shape,
)

_NAMES = {"white": "#ffffff", "black": "#000000"}
_LIGHTEST, _RANGE, _SATURATION = 0.93, 0.8, 0.55
"""The lightness of what is black on white, how much darker white is, and the share of color."""


def darkened(drawing: Drawing) -> Drawing:
    """Return a drawing for a dark ground."""
    shapes = tuple(map(_darkened, drawing.shapes))
    return replace(drawing, shapes=shapes, ground=dark(drawing.ground))


def dark(color: str) -> str:
    """Return the color on a dark ground that corresponds to a color on white; ``none`` is none.

    >>> dark("white"), dark("black")
    ('#212121', '#ededed')
    """
    code = _NAMES.get(color, color)
    if not code.startswith("#"):
        return color
    hue, lightness, saturation = rgb_to_hls(*(int(code[at : at + 2], 16) / 255 for at in (1, 3, 5)))
    parts = hls_to_rgb(hue, _LIGHTEST - _RANGE * lightness, saturation * _SATURATION)
    return "#" + "".join(f"{round(part * 255):02x}" for part in parts)


def _darkened(shape: Shape) -> Shape:
    match shape:
        case Line() | Dot() | Label() | Curve():
            return replace(shape, color=dark(shape.color))
        case Rectangle(fill=fill, line=line):
            return replace(shape, fill=dark(fill), line=dark(line))
        case Group(shapes=shapes):
            return replace(shape, shapes=tuple(map(_darkened, shapes)))
        case _:
            assert_never(shape)


def adaptive_svg(drawing: Drawing) -> str:
    """Return a drawing as SVG that is dark where the viewer prefers dark pages."""
    return drawing.svg(style_of(drawing))


def style_of(drawing: Drawing, around: str = "svg.netlang") -> str:
    """Return the rules that turn the colors of a drawing dark, as CSS."""
    rules = "".join(
        f'{around} [{name}="{color}"]{{{name}:{dark(color)}}}'
        for name in ("fill", "stroke")
        for color in sorted({*_colors(drawing.shapes), drawing.ground})
    )
    text = f"{around} text:not([fill]){{fill:{dark('black')}}}"
    return f"@media (prefers-color-scheme:dark){{{rules}{text}}}"


def _colors(shapes: Iterable[Shape]) -> Iterator[str]:
    for shape in shapes:
        match shape:
            case Line(color=color) | Dot(color=color) | Label(color=color) | Curve(color=color):
                yield color
            case Rectangle(fill=fill, line=line):
                yield from (fill, line)
            case Group(shapes=inner):
                yield from _colors(inner)
            case _:
                assert_never(shape)
