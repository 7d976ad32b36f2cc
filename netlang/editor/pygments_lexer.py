"""The lexer for Pygments, which finds it by the wheel's entry point."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, ClassVar, cast

from pygments.lexer import (
    RegexLexer,
    bygroups,  # pyright: ignore[reportUnknownVariableType]
)
from pygments.token import string_to_tokentype

from netlang.editor.tokens import ESCAPE, STYLES, Rule, rules
from netlang.editor.words import words


def _style(kind: str | None) -> Any:
    return string_to_tokentype(STYLES[kind].pygments if kind else "Text.Whitespace")


def _string(lexer: object, match: re.Match[str]) -> Iterator[tuple[int, Any, str]]:
    """Split a string at its escape sequences."""
    del lexer
    for part in re.finditer(rf"(?P<escape>{ESCAPE})|[^\\]+", match[0]):
        yield match.start() + part.start(), _style(part.lastgroup or "string"), part[0]


def _rule(rule: Rule) -> tuple[str, Any]:
    match rule:
        case (part,):
            return part.pattern, _string if part.kind == "string" else _style(part.kind)
        case _:
            styles: Any = cast("Any", bygroups)(*(_style(part.kind) for part in rule))
            return "".join(f"({part.pattern})" for part in rule), styles


class NetlangLexer(RegexLexer):
    """A lexer for netlang: ``net`` and ``netlang`` in Markdown, Sphinx and Jupyter."""

    name = "netlang"
    aliases: ClassVar = ["netlang", "net"]
    filenames: ClassVar = ["*.net"]
    mimetypes: ClassVar = ["text/x-netlang"]
    tokens: ClassVar = {"root": [(r"\s+", _style(None)), *map(_rule, rules(words()))]}
