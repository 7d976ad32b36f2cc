"""What commands print, to a terminal, a pipe or a closed stream."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from netlang.diagnostics.diagnostic import Diagnostic
    from netlang.diagnostics.errors import NetlangError

WIDTH = 120
"""Columns of a page when the output is not a terminal."""


def prepare_streams() -> None:
    """Make every character printable: as UTF-8 if the locale is ASCII, else escaped."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is None:
            continue
        plain = stream.encoding.lower() in ("ascii", "us-ascii", "ansi_x3.4-1968", "646")
        reconfigure(encoding="utf-8" if plain else None, errors="backslashreplace")


def echo(text: str, *, styled: bool = False) -> None:
    """Print a line to the standard output; ``styled`` text has colors and is escaped already."""
    _write(sys.stdout, text if styled else escape(text))


def warn(text: str, *, styled: bool = False) -> None:
    """Print a line to the standard error, as ``echo`` does."""
    _write(sys.stderr, text if styled else escape(text))


def print_json(content: object) -> None:
    """Print plain values as JSON."""
    from netlang.system.json_text import json_text

    text = json_text(content, indent=2)
    echo(_CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text))


def escape(text: str) -> str:
    """Escape characters from names, files and models that would control a terminal."""
    return _CONTROL.sub(lambda found: f"<U+{ord(found[0]):04X}>", text)


_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Characters that control and those that reorder text, except the tab and the line feed."""


def colorful(stream: TextIO | None = None) -> bool:
    """Return whether a stream gets colors: a terminal does, unless ``NO_COLOR`` is set."""
    return not os.environ.get("NO_COLOR") and movable(stream)


def movable(stream: TextIO | None = None) -> bool:
    """Return whether a line can be overwritten: on a terminal that is not dumb."""
    to = stream or sys.stdout
    return os.environ.get("TERM") != "dumb" and bool(to and to.isatty())


def page_width(stream: TextIO | None = None) -> int:
    """Return the columns of the terminal, and ``WIDTH`` if the stream is not one."""
    to = stream or sys.stdout
    if not (to and to.isatty()):
        return WIDTH
    from shutil import get_terminal_size

    return max(40, get_terminal_size((WIDTH, 24)).columns)


def show_diagnostics(diagnostics: Sequence[Diagnostic], *, as_json: bool = False) -> None:
    """Print the errors and warnings of a program."""
    from netlang.diagnostics.render import render_all, to_json

    if as_json:
        print_json({"diagnostics": [to_json(d) for d in diagnostics]})
    else:
        color = colorful(sys.stderr)
        warn(render_all(diagnostics, color=color, width=page_width(sys.stderr)), styled=True)


def show_error(error: NetlangError, *, as_json: bool = False) -> None:
    """Print an error that has no location in a program."""
    from netlang.diagnostics.render import render, to_json

    if as_json:
        print_json({"diagnostics": [to_json(error.diagnostic)]})
    else:
        warn(render(error.diagnostic, color=colorful(sys.stderr)), styled=True)


def columns(rows: Iterable[Sequence[str]], gap: str = "  ") -> str:
    """Align the cells of a table to the left; the last column is not padded."""
    table = [list(row) for row in rows]
    if not table:
        return ""
    widths = [max(len(row[at]) for row in table) for at in range(len(table[0]) - 1)]
    return "\n".join(
        gap.join([*(c.ljust(w) for c, w in zip(row, widths, strict=False)), row[-1]]).rstrip()
        for row in table
    )


def _write(stream: TextIO | None, text: str) -> None:
    if stream is None:
        return
    try:
        stream.write(f"{text}\n")
        stream.flush()
    except BrokenPipeError:
        # The reader is gone; the command still finishes its work and its exit code counts.
        silence(stream)


def silence(stream: TextIO) -> None:
    """Redirect a stream, with what is still in its buffer, to the null device."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
