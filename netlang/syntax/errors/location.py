"""The location of a syntax error, and the tokens around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Unpack

from netlang.diagnostics.diagnostic import Diagnostic, Parts, diagnostic
from netlang.diagnostics.rules import Rule
from netlang.diagnostics.source import Source, Span
from netlang.syntax.errors.tokens import Token
from netlang.syntax.keywords import DEFINERS, TYPE_NAMES

# Where an expression ends to the left of a token in it.
_EDGES = frozenset(("=", ",", ":", "->", "yield", "then", "else", "where", "with"))
_EDGE_WORDS = DEFINERS | {"if", "in", "assert"}


@dataclass(frozen=True, slots=True)
class ErrorLocation:
    """A syntax error among the tokens of its text; ``at`` is the token that does not fit."""

    source: Source
    tokens: list[Token]
    at: int
    offset: int
    expected: frozenset[str]

    @property
    def here(self) -> Token:
        return self.tokens[self.at]

    def back(self, count: int) -> Token:
        """Return the token ``count`` before the failure; before the first, an empty one."""
        at = self.at - count
        return self.tokens[at] if at >= 0 else Token("end", "", 0, 0, True)

    @property
    def next(self) -> Token:
        return self.tokens[min(self.at + 1, len(self.tokens) - 1)]

    def span(self, token: Token) -> Span:
        return token.span(self.source)

    def between(self, first: Token, last: Token) -> str:
        return self.source.text[first.start : last.end]

    def only(self, text: str) -> bool:
        """Return whether nothing else would have fit."""
        return self.expected == frozenset((text,))

    def line(self, token: Token) -> int:
        return self.source.line_col(token.start)[0]

    def enclosing(self) -> str:
        """Return the bracket that is open at the failure, or nothing."""
        at = self.opening()
        return "" if at is None else self.tokens[at].text

    def opening(self) -> int | None:
        """Return the number of the bracket that is open at the failure."""
        depth = 0
        for number in range(self.at - 1, -1, -1):
            token = self.tokens[number]
            if token.kind != "operator":
                continue
            if token.text in ")]}":
                depth += 1
            elif token.text in "([{":
                if depth == 0:
                    return number
                depth -= 1
        return None

    def in_loop(self) -> bool:
        """Return whether the innermost brace that is open here is that of a `for` or a `scan`."""
        depth = 0
        for number in range(self.at - 1, -1, -1):
            depth += (self.tokens[number].text == "}") - (self.tokens[number].text == "{")
            if depth < 0:
                head = self.tokens[self.first_on_line(number) : number]
                return any(token.text in ("for", "scan") for token in head)
        return False

    def phrase(self) -> list[Token]:
        """Return the tokens before the failure that are in one expression with it.

        What stands in brackets of its own is left out; the bracket that closes it stays.
        """
        found: list[Token] = []
        depth = 0
        for number in range(self.at - 1, -1, -1):
            token = self.tokens[number]
            if token.text in (")", "]", "}") and token.kind == "operator":
                depth += 1
                if depth == 1:
                    found.append(token)
            elif token.text in ("(", "[", "{") and token.kind == "operator":
                depth -= 1
                if depth < 0:
                    break
                if depth == 0:
                    found.append(token)
            elif depth == 0:
                if token.text in _EDGES or token.text in _EDGE_WORDS:
                    break
                found.append(token)
        return found[::-1]

    def after(self) -> Span:
        """Return the last character before the failure."""
        end = self.back(1).end
        return Span(self.source, max(end - 1, 0), end)

    def output(self) -> str | None:
        """Return the name of the only output of the definition around, if it has no value yet."""
        heads = [n for n in range(self.at) if self.starts_definition(n)]
        if not heads:
            return None
        outs = [
            self.tokens[n + 1]
            for n in range(heads[-1], self.at - 2)
            if self.tokens[n].text == "->" and self.tokens[n + 2].text in (":", "{", "[")
        ]
        if len(outs) == 1 and outs[0].text in TYPE_NAMES:
            return "y"
        if len(outs) != 1 or outs[0].kind != "name":
            return None
        for number in range(heads[-1] + 1, len(self.tokens)):
            first, second = self.tokens[number - 1], self.tokens[number]
            if self.starts_definition(number):
                break
            if first.fresh and first.text == outs[0].text and second.text in ("=", ","):
                return None
        return outs[0].text

    def starts_definition(self, number: int) -> bool:
        """Return whether a token is a keyword at the left margin that starts a definition."""
        token = self.tokens[number]
        return (
            token.fresh
            and token.text in DEFINERS
            and self.source.text[token.start - 1 : token.start] in ("", "\n")
        )

    def first_on_line(self, at: int) -> int:
        """Return the number of the first token on the line of a token."""
        while not self.tokens[at].fresh and at > 0:
            at -= 1
        return at

    def rest_of_line(self, token: Token) -> Span:
        """Return what is on a line from a token on, without a comment."""
        line_end = self.source.text.find("\n", token.start)
        line_end = line_end if line_end >= 0 else len(self.source.text)
        ends = [t.end for t in self.tokens if token.start <= t.start < line_end]
        return Span(self.source, token.start, max(ends, default=token.end))

    def repeated(self, operator: Token) -> list[Token]:
        """Return the tokens like an operator from it to the end of its statement."""
        found: list[Token] = []
        for token in self.tokens[self.tokens.index(operator) :]:
            if token.fresh and token.text != operator.text:
                break
            if token.text == operator.text:
                found.append(token)
        return found

    def call_at(self, at: int) -> str:
        """Return the text of the call, name or number that starts at a token."""
        depth = 0
        last = at
        for number in range(at, len(self.tokens)):
            token = self.tokens[number]
            if token.text in ("(", "[", "{"):
                depth += 1
            elif token.text in (")", "]", "}"):
                depth -= 1
            follows = number > at and depth == 0 and token.text not in (")", "]", "}", ".")
            if (
                token.kind == "end"
                or depth < 0
                or (token.text == "{" and depth == 1 and number > at)
                or (follows and self.tokens[number - 1].text != ".")
            ):
                break
            last = number
        return self.between(self.tokens[at], self.tokens[last])

    def diagnostic(
        self, rule: Rule, message: str, at: Token | Span, text: str = "", **parts: Unpack[Parts]
    ) -> Diagnostic:
        """Return the diagnostic of an error at a token or a span."""
        span = at if isinstance(at, Span) else self.span(at)
        return diagnostic(rule, message, span, text, **parts)
