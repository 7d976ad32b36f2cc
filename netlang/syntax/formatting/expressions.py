"""The layout of expressions and types."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from netlang.syntax import ast
from netlang.syntax.formatting.comments import Comments
from netlang.syntax.formatting.layout import (
    HARD,
    LINE,
    SOFT,
    Doc,
    Fill,
    Group,
    IfBroken,
    Indent,
    TrailingComment,
)

_SUMS = ("+", "-")
_PRODUCTS = ("*", "/", "//", "%", "@")
_LITERALS = (ast.Int, ast.Float, ast.Str, ast.Bool, ast.Nothing, ast.Duration, ast.Counted)
_Leaf = (
    ast.Name | ast.Int | ast.Float | ast.Str | ast.Duration | ast.Counted | ast.Bool | ast.Nothing
    | ast.Dots | ast.Rest
)  # fmt: skip

Body = Callable[[Sequence[ast.Statement], int, int], Doc]


class ExpressionLayout:
    """Builds documents of expressions; ``body`` does the same for the statements of a loop."""

    def __init__(self, comments: Comments, body: Body) -> None:
        self.comments = comments
        self.body = body

    def expression(self, node: ast.Expr | ast.Slice | ast.Dots | ast.Rest) -> Doc:
        """Lay out an expression; a long chain of operators takes no recursion."""
        match node:
            case ast.Slice():
                first = self.expression(node.first) if node.first is not None else ""
                last = self.expression(node.last) if node.last is not None else ""
                step = (":", self.expression(node.step)) if node.step is not None else ""
                return (first, ":", last, step)
            case ast.Paren():
                inner = self.expression(node.value)
                return Group(("(", Indent((SOFT, inner)), SOFT, ")"))
            case ast.Tuple():
                return self._tuple(node)
            case ast.List():
                return self._list(node)
            case ast.Comprehension():
                return self._comprehension(node)
            case ast.Call():
                return (self.expression(node.callee), self._arguments(node.callee.span.end, node))
            case ast.New():
                path = ".".join(name.text for name in node.path)
                return (f"new {path}", self._arguments(node.path[-1].span.end, node))
            case ast.Pipe():
                return self._pipe(node)
            case ast.Field():
                return (self.expression(node.value), "." + node.name.text)
            case ast.Index():
                return self._index(node)
            case ast.Label():
                return (self.expression(node.value), " as " + node.name.text)
            case ast.Unary():
                sign = "not " if node.op == "not" else node.op
                return (sign, self.expression(node.operand))
            case ast.Binary():
                return self._chain(node)
            case ast.If():
                return self._if(node)
            case ast.For():
                return self._for(node)
            case _:
                return _leaf(node)

    # ---- types -----------------------------------------------------------------------

    def type(self, node: ast.TypeExpr) -> Doc:
        """Lay out a type."""
        match node:
            case ast.NameType():
                return node.name
            case ast.ShapeType():
                dims = tuple(self.expression(dim) for dim in node.dims)
                return (node.element.text, "[", joined(dims, (", ",)), "]")
            case ast.ListType():
                return ("[", self.type(node.item), "]")
            case ast.TupleType():
                items = tuple(self.type(item) for item in node.items)
                return ("(", joined(items, (", ",)), ")")
            case ast.OptionalType():
                return (self.type(node.inner), "?")

    # ---- bracketed lists -------------------------------------------------------------

    def items(
        self,
        opening: str,
        nodes: Sequence[Any],
        closing: str,
        start: int,
        end: int,
        lay: Callable[[Any], Doc],
        *,
        single: bool = False,
    ) -> Doc:
        """Lay out items between brackets, on one line or one to a line, with their comments."""
        self.comments.stray_before(start)
        parts: list[Doc] = []
        commented = False
        for number, node in enumerate(nodes):
            for comment in self.comments.before(node.span.start):
                parts += [comment.text.rstrip(), HARD]
                commented = True
            last = number == len(nodes) - 1
            parts.append(lay(node))
            parts.append(("," if single else IfBroken(",")) if last else ",")
            if (remark := self.comments.trailing(node.span.end)) is not None:
                parts.append(TrailingComment(remark.text.rstrip()))
                commented = True
            parts.append("" if last else LINE)
        for comment in self.comments.before(end):
            parts += [HARD if parts else "", comment.text.rstrip()]
            commented = True
        if not parts:
            return opening + closing
        edge = HARD if commented else SOFT
        return Group((opening, Indent((edge, *parts)), edge, closing))

    def _arguments(self, start: int, node: ast.Call | ast.New) -> Doc:
        match node.args:
            case [
                ast.Argument(name=None, value=ast.List() | ast.Comprehension() | ast.For() as only)
            ]:
                return ("(", self.expression(only), ")")
            case args:
                return self.items("(", args, ")", start, node.span.end, self._argument)

    def _argument(self, node: ast.Argument) -> Doc:
        value = self.expression(node.value)
        return value if node.name is None else (node.name.text + "=", value)

    def _list(self, node: ast.List) -> Doc:
        start, end = node.span.start, node.span.end
        if len(node.items) < 2 or not all(_is_literal(item) for item in node.items):
            return self.items("[", node.items, "]", start, end, self.expression)
        self.comments.stray_before(end)
        docs = [self.expression(item) for item in node.items]
        parts: list[Doc] = []
        for doc in docs[:-1]:
            parts += [(doc, ","), LINE]
        inside = (Fill((*parts, docs[-1])), IfBroken(","))
        return Group(("[", Indent((SOFT, inside)), SOFT, "]"))

    def _tuple(self, node: ast.Tuple) -> Doc:
        start, end = node.span.start, node.span.end
        if node.names:
            named = [
                ast.Argument(name.span.to(item.span), name, item)
                for name, item in zip(node.names, node.items, strict=True)
            ]
            return self.items("(", named, ")", start, end, self._argument)
        single = len(node.items) == 1
        return self.items("(", node.items, ")", start, end, self.expression, single=single)

    def _index(self, node: ast.Index) -> Doc:
        inside = joined(tuple(map(self.expression, node.items)), (",", LINE))
        return (self.expression(node.value), Group(("[", Indent((SOFT, inside)), SOFT, "]")))

    def _comprehension(self, node: ast.Comprehension) -> Doc:
        clauses: list[Doc] = []
        clause = node
        while True:
            names = ", ".join(name.text for name in clause.names)
            clauses += [LINE, f"for {names} in ", self.expression(clause.source)]
            if clause.condition is not None:
                clauses += [LINE, "if ", self.expression(clause.condition)]
            if not clause.nested or not isinstance(clause.body, ast.Comprehension):
                break
            clause = clause.body
        inside = (self.expression(clause.body), *clauses)
        return Group(("[", Indent((SOFT, inside)), SOFT, "]"))

    # ---- operators -------------------------------------------------------------------

    def _pipe(self, node: ast.Pipe) -> Doc:
        parts: list[Doc] = []
        first = self.expression(node.value)
        before: ast.Expr = node.value
        for stage in node.stages:
            if (remark := self.comments.trailing(before.span.end)) is not None:
                parts += [TrailingComment(remark.text.rstrip())]
                between: Doc = HARD
            else:
                between = LINE
            for comment in self.comments.before(stage.span.start):
                parts += [HARD, comment.text.rstrip()]
                between = HARD
            parts += [between, "|> ", self.expression(stage)]
            before = stage
        return Group((first, Indent(tuple(parts))))

    def _chain(self, node: ast.Binary) -> Doc:
        """Lay out all operators of one rank that follow each other, from left to right."""
        rank = _rank(node.op)
        spine: list[ast.Binary] = [node]
        while isinstance(left := spine[-1].left, ast.Binary) and _rank(left.op) == rank:
            if rank == "power":
                break
            spine.append(left)
        spine.reverse()
        first = self.expression(spine[0].left)
        if rank == "range":
            return (first, "..", self.expression(node.right))
        rest: list[Doc] = []
        for link in spine:
            rest += [LINE, f"{link.op} ", self.expression(link.right)]
        return Group((first, Indent(tuple(rest))))

    def _if(self, node: ast.If) -> Doc:
        condition = self.expression(node.condition)
        then = ("then ", self.expression(node.then))
        otherwise = ("else ", self.expression(node.otherwise))
        return Group(("if ", condition, Indent((LINE, then, LINE, otherwise))))

    def _for(self, node: ast.For) -> Doc:
        names = ", ".join(name.text for name in node.names)
        head: tuple[Doc, ...] = (f"{node.kind} {names} in ", self.expression(node.source))
        last: ast.Expr = node.source
        if node.carries:
            carries = tuple((f"{c.name.text} = ", self.expression(c.value)) for c in node.carries)
            gap = " " if isinstance(node.source, ast.List) else LINE
            head = (*head, Group(Indent((gap, "with ", joined(carries, (",", LINE))))))
            last = node.carries[-1].value
        return (*head, " ", self.body(node.body, last.span.end, node.span.end))


def _leaf(node: _Leaf) -> str:
    match node:
        case ast.Name():
            return node.text
        case ast.Int() | ast.Float() | ast.Str():
            return node.span.text
        case ast.Duration() | ast.Counted():
            return " ".join(node.span.text.split())
        case ast.Bool():
            return "true" if node.value else "false"
        case ast.Nothing():
            return "none"
        case ast.Dots():
            return "..."
        case ast.Rest():
            return "..." + (node.name.text if node.name is not None else "")


def joined(docs: Sequence[Doc], separator: tuple[Doc, ...]) -> Doc:
    """Put a separator between documents."""
    parts: list[Doc] = []
    for doc in docs:
        parts += [*separator, doc] if parts else [doc]
    return tuple(parts)


def _is_literal(node: ast.Expr) -> bool:
    return isinstance(node, _LITERALS) or (
        isinstance(node, ast.Unary) and isinstance(node.operand, _LITERALS)
    )


def _rank(op: str) -> str:
    if op in _SUMS:
        return "sum"
    if op in _PRODUCTS:
        return "product"
    return {"**": "power", "..": "range", "and": "and", "or": "or"}.get(op, "comparison")
