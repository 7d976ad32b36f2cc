"""``where`` clauses: facts about dimensions."""

from __future__ import annotations

from collections.abc import Callable
from math import lcm
from typing import NoReturn

from netlang.diagnostics import Label
from netlang.elaborate.core import evaluate
from netlang.elaborate.frame import Frame, refuse
from netlang.elaborate.values import Object, short
from netlang.ir.dims import Dim, is_symbol, show
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
            _refuse_broken(clause, _values_in(clause, frame), frame)
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
    value = show(slot.value)
    known = f"{name} is {value}" if value != name else f"{name} may be any size"
    _refuse_broken(clause, known, frame, helps)


def _refuse_broken(
    clause: ast.Expr, values: str, frame: Frame, helps: tuple[str, ...] = ()
) -> NoReturn:
    """Refuse the call whose sizes break a clause; a net's own clause, where it has no call."""
    text = " ".join(clause.span.text.split())
    if frame.call is None:
        message = f"this net is bound to sizes that break `where {text}`"
        refuse("where-fails", message, clause.span, f"{values} here", helps=helps)
    clause_label = Label(clause.span, "the definition asks for this")
    secondary = () if clause.span.source.library else (clause_label,)
    message = f"this call breaks `where {text}`"
    refuse(
        "where-fails", message, frame.call.span, f"{values} here", secondary=secondary, helps=helps
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
