"""Scopes of a program: the names that are visible at a position, and which of them are used."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field

from netlang.diagnostics.source import Span
from netlang.syntax import ast

Kind = Literal["binding", "param", "dim", "loop", "free"]


class Entry(Struct):
    span: Span
    kind: Kind
    value: ast.Expr | None = None
    used: bool = False


class Scope(Struct):
    parent: Scope | None = None
    entries: dict[str, Entry] = field(default_factory=dict[str, Entry])
    later: frozenset[str] = frozenset()
    early: set[str] = field(default_factory=set[str])

    def find(self, name: str) -> Entry | None:
        scope: Scope | None = self
        while scope is not None:
            if name in scope.entries:
                return scope.entries[name]
            scope = scope.parent
        return None

    def names(self) -> set[str]:
        inner = set(self.entries)
        return inner | self.parent.names() if self.parent is not None else inner
