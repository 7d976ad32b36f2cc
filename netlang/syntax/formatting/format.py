"""The standard format of a program, without options.

Lines are up to 96 columns wide. What does not fit is broken from the outside in: a signature
before its outputs, a pipeline at every stage, a call at every argument. Comments stay where they
are; one in the middle of an expression goes before the statement that it is in.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from netlang.syntax import ast
from netlang.syntax.formatting.comments import Comments
from netlang.syntax.formatting.expressions import ExpressionLayout, joined
from netlang.syntax.formatting.layout import (  # fmt: skip
    HARD,
    LINE,
    SOFT,
    Doc,
    Fill,
    Group,
    IfBroken,
    Indent,
    TrailingComment,
    render,
)

WIDTH = 96
_ENDLESS = 10**9
_BLANK = re.compile(r"\n[ \t]*\n")
_OPENING = re.compile(r"(?:\s|#[^\n]*\n)*\{")
_CLOSING = re.compile(r"(?:[^()#]|#[^\n]*\n)*\)")

Item = ast.Statement | ast.Declaration | ast.Step | ast.Import


def format_file(file: ast.File) -> str:
    """Return the text of a file in the standard format."""
    return _Format(file).text()


class _Format:
    def __init__(self, file: ast.File) -> None:
        self.file = file
        self.source = file.source.text
        self.comments = Comments(file)
        self.layout = ExpressionLayout(self.comments, self.body)
        self.expression = self.layout.expression
        self.type = self.layout.type

    # ---- the file --------------------------------------------------------------------

    def text(self) -> str:
        """Lay out the file, declaration by declaration."""
        out: list[str] = []
        end = 0
        wide = False
        if self.file.version is not None:
            out += self._loose(0, self.file.version.span.start)
            out += [
                f"netlang {self.file.version.value}{self._trailing(self.file.version.span.end)}"
            ]
            end, wide = self.file.version.span.end, True
        for item in (*self.file.imports, *self.file.declarations):
            comments = self.comments.before(item.span.start)
            doc = self.statement(item)
            strays = [*self.comments.take_strays(), *self.comments.before(item.span.end)]
            lines = render(doc, WIDTH) + self._trailing(item.span.end)
            follows_import = isinstance(item, ast.Import)
            big = "\n" in lines and not isinstance(item, ast.Bind | ast.Assert | ast.Import)
            first = True
            for comment in [*strays, *comments]:
                blank = self._blank(end, comment.span.start) if end <= comment.span.start else False
                if out and ((first and (wide or big)) or blank):
                    out.append("")
                out.append(comment.text.rstrip())
                end, first = max(end, comment.span.end), False
            if out and ((first and (wide or big)) or self._blank(end, item.span.start)):
                out.append("")
            out.append(lines)
            end = item.span.end
            wide = big
            if follows_import and item is self.file.imports[-1]:
                wide = True
        out += self._loose(end, len(self.source), wide and bool(out))
        return "\n".join(out) + "\n" if out else ""

    def _loose(self, end: int, until: int, wide: bool = False) -> list[str]:
        """Set the comments that stand alone at the start or the end of a file."""
        out: list[str] = []
        for comment in self.comments.before(until):
            if (wide and not out) or (end and self._blank(end, comment.span.start)):
                out.append("")
            out.append(comment.text.rstrip())
            end = comment.span.end
        return out

    def _blank(self, end: int, start: int) -> bool:
        return _BLANK.search(self.source, end, start) is not None

    def _trailing(self, end: int) -> str:
        comment = self.comments.trailing(end)
        return f"  {comment.text.rstrip()}" if comment else ""

    # ---- statements ------------------------------------------------------------------

    def statement(self, node: Item) -> Doc:
        """Lay out a statement or a definition."""
        match node:
            case ast.Bind():
                targets = ", ".join(name.text for name in node.targets)
                kind = (": ", self.type(node.type)) if node.type is not None else ""
                return (targets, kind, " = ", self.expression(node.value))
            case ast.Next():
                return (f"next {node.name.text} = ", self.expression(node.value))
            case ast.Yield():
                return ("yield ", self.expression(node.value))
            case ast.State():
                kind = (": ", self.type(node.type)) if node.type is not None else ""
                return (f"state {node.name.text}", kind, " = ", self.expression(node.value))
            case ast.Assert():
                condition = self.expression(node.condition)
                message: Doc = (
                    (",", Indent((LINE, node.message.span.text)))
                    if node.message is not None
                    else ""
                )
                return Group(("assert ", condition, message))
            case ast.Import():
                return self._import(node)
            case ast.Step():
                body = self.body(node.binds, node.name.span.end, node.span.end)
                return (f"step {node.name.text} ", body)
            case ast.Train():
                params = node.params if node.has_parens else None
                return self._define("train", node, params, (), False, (), node.items)
            case ast.Extern():
                kind = "extern op" if node.kind == "op" else "dataset"
                params = node.params if node.has_parens else None
                return self._define(
                    kind, node, params, node.outs, node.outs_in_parens, node.where, node.fields
                )
            case ast.Definition():
                return self._define(
                    node.kind, node, node.params, node.outs, node.outs_in_parens, node.where,
                    node.body.statements if isinstance(node.body, ast.Suite) else node.body,
                )  # fmt: skip

    def _import(self, node: ast.Import) -> Doc:
        match node.module:
            case ast.Str():
                module = node.module.span.text
            case names:
                module = ".".join(name.text for name in names)
        parts: list[Doc] = []
        for item in node.names:
            alias = f" as {item.alias.text}" if item.alias is not None else ""
            last = item is node.names[-1]
            parts += [item.name.text + alias + ("" if last else ","), LINE]
        return (f"from {module} import ", Indent(Fill(tuple(parts[:-1]))))

    def body(self, nodes: Sequence[Item], start: int, end: int) -> Doc:
        """Lay out statements between braces; ``start`` is the end of what is before them."""
        opening = _OPENING.match(self.source, start, end)
        inner = opening.end() if opening is not None else start
        self.comments.stray_before(inner)
        strays = self.comments.take_strays()
        remark = self.comments.trailing(inner)
        parts: list[Doc] = []
        last = remark.span.end if remark else inner

        def add(lines: Sequence[Doc], at: int) -> None:
            blank = bool(parts) and self._blank(last, at)
            parts.extend([HARD] if blank else [])
            for line in lines:
                parts.extend((HARD, line))

        for node in nodes:
            for comment in self.comments.before(node.span.start):
                add([comment.text.rstrip()], comment.span.start)
                last = comment.span.end
            doc = self.statement(node)
            inside = [*self.comments.take_strays(), *self.comments.before(node.span.end)]
            behind = self.comments.trailing(node.span.end)
            line = (doc, TrailingComment(behind.text.rstrip())) if behind else doc
            add([*(comment.text.rstrip() for comment in inside), line], node.span.start)
            last = behind.span.end if behind else node.span.end
        for comment in self.comments.before(end):
            add([comment.text.rstrip()], comment.span.start)
            last = comment.span.end
        self.comments.strays = strays
        if not parts and remark is None:
            return "{}"
        head: Doc = ("{", TrailingComment(remark.text.rstrip())) if remark else "{"
        return (head, Indent(tuple(parts)), HARD, "}")

    # ---- definitions -----------------------------------------------------------------

    def _define(
        self,
        kind: str,
        node: ast.Definition | ast.Extern | ast.Train,
        params: Sequence[ast.Param] | None,
        outs: Sequence[ast.Out],
        in_parens: bool,
        where: Sequence[ast.Expr],
        body: Sequence[Item] | ast.Expr,
    ) -> Doc:
        name: Doc = f"{kind} {node.name.text}"
        if params is not None:
            name = (name, self._params(params, node))
        if isinstance(node, ast.Train) and node.like is not None:
            name = (name, f" like {node.like.text}")
        rest: list[Doc] = []
        if outs:
            rest.append(("-> ", self._outs(outs, in_parens)))
        if where:
            clauses = [self.expression(clause) for clause in where]
            rest.append(Group(("where ", Indent(joined(clauses, (",", LINE))))))
        if isinstance(body, Sequence):
            content = self.body(body, node.head.end, node.span.end)
            opening = " {}" if content == "{}" else " {"
            head, split = _signature(name, rest, opening)
            return (head, HARD if split and content != "{}" else " ", content)
        value = self.expression(body)
        head, split = _signature(name, rest, " =")
        if split:
            return (head, Indent((HARD, "= ", value)))
        return (head, " =", Group(Indent((LINE, value))))

    def _params(
        self, params: Sequence[ast.Param], node: ast.Definition | ast.Extern | ast.Train
    ) -> Doc:
        first_named = next((p for p in params if p.keyword_only), None)

        def lay(param: ast.Param) -> Doc:
            kind: Doc = (": ", self.type(param.type)) if param.type is not None else ""
            default: Doc = (
                (" = ", self.expression(param.default)) if param.default is not None else ""
            )
            star: Doc = ("*,", LINE) if param is first_named else ""
            return (star, param.name.text, kind, default)

        end = params[-1].span.end + 1 if params else node.name.span.end
        closing = _CLOSING.match(self.source, end - 1, node.span.end)
        return self.layout.items(
            "(", params, ")", node.name.span.end, closing.end() if closing is not None else end, lay
        )

    def _outs(self, outs: Sequence[ast.Out], in_parens: bool) -> Doc:
        docs = [
            (out.name.text, (": ", self.type(out.type)) if out.type is not None else "")
            for out in outs
        ]
        if not in_parens:
            return docs[0]
        inside = joined(docs, (",", LINE))
        return Group(("(", Indent((SOFT, inside, IfBroken(","))), SOFT, ")"))


def _signature(name: Doc, rest: Sequence[Doc], opening: str) -> tuple[Doc, bool]:
    """Lay out a signature; also return whether its outputs and clauses have lines of their own."""
    after = joined(rest, (" ",))
    whole: Doc = (name, " ", after) if rest else name
    flat = _flat(whole)
    if flat is not None and len(flat) + len(opening) <= WIDTH:
        return flat, False
    if not rest:
        return whole, False
    start = _flat(name)
    end = _flat(after)
    if start is not None and len(start) <= WIDTH:
        return (start, Indent(tuple(part for line in rest for part in (HARD, line)))), True
    if end is not None and len(end) + len(opening) + 2 <= WIDTH:
        return whole, False
    return (name, Indent(tuple(part for line in rest for part in (HARD, line)))), True


def _flat(doc: Doc) -> str | None:
    """Set a document on one line; ``None`` if it has a line break that is always one."""
    text = render(doc, _ENDLESS)
    return None if "\n" in text else text
