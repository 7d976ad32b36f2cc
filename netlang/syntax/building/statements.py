"""Nodes of statements and types."""

from __future__ import annotations

from netlang.diagnostics.source import Span
from netlang.syntax import ast
from netlang.syntax.building.nodes import NodeBuilder, Parts
from netlang.syntax.sizes import is_none, named_sizes


class StatementBuilder(NodeBuilder):
    """Builds statements and the types in them: one method for each rule of the grammar."""

    def bind(self, parts: Parts) -> ast.Bind:
        targets, _, value = parts
        span = Span(self.source, targets[0].span.start, value.span.end)
        return self._value_of(ast.Bind(span, targets, None, value), value)

    def typed_bind(self, parts: Parts) -> ast.Bind:
        name, _, kind, _, value = parts
        span = Span(self.source, name.span.start, value.span.end)
        return self._value_of(ast.Bind(span, (name,), kind, value), value)

    def targets(self, parts: Parts) -> tuple[ast.Ident, ...]:
        return self._names(parts)

    def next_stmt(self, parts: Parts) -> ast.Next:
        keyword, name, _, value = parts
        node = ast.Next(self._from(keyword, value.span.end), name, value)
        return self._value_of(node, value)

    def yield_stmt(self, parts: Parts) -> ast.Yield:
        keyword, value = parts
        return self._value_of(ast.Yield(self._from(keyword, value.span.end), value), value)

    def state_stmt(self, parts: Parts) -> ast.State:
        keyword, name, *_, kind, _, value = parts
        node = ast.State(self._from(keyword, value.span.end), name, kind, value)
        return self._value_of(node, value)

    def assert_stmt(self, parts: Parts) -> ast.Assert:
        keyword, condition, _, message = parts
        end = (message or condition).span.end
        return self._value_of(ast.Assert(self._from(keyword, end), condition, message), condition)

    # ---- types -----------------------------------------------------------------------

    def name_type(self, parts: Parts) -> ast.NameType:
        return ast.NameType(parts[0].span, parts[0].text)

    def _keyword_type(self, parts: Parts) -> ast.NameType:
        return ast.NameType(self._at(parts[0]), str(parts[0]))

    block_type = _keyword_type
    op_type = _keyword_type

    def optional_type(self, parts: Parts) -> ast.OptionalType:
        span = Span(self.source, parts[0].span.start, parts[1].end_pos)
        return ast.OptionalType(span, parts[0])

    def tensor_type(self, parts: Parts) -> ast.ShapeType:
        element, bracket, dims, close = parts
        self.checks.on_line(element.span, self._at(bracket), "give a shape to")
        span = Span(self.source, element.span.start, close.end_pos)
        sizes = tuple(dims or ())
        if any(map(is_none, sizes)):
            sizes = named_sizes(self.checks, sizes)
        return ast.ShapeType(span, element, sizes)

    def dims(self, parts: Parts) -> tuple[ast.Expr | ast.Rest, ...]:
        return tuple(parts[::2])

    def rest_dims(self, parts: Parts) -> ast.Rest:
        dots, name = parts
        if name is None:
            return ast.Rest(self._at(dots), None)
        self.checks.capital(name, "dimension")
        return ast.Rest(self._from(dots, name.span.end), name)

    def list_type(self, parts: Parts) -> ast.ListType:
        return ast.ListType(self._join(parts[0], parts[-1]), parts[1])

    def tuple_type(self, parts: Parts) -> ast.TupleType:
        return ast.TupleType(self._join(parts[0], parts[-1]), tuple(parts[1::2]))
