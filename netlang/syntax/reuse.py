"""Syntax trees of a text that is edited: what has not changed is not parsed again.

A text is a sequence of definitions. One that parses on its own is stored as the library is: as JSON
with offsets from its beginning, to which a source and the offset where it is now are attached.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import DecodeError, EncodeError, Struct, json

from netlang.diagnostics.diagnostic import Diagnostics
from netlang.diagnostics.source import Source
from netlang.syntax import ast
from netlang.syntax.parser import parse, parse_part

_DEFINITION = re.compile(
    r"^(?:net|block|op|optimizer|schedule|extern|dataset|train|assert)\b", re.MULTILINE | re.ASCII
)
_LINES_BEFORE = re.compile(r"(?:^[ \t]*(?:#[^\n]*)?\n)+\Z", re.MULTILINE)
_SOURCE = "@"
_SPAN = re.compile(rb'\["@",(\d+),(\d+)\]')
"""A span in JSON; within a string, a backslash is before its quotes."""

_REMEMBERED = 500


class _Part(Struct, frozen=True):
    """What a part of a text is parsed to."""

    declarations: tuple[ast.Declaration, ...]
    comments: tuple[ast.Comment, ...]


class KnownTrees:
    """The trees of the parts of texts, for those that come again."""

    def __init__(self) -> None:
        self._known: dict[str, bytes] = {}

    def parse(self, source: Source) -> ast.File | None:
        """Return the tree of a text; ``None`` if a part of it does not parse on its own."""
        (_, end), *others = _split(source.text)
        found = Diagnostics()
        # The version and the imports are in the first part, which is parsed each time.
        first = parse_part(source, 0, end, found)
        if first is None or found.items:
            return None
        declarations, comments = list(first.declarations), list(first.comments)
        decoder = json.Decoder(_Part, dec_hook=lambda kind, stored: source)
        for start, end in others:
            stored = self._stored(source.text[start:end])
            if stored is None:
                return None
            part = decoder.decode(_moved(stored, start))
            declarations += part.declarations
            comments += part.comments
        return ast.File(source, first.version, first.imports, tuple(declarations), tuple(comments))

    def _stored(self, text: str) -> bytes | None:
        stored = self._known.pop(text, None)
        if stored is None:
            found = Diagnostics()
            own = Source("", text)
            file = parse(own, found)
            if file is None or found.items or file.version is not None or file.imports:
                return None
            try:
                part = _Part(file.declarations, file.comments)
                stored = json.encode(part, enc_hook=lambda source: _SOURCE)
                json.decode(stored, type=_Part, dec_hook=lambda kind, stored: own)
            except (DecodeError, EncodeError, OverflowError, RecursionError):
                return None  # numbers that JSON has not, or brackets too deep for it
        self._known[text] = stored
        while len(self._known) > _REMEMBERED:
            del self._known[next(iter(self._known))]
        return stored


def _split(text: str) -> Iterator[tuple[int, int]]:
    """Yield the offsets of the parts of a text: definitions, with the comments before them."""
    start = 0
    for found in _DEFINITION.finditer(text):
        lines = _LINES_BEFORE.search(text, start, found.start())
        at = found.start() if lines is None else lines.start()
        if at > start:
            yield start, at
            start = at
    yield start, len(text)


def _moved(stored: bytes, offset: int) -> bytes:
    """Return a stored part whose first character is at an offset."""
    if offset == 0:
        return stored
    return _SPAN.sub(
        lambda span: b'["@",%d,%d]' % (int(span[1]) + offset, int(span[2]) + offset), stored
    )
