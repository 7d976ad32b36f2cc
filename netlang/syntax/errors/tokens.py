"""The tokens of a text with an error: unlike the parser, this lexer accepts any text."""

from __future__ import annotations

import re
from typing import Literal

from msgspec import Struct

from netlang.diagnostics.source import Source, Span
from netlang.syntax.keywords import RESERVED

TOKEN = re.compile(
    r"""
      (?P<comment>\#[^\n]*)
    | (?P<string>"(?:[^"\\\n]|\\.)*"?)
    | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<number>[0-9][0-9_]*(?:\.[0-9][0-9_]*)?(?:[eE][+-]?[0-9]+)?[A-Za-z0-9_]*)
    | (?P<foreign>[^\t\n\f\r -~])
    | (?P<operator>\.\.\.|===|->|=>|<-|\|>|\.\.|\*\*|//|/\*|==|!=|<=|>=|<>|:=|[-+*/]=|&&|\|\||\+\+
        |\S)
    """,
    re.VERBOSE,
)
NUMBER = re.compile(r"[0-9](_?[0-9])*(\.[0-9](_?[0-9])*)?([eE][+-]?[0-9]+)?")

Kind = Literal["name", "keyword", "number", "string", "operator", "end"]

_OPERATORS = frozenset(("+", "-", "*", "/", "//", "%", "@", "**", "..", "|>", "and", "or", "in"))
COMPARISONS = frozenset(("==", "!=", "<=", ">=", "<", ">"))
OPERATORS = _OPERATORS | COMPARISONS
VALUE_WORDS = frozenset(("true", "false", "none"))
STARTERS = frozenset(("next", "yield", "state", "assert"))


CLOSER = {"(": ")", "[": "]", "{": "}"}
OPENER = {closer: opener for opener, closer in CLOSER.items()}


class Token(Struct, frozen=True, eq=False):
    """A name, keyword, number, string, operator or bracket; ``fresh`` if it starts its line."""

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


def tokenize(source: Source, start: int, end: int) -> list[Token]:
    """Return the tokens between two offsets, without comments; the last one marks the end."""
    found: list[Token] = []
    text = source.text
    previous = start
    for match in TOKEN.finditer(text, start, end):
        at, word = match.start(), match.group()
        kind: Kind
        match match.lastgroup:
            case "number" | "string" as kind:
                pass
            case "word":
                kind = "keyword" if word in RESERVED else "name"
            case "comment":
                continue
            case _ if word.isspace():
                continue
            case _:
                kind = "operator"
        fresh = not found or text.find("\n", previous, at) >= 0
        found.append(Token(kind, word, at, match.end(), fresh))
        previous = match.end()
    last = found[-1].end if found else start
    return [*found, Token("end", "", last, last, True)]
