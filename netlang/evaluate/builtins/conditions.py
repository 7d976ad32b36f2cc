"""Conditions on the columns of examples, as in ``rows |> only(age >= 18, label < 5)``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import NoReturn

from netlang.diagnostics import rules
from netlang.diagnostics.fix import Edit, Fix, replacement
from netlang.diagnostics.source import Span
from netlang.evaluate.context.describe import describe
from netlang.evaluate.context.frame import Frame, reject
from netlang.evaluate.context.values import UNKNOWN, Argued, Function, Object, Setting
from netlang.evaluate.evaluate import evaluate
from netlang.ir.types import DType, TensorType
from netlang.syntax import ast

FILTER = "only"
"""The function whose arguments compare columns."""

_ORDER: Mapping[str, str] = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_MIRRORED: Mapping[str, str] = {**_ORDER, "==": "==", "!=": "!="}
"""Each comparison, and the one that says the same with its sides exchanged."""
_LOGIC = ("and", "or", "in")


def is_filter(callee: object) -> bool:
    """Return whether a call compares columns in its arguments."""
    return isinstance(callee, Function) and callee.name == FILTER and callee.module.source.library


def compared_columns(args: Sequence[ast.Argument]) -> Iterator[ast.Name]:
    """Yield the names in the arguments of a filter that denote columns."""
    pending = [arg.value for arg in args if arg.name is None]
    while pending:
        match _inner(pending.pop()):
            case ast.Binary(op="and" | "or", left=left, right=right):
                pending += (right, left)
            case ast.Binary(op=op, left=ast.Name() as column) if op in (*_MIRRORED, "in"):
                yield column
            case ast.Binary(op=op, right=ast.Name() as column) if op in _MIRRORED:
                yield column  # on the wrong side, which is reported
            case _:
                pass


def condition(arg: ast.Argument, frame: Frame) -> Argued | None:
    """Evaluate an argument of a filter that compares a column; ``None`` for any other."""
    node = _inner(arg.value)
    if arg.name is not None or not isinstance(node, ast.Binary):
        return None
    if node.op in _LOGIC:
        _reject_logic(node)
    if node.op not in _MIRRORED:
        return None
    column = node.left
    if not isinstance(column, ast.Name):
        _reject_sides(node)
    value = evaluate(node.right, frame)
    if value is UNKNOWN:
        return Argued(UNKNOWN, node.span, node)
    made = Setting("condition", node.op, {"column": column.text, "value": value})
    return Argued(made, node.span, node)


def check_condition(arg: Argued, columns: Mapping[str, TensorType]) -> Setting:
    """Return a condition that its column can meet; rejects one of another kind of value."""
    made, node = arg.value, arg.expr
    assert isinstance(made, Setting) and isinstance(node, ast.Binary)
    name, value = node.left.span.text, made.arguments["value"]
    type, at = columns[name], node.right.span
    if prod(n if isinstance(n, int) else 0 for n in type.shape) != 1:
        reject(
            rules.WRONG_TYPE,
            f"`{FILTER}` compares single numbers, and `{name}` is {type}",
            node.left.span,
        )
    if isinstance(value, str):
        if not type.dtype.is_integer:
            _reject_value(name, type, "a number", value, at)
        if node.op in _ORDER:
            reject(
                rules.WRONG_TYPE,
                f"`{node.op}` compares numbers, and {describe(value)} is the name of a class",
                at,
                helps=(f"write `{name} == {at.text}`, or list classes: `{name}=[{at.text}, …]`",),
            )
    elif type.dtype is DType.BOOL:
        if not isinstance(value, bool) or node.op in _ORDER:
            reject(
                rules.WRONG_TYPE,
                f"`{name}` is {type}, and is compared with true or false by `==` and `!=`",
                node.span,
                helps=(f"such as `{name} == true`",),
            )
    elif isinstance(value, bool) or not isinstance(value, int | float):
        wanted = "a number, or the name of a class" if type.dtype.is_integer else "a number"
        _reject_value(name, type, wanted, value, at)
    return made


def _inner(expr: ast.Expr) -> ast.Expr:
    while isinstance(expr, ast.Paren):
        expr = expr.value
    return expr


def _reject_value(name: str, type: TensorType, wanted: str, value: Object, at: Span) -> None:
    reject(
        rules.WRONG_TYPE,
        f"`{name}` is {type}, and is compared with {wanted}",
        at,
        f"this is {describe(value)}",
    )


def _reject_logic(node: ast.Binary) -> NoReturn:
    """Reject `and`, `or` and `in`, with the arguments to write instead."""
    helps: tuple[str, ...] = ("such as `only(label=[3, 8])` for some values of one column",)
    fixes: tuple[Fix, ...] = ()
    if node.op == "and":
        helps = ("separate the conditions by commas: examples must meet all of them",)
        between = Span(node.span.source, node.left.span.end, node.right.span.start)
        fixes = (Fix("separate them by a comma", (Edit(between, ", "),)),)
    elif node.op == "in" and isinstance(node.left, ast.Name):
        written = f"{node.left.text}={node.right.span.text}"
        helps, fixes = (f"write `{written}`",), (replacement(node.span, written),)
    reject(
        rules.WRONG_TYPE,
        f"`{FILTER}` takes comparisons such as `label < 5`, without `{node.op}`",
        node.op_span,
        helps=helps,
        fixes=fixes,
    )


def _reject_sides(node: ast.Binary) -> NoReturn:
    """Reject a comparison that has no column on the left."""
    exchanged = f"{node.right.span.text} {_MIRRORED[node.op]} {node.left.span.text}"
    known = isinstance(node.right, ast.Name)
    reject(
        rules.WRONG_TYPE,
        f"`{FILTER}` compares a column, on the left of `{node.op}`",
        node.left.span,
        helps=(f"write `{exchanged}`",) if known else ("such as `label < 5`",),
        fixes=(replacement(node.span, exchanged),) if known else (),
    )
