"""Results that print as the command line prints them, and that notebooks display."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netlang.analysis.summary import Summary as Layers
    from netlang.diagram.drawing import Drawing
    from netlang.profiling.profile import Profile


def html(text: str) -> str:
    """Return a text as HTML in a fixed-width font."""
    from html import escape

    # Notebooks set their own font and wrap lines, unless a style says otherwise.
    style = "font-family: monospace; white-space: pre; line-height: 1.25"
    return f"<pre style='{style}'>{escape(text)}</pre>"


class Text(str):
    """A string whose ``repr`` is the text itself, so that a prompt or notebook displays it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return html(self)


class Summary:
    """The layers of a network as a table; ``layers`` holds the same as values."""

    def __init__(self, layers: Layers, depth: int | None = None) -> None:
        from netlang.analysis.summary import fold

        self.layers = layers if depth is None else fold(layers, depth)
        self._depth = depth

    def render(self, *, color: bool = False, width: int = 110) -> str:
        """Format the table for a page of ``width`` columns."""
        from netlang.analysis.table import render_summary

        table = render_summary(self.layers, depth=self._depth, color=color, width=width)
        return table.rstrip("\n")

    def __str__(self) -> str:
        return self.render()

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return html(str(self))


class Profiles:
    """How long the layers of a net take, or those of each step of a train section, as tables.

    ``profiles`` holds the same as values.
    """

    def __init__(self, profiles: Sequence[Profile], depth: int | None = None) -> None:
        self.profiles = tuple(profiles)
        self._depth = depth

    def render(self, *, color: bool = False, width: int = 110) -> str:
        """Format the tables for a page of ``width`` columns."""
        from netlang.profiling.table import render_profile

        tables = (
            render_profile(each, depth=self._depth, color=color, width=width)
            for each in self.profiles
        )
        return "\n".join(tables).rstrip("\n")

    def __str__(self) -> str:
        return self.render()

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return html(str(self))


class Diagram:
    """A diagram of a network; a notebook displays it, with blocks that open and close."""

    def __init__(
        self, drawing: Drawing, caption: str, page: Callable[[str], str] | None = None
    ) -> None:
        self.drawing = drawing
        self.caption = caption
        self._page = page

    def save(self, path: str | Path, *, dark: bool = False) -> None:
        """Write the diagram as ``.svg``, as ``.html``, or as ``.png``, which requires Pillow.

        An SVG or HTML file is light or dark as the page that shows it, unless it is ``dark``.
        """
        from netlang.diagram.files import IMAGES, check_format, save
        from netlang.system.files import write_atomically

        path = Path(path)
        check_format(path, (*IMAGES, ".html"))
        if path.suffix.lower() != ".html":
            save(self.drawing, path, dark=dark)
            return
        from netlang.diagram.interactive import page

        text = page(self.drawing.title, self._html("netlang-diagram"), dark=dark)
        write_atomically(path, [text.encode("utf-8")])

    def __repr__(self) -> str:
        return self.caption

    def _html(self, name: str) -> str:
        return self._repr_svg_() if self._page is None else self._page(name)

    def _repr_svg_(self) -> str:
        from netlang.diagram.dark import adaptive_svg

        return adaptive_svg(self.drawing)

    def _repr_html_(self) -> str:
        return self._html(f"netlang-diagram-{next(_NUMBERS)}")


_NUMBERS = count(1)
"""Numbers of the diagrams in a notebook, in which each element has an id of its own."""
