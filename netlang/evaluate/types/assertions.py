"""Assertions that fail: the condition in words, with the values of both sides."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NoReturn

from netlang.diagnostics import rules
from netlang.evaluate.context.describe import short
from netlang.evaluate.context.frame import Frame, reject
from netlang.evaluate.context.values import UNKNOWN
from netlang.evaluate.evaluate import evaluate, truth
from netlang.ir.dims import divisors
from netlang.syntax import ast

_NEAR = 6
"""The divisors that are suggested: those nearest to the given one."""


def reject_assertion(statement: ast.Assert, frame: Frame) -> NoReturn:
    """Report an assertion that does not hold.

    Its message may have names in parentheses and backticks, which their values replace: "the width
    (`D`)" becomes "the width (64)".
    """
    condition = _failing(statement.condition, frame)
    message = "this assertion doesn't hold"
    if statement.message is not None:
        message = re.sub(r"\(`(\w+)`\)", lambda m: _value(m, frame), statement.message.value)
    helps = tuple(_divisible(condition, frame))
    at = statement.condition.span
    reject(rules.ASSERTION, message, at, _sides(condition, message, frame), helps=helps)


def _value(found: re.Match[str], frame: Frame) -> str:
    slot = frame.find(found[1])
    return found[0] if slot is None or slot.value is UNKNOWN else f"({short(slot.value)})"


def _failing(condition: ast.Expr, frame: Frame) -> ast.Expr:
    """Return the part of a false condition that makes it false."""
    while True:
        match condition:
            case ast.Paren(value=inner):
                condition = inner
            case ast.Binary(op="and", left=left, right=right):
                holds = truth(evaluate(left, frame), left)
                condition = left if holds is False else right
            case _:
                return condition


def _sides(condition: ast.Expr, message: str, frame: Frame) -> str:
    if not isinstance(condition, ast.Binary) or condition.op in ("and", "or"):
        return "this is false"
    if (parts := _division(condition)) is not None:
        whole, part = (_valued(side, message, frame) for side in parts)
        return f"{whole} is not a multiple of {part}"
    shown: list[str] = []
    for side in (condition.left, condition.right):
        value = evaluate(side, frame)
        text = " ".join(side.span.text.split())
        written = (
            f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else short(value)
        )
        if isinstance(side, ast.Int | ast.Float | ast.Str):
            continue
        shown.append(f"{text} is {written}")
    return ", ".join(shown) or "this is false"


def _valued(expr: ast.Expr, message: str, frame: Frame) -> str:
    """Return the value of an expression, with its text unless the message has the value."""
    value, text = short(evaluate(expr, frame)), " ".join(expr.span.text.split())
    return value if value == text or f"({value})" in message else f"`{text}` ({value})"


def _division(condition: ast.Expr) -> tuple[ast.Expr, ast.Expr] | None:
    """Return both sides of a division without a remainder, `whole % part == 0`."""
    match condition:
        case ast.Binary(
            op="==", left=ast.Binary(op="%", left=whole, right=part), right=ast.Int(value=0)
        ):
            return whole, part
        case _:
            return None


def _divisible(condition: ast.Expr, frame: Frame) -> Iterator[str]:
    """Suggest the values of a parameter that divide a size, or the multiples near a number."""
    parts = _division(condition)
    whole, part = (evaluate(side, frame) for side in parts) if parts else (None, None)
    if parts is None or not isinstance(whole, int) or not isinstance(part, int) or part < 1:
        return
    given = set(frame.call.arguments) if frame.call is not None else set[str]()
    names = [side.text if isinstance(side, ast.Name) else "" for side in parts]
    if names[1] in given:
        near = sorted(divisors(whole), key=lambda d: abs(d - part))[:_NEAR]
        yield f"`{names[1]}` can be {_listed([str(d) for d in sorted(near)])}"
    elif names[0] in given and whole > part:
        low = whole // part * part
        yield f"`{names[0]}` can be {low} or {low + part}"


def _listed(words: list[str]) -> str:
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))
