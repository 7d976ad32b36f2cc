"""Nodes of files, imports and definitions."""

from __future__ import annotations

from msgspec.structs import replace

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import DiagnosticError
from netlang.diagnostics.source import Span
from netlang.syntax import ast
from netlang.syntax.building.nodes import Group, NodeBuilder, Parts, Token
from netlang.syntax.keywords import TYPE_NAMES


class DefinitionBuilder(NodeBuilder):
    """Builds files and definitions: one method for each rule of the grammar."""

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
                rules.UNKNOWN_VERSION,
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

    def _doc(self, keyword: Token) -> str:
        text = self.source.text
        line = keyword.start_pos
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

    def _define(self, kind: ast.DefinitionKind, parts: Parts) -> ast.Definition:
        keyword, name, signature, _, outs, where, _ = parts
        body: ast.Suite | ast.Expr = parts[-1]
        if kind == "net":
            self.checks.capital(name, "net")
        else:
            self.checks.small(name, kind)
        head = self._from(keyword, (where or outs or signature).end)
        if isinstance(body, ast.Suite):
            self.checks.body(kind, body.statements)
            if kind == "optimizer":
                self.checks.next_weight(name, body.statements)
        return ast.Definition(
            self._from(keyword, body.span.end), kind, name, signature.items,
            outs.items if outs else (), where.items if where else (), body,
            self._doc(keyword), head, outs.in_parens if outs else False,
        )  # fmt: skip

    def net_decl(self, parts: Parts) -> ast.Definition:
        return self._define("net", parts)

    def block_decl(self, parts: Parts) -> ast.Definition:
        return self._define("block", parts)

    def op_decl(self, parts: Parts) -> ast.Definition:
        return self._define("op", parts)

    def optimizer_decl(self, parts: Parts) -> ast.Definition:
        return self._define("optimizer", parts)

    def schedule_decl(self, parts: Parts) -> ast.Definition:
        return self._define("schedule", parts)

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
        keyword, name, signature, _, like, _, *items, brace = parts
        self.checks.small(name, "train section")
        self.checks.own_lines(items)
        self._locals(items)
        end = signature.end if signature else name.span.end
        head = self._from(keyword, end if like is None else like.span.end)
        return ast.Train(
            self._join(keyword, brace), name, signature.items if signature else (),
            signature is not None, tuple(items), self._doc(keyword), head, like,
        )  # fmt: skip

    def step(self, parts: Parts) -> ast.Step:
        keyword, name, _, *binds, brace = parts
        self.checks.small(name, "step")
        self.checks.own_lines(binds)
        self._locals(binds)
        return ast.Step(self._join(keyword, brace), name, tuple(binds))

    def suite(self, parts: Parts) -> ast.Suite:
        brace, *statements, close = parts
        self.checks.own_lines(statements)
        self._locals(statements)
        return ast.Suite(self._join(brace, close), tuple(statements))

    def expr_body(self, parts: Parts) -> ast.Expr:
        return parts[1]

    def fields(self, parts: Parts) -> Group:
        binds = tuple(parts[1:-1])
        self.checks.own_lines(binds)
        return Group(binds, parts[-1].end_pos)

    def signature(self, parts: Parts) -> Group:
        return Group(parts[1] or (), parts[-1].end_pos, True)

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

    def outs(self, parts: Parts) -> Group:
        outs = tuple(p for p in parts if isinstance(p, ast.Out))
        self.checks.distinct([o.name for o in outs], "output")
        for out in outs:
            self.checks.small(out.name, "output")
        if len(parts) == 1:
            return Group(outs, outs[0].span.end)
        return Group(outs, parts[-1].end_pos, True)

    def out(self, parts: Parts) -> ast.Out:
        name, colon, kind = parts
        if isinstance(kind, ast.NameType) and kind.name not in TYPE_NAMES:
            self._not_a_body(self._at(colon), kind.span)
        return ast.Out(Span(self.source, name.span.start, (kind or name).span.end), name, kind)

    def _not_a_body(self, colon: Span, after: Span) -> None:
        """Reject `-> y:` with a body below it, of which the first name would be the type."""
        if self.source.text.find("\n", colon.end, after.start) >= 0:
            from netlang.syntax.braces import colon_for_brace

            raise DiagnosticError(colon_for_brace(colon))

    def where(self, parts: Parts) -> Group:
        return Group(tuple(parts[1::2]), parts[-1].span.end)
