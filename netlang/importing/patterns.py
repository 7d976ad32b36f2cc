"""Functions that other formats write as formulas: recognized as one operator."""

from __future__ import annotations

from collections.abc import Sequence
from math import isclose, pi, sqrt

from netlang.importing.conversion import Conversion
from netlang.importing.operands import Operand
from netlang.importing.simplifying import attribute
from netlang.ir.graph import Node, Value


def gelu(c: Conversion, product: Operand) -> Operand | None:
    """Recognize GELU: x times 0.5 times 1 + erf(x / sqrt(2)), or its approximation by tanh."""
    factors = _factors(c, product)
    rest, half = _without_number(c, factors, 0.5)
    if not half or len(rest) != 2:
        return None
    for x, total in (rest, rest[::-1]):
        for approximate, name in ((False, "erf"), (True, "tanh")):
            inner = _one_plus(c, total, name)
            if inner is not None and (
                _scaled(c, inner, x) if not approximate else _cubic(c, inner, x)
            ):
                return c.add("gelu", x, approximate=approximate)
    return None


_DEEPEST = 4
"""How many products of products a formula has; squares of squares would have 2^n factors."""


def _factors(c: Conversion, operand: Operand, depth: int = _DEEPEST) -> list[Value]:
    """Return what is multiplied, through products of products."""
    node = c.maker(operand)
    if node is None or node.op.name != "mul" or not depth:
        return [operand] if isinstance(operand, Value) else []
    return [f for v in node.inputs for f in _factors(c, v, depth - 1)]


def _without_number(
    c: Conversion, factors: Sequence[Value], wanted: float
) -> tuple[list[Value], bool]:
    """Return factors without the numbers, and whether these are the wanted one."""
    numbers = [n for f in factors if (n := _number(c.maker(f))) is not None]
    rest = [f for f in factors if _number(c.maker(f)) is None]
    total = 1.0
    for number in numbers:
        total *= number
    return rest, bool(numbers) and isclose(total, wanted, rel_tol=1e-4)


def _number(node: Node | None) -> float | None:
    if node is None or node.op.name not in ("constant", "full"):
        return None
    value = attribute(node.op, "value")
    return float(value) if isinstance(value, int | float) else None


def _one_plus(c: Conversion, total: Value, name: str) -> Value | None:
    """Return x of 1 + name(x)."""
    node = c.maker(total)
    if node is None or node.op.name != "add":
        return None
    for one, other in (node.inputs, node.inputs[::-1]):
        inner = c.maker(other)
        if _number(c.maker(one)) == 1.0 and inner is not None and inner.op.name == name:
            return inner.inputs[0]
    return None


def _scaled(c: Conversion, inner: Value, x: Value) -> bool:
    """Return whether a value is x / sqrt(2)."""
    node = c.maker(inner)
    if node is None:
        return False
    if node.op.name == "div":
        number = _number(c.maker(node.inputs[1]))
        return node.inputs[0] is x and number is not None and isclose(number, sqrt(2), rel_tol=1e-4)
    rest, scaled = _without_number(c, _factors(c, inner), sqrt(0.5))
    return scaled and rest == [x]


def _cubic(c: Conversion, inner: Value, x: Value) -> bool:
    """Return whether a value is sqrt(2 / pi) * (x + 0.044715 * x ** 3)."""
    rest, scaled = _without_number(c, _factors(c, inner), sqrt(2 / pi))
    node = c.maker(rest[0]) if scaled and len(rest) == 1 else None
    if node is None or node.op.name != "add":
        return False
    for plain, cube in (node.inputs, node.inputs[::-1]):
        powers, small = _without_number(c, _factors(c, cube), 0.044715)
        if plain is x and small and (powers == [x] * 3 or _cube(c, powers, x)):
            return True
    return False


def _cube(c: Conversion, powers: Sequence[Value], x: Value) -> bool:
    node = c.maker(powers[0]) if len(powers) == 1 else None
    if node is None or node.op.name != "pow":
        return False
    return node.inputs[0] is x and _number(c.maker(node.inputs[1])) == 3.0
