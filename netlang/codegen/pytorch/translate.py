"""The text of an expression: a rule for each kind, and numbers that are known as a last resort."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from netlang.codegen.pytorch.printing.text import Text, listed, literal, text, tupled
from netlang.codegen.pytorch.scope import Scope
from netlang.codegen.pytorch.sizes import size_text
from netlang.codegen.pytorch.units import NoTextError, agreed
from netlang.evaluate.context.frame import Frame
from netlang.evaluate.context.values import Layer, Object, Results
from netlang.ir.dims import Dim
from netlang.ir.graph import Value
from netlang.syntax import ast

Rule = Callable[[Any, Scope], Text]
RULES: dict[type, Rule] = {}
R = TypeVar("R", bound=Rule)


def translates(*kinds: type) -> Callable[[R], R]:
    """Register the rule for some kinds of expressions."""

    def register(rule: R) -> R:
        RULES.update(dict.fromkeys(kinds, rule))
        return rule

    return register


def translate(expr: ast.Expr, scope: Scope) -> Text:
    """Return the text of an expression; loops become statements before it.

    A number that has no text of its own is written as its value.
    """
    values = scope.shared.recording.value(expr, scope.frames)
    if values and all(is_static(value) for _, value in values):
        before = scope.unit.snapshot()
        try:
            return RULES[type(expr)](expr, scope)
        except NoTextError:
            scope.unit.restore(before)
            return constant(values, scope)
    return RULES[type(expr)](expr, scope)


def is_static(value: Object) -> bool:
    """Return whether a value is known when the program is compiled."""
    if isinstance(value, list | tuple):
        return all(is_static(item) for item in value)
    if isinstance(value, Results):
        return all(is_static(item) for item in value.values.values())
    return not isinstance(value, Value | Layer)


def constant(found: Sequence[tuple[Frame, Object]], scope: Scope) -> Text:
    """Return the text of a value that the frames agree on, or that their sizes explain."""
    first = found[0][1]
    if isinstance(first, int | Dim) and not isinstance(first, bool):
        return size_text(found, scope, translate)
    if isinstance(first, list | tuple):
        lengths = {len(v) for _, v in found if isinstance(v, list | tuple)}
        if len(lengths) == 1:
            columns = [
                [(f, v[i]) for f, v in found if isinstance(v, list | tuple)]
                for i in range(len(first))
            ]
            items = [constant(column, scope) for column in columns]
            return listed(items) if isinstance(first, list) else tupled(items)
    shown = [(frame, literal(value)) for frame, value in found]
    if any(t is None for _, t in shown):
        raise NoTextError
    return text(agreed([(f, str(t)) for f, t in shown]))


class Lazy(Mapping[str, Text]):
    """Arguments that are translated when they are used, so that nothing else counts as used."""

    def __init__(self, exprs: Mapping[str, ast.Expr | Text], scope: Scope) -> None:
        self._exprs = exprs
        self._scope = scope

    def __getitem__(self, name: str) -> Text:
        found = self._exprs[name]
        return found if isinstance(found, Text) else translate(found, self._scope)

    def __contains__(self, name: object) -> bool:
        return name in self._exprs

    def __iter__(self) -> Iterator[str]:
        return iter(self._exprs)

    def __len__(self) -> int:
        return len(self._exprs)
