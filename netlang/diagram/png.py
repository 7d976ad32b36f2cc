"""Write drawings as PNG images with Pillow."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import assert_never

from PIL import Image, ImageDraw, ImageFont

from netlang.diagnostics.errors import TooLargeError
from netlang.diagram.drawing import (
    Curve,
    Dot,
    Drawing,
    Group,
    Label,
    Line,
    Rectangle,
    Shape,
    arrow_head,
    dashes,
    flatten,
    outline_of,
)
from netlang.storage.images import MOST_PIXELS
from netlang.system.files import replacing

_SCALE, _FINER = 2, 3
"""Pixels of the image per unit of the drawing, and the factor of supersampling."""


_BEFORE = {"start": 0.0, "middle": 0.5, "end": 1.0}
"""The share of a text's width that lies before its anchor."""


_PLAIN = {ord("×"): "x", ord("–"): "-"}
"""Replacements of characters that Pillow's font does not have."""


def save_drawing(drawing: Drawing, path: Path) -> None:
    """Write a drawing as PNG, at a lower resolution if it is large; raises ``TooLargeError``."""
    area = drawing.width * drawing.height
    scales = [(_SCALE, _FINER), (_SCALE, 2), (_SCALE, 1), (1, 1)]
    fitting = [
        (scale, finer) for scale, finer in scales if area * (scale * finer) ** 2 <= MOST_PIXELS
    ]
    if not fitting:
        raise TooLargeError(
            f"{path} would have {drawing.width:,} x {drawing.height:,} pixels, and "
            f"{MOST_PIXELS:,} in all are the most",
            helps=["an SVG file may be of any size"],
        )
    scale, finer = fitting[0]
    factor = scale * finer
    image = Image.new("RGB", (drawing.width * factor, drawing.height * factor), drawing.ground)
    pen = _Pen(ImageDraw.Draw(image), factor)
    for shape in drawing.shapes:
        pen.draw(shape)
    size = (drawing.width * scale, drawing.height * scale)
    with replacing(path) as unfinished:
        image.resize(size, Image.Resampling.LANCZOS).save(unfinished, "PNG")


@dataclass(frozen=True, slots=True)
class _Pen:
    """Draws shapes ``factor`` times as large as they are."""

    on: ImageDraw.ImageDraw
    factor: int

    def draw(self, shape: Shape) -> None:
        factor = self.factor
        match shape:
            case Line(points=points, color=color, width=width, dashed=dashed):
                for part in dashes(points) if dashed else [points]:
                    self.on.line(self._scaled(*part), color, round(width * factor), joint="curve")
            case Dot(at=at, radius=radius, color=color):
                self.on.circle(self._scaled(at)[0], radius * factor, color)
            case Label():
                self._label(shape)
            case Rectangle():
                self._box(shape)
            case Curve(points=points, color=color, width=width, head=head):
                line = self._scaled(*flatten(points))
                self.on.line(line, color, round(width * factor), joint="curve")
                if head:
                    self.on.polygon(self._scaled(*arrow_head(points)), color)
            case Group(shapes=shapes):
                for inner in shapes:
                    self.draw(inner)
            case _:
                assert_never(shape)

    def _label(self, label: Label) -> None:
        font = ImageFont.load_default(label.size * self.factor)
        lead, text = label.lead.translate(_PLAIN), label.text.translate(_PLAIN)
        heavier = self.factor / 5
        x, y = self._scaled(label.at)[0]
        bold = font.getlength(lead) if lead else 0.0
        x -= _BEFORE[label.anchor] * (bold + font.getlength(text))
        if lead:
            self.on.text((x, y), lead, label.color, font, "ls", stroke_width=heavier)
        self.on.text((x + bold, y), text, label.color, font, "ls")

    def _box(self, box: Rectangle) -> None:
        x, y = box.at
        corners = self._scaled((x, y), (x + box.width, y + box.height))
        radius, width = box.radius * self.factor, round(box.thickness * self.factor)
        line = None if box.dashed else box.line
        self.on.rounded_rectangle(corners, radius, box.fill, line, width)
        if box.dashed:
            for part in dashes(outline_of(box)):
                self.on.line(self._scaled(*part), box.line, width)

    def _scaled(self, *points: tuple[float, float]) -> list[tuple[float, float]]:
        return [(x * self.factor, y * self.factor) for x, y in points]
