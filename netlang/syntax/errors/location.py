"""A failure of the parser among the words around it."""

from __future__ import annotations

from dataclasses import dataclass

from netlang.diagnostics.diagnostic import Diagnostic, Label
from netlang.diagnostics.rules import Rule
from netlang.diagnostics.source import Source, Span
from netlang.syntax.keywords import DEFINERS
from netlang.syntax.tokens import Piece

# Where an expression ends to the left of a place in it.
_EDGES = frozenset(("=", ",", ":", "->", "yield", "then", "else", "where", "with"))
_EDGE_WORDS = DEFINERS | {"if", "in", "assert"}


@dataclass(frozen=True, slots=True)
class ErrorLocation:
    """A failure among the pieces of its text; ``at`` is the piece that did not fit."""

    source: Source
    pieces: list[Piece]
    at: int
    offset: int
    expected: frozenset[str]

    @property
    def here(self) -> Piece:
        return self.pieces[self.at]

    def back(self, count: int) -> Piece:
        """Give the piece ``count`` before the failure; before the first, an empty one."""
        at = self.at - count
        return self.pieces[at] if at >= 0 else Piece("end", "", 0, 0, True)

    @property
    def next(self) -> Piece:
        return self.pieces[min(self.at + 1, len(self.pieces) - 1)]

    def span(self, piece: Piece) -> Span:
        return piece.span(self.source)

    def between(self, first: Piece, last: Piece) -> str:
        return self.source.text[first.start : last.end]

    def only(self, text: str) -> bool:
        """Say whether nothing else would have fitted."""
        return self.expected == frozenset((text,))

    def line(self, piece: Piece) -> int:
        return self.source.line_col(piece.start)[0]

    def enclosing(self) -> str:
        """Give the bracket that is open at the failure, or nothing."""
        depth = 0
        for piece in reversed(self.pieces[: self.at]):
            if piece.kind != "sign":
                continue
            if piece.text in ")]}":
                depth += 1
            elif piece.text in "([{":
                if depth == 0:
                    return piece.text
                depth -= 1
        return ""

    def phrase(self) -> list[Piece]:
        """Give the pieces before the failure that are in one expression with it.

        What stands in brackets of its own is left out; the bracket that closes it stays.
        """
        found: list[Piece] = []
        depth = 0
        for number in range(self.at - 1, -1, -1):
            piece = self.pieces[number]
            if piece.text in (")", "]", "}") and piece.kind == "sign":
                depth += 1
                if depth == 1:
                    found.append(piece)
            elif piece.text in ("(", "[", "{") and piece.kind == "sign":
                depth -= 1
                if depth < 0:
                    break
                if depth == 0:
                    found.append(piece)
            elif depth == 0:
                if piece.text in _EDGES or piece.text in _EDGE_WORDS:
                    break
                found.append(piece)
        return found[::-1]

    def after(self) -> Span:
        """Give the last character before the failure."""
        end = self.back(1).end
        return Span(self.source, max(end - 1, 0), end)

    def call_at(self, at: int) -> str:
        """Give the text of the call, name or number that starts at a piece."""
        depth = 0
        last = at
        for number in range(at, len(self.pieces)):
            piece = self.pieces[number]
            if piece.text in ("(", "[", "{"):
                depth += 1
            elif piece.text in (")", "]", "}"):
                depth -= 1
            follows = number > at and depth == 0 and piece.text not in (")", "]", "}", ".")
            if (
                piece.kind == "end"
                or depth < 0
                or (follows and self.pieces[number - 1].text != ".")
            ):
                break
            last = number
        return self.between(self.pieces[at], self.pieces[last])

    def say(
        self,
        rule: Rule,
        message: str,
        at: Piece | Span,
        text: str = "",
        *,
        secondary: tuple[Label, ...] = (),
        notes: tuple[str, ...] = (),
        helps: tuple[str, ...] = (),
    ) -> Diagnostic:
        """Make the diagnostic of a mistake at a piece or a span."""
        span = at if isinstance(at, Span) else self.span(at)
        return Diagnostic(rule, message, Label(span, text), secondary, notes=notes, helps=helps)
