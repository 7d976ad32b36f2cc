"""Spans and depths of nodes, for the rules of every part of the grammar."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

from msgspec import Struct

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Diagnostic, DiagnosticError, diagnostic
from netlang.diagnostics.source import Source, Span
from netlang.syntax import ast
from netlang.syntax.checks import Checks

NESTING_LIMIT = 200


class Spanned(Protocol):
    @property
    def span(self) -> Span: ...


Node = TypeVar("Node", bound=Spanned)


class Token(Protocol):
    """A token of the parser: punctuation, a keyword, or the text of a leaf."""

    start_pos: int
    end_pos: int


Parts = list[Any]


class Group(Struct, frozen=True):
    """Parts of a node yet to be built, and the offset where they end."""

    items: tuple[Any, ...]
    end: int
    in_parens: bool = False


class NodeBuilder:
    """Computes the span and the depth of each node."""

    def __init__(self) -> None:
        self.reset(Source("", ""))

    def reset(self, source: Source) -> None:
        """Prepare for another text."""
        self.source = source
        self.checks = Checks(source)
        self.comments: list[ast.Comment] = []
        self._brackets = 0
        # How deep each composite node is, by identity; leaves are not in it.
        self._depth: dict[int, int] = {}

    def reopen(self, brackets: int) -> None:
        """Set how many brackets are open, where a parse continues after an error."""
        self._brackets = brackets

    def _at(self, token: Token) -> Span:
        return Span(self.source, token.start_pos, token.end_pos)

    def _from(self, token: Token, end: int) -> Span:
        return Span(self.source, token.start_pos, end)

    def _join(self, first: Token, last: Token) -> Span:
        return Span(self.source, first.start_pos, last.end_pos)

    def _open(self, token: Token) -> Token:
        self._brackets += 1
        if self._brackets > NESTING_LIMIT:
            raise DiagnosticError(too_deep(self._at(token)))
        return token

    def _close(self, token: Token) -> Token:
        self._brackets -= 1
        return token

    def _nest(self, node: Node, children: tuple[Any, ...] | Parts, step: int = 1) -> Node:
        depths = self._depth
        depth = max([depths.get(id(child), 0) for child in children], default=0) + step
        if depth > NESTING_LIMIT:
            start = node.span.start
            raise DiagnosticError(too_deep(Span(self.source, start, start + 1)))
        depths[id(node)] = depth
        return node

    def _locals(self, statements: Parts | tuple[Any, ...]) -> None:
        small = self.checks.small
        for statement in statements:
            match statement:
                case ast.Bind():
                    for name in statement.targets:
                        small(name, "value")
                case ast.State():
                    small(statement.name, "state")
                case _:
                    pass

    def _value_of(self, statement: Node, value: ast.Expr) -> Node:
        return self._nest(statement, (value,), 0)

    def _names(self, parts: Parts) -> tuple[ast.Ident, ...]:
        return tuple(parts[::2])


def too_deep(span: Span) -> Diagnostic:
    """Return the diagnostic of a program that is nested deeper than the limit."""
    return diagnostic(
        rules.TOO_DEEP,
        f"this is nested more than {NESTING_LIMIT} levels deep",
        span,
        "here the limit is passed",
        helps=("give inner parts names of their own",),
    )
