"""Builds the tree while the text is parsed: one method for each rule of the grammar.

Every method gets the parts of its rule, punctuation included, and gives a node. Nothing here
walks a tree, so neither a chain of 100,000 terms nor deep nesting meets Python's recursion limit.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol, TypeVar

from netlang.diagnostics import Diagnostic, Label, Refused
from netlang.source import Source, Span
from netlang.syntax import ast
from netlang.syntax.checks import Checks
from netlang.syntax.scan import NESTING_LIMIT

INT_LIMIT = 2**63 - 1
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\"}
_ESCAPE = re.compile(r"\\(.)")


class _Spanned(Protocol):
    @property
    def span(self) -> Span: ...


Node = TypeVar("Node", bound=_Spanned)


class Token(Protocol):
    """A piece of punctuation or a word, as the parser hands it over."""

    start_pos: int
    end_pos: int


Parts = list[Any]


@dataclass(frozen=True, slots=True)
class _Group:
    """Parts on their way into a node, and where they end."""

    items: tuple[Any, ...]
    end: int
    in_parens: bool = False


@dataclass(frozen=True, slots=True)
class _Body:
    """A body between braces, or the expression after ``=``."""

    content: tuple[ast.Statement, ...] | ast.Expr
    end: int


class Builder:
    """Makes the tree of one text; ``offset`` is where the parsed part starts in ``source``."""

    def __init__(self) -> None:
        self.reset(Source("", ""), 0)

    def reset(self, source: Source, offset: int) -> None:
        """Get ready for another text."""
        self.source = source
        self.offset = offset
        self.checks = Checks(source)
        # How deep each composite node is, by identity; leaves are not in it.
        self._depth: dict[int, int] = {}

    def _at(self, token: Token) -> Span:
        return Span(self.source, token.start_pos + self.offset, token.end_pos + self.offset)

    def _from(self, token: Token, end: int) -> Span:
        return Span(self.source, token.start_pos + self.offset, end)

    def _join(self, first: Token, last: Token) -> Span:
        return Span(self.source, first.start_pos + self.offset, last.end_pos + self.offset)

    # ---- depth -----------------------------------------------------------------------

    def _nest(self, node: Node, children: tuple[Any, ...] | Parts, step: int = 1) -> Node:
        depths = self._depth
        depth = max([depths.get(id(child), 0) for child in children], default=0) + step
        if depth > NESTING_LIMIT:
            start = node.span.start
            raise Refused(too_deep(Span(self.source, start, start + 1)))
        depths[id(node)] = depth
        return node

    def _binary(self, left: ast.Expr, sign: Token, right: ast.Expr) -> ast.Binary:
        span = Span(self.source, left.span.start, right.span.end)
        node = ast.Binary(span, str(sign), self._at(sign), left, right)
        # A chain grows to the left; only what is on the right makes it deeper.
        depths = self._depth
        depth = depths.get(id(right), 0) + 1
        depths[id(node)] = max(depth, depths.get(id(left), 0))
        return node

    # ---- tokens ----------------------------------------------------------------------

    def NAME(self, token: Token) -> ast.Ident:  # noqa: N802
        name = ast.Ident(self._at(token), str(token))
        self.checks.not_reserved(name)
        return name

    def INT(self, token: Token) -> ast.Int:  # noqa: N802
        digits = str(token).replace("_", "")
        # Python itself refuses to read more than 4,300 digits.
        if len(digits.lstrip("0")) > 19 or int(digits) > INT_LIMIT:
            raise Refused(
                too_large(self._at(token), "the largest int is 9_223_372_036_854_775_807")
            )
        return ast.Int(self._at(token), int(digits))

    def FLOAT(self, token: Token) -> ast.Float:  # noqa: N802
        value = float(str(token))
        if math.isinf(value):
            raise Refused(too_large(self._at(token), "the largest float is about 1.8e308"))
        return ast.Float(self._at(token), value)

    def DURATION(self, token: Token) -> ast.Duration:  # noqa: N802
        amount, unit = str(token).split()
        value = float(amount)
        if value > INT_LIMIT:
            raise Refused(too_large(self._at(token), "no training runs as long as that"))
        word: Literal["epochs", "steps"] = "epochs" if unit.startswith("e") else "steps"
        return ast.Duration(self._at(token), value, word)

    def STRING(self, token: Token) -> ast.Str:  # noqa: N802
        span = self._at(token)
        inner = str(token)[1:-1]
        if "\\" not in inner:
            return ast.Str(span, inner)
        for match in _ESCAPE.finditer(inner):
            if match[1] not in _ESCAPES:
                start = span.start + 1 + match.start()
                self.checks.report(
                    "unknown-escape",
                    f"a string has no `{match[0]}`",
                    Span(self.source, start, start + 2),
                    helps=(f"for a backslash, write `\\\\{match[1]}`",),
                    notes=('the escapes are `\\n`, `\\t`, `\\r`, `\\"` and `\\\\`',),
                )
        return ast.Str(span, _ESCAPE.sub(lambda m: _ESCAPES.get(m[1], m[0]), inner))

    # ---- the file --------------------------------------------------------------------

    def start(self, parts: Parts) -> Parts:
        declarations = [p for p in parts if not isinstance(p, ast.Import | ast.Int)]
        self.checks.own_lines(declarations)
        for part in declarations:
            if isinstance(part, ast.Bind):
                for name in part.targets:
                    self.checks.small(name, "constant")
        return parts

    def header(self, parts: Parts) -> ast.Int:
        version: ast.Int = parts[1]
        if version.value != 1:
            self.checks.report(
                "unknown-version",
                f"this netlang reads version 1 of the language, not version {version.value}",
                version.span,
                helps=("get a newer netlang, or write `netlang 1` if the file is older than that",),
            )
        return version

    def import_stmt(self, parts: Parts) -> ast.Import:
        names = tuple(p for p in parts[3:] if isinstance(p, ast.ImportName))
        return ast.Import(self._from(parts[0], names[-1].span.end), parts[1], names)

    def module(self, parts: Parts) -> ast.Str | tuple[ast.Ident, ...]:
        return parts[0] if isinstance(parts[0], ast.Str) else self._names(parts)

    def import_name(self, parts: Parts) -> ast.ImportName:
        name, _, alias = parts
        end = (alias or name).span.end
        return ast.ImportName(Span(self.source, name.span.start, end), name, alias)

    # ---- definitions -----------------------------------------------------------------

    def _doc(self, keyword: Token) -> str:
        text = self.source.text
        line = keyword.start_pos + self.offset
        while line > 0 and text[line - 1] in " \t":
            line -= 1
        lines: list[str] = []
        while line > 0 and text[line - 1] == "\n":
            above = text.rfind("\n", 0, line - 1) + 1
            comment = text[above : line - 1].strip()
            if not comment.startswith("##"):
                break
            lines.append(comment[2:].strip())
            line = above
        return "\n".join(reversed(lines))

    def _define(self, kind: Literal["net", "block", "op"], parts: Parts) -> ast.Definition:
        keyword, name, signature, _, outs, where, _ = parts
        body: _Body = parts[-1]
        if kind == "net":
            self.checks.capital(name, "net")
        else:
            self.checks.small(name, kind)
        head = self._from(keyword, (where or outs or signature).end)
        if isinstance(body.content, tuple):
            self.checks.body(kind, body.content)
        return ast.Definition(
            self._from(keyword, body.end), kind, name, signature.items,
            outs.items if outs else (), where.items if where else (), body.content,
            self._doc(keyword), head, outs.in_parens if outs else False,
        )  # fmt: skip

    def net_decl(self, parts: Parts) -> ast.Definition:
        return self._define("net", parts)

    def block_decl(self, parts: Parts) -> ast.Definition:
        return self._define("block", parts)

    def op_decl(self, parts: Parts) -> ast.Definition:
        return self._define("op", parts)

    def extern_decl(self, parts: Parts) -> ast.Extern:
        keyword, _, name, signature, _, outs, where, fields = parts
        self.checks.small(name, "op")
        return ast.Extern(
            self._from(keyword, fields.end), "op", name, signature.items, True, outs.items,
            where.items if where else (), fields.items, self._doc(keyword),
            self._from(keyword, (where or outs).end), outs.in_parens,
        )  # fmt: skip

    def dataset_decl(self, parts: Parts) -> ast.Extern:
        keyword, name, signature, _, outs, where, fields = parts
        self.checks.small(name, "dataset")
        return ast.Extern(
            self._from(keyword, fields.end), "dataset", name,
            signature.items if signature else (), signature is not None, outs.items,
            where.items if where else (), fields.items, self._doc(keyword),
            self._from(keyword, (where or outs).end), outs.in_parens,
        )  # fmt: skip

    def train_decl(self, parts: Parts) -> ast.Train:
        keyword, name, signature, _, *items, brace = parts
        self.checks.small(name, "train section")
        self.checks.own_lines(items)
        self._locals(items)
        head = self._from(keyword, signature.end if signature else name.span.end)
        return ast.Train(
            self._join(keyword, brace), name, signature.items if signature else (),
            signature is not None, tuple(items), self._doc(keyword), head,
        )  # fmt: skip

    def step(self, parts: Parts) -> ast.Step:
        keyword, name, _, *binds, brace = parts
        self.checks.small(name, "step")
        self.checks.own_lines(binds)
        self._locals(binds)
        return ast.Step(self._join(keyword, brace), name, tuple(binds))

    def suite(self, parts: Parts) -> _Body:
        statements = tuple(parts[1:-1])
        self.checks.own_lines(statements)
        self._locals(statements)
        return _Body(statements, parts[-1].end_pos + self.offset)

    def expr_body(self, parts: Parts) -> _Body:
        return _Body(parts[1], parts[1].span.end)

    def fields(self, parts: Parts) -> _Group:
        binds = tuple(parts[1:-1])
        self.checks.own_lines(binds)
        return _Group(binds, parts[-1].end_pos + self.offset)

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

    def signature(self, parts: Parts) -> _Group:
        return _Group(parts[1] or (), parts[-1].end_pos + self.offset, True)

    def params(self, parts: Parts) -> tuple[ast.Param, ...]:
        params: list[ast.Param] = []
        stars: list[Span] = []
        count_at_star = 0
        for part in parts:
            match part:
                case ast.Param():
                    params.append(replace(part, keyword_only=True) if stars else part)
                case Span():
                    stars.append(part)
                    count_at_star = len(params)
                case _:
                    pass
        names = [p.name for p in params]
        for name in names:
            self.checks.small(name, "parameter")
        self.checks.distinct(names, "parameter")
        if stars:
            self.checks.stars(stars, last=count_at_star == len(params))
        return tuple(params)

    def keyword_only(self, parts: Parts) -> Span:
        return self._at(parts[0])

    def param(self, parts: Parts) -> ast.Param:
        name, _, kind, _, default = parts
        end = (default or kind or name).span.end
        return ast.Param(Span(self.source, name.span.start, end), name, kind, default, False)

    def outs(self, parts: Parts) -> _Group:
        outs = tuple(p for p in parts if isinstance(p, ast.Out))
        self.checks.distinct([o.name for o in outs], "output")
        for out in outs:
            self.checks.small(out.name, "output")
        if len(parts) == 1:
            return _Group(outs, outs[0].span.end)
        return _Group(outs, parts[-1].end_pos + self.offset, True)

    def out(self, parts: Parts) -> ast.Out:
        name, _, kind = parts
        return ast.Out(Span(self.source, name.span.start, (kind or name).span.end), name, kind)

    def where(self, parts: Parts) -> _Group:
        return _Group(tuple(parts[1::2]), parts[-1].span.end)

    # ---- types -----------------------------------------------------------------------

    def name_type(self, parts: Parts) -> ast.NameType:
        return ast.NameType(parts[0].span, parts[0].text)

    def _word_type(self, parts: Parts) -> ast.NameType:
        return ast.NameType(self._at(parts[0]), str(parts[0]))

    block_type = _word_type
    op_type = _word_type

    def optional_type(self, parts: Parts) -> ast.OptionalType:
        span = Span(self.source, parts[0].span.start, parts[1].end_pos + self.offset)
        return ast.OptionalType(span, parts[0])

    def tensor_type(self, parts: Parts) -> ast.ShapeType:
        element, bracket, dims, close = parts
        self.checks.on_line(element.span, self._at(bracket), "give a shape to")
        span = Span(self.source, element.span.start, close.end_pos + self.offset)
        return ast.ShapeType(span, element, dims or ())

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

    # ---- statements ------------------------------------------------------------------

    def _value_of(self, statement: Node, value: ast.Expr) -> Node:
        return self._nest(statement, (value,), 0)

    def bind(self, parts: Parts) -> ast.Bind:
        targets, _, value = parts
        span = Span(self.source, targets[0].span.start, value.span.end)
        return self._value_of(ast.Bind(span, targets, None, value), value)

    def typed_bind(self, parts: Parts) -> ast.Bind:
        name, _, kind, _, value = parts
        span = Span(self.source, name.span.start, value.span.end)
        return self._value_of(ast.Bind(span, (name,), kind, value), value)

    def _names(self, parts: Parts) -> tuple[ast.Ident, ...]:
        return tuple(parts[::2])

    targets = _names
    dotted = _names

    def names(self, parts: Parts) -> tuple[ast.Ident, ...]:
        for name in parts[::2]:
            self.checks.small(name, "loop variable")
        return tuple(parts[::2])

    def next_stmt(self, parts: Parts) -> ast.Next:
        keyword, name, _, value = parts
        node = ast.Next(self._from(keyword, value.span.end), name, value)
        return self._value_of(node, value)

    def yield_stmt(self, parts: Parts) -> ast.Yield:
        keyword, value = parts
        return self._value_of(ast.Yield(self._from(keyword, value.span.end), value), value)

    def state_stmt(self, parts: Parts) -> ast.State:
        keyword, name, _, kind, _, value = parts
        node = ast.State(self._from(keyword, value.span.end), name, kind, value)
        return self._value_of(node, value)

    def assert_stmt(self, parts: Parts) -> ast.Assert:
        keyword, condition, _, message = parts
        end = (message or condition).span.end
        return self._value_of(ast.Assert(self._from(keyword, end), condition, message), condition)

    # ---- expressions -----------------------------------------------------------------

    def name(self, parts: Parts) -> ast.Name:
        node = ast.Name(parts[0].span, parts[0].text)
        self.checks.not_foreign(node)
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

    def list_expr(self, parts: Parts) -> ast.List:
        items = self._items(parts)
        return self._nest(ast.List(self._join(parts[0], parts[-1]), items), items)

    def comprehension(self, parts: Parts) -> ast.Comprehension:
        bracket, body, _, names, _, source, _, condition, close = parts
        node = ast.Comprehension(self._join(bracket, close), body, names, source, condition)
        return self._nest(node, (body, source, condition))

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
        span = Span(self.source, callee.span.start, close.end_pos + self.offset)
        args = args or ()
        return self._nest(ast.Call(span, callee, args), (callee, *args))

    def field(self, parts: Parts) -> ast.Field:
        value, _, name = parts
        span = Span(self.source, value.span.start, name.span.end)
        return self._nest(ast.Field(span, value, name), (value,))

    def index(self, parts: Parts) -> ast.Index:
        value, bracket, *_, close = parts
        self.checks.on_line(value.span, self._at(bracket), "index")
        span = Span(self.source, value.span.start, close.end_pos + self.offset)
        items = tuple(parts[2:-1:2])
        return self._nest(ast.Index(span, value, items), (value, *items))

    def slice_item(self, parts: Parts) -> ast.Slice:
        first, colon, last = parts
        at = self._at(colon)
        span = Span(
            self.source,
            first.span.start if first else at.start,
            last.span.end if last else at.end,
        )
        return self._nest(ast.Slice(span, first, last), (first, last), 0)

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
        word, operand = parts
        node = ast.Unary(self._from(word, operand.span.end), "not", operand)
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


def too_deep(span: Span) -> Diagnostic:
    """Say that a program is nested deeper than the limit."""
    return Diagnostic(
        "too-deep",
        f"this is nested more than {NESTING_LIMIT} levels deep",
        Label(span, "here the limit is passed"),
        helps=("give inner parts names of their own",),
    )


def too_large(span: Span, note: str) -> Diagnostic:
    """Say that a number cannot be held."""
    return Diagnostic("number-too-large", "this number is too large", Label(span), notes=(note,))
