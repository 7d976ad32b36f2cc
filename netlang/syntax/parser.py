"""From the text of a program to its syntax tree."""

from __future__ import annotations

import re
from threading import Lock
from typing import TYPE_CHECKING, Any

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import (
    Diagnostic,
    DiagnosticError,
    Diagnostics,
    diagnostic,
)
from netlang.diagnostics.source import Source, Span
from netlang.syntax import ast
from netlang.syntax.building.builder import Builder
from netlang.syntax.grammar import SyntaxFailure, parse_text

if TYPE_CHECKING:
    from netlang.syntax.errors.lexical import LexicalError

_BUILDER = Builder()
_LOCK = Lock()
_NOTHING = Source("", "")
_DEFINITION = re.compile(
    r"^(?:##[^\n]*\n)*(?:net|block|op|optimizer|schedule|extern[ \t]+op|dataset|train)"
    r"[ \t]+([A-Za-z_]\w*)",
    re.MULTILINE | re.ASCII,
)
_MARGIN = re.compile(r"^[A-Za-z_#]", re.MULTILINE)


def parse(source: Source, diagnostics: Diagnostics, *, partly: bool = False) -> ast.File | None:
    """Parse a file; return ``None`` after a syntax error.

    A keyword used as a name is an error that does not hide others: it is parsed as a name.
    With ``partly``, return what is left without the statements that do not parse.
    """
    return parse_part(source, 0, len(source.text), diagnostics, partly=partly)


def parse_part(
    source: Source, start: int, end: int, diagnostics: Diagnostics, *, partly: bool = False
) -> ast.File | None:
    """Parse the definitions between two offsets of a file."""
    lexical = _unbalanced(source.text, start, end)
    until = end if lexical is None else min(lexical.origin + 1, end)
    with _LOCK:
        _BUILDER.reset(source)
        try:
            parts = parse_text(_BUILDER, source.text, start, until)
        except (SyntaxFailure, DiagnosticError):
            # Most programs have no syntax error, so its explanations are imported late.
            from netlang.syntax.errors.recovery import recover

            parts, errors = recover(_BUILDER, source, start, end, lexical, partly=partly)
        else:
            errors = _BUILDER.checks.found
        comments = tuple(_BUILDER.comments)
        _BUILDER.reset(_NOTHING)
    for error in errors:
        diagnostics.report(error)
    return None if parts is None else _file(source, parts, comments)


def _unbalanced(text: str, start: int, end: int) -> LexicalError | None:
    """Return the first lexical error of a text if the counts of its brackets differ.

    An unclosed bracket is known from its offset on, and the rest need not be parsed.
    """
    part = text[start:end]
    if all(part.count(opener) == part.count(closer) for opener, closer in ("()", "[]", "{}")):
        return None
    from netlang.syntax.errors.lexical import find_lexical_error

    return find_lexical_error(text, start, end)


def split_definitions(source: Source) -> dict[str, tuple[int, int]]:
    """Return the offsets of each definition of a file, with the ``##`` lines before it.

    Only for files in the standard format, where definitions start at the left margin and
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
    """Return the diagnostic of a file without definitions, if it is one."""
    if file.declarations:
        return None
    span = Span(file.source, 0, 0)
    return diagnostic(
        rules.NO_DEFINITION,
        "there is no definition in this file",
        span,
        "it holds comments only" if file.comments else "it is empty",
        helps=("start with a net: `net Name(x: f32[N, 4]) -> y: f32[N, 2] = dense(x, 2)`",),
    )


def _file(source: Source, parts: list[Any], comments: tuple[ast.Comment, ...]) -> ast.File:
    version = parts[0] if parts and isinstance(parts[0], ast.Int) else None
    rest = parts[1:] if version else parts
    imports = tuple(p for p in rest if isinstance(p, ast.Import))
    return ast.File(source, version, imports, tuple(rest[len(imports) :]), comments)
