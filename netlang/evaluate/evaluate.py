"""Evaluation of expressions: the dispatch table, and the simple expressions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

from msgspec.structs import replace

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import DiagnosticError, Label
from netlang.evaluate.context.budget import BudgetError
from netlang.evaluate.context.describe import describe
from netlang.evaluate.context.frame import Frame, reject, report
from netlang.evaluate.context.limits import INT_LIMIT
from netlang.evaluate.context.values import UNKNOWN, Duration, NamedTuple, Object, Setting, Unknown
from netlang.ir.dims import Intricate
from netlang.ir.graph import Value
from netlang.syntax import ast

Rule = Callable[[Any, Frame], Object]
RULES: dict[type, Rule] = {}
R = TypeVar("R", bound=Rule)


def evaluates(kind: type) -> Callable[[R], R]:
    """Register the rule for one kind of expression."""

    def register(rule: R) -> R:
        RULES[kind] = rule
        return rule

    return register


_NESTED = frozenset({list, tuple, NamedTuple, Setting})


def evaluate(expr: ast.Expr, frame: Frame) -> Object:
    """Evaluate an expression; after reporting an error in it, return ``UNKNOWN``."""
    budget = frame.run.budget
    budget.spent += 1
    if budget.spent > budget.limit:
        budget.spend(0, expr.span)
    try:
        value = RULES[type(expr)](expr, frame)
        if type(value) in _NESTED:
            budget.weigh(value, expr.span)
        if frame.run.observer is not None:
            frame.run.observer.evaluated(expr, frame, value)
        return value
    except BudgetError:
        raise
    except Intricate as intricate:
        report(frame, replace(intricate.diagnostic, primary=Label(expr.span)))
        return UNKNOWN
    except DiagnosticError as rejected:
        report(frame, rejected.diagnostic)
        return UNKNOWN


def evaluate_item(expr: ast.Expr, frame: Frame) -> Object:
    """Evaluate an argument, or an item of a list: a call without its input is a block there."""
    frame.run.item = expr
    return evaluate(expr, frame)


@evaluates(ast.Int)
def _int(expr: ast.Int, _: Frame) -> Object:
    if expr.value >= INT_LIMIT:
        reject(
            rules.NUMBER_TOO_LARGE, "this number is too large", expr.span, "ints stay below 2**63"
        )
    return expr.value


@evaluates(ast.Float)
@evaluates(ast.Str)
@evaluates(ast.Bool)
def _literal(expr: ast.Float | ast.Str | ast.Bool, _: Frame) -> Object:
    return expr.value


@evaluates(ast.Nothing)
def _none(_expr: ast.Nothing, _frame: Frame) -> Object:
    return None


@evaluates(ast.Duration)
def _duration(expr: ast.Duration, _: Frame) -> Object:
    return Duration(expr.amount, expr.unit)


@evaluates(ast.Counted)
def _counted(expr: ast.Counted, frame: Frame) -> Object:
    amount = evaluate(expr.count, frame)
    if amount is UNKNOWN:
        return UNKNOWN
    if isinstance(amount, bool) or not isinstance(amount, int | float):
        reject(
            rules.WRONG_TYPE,
            f"a duration is a number of {expr.unit}",
            expr.count.span,
            f"this is {describe(amount)}",
            helps=(f"write `{expr.count.text}`, without `{expr.unit}`",)
            if isinstance(amount, Duration)
            else (),
        )
    return Duration(float(amount), expr.unit)


@evaluates(ast.Paren)
def _paren(expr: ast.Paren, frame: Frame) -> Object:
    return (
        evaluate_item(expr.value, frame) if frame.run.item is expr else evaluate(expr.value, frame)
    )


@evaluates(ast.Label)
def _label(expr: ast.Label, frame: Frame) -> Object:
    return evaluate(expr.value, frame)


@evaluates(ast.List)
def _list(expr: ast.List, frame: Frame) -> Object:
    return [evaluate_item(item, frame) for item in expr.items]


@evaluates(ast.Tuple)
def _tuple(expr: ast.Tuple, frame: Frame) -> Object:
    items = tuple(evaluate_item(item, frame) for item in expr.items)
    return NamedTuple(items, [name.text for name in expr.names]) if expr.names else items


@evaluates(ast.If)
def _if(expr: ast.If, frame: Frame) -> Object:
    item = frame.run.item is expr
    condition = evaluate(expr.condition, frame)
    if isinstance(condition, Value):
        _reject_choice(expr, condition)
    chosen = truth(condition, expr.condition)
    if chosen is None:
        return UNKNOWN
    branch = expr.then if chosen else expr.otherwise
    return evaluate_item(branch, frame) if item else evaluate(branch, frame)


def _reject_choice(expr: ast.If, condition: Value) -> NoReturn:
    parts = (expr.condition, expr.then, expr.otherwise)
    written = ", ".join(" ".join(part.span.text.split()) for part in parts)
    shown = written if len(written) <= 60 else "mask, a, b"
    reject(
        rules.RUN_TIME_CONDITION,
        "this condition is only known at run time",
        expr.condition.span,
        f"this is {condition.type}",
        notes=("`if` chooses between two architectures while the file is checked",),
        helps=(f"to choose between values element by element, use `select({shown})`",),
    )


def truth(value: Object, expr: ast.Expr) -> bool | None:
    """Return the value of a condition, or ``None`` after an error."""
    match value:
        case bool():
            return value
        case Unknown():
            return None
        case Value():
            reject(
                rules.RUN_TIME_CONDITION,
                "this condition is only known at run time",
                expr.span,
                f"this is {value.type}",
                notes=("what is decided here is settled while the file is checked",),
                helps=("ask about its shape, such as `size(x, 1) == 10`",),
            )
        case _:
            reject(
                rules.NOT_A_CONDITION,
                "a condition must be true or false",
                expr.span,
                f"this is {describe(value)}",
                helps=("compare it with something, such as `depth > 0`",),
            )
