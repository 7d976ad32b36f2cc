"""Text to tree."""

from __future__ import annotations

import re
from threading import Lock
from typing import Any

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Diagnostic, DiagnosticError, Diagnostics, Label
from netlang.diagnostics.source import Source, Span
from netlang.syntax import ast
from netlang.syntax.automaton import Automaton
from netlang.syntax.build import Builder
from netlang.syntax.scan import Failure, NetlangError, scan

_BUILDER = Builder()
_AUTOMATON = Automaton(_BUILDER)
_LOCK = Lock()
_NOTHING = Source("", "")
_DEFINITION = re.compile(
    r"^(?:##[^\n]*\n)*(?:net|block|op|extern[ \t]+op|dataset|train)[ \t]+([A-Za-z_]\w*)",
    re.MULTILINE | re.ASCII,
)
_MARGIN = re.compile(r"^[A-Za-z_#]", re.MULTILINE)


def parse(source: Source, diagnostics: Diagnostics) -> ast.File | None:
    """Parse a whole file; ``None`` after a syntax error."""
    return parse_part(source, 0, len(source.text), diagnostics)


def parse_part(source: Source, start: int, end: int, diagnostics: Diagnostics) -> ast.File | None:
    """Parse the definitions that stand between two offsets of a file."""
    scanned = scan(source, start, end)
    fault = scanned.fault
    if fault is not None and fault.kind == "deep":
        diagnostics.report(_explain(source, start, end, fault))
        return None
    # Only what stands before a fault of the scan can be an earlier mistake.
    until = end if fault is None else fault.origin
    with _LOCK:
        _BUILDER.reset(source, start)
        result = _parse(source.text[start:until], start)
        found = _BUILDER.checks.found
        _BUILDER.reset(_NOTHING, 0)
    if isinstance(result, DiagnosticError):
        diagnostics.report(result.diagnostic)
        return None
    if fault is not None and not (isinstance(result, Failure) and result.start < until):
        result = fault
    if isinstance(result, Failure | NetlangError):
        diagnostics.report(_explain(source, start, end, result))
        return None
    for diagnostic in found:
        diagnostics.report(diagnostic)
    return _file(source, result, scanned.comments)


def _explain(source: Source, start: int, end: int, what: Failure | NetlangError) -> Diagnostic:
    # Most programs have no syntax error: what explains one is imported when it is needed.
    from netlang.syntax.errors import explain
    from netlang.syntax.errors.lexical import explain_error

    if isinstance(what, NetlangError):
        return explain_error(source, end, what)
    return explain(source, start, end, what)


def split_definitions(source: Source) -> dict[str, tuple[int, int]]:
    """Find the definitions of a file by a look at its lines, each with the ``##`` lines before it.

    This holds for files in the one layout, where definitions start at the left margin and
    everything inside them does not.
    """
    text = source.text
    found: dict[str, tuple[int, int]] = {}
    for match in _DEFINITION.finditer(text):
        after = _MARGIN.search(text, match.end())
        found.setdefault(
            match[1], (match.start(), after.start() if after is not None else len(text))
        )
    return found


def no_definition(file: ast.File) -> Diagnostic | None:
    """Say that there is nothing in a file, if so."""
    if file.declarations:
        return None
    span = Span(file.source, 0, 0)
    return Diagnostic(
        rules.NO_DEFINITION,
        "there is no definition in this file",
        Label(span, "it holds comments only" if file.comments else "it is empty"),
        helps=("start with a net: `net Name(x: f32[N, 4]) -> y: f32[N, 2] = dense(x, 2)`",),
    )


def _file(source: Source, parts: list[Any], comments: tuple[ast.Comment, ...]) -> ast.File:
    version = parts[0] if parts and isinstance(parts[0], ast.Int) else None
    rest = parts[1:] if version else parts
    imports = tuple(p for p in rest if isinstance(p, ast.Import))
    return ast.File(source, version, imports, tuple(rest[len(imports) :]), comments)


def _parse(text: str, offset: int) -> list[Any] | Failure | DiagnosticError:
    try:
        result = _AUTOMATON.parse(text)
    except DiagnosticError as rejected:
        return rejected
    if isinstance(result, Failure):
        return Failure(offset + result.start, result.expected)
    return result
