"""Where to continue after a syntax error: at the next statement or definition.

Where statements begin, and which bodies they are in, is read off the lines and their margins:
after an error, the brackets alone do not tell.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from msgspec import Struct

from netlang.syntax.grammar import Body

_DEFINITION = (
    r"(?:(?:net|block|op|optimizer|schedule|train|dataset|extern[ \t]+op)[ \t]+[A-Za-z_]\w*"
    r"[ \t]*(?:\(|\{|->|=|:|$|[A-Za-z_]\w*[ \t]*:)|(?:def|class)[ \t]+[A-Za-z_])"
)
_STATEMENT = re.compile(
    r"(?:next|yield|state|assert)\b|step[ \t]+[A-Za-z_]|from\b.*\bimport\b|"
    r"[A-Za-z_]\w*(?:\s*,\s*[A-Za-z_]\w*)*\s*(?:=(?!=)|:(?!:)|[-+*/]=|<-)"
)
_AT_TOP = re.compile(
    rf"{_DEFINITION}|(?!(?:next|yield|state)\b|step[ \t]+[A-Za-z_])(?:{_STATEMENT.pattern})"
)
_RETURN = re.compile(r"return[ \t]+[^\s=:,.]")
_CONTINUES = re.compile(
    r"\|>|[{)\],.+*=<>&|@^]|/(?![/*])|-(?=[ >])|(?:then|else|and|or|where|with|in|as)\b"
)
_CONTINUED = re.compile(r"(?:[,(\[=+*/@-]|\|>|->|>>|\b(?:and|or|not|then|else|where|in|with))$")
_HIDDEN = re.compile(r'"(?:[^"\\\n]|\\.)*"?|#[^\n]*')
_LOOP = re.compile(r"\b(for|scan)\b")
_HEADS = {
    "net": "net Q() -> y {", "block": "block q() -> y {", "op": "op q() -> y {",
    "optimizer": "optimizer q() {", "schedule": "schedule q() {", "train": "train q {",
    "dataset": "dataset q() -> y {", "extern": "extern op q() -> y {", "step": "step q {",
    "def": "block q() -> y {", "class": "net Q() -> y {",
}  # fmt: skip
_LOOPS = {"for": "for _ in 1..2 {", "scan": "scan _ in y {"}
"""Valid heads of the kinds of bodies, up to the brace."""


def regions(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Cut a text where a definition begins at the left margin; return the offsets of the parts."""
    found = re.compile(f"^{_DEFINITION}", re.MULTILINE).finditer(text, start, end)
    bounds = sorted({start, *(match.start() for match in found), end})
    return list(pairwise(bounds)) or [(start, end)]


class _Line(Struct):
    """A line without comments, blanks around it, and what is in strings."""

    offset: int
    margin: int
    code: str
    begins: bool = False
    """Whether a statement or a definition begins here."""
    bodies: tuple[Body, ...] = ()
    outside: int = -1
    """The margin of the head of the innermost body."""

    def set_bodies(self, bodies: Sequence[tuple[int, Body]]) -> None:
        self.bodies = tuple(body for _, body in bodies)
        self.outside = bodies[-1][0] if bodies else -1

    @property
    def resumes(self) -> bool:
        """Whether parsing can continue here: what is in a body is indented."""
        if not all(body.head for body in self.bodies):
            return False
        if self.code.startswith("}"):
            return self.margin >= self.outside
        if not self.begins or self.bodies:
            return self.begins and self.margin > self.outside
        # What is indented after the `def` of another language is its body.
        at_margin = self.margin == 0 and _RETURN.match(self.code) is not None
        return at_margin or _AT_TOP.match(self.code) is not None


class Layout:
    """The statements of one definition, and of what stands between it and the next."""

    def __init__(self, text: str, start: int, end: int) -> None:
        hidden = _HIDDEN.sub(_blank, text[start:end])
        self.unclosed = _unclosed_brace(hidden, start)
        """The offset of the last brace that is not closed, if the others are."""
        self._lines = [
            _Line(start + match.start(), match.start() - hidden.rfind("\n", 0, match.start()) - 1,
                  match.group())
            for match in re.finditer(r"\S(?:[^\n]*\S)?", hidden)
        ]  # fmt: skip
        self._find_statements()
        if hidden.count("{") == hidden.count("}"):
            self._find_bodies_by_braces()
        else:
            self._find_bodies_by_margins()

    def after(self, offset: int) -> tuple[int, tuple[Body, ...]] | None:
        """Return the offset of the next statement or closing brace on a later line, and its bodies.

        Braces of lists in other languages open no bodies, and are skipped.
        """
        for line in self._lines:
            if line.offset > offset and line.resumes:
                return line.offset, line.bodies
        return None

    def _find_statements(self) -> None:
        first = before = _Line(0, 0, "{")
        opened = 0
        for line in self._lines:
            line.begins = _begins(line, first, before, opened)
            if line.begins:
                first, opened = line, 0
            opened += _depth(line.code, "([", ")]")
            before = line

    def _find_bodies_by_braces(self) -> None:
        bodies: list[tuple[int, Body]] = []
        heads: list[str] = []
        first, head = _Line(0, 0, ""), ""
        for line in self._lines:
            line.set_bodies(bodies)
            if line.begins:
                first, head = line, ""
            for at, sign in enumerate(line.code):
                if sign == "{":
                    body = Body(first.offset, line.offset + at + 1, _head(head))
                    bodies.append((first.margin, body))
                    heads.append(head)
                    head = ""
                elif sign == "}" and bodies:
                    bodies.pop()
                    head = heads.pop()
                else:
                    head += sign
            head += " "

    def _find_bodies_by_margins(self) -> None:
        bodies: list[tuple[int, Body]] = []
        first: _Line | None = None
        for line in self._lines:
            if not line.begins and not line.code.startswith("}"):
                continue
            closes = not line.begins
            bodies = [(m, body) for m, body in bodies if m < line.margin + closes]
            if line.begins:
                if first is not None and line.margin > first.margin and (head := _head(first.code)):
                    bodies.append((first.margin, Body(first.offset, line.offset, head)))
                first = line
            line.set_bodies(bodies)


def _blank(match: re.Match[str]) -> str:
    text = match.group()
    if text[0] == "#":
        return " " * len(text)
    return f'"{" " * (len(text) - 2)}"' if len(text) > 1 else text


def _unclosed_brace(text: str, start: int) -> int | None:
    opened: list[int] = []
    for brace in re.finditer(r"[{}]", text):
        if brace[0] == "{":
            opened.append(start + brace.start())
        elif opened:
            opened.pop()
    return opened[-1] if opened else None


def _depth(code: str, openers: str, closers: str) -> int:
    return sum((sign in openers) - (sign in closers) for sign in code)


def _begins(line: _Line, first: _Line, before: _Line, opened: int) -> bool:
    """Return whether a statement begins at a line; ``first`` is where the one before it does.

    ``opened`` brackets of that statement are open where the line begins.
    """
    if line.margin == 0 and re.match(_DEFINITION, line.code):
        return True
    if line.code.startswith("}") or _CONTINUES.match(line.code):
        return False
    if before.code.endswith("{"):
        return True
    continued = _CONTINUED.search(before.code) is not None
    if line.margin > first.margin:
        return opened <= 0 and not continued and bool(_head(first.code))
    return not continued or _STATEMENT.match(line.code) is not None


def _head(code: str) -> str:
    """Return a valid head of the kind of body that a statement opens, or nothing."""
    word = re.match(r"\w*", code.lstrip())
    head = _HEADS.get(word[0] if word else "", "")
    loop = _LOOP.search(code)
    if loop is None:
        return head
    return f"{head.removesuffix('{') or '_ '}= {_LOOPS[loop[1]]}"
