"""What commands print, whatever stands at the other end."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NoReturn, TextIO

import click

if TYPE_CHECKING:
    from netlang.diagnostics.diagnostic import Diagnostic
    from netlang.diagnostics.errors import NetlangError

WIDTH = 120
"""Columns of a page when the output is no terminal."""


def prepare_streams() -> None:
    """Make every character printable: as UTF-8 where the locale says nothing, else escaped."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is None:
            continue
        plain = stream.encoding.lower() in ("ascii", "us-ascii", "ansi_x3.4-1968", "646")
        reconfigure(encoding="utf-8" if plain else None, errors="backslashreplace")


def say(text: str, *, painted: bool = False) -> None:
    """Print a line to the standard output; ``painted`` text has colours, and is harmless."""
    _write(sys.stdout, text if painted else harmless(text))


def warn(text: str, *, painted: bool = False) -> None:
    """Print a line to the standard error, as ``say`` does."""
    _write(sys.stderr, text if painted else harmless(text))


def print_json(content: object) -> None:
    """Print plain values as JSON."""
    import json

    text = json.dumps(content, indent=2, ensure_ascii=False)
    say(_STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text))


def harmless(text: str) -> str:
    """Spell out what would steer a terminal, wherever in names, files and models it comes from."""
    return _STEERING.sub(lambda found: f"<U+{ord(found[0]):04X}>", text)


_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Characters that control and those that reorder text, except the tab and the end of a line."""


def colorful(stream: TextIO | None = None) -> bool:
    """Tell whether colours belong on a stream: on a terminal, unless ``NO_COLOR`` is set."""
    return not os.environ.get("NO_COLOR") and movable(stream)


def movable(stream: TextIO | None = None) -> bool:
    """Tell whether a line on a stream can be written over: on a terminal that is not dumb."""
    to = stream or sys.stdout
    return os.environ.get("TERM") != "dumb" and bool(to and to.isatty())


def page_width(stream: TextIO | None = None) -> int:
    """Give the columns of the terminal, and ``WIDTH`` where there is none."""
    to = stream or sys.stdout
    if not (to and to.isatty()):
        return WIDTH
    from shutil import get_terminal_size

    return max(40, get_terminal_size((WIDTH, 24)).columns)


def reject(diagnostics: Sequence[Diagnostic], *, as_json: bool = False) -> NoReturn:
    """Show what is wrong with a program and end the command."""
    from netlang.diagnostics.render import render_all, to_json

    if as_json:
        print_json({"diagnostics": [to_json(d) for d in diagnostics]})
    else:
        color = colorful(sys.stderr)
        warn(render_all(diagnostics, color=color, width=page_width(sys.stderr)), painted=True)
    raise click.exceptions.Exit(1)


def show_error(fault: NetlangError, *, as_json: bool = False) -> None:
    """Show a mistake that has no place in a program."""
    from netlang.diagnostics.render import error_to_json, render_error

    if as_json:
        print_json({"diagnostics": [error_to_json(fault)]})
    else:
        warn(render_error(fault, color=colorful(sys.stderr)), painted=True)


def columns(rows: Iterable[Sequence[str]], gap: str = "  ") -> str:
    """Align the cells of a table, left; the last column is as wide as it likes."""
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
        # Nobody reads any more; the command still finishes its work and its exit code counts.
        silence(stream)


def silence(stream: TextIO) -> None:
    """Send what is still to come, and what is waiting in the buffer, nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
