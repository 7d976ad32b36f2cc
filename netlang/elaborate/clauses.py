"""``where`` clauses: facts about dimensions."""

from __future__ import annotations

from collections.abc import Callable
from math import lcm

from netlang.elaborate.core import evaluate
from netlang.elaborate.frame import Frame, refuse
from netlang.elaborate.values import Object, short
from netlang.ir.dims import Dim, is_symbol
from netlang.ir.graph import Value
from netlang.syntax import ast

Truth = Callable[[Object, ast.Expr, Frame], bool | None]


def promised_units(clauses: tuple[ast.Expr, ...], frame: Frame) -> dict[str, int]:
    """Read ``H % 16 == 0`` from the clauses of a net: which sizes are multiples of what."""
    units: dict[str, int] = {}
    for clause in clauses:
        found = _divisibility(clause)
        if found is None:
            continue
        name, divisor_expr = found
        divisor = evaluate(divisor_expr, frame)
        if isinstance(divisor, int) and not isinstance(divisor, bool) and divisor > 0:
            units[name] = lcm(units.get(name, 1), divisor)
    return units


def _divisibility(clause: ast.Expr) -> tuple[str, ast.Expr] | None:
    while isinstance(clause, ast.Paren):
        clause = clause.value
    match clause:
        case ast.Binary(
            op="==",
            left=ast.Binary(op="%", left=ast.Name(text=name), right=divisor),
            right=ast.Int(value=0),
        ) if name[0].isupper():
            return name, divisor
        case _:
            return None


def check_clause(clause: ast.Expr, frame: Frame, truth: Truth) -> None:
    """Check one clause at a call, with the dimensions the call has bound."""
    found = _divisibility(clause)
    if found is None:
        if truth(evaluate(clause, frame), clause, frame) is False:
            refuse(
                "where-fails",
                f"this call breaks `where {clause.span.text}`",
                clause.span,
                _values_in(clause, frame),
            )
        return
    name, divisor_expr = found
    slot = frame.names.get(name)
    divisor = evaluate(divisor_expr, frame)
    if slot is None or not isinstance(slot.value, int | Dim) or not isinstance(divisor, int | Dim):
        return
    rest = slot.value % divisor if divisor != 0 else 1
    if rest == 0:
        return
    symbol = is_symbol(slot.value)
    helps = (f"promise it in the net: `where {symbol} % {divisor} == 0`",) if symbol else ()
    refuse(
        "where-fails",
        f"this call breaks `where {clause.span.text}`",
        clause.span,
        f"{name} is {slot.value} here",
        helps=helps,
    )


def _values_in(clause: ast.Expr, frame: Frame) -> str:
    from netlang.syntax.walk import walk

    shown: dict[str, str] = {}
    for node in walk(clause):
        if isinstance(node, ast.Name):
            slot = frame.find(node.text)
            if slot is not None and not isinstance(slot.value, Value):
                shown[node.text] = f"{node.text} is {short(slot.value)}"
    return ", ".join(shown.values())
