"""What the tests of the syntax share: programs, and trees without their spans."""

from __future__ import annotations

import re
from pathlib import Path

from netlang.diagnostics.diagnostic import Diagnostic, Diagnostics
from netlang.diagnostics.source import Source, Span
from netlang.syntax import ast
from netlang.syntax.parser import parse

DATA = Path(__file__).parent.parent / "data"
PROGRAMS = sorted((DATA / "language").glob("*.net"))
SINGLE_ERRORS = sorted((DATA / "single_errors").glob("*.net"))

_TOKEN = re.compile(
    r"""(?x)
      (?P<comment>\#[^\n]*)
    | "(?:[^"\\\n]|\\.)*"
    | [0-9][0-9_.]*[ ](?:epochs?|steps?)\b
    | [A-Za-z_]\w*
    | [0-9][0-9_]*(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?
    | \.\.\.|->|\|>|\.\.|\*\*|//|==|!=|<=|>=|\S
    """
)


def parsed(text: str, name: str = "test.net") -> tuple[ast.File | None, list[Diagnostic]]:
    """Parse a text; return the tree and the diagnostics."""
    diagnostics = Diagnostics()
    tree = parse(Source(name, text), diagnostics)
    return tree, diagnostics.sorted()


def tree_of(text: str) -> ast.File:
    """Parse a text without errors."""
    tree, found = parsed(text)
    assert found == []
    assert tree is not None
    return tree


def codes(text: str) -> list[str]:
    """Return the codes of the rules that a text breaks."""
    return [diagnostic.rule.code for diagnostic in parsed(text)[1]]


def words(text: str) -> list[str]:
    """Cut a program into its tokens, without comments."""
    return [m.group() for m in _TOKEN.finditer(text) if m.lastgroup != "comment"]


def placeless(node: object, *, docs: bool = True, places: bool = False) -> object:
    """Turn a tree into plain values, without the doc comments or the spans of its nodes."""
    if isinstance(node, Span):
        return (node.start, node.end)
    if isinstance(node, ast.File):
        parts = (node.version, *node.imports, *node.declarations)
        return [placeless(part, docs=docs, places=places) for part in parts]
    if isinstance(node, tuple):
        return [placeless(part, docs=docs, places=places) for part in node]
    if not isinstance(node, ast.Node):
        return node
    values = {name: getattr(node, name) for name in node.__struct_fields__}
    if not docs:
        values.pop("doc", None)
    shown = [v for v in values.values() if places or not isinstance(v, Span)]
    return [type(node).__name__, *(placeless(v, docs=docs, places=places) for v in shown)]
