"""Nets written in a test, as graphs."""

from __future__ import annotations

from pathlib import Path

from netlang.ir.graph import Graph
from netlang.program import load


def graph_of(folder: Path, text: str) -> Graph:
    """Return the graph of the first net of a program without errors or warnings."""
    file = folder / "written.net"
    file.write_text(text, encoding="utf-8")
    program = load(file)
    assert program.diagnostics.items == []
    return next(iter(program.nets.values())).graph
