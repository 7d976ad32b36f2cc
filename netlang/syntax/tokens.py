"""The words of a text around a mistake, cut more patiently than the parser does."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from netlang.diagnostics.source import Source, Span
from netlang.syntax.keywords import RESERVED

_TOKEN = re.compile(
    r"""
      (?P<comment>\#[^\n]*)
    | (?P<string>"(?:[^"\\\n]|\\.)*"?)
    | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<number>[0-9][0-9_]*(?:\.[0-9][0-9_]*)?(?:[eE][+-]?[0-9]+)?[A-Za-z0-9_]*)
    | (?P<sign>\.\.\.|===|->|=>|<-|\|>|\.\.|\*\*|//|/\*|==|!=|<=|>=|<>|:=|[-+*/]=|&&|\|\||\+\+|\S)
    """,
    re.VERBOSE,
)
NUMBER = re.compile(r"[0-9](_?[0-9])*(\.[0-9](_?[0-9])*)?([eE][+-]?[0-9]+)?")

Kind = Literal["name", "keyword", "number", "string", "sign", "end"]

_OPERATORS = frozenset(("+", "-", "*", "/", "//", "%", "@", "**", "..", "|>", "and", "or", "in"))
COMPARISONS = frozenset(("==", "!=", "<=", ">=", "<", ">"))
OPERATORS = _OPERATORS | COMPARISONS
VALUE_WORDS = frozenset(("true", "false", "none"))
STARTERS = frozenset(("next", "yield", "state", "assert"))


@dataclass(frozen=True, slots=True)
class Piece:
    """One word, number, string or sign; ``fresh`` if it is the first of its line."""

    kind: Kind
    text: str
    start: int
    end: int
    fresh: bool

    @property
    def starts_value(self) -> bool:
        return (
            self.kind in ("name", "number", "string")
            or self.text in VALUE_WORDS
            or self.text in ("(", "[", "new", "if", "for", "scan", "not")
        )

    @property
    def ends_value(self) -> bool:
        return (
            self.kind in ("name", "number", "string")
            or self.text in VALUE_WORDS
            or self.text in (")", "]", "}")
        )

    def span(self, source: Source) -> Span:
        return Span(source, self.start, self.end)


def pieces(source: Source, start: int, end: int) -> list[Piece]:
    """Cut the text between two offsets; the last piece is the end."""
    found: list[Piece] = []
    text = source.text
    previous = start
    for match in _TOKEN.finditer(text, start, end):
        kind = match.lastgroup
        at, word = match.start(), match.group()
        fresh = not found or text.find("\n", previous, at) >= 0
        if kind == "comment":
            continue
        if kind == "word":
            kind = "keyword" if word in RESERVED else "name"
        found.append(Piece(_kind(kind), word, at, match.end(), fresh))
        previous = match.end()
    last = found[-1].end if found else start
    return [*found, Piece("end", "", last, last, True)]


def _kind(group: str | None) -> Kind:
    match group:
        case "name" | "keyword" | "number" | "string":
            return group
        case _:
            return "sign"
