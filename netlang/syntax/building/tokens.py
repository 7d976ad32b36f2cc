"""Nodes of names, numbers and strings, and the depth of brackets."""

from __future__ import annotations

import math
import re
from typing import Literal

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Diagnostic, DiagnosticError, diagnostic
from netlang.diagnostics.source import Span
from netlang.syntax import ast
from netlang.syntax.building.nodes import NodeBuilder, Token

INT_LIMIT = 2**63 - 1
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\"}
_ESCAPE = re.compile(r"\\(.)")


class TokenBuilder(NodeBuilder):
    """Builds the leaves of a tree: one method for each kind of token."""

    LPAR = LSQB = LBRACE = NodeBuilder._open
    RPAR = RSQB = RBRACE = NodeBuilder._close

    def comment(self, token: Token) -> Token:
        span = self._at(token)
        line = self.source.text.rfind("\n", 0, span.start) + 1
        trailing = bool(self.source.text[line : span.start].strip())
        self.comments.append(ast.Comment(span, str(token), trailing))
        return token

    def NAME(self, token: Token) -> ast.Ident:  # noqa: N802
        return ast.Ident(self._at(token), str(token))

    def INT(self, token: Token) -> ast.Int:  # noqa: N802
        digits = str(token).replace("_", "")
        # Python itself reads at most 4,300 digits.
        if len(digits.lstrip("0")) > 19 or int(digits) > INT_LIMIT:
            raise DiagnosticError(
                too_large(self._at(token), "the largest int is 9_223_372_036_854_775_807")
            )
        return ast.Int(self._at(token), int(digits))

    def FLOAT(self, token: Token) -> ast.Float:  # noqa: N802
        value = float(str(token))
        if math.isinf(value):
            raise DiagnosticError(too_large(self._at(token), "the largest float is about 1.8e308"))
        return ast.Float(self._at(token), value)

    def DURATION(self, token: Token) -> ast.Duration:  # noqa: N802
        amount, unit = str(token).split()
        value = float(amount)
        if value > INT_LIMIT:
            raise DiagnosticError(too_large(self._at(token), "no training runs as long as that"))
        word: Literal["epochs", "steps"] = "epochs" if unit.startswith("e") else "steps"
        return ast.Duration(self._at(token), value, word)

    def COUNTED(self, token: Token) -> ast.Counted:  # noqa: N802
        span = self._at(token)
        count, unit = str(token).split()
        name = ast.Name(Span(self.source, span.start, span.start + len(count)), count)
        return ast.Counted(span, name, "epochs" if unit.startswith("e") else "steps")

    def STRING(self, token: Token) -> ast.Str:  # noqa: N802
        span = self._at(token)
        inner = str(token)[1:-1]
        if "\\" not in inner:
            return ast.Str(span, inner)
        for match in _ESCAPE.finditer(inner):
            if match[1] not in _ESCAPES:
                start = span.start + 1 + match.start()
                self.checks.report(
                    rules.UNKNOWN_ESCAPE,
                    f"a string has no `{match[0]}`",
                    Span(self.source, start, start + 2),
                    helps=(f"for a backslash, write `\\\\{match[1]}`",),
                    notes=('the escapes are `\\n`, `\\t`, `\\r`, `\\"` and `\\\\`',),
                )
        return ast.Str(span, _ESCAPE.sub(lambda m: _ESCAPES.get(m[1], m[0]), inner))


def too_large(span: Span, note: str) -> Diagnostic:
    """Return the diagnostic of a number that is out of range."""
    return diagnostic(rules.NUMBER_TOO_LARGE, "this number is too large", span, notes=(note,))
