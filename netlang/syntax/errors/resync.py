"""Where to continue after a syntax error: at the next statement or definition."""

from __future__ import annotations

import re
from collections.abc import Sequence

from netlang.syntax.keywords import DEFINERS

_STATEMENT = re.compile(
    r"[ \t]*(?:(?:next|yield|state|assert|step)\b|"
    r"[A-Za-z_]\w*(?:\s*,\s*[A-Za-z_]\w*)*\s*(?:=(?!=)|:))"
)
_DEFINITION = re.compile(rf"(?:{'|'.join(sorted(DEFINERS))}|from|extern)\b")
_CONTINUED = re.compile(r"(?:[,(\[=+*/@-]|\|>|->|\b(?:and|or|then|else|where|in))[ \t]*$")
_SIGNATURES = {
    "net": "net Q()->y{", "block": "block q()->y{", "op": "op q()->y{", "train": "train q{",
}  # fmt: skip
_PLACEHOLDER = "_=0"


def without_statement(text: str, offset: int, start: int, end: int) -> str | None:
    """Return a text with the statement or definition at an offset left out, of the same length.

    A statement is replaced by one that is valid. Returns ``None`` where it is not clear what the
    next statement is: outside of definitions, or if braces do not match.
    """
    lines = _Lines(text, start, end)
    first = lines.first(lines.at(offset))
    if first is None:
        return None
    header = lines.header(first, lines.at(offset))
    if header is not None:
        begin, stop, valid = header
        return (
            text[:begin]
            + valid
            + re.sub(r"[^\n]", " ", text[begin + len(valid) : stop])
            + text[stop:]
        )
    last = lines.last(first, lines.at(offset))
    if last is None:
        return None
    begin, stop = lines.starts[first], lines.starts[last + 1]
    part = text[begin:stop]
    blank = re.sub(r"[^\n]", " ", part)
    if lines.margin(first):
        margin = lines.margin(first)
        if part.count("{") != part.count("}") or len(part.rstrip()) < margin + len(_PLACEHOLDER):
            return None
        room = blank[margin : margin + len(_PLACEHOLDER)]
        if room.strip() or "\n" in room:
            return None
        blank = blank[:margin] + _PLACEHOLDER + blank[margin + len(_PLACEHOLDER) :]
    return text[:begin] + blank + text[stop:]


class _Lines:
    """The lines of a part of a text, without comments."""

    def __init__(self, text: str, start: int, end: int) -> None:
        self._text = text
        self.starts: list[int] = [start]
        for match in re.finditer("\n", text[start:end]):
            self.starts.append(start + match.end())
        if self.starts[-1] != end:
            self.starts.append(end)
        pairs = zip(self.starts, self.starts[1:], strict=False)
        self.texts: Sequence[str] = [text[a:b].partition("#")[0].rstrip() for a, b in pairs]

    def at(self, offset: int) -> int:
        inside = [i for i, start in enumerate(self.starts[:-1]) if start <= offset]
        return inside[-1] if inside else 0

    def margin(self, line: int) -> int:
        text = self.texts[line]
        return len(text) - len(text.lstrip())

    def first(self, line: int) -> int | None:
        """Return the line where the statement that a line belongs to begins."""
        for number in range(line, -1, -1):
            text = self.texts[number]
            before = next((t for t in self.texts[number - 1 :: -1] if t), "") if number else ""
            if _DEFINITION.match(text):
                return number
            if not text or _CONTINUED.search(before):
                continue
            if self.margin(number) and (before.endswith(("{", "}")) or _STATEMENT.match(text)):
                return number
        return None

    def header(self, first: int, line: int) -> tuple[int, int, str] | None:
        """Return where the signature of a definition with a body is, and one that is valid."""
        valid = _SIGNATURES.get(self.texts[first].partition(" ")[0])
        if valid is None:
            return None
        for number in range(first, min(first + 20, len(self.texts))):
            text = self.texts[number]
            begins = not text or _DEFINITION.match(text) or _STATEMENT.match(text)
            if number > max(first, line) and begins:
                return None
            if number >= line and text.endswith("{"):
                begin, stop = self.starts[first], self.starts[number] + len(text)
                fits = "\n" not in self._text[begin : begin + len(valid)]
                return (begin, stop, valid) if fits and stop - begin >= len(valid) else None
        return None

    def last(self, first: int, line: int) -> int | None:
        """Return the last line of a statement: before the next one that is not inside of it.

        Returns ``None`` if the lines are not indented as usual.
        """
        margin = self.margin(first)
        for number in range(line + 1, len(self.texts)):
            text = self.texts[number]
            if not text or self.margin(number) > margin:
                continue
            if text.strip() == "}" and self.margin(number) == margin:
                inside = any("{" in t for t in self.texts[first:number])
                return number if inside else number - 1
            known = _DEFINITION.match(text) or text.strip() == "}"
            known = known or (self.margin(number) and _STATEMENT.match(text))
            return number - 1 if known else None
        return len(self.texts) - 1
