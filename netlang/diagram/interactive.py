"""Diagrams as HTML: a hint at each box, and blocks that open where they are.

Everything is in one text, without links: the drawing of the net, that of each block that can be
opened, and a program that makes space for them.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path

from netlang.diagram.dark import style_of
from netlang.diagram.drawing import Drawing, element
from netlang.diagram.layout import Direction
from netlang.diagram.outline import Outline
from netlang.diagram.rendering import render, render_block

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
_LOOK = """\
.netlang-diagram{position:relative;font:13px sans-serif;overflow-x:auto}
.netlang-diagram .tools{display:flex;gap:.5em;padding:.25em}
.netlang-diagram .tools[hidden],.netlang-diagram .tip[hidden]{display:none}
.netlang-diagram button{font:inherit;padding:.2em .7em;cursor:pointer}
.netlang-diagram .tip{position:absolute;z-index:1;max-width:32em;padding:.4em .6em;
white-space:pre-line;pointer-events:none;background:#111;color:#fff;border-radius:4px}
.netlang-diagram [data-block]{cursor:pointer}
.netlang-diagram [data-block]:not([aria-expanded=true]):hover>rect{stroke-width:2}
.netlang-diagram g:focus-visible{outline:2px solid #2b7bba;outline-offset:2px}
.netlang-diagram .lit path{stroke-width:2.4}
.netlang-diagram .border{fill:#f6f8fa;stroke:#9a9a9a}
@media (prefers-color-scheme:dark){.netlang-diagram .border{fill:#232629;stroke:#777}}
"""


_BUTTONS = {"page": "Fit a page", "close": "Close all blocks", "open": "Open all blocks"}
_DARK = "@media (prefers-color-scheme:dark)"


def page(title: str, content: str, *, dark: bool = False) -> str:
    """Return the HTML of a page with a diagram, light or dark as its viewer, or always dark."""
    look = "body{margin:0}@media (prefers-color-scheme:dark){body{background:#212121;color:#eee}}"
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>{escape(title)}</title>\n<style>{look}</style>\n</head>\n<body>\n"
        f"{content}</body>\n</html>\n"
    ).replace(_DARK, "@media all" if dark else _DARK)


def interactive(
    outline: Outline, folded: Outline, blocks: Mapping[str, Outline],
    direction: Direction = "down", *, wrap: bool = True, name: str = "netlang-diagram",
) -> str:  # fmt: skip
    """Return HTML with the diagram of a net whose boxes open.

    ``folded`` is the same net with its blocks closed, and ``blocks`` what is in each, by the
    ``block`` of the box. ``name`` is the id of the element, which must be unique in a page.
    """
    views = [render(outline, direction, wrap=wrap, parts=True)]
    if folded != outline:
        views.append(render(folded, direction, wrap=wrap, parts=True))
    inside = {key: render_block(block, direction) for key, block in blocks.items()}
    whole = Drawing(0, 0, tuple(s for each in (*views, *inside.values()) for s in each.shapes))
    style = f"<style>{_LOOK}{style_of(whole, '.netlang-diagram svg')}</style>"
    templates = "".join(
        f'<template data-key="{escape(key)}"><svg>{_scene(each)}</svg></template>\n'
        for key, each in inside.items()
    )
    hidden = ' style="display:none"'
    drawn = "".join(
        view.svg(attributes=f' data-area="0 0 {view.width} {view.height}"{hidden * (at > 0)}')
        for at, view in enumerate(views)
    )
    buttons = "".join(
        f'<button type="button" data-action="{action}">{label}</button>'
        for action, label in _BUTTONS.items() if blocks
    )  # fmt: skip
    tools = f'<div class="tools" hidden>{buttons}</div>\n'
    script = Path(__file__).with_suffix(".js").read_text("utf-8")
    return (
        f'<div class="netlang-diagram" id="{escape(name)}">\n{style}\n{tools}{drawn}{templates}'
        f'<div class="tip" role="tooltip" hidden></div>\n</div>\n'
        f'<script>({script.strip()})(document.getElementById("{escape(name)}"));</script>\n'
    )


def _scene(drawing: Drawing) -> str:
    inner = "\n".join(map(element, drawing.shapes))
    return f'<g data-area="0 0 {drawing.width} {drawing.height}">{inner}</g>'
