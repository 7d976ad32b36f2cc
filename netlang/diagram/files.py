"""Drawings in files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from netlang.diagnostics import rules
from netlang.diagnostics.errors import ENVIRONMENT, USAGE, NetlangError
from netlang.diagram.dark import adaptive_svg, darkened
from netlang.diagram.drawing import Drawing
from netlang.system.files import write_atomically

IMAGES = (".svg", ".png")


def check_format(path: Path, formats: Sequence[str] = IMAGES) -> None:
    """Raise ``NetlangError`` for a path whose suffix is not a format of drawings."""
    if path.suffix.lower() not in formats:
        raise NetlangError(
            rules.UNKNOWN_FORMAT,
            f"{path}: drawings are written as {', '.join(formats[:-1])} or {formats[-1]}",
            helps=[f"write to `{path.with_suffix('.svg')}`"],
            exit_code=USAGE,
        )


def save(drawing: Drawing, path: Path, *, dark: bool = False) -> None:
    """Write a drawing as SVG or PNG, completely or not at all; raises ``NetlangError``.

    A ``dark`` one is for a dark ground; otherwise an SVG file is as light or dark as the page.
    """
    check_format(path)
    if path.suffix.lower() == ".svg":
        text = darkened(drawing).svg() if dark else adaptive_svg(drawing)
        write_atomically(path, [text.encode("utf-8")])
        return
    try:
        from netlang.diagram.png import save_drawing
    except ImportError:
        raise NetlangError(
            rules.PILLOW_MISSING,
            f"{path} is a PNG image, and drawing those needs Pillow",
            helps=['pip install "netlang[images]"', "an .svg file needs nothing more"],
            exit_code=ENVIRONMENT,
        ) from None
    save_drawing(darkened(drawing) if dark else drawing, path)
