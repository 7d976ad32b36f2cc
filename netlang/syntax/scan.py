"""One fast pass over the text before it is parsed: comments, brackets, foreign characters."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from netlang.diagnostics.source import Source, Span
from netlang.syntax import ast

NESTING_LIMIT = 200
CLOSER = {"(": ")", "[": "]", "{": "}"}
OPENER = {")": "(", "]": "[", "}": "{"}

_LANDMARK = re.compile(r'#[^\n]*|"(?:[^"\\\n]|\\.)*"?|[()\[\]{}]|[^\t\n\f\r -~]')


@dataclass(frozen=True, slots=True)
class Bracket:
    text: str
    start: int


@dataclass(frozen=True, slots=True)
class NetlangError:
    """What the scan stumbled on first: a place, and the bracket that was open there."""

    kind: Literal["open", "mismatch", "stray", "deep", "string", "foreign"]
    start: int
    end: int
    opener: Bracket | None = None

    @property
    def origin(self) -> int:
        """The place from which on the text is not to be trusted."""
        return self.start if self.opener is None else self.opener.start


@dataclass(frozen=True, slots=True)
class Failure:
    """Where the parser gave up, and what it would have taken there, as written.

    Words that vary are named by their kind: ``NAME``, ``INT``, ``CMP``.
    """

    start: int
    expected: frozenset[str]


@dataclass(frozen=True, slots=True)
class Scan:
    comments: tuple[ast.Comment, ...]
    fault: NetlangError | None


def scan(source: Source, start: int, end: int) -> Scan:
    """Collect the comments between two offsets and find the first fault of the brackets."""
    text = source.text
    comments: list[ast.Comment] = []
    stack: list[Bracket] = []
    fault: NetlangError | None = None
    for match in _LANDMARK.finditer(text, start, end):
        at, word = match.start(), match.group()
        first = word[0]
        if first == "#":
            line = text.rfind("\n", 0, at) + 1
            trailing = bool(text[line:at].strip())
            comments.append(ast.Comment(Span(source, at, match.end()), word, trailing))
        elif fault is not None:
            continue
        elif first == '"':
            if len(word) < 2 or word[-1] != '"' or _ends_escaped(word):
                fault = NetlangError("string", at, match.end())
        elif first in CLOSER:
            stack.append(Bracket(first, at))
            if len(stack) > NESTING_LIMIT:
                fault = NetlangError("deep", at, at + 1)
        elif first in OPENER:
            fault = _close(stack, first, at)
        else:
            fault = NetlangError("foreign", at, match.end())
    if fault is None and stack:
        fault = NetlangError("open", end, end, stack[-1])
    return Scan(tuple(comments), fault)


def _close(stack: list[Bracket], closer: str, at: int) -> NetlangError | None:
    wanted = OPENER[closer]
    if not stack or (stack[-1].text == "{" and closer != "}"):
        return NetlangError("stray", at, at + 1)
    top = stack[-1]
    if top.text == wanted:
        stack.pop()
        return None
    closes_outer = any(b.text == wanted for b in stack)
    return NetlangError("open" if closes_outer else "mismatch", at, at + 1, top)


def _ends_escaped(word: str) -> bool:
    # In `"\"` the closing quote is escaped; the pattern then took the backslash pair whole.
    return (len(word) - 1 - len(word[:-1].rstrip("\\"))) % 2 == 1
