"""Arithmetic, comparison and logic: numbers are computed, tensors become nodes."""

from __future__ import annotations

from typing import NoReturn

from netlang.diagnostics import rules
from netlang.diagnostics.diagnostic import Label
from netlang.diagnostics.suggestions import Suggestion
from netlang.evaluate.context.budget import Budget
from netlang.evaluate.context.describe import describe, part_helps
from netlang.evaluate.context.frame import Frame, reject
from netlang.evaluate.context.limits import INT_LIMIT, bounded, finite, in_bounds, listed, readable
from netlang.evaluate.context.values import (
    UNKNOWN,
    Argued,
    Duration,
    IntRange,
    Layer,
    Object,
    Part,
    Results,
    Setting,
    Unknown,
    is_number,
)
from netlang.evaluate.emit import constant, primitive
from netlang.evaluate.evaluate import evaluate, evaluates
from netlang.ir.dims import Dim, Size, symbols
from netlang.ir.graph import Value
from netlang.syntax import ast

_TENSOR_OPS = {
    "+": "add",
    "-": "sub",
    "*": "mul",
    "/": "div",
    "//": "floor_div",
    "%": "mod",
    "**": "pow",
    "@": "matmul",
    "==": "equal",
    "!=": "not_equal",
    "<": "less",
    "<=": "less_equal",
    ">": "greater",
    ">=": "greater_equal",
    "and": "logical_and",
    "or": "logical_or",
}


@evaluates(ast.Unary)
def _unary(expr: ast.Unary, frame: Frame) -> Object:
    value = evaluate(expr.operand, frame)
    match value:
        case Unknown():
            return UNKNOWN
        case Value():
            if expr.op == "+":
                return value
            name = "neg" if expr.op == "-" else "logical_not"
            (made,) = primitive(name, [Argued(value, expr.operand.span)], {}, expr.span, frame)
            return made
        case bool() if expr.op == "not":
            return not value
        case int() | float() | Dim() if expr.op != "not" and not isinstance(value, bool):
            return -value if expr.op == "-" else value
        case _:
            expected = "true or false" if expr.op == "not" else "a number or a tensor"
            reject(
                rules.WRONG_TYPE,
                f"`{expr.op}` takes {expected}",
                expr.operand.span,
                f"this is {describe(value)}",
                **_tensor_meant(Argued(value, expr.operand.span), Argued(None, expr.span)),
            )


@evaluates(ast.Binary)
def _binary(expr: ast.Binary, frame: Frame) -> Object:
    # A long sum is a deep left-leaning tree: walk down its spine, then compute upwards.
    spine: list[ast.Binary] = []
    left: ast.Expr = expr
    while isinstance(left, ast.Binary):
        spine.append(left)
        left = left.left
    value = evaluate(left, frame)
    span = left.span
    for node in reversed(spine):
        value = _apply(node, Argued(value, span, node.left), frame)
        span = node.span
    return value


def _apply(node: ast.Binary, left: Argued, frame: Frame) -> Object:
    if node.op in ("and", "or") and isinstance(left.value, bool):
        if left.value is (node.op == "or"):
            return left.value
        right_value = evaluate(node.right, frame)
        if isinstance(right_value, bool | Unknown):
            return right_value
        _mismatch(node, left, Argued(right_value, node.right.span))
    right = Argued(evaluate(node.right, frame), node.right.span, node.right)
    budget = frame.run.budget
    if node.op != "+" or isinstance(left.value, str):  # a list that is built counts there
        budget.traverse(node.span, left.value, right.value)
    if node.op == "+" and isinstance(left.value, list | IntRange):
        left = Argued(listed(left.value, left.span, budget), left.span, left.expr)
        right = Argued(listed(right.value, right.span, budget), right.span, right.expr)
    if isinstance(left.value, Unknown) or isinstance(right.value, Unknown):
        return UNKNOWN
    if isinstance(left.value, Value) or isinstance(right.value, Value):
        return _of_tensors(node, left, right, frame)
    match node.op:
        case "==" | "!=":
            same = _same(left.value, right.value, node, budget)
            return same if node.op == "==" else not same
        case "..":
            return _range(left, right)
        case "in":
            return _contains(left, right)
        case "<" | "<=" | ">" | ">=":
            return _compare(node, left, right)
        case "+" if isinstance(left.value, list) and isinstance(right.value, list):
            budget.reserve(len(left.value) + len(right.value), node.span)
            return [*left.value, *right.value]
        case "+" if isinstance(left.value, str) and isinstance(right.value, str):
            in_bounds(len(left.value) + len(right.value), node.span)
            return left.value + right.value
        case "+" if _selects(left.value) and _selects(right.value):
            return Setting("selection", "both", {"a": left.value, "b": right.value})
        case _ if is_number(left.value) and is_number(right.value):
            return _of_numbers(node.op, left, right, node)
        case _:
            _mismatch(node, left, right)


def _selects(value: Object) -> bool:
    return isinstance(value, Layer | Part) or (
        isinstance(value, Setting) and value.type == "selection"
    )


def _mismatch(node: ast.Binary, left: Argued, right: Argued) -> NoReturn:
    reject(
        rules.WRONG_TYPE,
        f"`{node.op}` can't combine these two",
        left.span,
        f"this is {describe(left.value)}",
        secondary=(Label(right.span, f"this is {describe(right.value)}"),),
        **_tensor_meant(left, right),
    )


def _tensor_meant(left: Argued, right: Argued) -> Suggestion:
    for side in (left, right):
        if isinstance(side.value, Part):
            return {"helps": part_helps(side.value, side.span.text), "fixes": ()}
    results, other = (left, right) if isinstance(left.value, Results) else (right, left)
    if not isinstance(results.value, Results):
        return {"helps": (), "fixes": ()}
    from netlang.evaluate.types.conversions import beside

    return beside(results, other)


def _of_tensors(node: ast.Binary, left: Argued, right: Argued, frame: Frame) -> Object:
    if node.op in ("==", "!=") and (left.value is None or right.value is None):
        return node.op == "!="  # a tensor argument is never `none`
    if node.op not in _TENSOR_OPS:
        at = left if isinstance(left.value, Value) else right
        reject(
            rules.WRONG_TYPE,
            f"`{node.op}` doesn't work on tensors",
            at.span,
            f"this is {describe(at.value)}",
        )
    left, right = _as_tensor(left, right, node, frame), _as_tensor(right, left, node, frame)
    (made,) = primitive(_TENSOR_OPS[node.op], [left, right], {}, node.span, frame)
    return made


def _as_tensor(side: Argued, other: Argued, node: ast.Binary, frame: Frame) -> Argued:
    """Convert a number to a tensor of rank 0, with the element type of the other operand."""
    if isinstance(side.value, Value):
        return side
    assert isinstance(other.value, Value)
    dtype = other.value.type.dtype
    match side.value:
        case bool() if dtype.value == "bool":
            return Argued(constant(side.value, dtype, side.span, frame), side.span)
        case int() | float() if not isinstance(side.value, bool):
            if dtype.is_float:
                return Argued(constant(float(side.value), dtype, side.span, frame), side.span)
            if dtype.is_integer and isinstance(side.value, int):
                return Argued(constant(side.value, dtype, side.span, frame), side.span)
            reject(
                rules.DTYPE_MISMATCH,
                f"{dtype} elements and a float don't mix",
                side.span,
                f"this is {describe(side.value)}",
                helps=(f"convert the tensor: `cast({other.span.text}, f32)`",),
            )
        case Dim() if dtype.value != "bool":
            (made,) = primitive(
                "measure", [], {"size": side.value, "dtype": dtype}, side.span, frame
            )
            return Argued(made, side.span)
        case _:
            _mismatch(node, *((side, other) if node.left is side.expr else (other, side)))


def _of_numbers(op: str, left: Argued, right: Argued, node: ast.Binary) -> Object:
    a, b = left.value, right.value
    if op in ("/", "//", "%") and b == 0:
        reject(
            rules.DIVISION_BY_ZERO, "this divides by zero", node.span, f"`{right.span.text}` is 0"
        )
    if isinstance(a, int | Dim) and isinstance(b, int | Dim):
        return bounded(_of_sizes(op, a, b, node), node.span)
    if isinstance(a, Dim) or isinstance(b, Dim):
        at = left if isinstance(a, Dim) else right
        reject(
            rules.UNDECIDED_SIZE,
            "a free dimension can't be part of a float",
            at.span,
            f"{describe(at.value)[4:]} isn't known when the file is checked",
        )
    assert isinstance(a, int | float) and isinstance(b, int | float)
    try:
        match op:
            case "+":
                return finite(a + b, node.span)
            case "-":
                return finite(a - b, node.span)
            case "*":
                return finite(a * b, node.span)
            case "/":
                return finite(a / b, node.span)
            case "//":
                return finite(a // b, node.span)
            case "%":
                return finite(a % b, node.span)
            case "**":
                return finite(_real_power(float(a), float(b), node), node.span)
            case _:
                _mismatch(node, left, right)
    except OverflowError:
        finite(float("inf"), node.span)


def _of_sizes(op: str, a: Size, b: Size, node: ast.Binary) -> Object:
    match op:
        case "+":
            return a + b
        case "-":
            return a - b
        case "*":
            return a * b
        case "//":
            return a // b
        case "%":
            return a % b
        case "/" if isinstance(a, int) and isinstance(b, int):
            return a / b
        case "/":
            reject(
                rules.UNDECIDED_SIZE,
                "`/` returns a float, and a free dimension can't be part of one",
                node.span,
                helps=("to divide a size, use `//`",),
            )
        case "**" if isinstance(b, int):
            return _power(a, b, node)
        case _:
            reject(rules.WRONG_TYPE, f"`{op}` doesn't work on sizes", node.span)


def _real_power(a: float, b: float, node: ast.Binary) -> float:
    if a == 0 and b < 0:
        reject(rules.DIVISION_BY_ZERO, "this divides by zero", node.span)
    if a < 0 and b != int(b):
        reject(rules.OUT_OF_RANGE, "this has no value", node.span, f"{a:g} has no real power {b:g}")
    return a**b


def _power(a: Size, b: int, node: ast.Binary) -> Object:
    if isinstance(a, Dim):
        if not 0 <= b <= 8:
            reject(rules.OUT_OF_RANGE, "a size is raised to a power from 0 to 8", node.span)
        result: Size = 1
        for _ in range(b):
            result = a * result
            readable((result,), node.span)
        return result
    if b < 0:
        if a == 0:
            reject(rules.DIVISION_BY_ZERO, "this divides by zero", node.span)
        return float(a) ** b
    if abs(a) > 1 and b * abs(a).bit_length() > 128:
        bounded(INT_LIMIT, node.span)
    return a**b


def _same(a: Object, b: Object, node: ast.Binary, budget: Budget) -> bool:
    a, b = listed(a, node.left.span, budget), listed(b, node.right.span, budget)
    if isinstance(a, Duration) != isinstance(b, Duration) and (is_number(a) or is_number(b)):
        _mismatch(node, Argued(a, node.left.span), Argued(b, node.right.span))
    if is_number(a) and is_number(b):
        difference = _minus(a, b)
        if isinstance(difference, Dim):
            _undecided(node, difference)
        return difference == 0
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        pairs = zip(a, b, strict=False)
        return len(a) == len(b) and all(_same(x, y, node, budget) for x, y in pairs)
    return type(a) is type(b) and a == b


def _minus(a: Object, b: Object) -> float | Dim:
    assert isinstance(a, int | float | Dim) and isinstance(b, int | float | Dim)
    if isinstance(a, float) or isinstance(b, float):
        return 1.0 if isinstance(a, Dim) or isinstance(b, Dim) else a - b
    return a - b


def _undecided(node: ast.Binary, difference: Dim) -> NoReturn:
    names = list(symbols(difference))
    free = f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} free here"
    count = next((c for c in ("macs", "params") if f"{c}(" in node.span.text), "")
    given = f"`{count}(…, {names[0]}=…)`" if count else f"`--bind {names[0]}=…`"
    reject(
        rules.UNDECIDED_SIZE,
        "this depends on a size that is only known at run time",
        node.span,
        free,
        helps=(f"fix it in the signature, or with {given}",),
    )


def _compare(node: ast.Binary, left: Argued, right: Argued) -> bool:
    a, b = left.value, right.value
    if isinstance(a, str) and isinstance(b, str):
        difference: float | Dim = (a > b) - (a < b)
    elif is_number(a) and is_number(b):
        difference = _minus(a, b)
    elif isinstance(a, Duration) and isinstance(b, Duration) and _comparable(a, b):
        difference = a.amount - b.amount
    else:
        _mismatch(node, left, right)
    if isinstance(difference, Dim):
        _undecided(node, difference)
    match node.op:
        case "<":
            return difference < 0
        case "<=":
            return difference <= 0
        case ">":
            return difference > 0
        case _:
            return difference >= 0


def _comparable(a: Duration, b: Duration) -> bool:
    """Return whether two durations can be compared: the steps per epoch depend on the data."""
    return a.unit == b.unit or 0 in (a.amount, b.amount)


def _range(left: Argued, right: Argued) -> Object:
    for side in (left, right):
        if not isinstance(side.value, int) or isinstance(side.value, bool):
            reject(
                rules.WRONG_TYPE,
                "a range goes from an int to an int",
                side.span,
                f"this is {describe(side.value)}",
            )
    assert isinstance(left.value, int) and isinstance(right.value, int)
    return IntRange(left.value, right.value)


def _contains(left: Argued, right: Argued) -> bool:
    match right.value:
        case list() | tuple():
            return left.value in right.value
        case IntRange(first=first, last=last):
            return isinstance(left.value, int) and first <= left.value <= last
        case str() if isinstance(left.value, str):
            return left.value in right.value
        case _:
            reject(
                rules.WRONG_TYPE,
                "`in` looks into a list",
                right.span,
                f"this is {describe(right.value)}",
            )
