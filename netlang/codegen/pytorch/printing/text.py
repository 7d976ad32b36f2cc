"""Python expressions as text that knows when it needs parentheses."""

from __future__ import annotations

import keyword
from collections.abc import Sequence
from typing import cast

from netlang.evaluate.context.values import Word
from netlang.ir.types import DType

LEVELS = {
    "if": 1, "or": 2, "and": 3, "not": 4,
    "==": 5, "!=": 5, "<": 5, "<=": 5, ">": 5, ">=": 5, "in": 5, "is": 5,
    "+": 6, "-": 6, "*": 7, "/": 7, "//": 7, "%": 7, "@": 7, "unary": 8, "**": 9,
}  # fmt: skip
"""How tightly operators bind."""

ATOM = 10


class Text(str):
    """An expression, and how tightly its outermost operator binds.

    In a template, ``{x}`` is the text and ``{x:a}`` puts parentheses around all but atoms.
    """

    level: int = ATOM

    def __format__(self, spec: str) -> str:
        return self.at(ATOM) if spec == "a" else str(self)

    def at(self, level: int) -> str:
        """Return the text for a place where operators that bind less tightly need parentheses."""
        return str(self) if self.level >= level else f"({self})"


def text(code: str, level: int = ATOM) -> Text:
    """Return the text of an expression whose outermost operator has a level."""
    made = Text(code)
    made.level = level
    return made


def binary(op: str, left: Text, right: Text) -> Text:
    """Return an operation on two expressions; operators associate to the left, ``**`` does not."""
    level = LEVELS[op]
    tight = op == "**"
    first, second = left.at(level + tight), right.at(level + (not tight))
    gap = "" if tight and _simple(first) and _simple(second) else " "
    return text(f"{first}{gap}{op}{gap}{second}", level)


def _simple(code: str) -> bool:
    """Return whether the standard format puts no spaces around the power of an operand."""
    return all(part.isidentifier() or part.isdigit() for part in code.removeprefix("-").split("."))


def unary(op: str, operand: Text) -> Text:
    """Return ``-x`` or ``not x``."""
    if op == "not":
        return text(f"not {operand.at(LEVELS['not'])}", LEVELS["not"])
    return text(f"{op}{operand.at(LEVELS['unary'])}", LEVELS["unary"])


def choice(condition: Text, then: Text, otherwise: Text) -> Text:
    """Return a conditional expression."""
    level = LEVELS["if"]
    return text(f"{then.at(level + 1)} if {condition.at(level + 1)} else {otherwise}", level)


def listed(items: Sequence[Text]) -> Text:
    return text(f"[{', '.join(items)}]")


def tupled(items: Sequence[Text]) -> Text:
    return text(f"({', '.join(items)}{',' if len(items) == 1 else ''})")


def literal(value: object) -> Text | None:
    """Return a number, string, element type or ``None`` as Python writes it."""
    match value:
        case None | bool():
            return text(str(value))
        case int():
            return text(str(int(value)), ATOM if value >= 0 else LEVELS["unary"])
        case float():
            if value in (float("inf"), float("-inf")):
                return text(f'float("{value}")')
            return text(repr(value), ATOM if value >= 0 else LEVELS["unary"])
        case str():
            return text(quoted(value))
        case DType():
            return text(f"torch.{DTYPES[value]}")
        case Word(text=word):
            return text(quoted(word))
        case list() | tuple():
            items = [literal(item) for item in cast("Sequence[object]", value)]
            shown = [item for item in items if item is not None]
            if len(shown) < len(items):
                return None
            return listed(shown) if isinstance(value, list) else tupled(shown)
        case _:
            return None


DTYPES = {
    DType.F16: "float16", DType.BF16: "bfloat16", DType.F32: "float32", DType.F64: "float64",
    DType.I8: "int8", DType.I16: "int16", DType.I32: "int32", DType.I64: "int64",
    DType.U8: "uint8", DType.BOOL: "bool",
}  # fmt: skip


def quoted(value: str) -> str:
    """Return a string in the quotes that the standard format prefers."""
    shown = repr(value)
    if shown.startswith("'") and '"' not in value:
        return f'"{shown[1:-1]}"'
    return shown


TAKEN = frozenset({*keyword.kwlist, "self", "torch", "nn", "F", "math"})
"""Names that nothing else can have in a generated module."""


def free(name: str, taken: frozenset[str] | set[str]) -> str:
    """Return a name, with a number if something else is called that."""
    if name in TAKEN:
        name = f"{name}_"
    made, number = name, 1
    while made in taken:
        number += 1
        made = f"{name}{number}"
    return made


def camel(name: str) -> str:
    """Return the name of a class for a block: ``conv_bn`` becomes ``ConvBn``."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_") if part)
