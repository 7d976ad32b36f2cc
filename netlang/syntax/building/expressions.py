"""Nodes of expressions."""

from __future__ import annotations

from typing import Any, Literal

from netlang.diagnostics.diagnostic import DiagnosticError
from netlang.diagnostics.source import Span
from netlang.syntax import ast
from netlang.syntax.building.nodes import NodeBuilder, Parts, Token
from netlang.syntax.keywords import TYPE_NAMES
from netlang.syntax.sizes import is_none, named_sizes, new_axis


class ExpressionBuilder(NodeBuilder):
    """Builds expressions: one method for each rule of the grammar."""

    def _binary(self, left: ast.Expr, operator: Token, right: ast.Expr) -> ast.Binary:
        span = Span(self.source, left.span.start, right.span.end)
        node = ast.Binary(span, str(operator), self._at(operator), left, right)
        # A chain grows to the left; only what is on the right makes it deeper.
        depths = self._depth
        depth = depths.get(id(right), 0) + 1
        depths[id(node)] = max(depth, depths.get(id(left), 0))
        return node

    def dotted(self, parts: Parts) -> tuple[ast.Ident, ...]:
        return self._names(parts)

    def names(self, parts: Parts) -> tuple[ast.Ident, ...]:
        for name in parts[::2]:
            self.checks.small(name, "loop variable")
        return tuple(parts[::2])

    def name(self, parts: Parts) -> ast.Name:
        node = ast.Name(parts[0].span, parts[0].text)
        self.checks.not_python(node)
        return node

    def true(self, parts: Parts) -> ast.Bool:
        return ast.Bool(self._at(parts[0]), True)

    def false(self, parts: Parts) -> ast.Bool:
        return ast.Bool(self._at(parts[0]), False)

    def none(self, parts: Parts) -> ast.Nothing:
        return ast.Nothing(self._at(parts[0]))

    def paren(self, parts: Parts) -> ast.Paren:
        return self._nest(ast.Paren(self._join(parts[0], parts[2]), parts[1]), (parts[1],))

    def _items(self, parts: Parts) -> tuple[Any, ...]:
        return tuple(p for p in parts[1:-1] if p is not None and not isinstance(p, str))

    def tuple_expr(self, parts: Parts) -> ast.Tuple:
        items = self._items(parts)
        return self._nest(ast.Tuple(self._join(parts[0], parts[-1]), items), items)

    def named_tuple(self, parts: Parts) -> ast.Tuple:
        args: tuple[ast.Argument, ...] = self._items(parts)
        self.checks.arguments(args)
        names = tuple(arg.name for arg in args if arg.name is not None)
        for name in names:
            self.checks.small(name, "field")
        items = tuple(arg.value for arg in args)
        return self._nest(ast.Tuple(self._join(parts[0], parts[-1]), items, names), items)

    def list_expr(self, parts: Parts) -> ast.List:
        items = self._items(parts)
        return self._nest(ast.List(self._join(parts[0], parts[-1]), items), items)

    def comprehension(self, parts: Parts) -> ast.Comprehension:
        bracket, body, *clauses, close = parts
        made: ast.Expr = body
        for at, clause in reversed([*enumerate(clauses)]):
            span = (self._at(bracket) if at == 0 else body.span).to(self._at(close))
            made = self._clause(span, made, *clause, nested=made is not body)
        assert isinstance(made, ast.Comprehension)
        return made

    def _clause(
        self,
        span: Span,
        body: ast.Expr,
        names: tuple[ast.Ident, ...],
        source: ast.Expr,
        condition: ast.Expr | None,
        *,
        nested: bool = False,
    ) -> ast.Comprehension:
        node = ast.Comprehension(span, body, names, source, condition, nested)
        return self._nest(node, (body, source, condition))

    def clause(self, parts: Parts) -> tuple[tuple[ast.Ident, ...], ast.Expr, ast.Expr | None]:
        _, names, _, source, _, condition = parts
        return names, source, condition

    def new(self, parts: Parts) -> ast.New:
        keyword, path, bracket, args, close = parts
        self.checks.on_line(path[-1].span, self._at(bracket), "call")
        args = args or ()
        return self._nest(ast.New(self._join(keyword, close), path, args), args)

    def args(self, parts: Parts) -> tuple[ast.Argument, ...]:
        args: tuple[ast.Argument, ...] = tuple(
            p if isinstance(p, ast.Argument) else self._argument(p.span, None, p)
            for p in parts[::2]
        )
        self.checks.arguments(args)
        return args

    def _argument(self, span: Span, name: ast.Ident | None, value: ast.Expr) -> ast.Argument:
        return self._value_of(ast.Argument(span, name, value), value)

    def keyword_arg(self, parts: Parts) -> ast.Argument:
        name, _, value = parts
        span = Span(self.source, name.span.start, value.span.end)
        return self._argument(span, name, value)

    def call(self, parts: Parts) -> ast.Call:
        callee, bracket, args, close = parts
        self.checks.on_line(callee.span, self._at(bracket), "call")
        span = Span(self.source, callee.span.start, close.end_pos)
        args = args or ()
        return self._nest(ast.Call(span, callee, args), (callee, *args))

    def field(self, parts: Parts) -> ast.Field:
        value, _, name = parts
        span = Span(self.source, value.span.start, name.span.end)
        return self._nest(ast.Field(span, value, name), (value,))

    def index(self, parts: Parts) -> ast.Index:
        value, bracket, *_, close = parts
        self.checks.on_line(value.span, self._at(bracket), "index")
        span = Span(self.source, value.span.start, close.end_pos)
        items: tuple[Any, ...] = tuple(parts[2:-1:2])
        if any(map(is_none, items)):
            if not isinstance(value, ast.Name) or value.text not in TYPE_NAMES:
                raise DiagnosticError(new_axis(self.checks, span, value, items))
            items = named_sizes(self.checks, items)
        return self._nest(ast.Index(span, value, items), (value, *items))

    def slice_item(self, parts: Parts) -> ast.Slice:
        first, colon, last, *stepped = parts
        at = self._at(colon)
        step = stepped[-1] if stepped else None
        end = step or last
        span = Span(
            self.source,
            first.span.start if first else at.start,
            end.span.end if end else at.end,
        )
        return self._nest(ast.Slice(span, first, last, step), (first, last, step), 0)

    def dots(self, parts: Parts) -> ast.Dots:
        return ast.Dots(self._at(parts[0]))

    def label(self, parts: Parts) -> ast.Label:
        value, _, name = parts
        self.checks.small(name, "label")
        span = Span(self.source, value.span.start, name.span.end)
        return self._nest(ast.Label(span, value, name), (value,))

    def sign(self, parts: Parts) -> ast.Unary:
        sign: Token = parts[0]
        operand: ast.Expr = parts[1]
        op: Literal["-", "+"] = "-" if str(sign) == "-" else "+"
        node = ast.Unary(self._from(sign, operand.span.end), op, operand)
        return self._nest(node, (operand,))

    def not_(self, parts: Parts) -> ast.Unary:
        keyword, operand = parts
        node = ast.Unary(self._from(keyword, operand.span.end), "not", operand)
        return self._nest(node, (operand,))

    def _chain(self, parts: Parts) -> ast.Binary:
        return self._binary(*parts)

    or_expr = _chain
    and_expr = _chain
    compare = _chain
    contains = _chain
    span = _chain
    binary = _chain

    def power(self, parts: Parts) -> ast.Binary:
        # Powers grow to the right, so here the right side is what may be deep.
        return self._nest(self._binary(*parts), (parts[0], parts[2]))

    def pipe(self, parts: Parts) -> ast.Pipe:
        span = Span(self.source, parts[0].span.start, parts[-1].span.end)
        values = tuple(parts[::2])
        return self._nest(ast.Pipe(span, values[0], values[1:]), values)

    def if_expr(self, parts: Parts) -> ast.If:
        keyword, condition, _, then, _, otherwise = parts
        span = self._from(keyword, otherwise.span.end)
        node = ast.If(span, condition, then, otherwise)
        return self._nest(node, (condition, then, otherwise))

    def _loop(self, kind: Literal["for", "scan"], parts: Parts) -> ast.For:
        keyword, names, _, source, carries, _, *body, brace = parts
        self.checks.own_lines(body)
        self._locals(body)
        span = self._join(keyword, brace)
        node = ast.For(span, kind, names, source, carries or (), tuple(body))
        self.checks.loop(node)
        return self._nest(node, (source, *node.carries, *body))

    def for_expr(self, parts: Parts) -> ast.For:
        return self._loop("for", parts)

    def scan_expr(self, parts: Parts) -> ast.For:
        return self._loop("scan", parts)

    def carries(self, parts: Parts) -> tuple[ast.Carry, ...]:
        return tuple(parts[1::2])

    def carry(self, parts: Parts) -> ast.Carry:
        name, _, value = parts
        self.checks.small(name, "carried value")
        span = Span(self.source, name.span.start, value.span.end)
        return self._value_of(ast.Carry(span, name, value), value)
