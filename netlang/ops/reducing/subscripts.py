"""Subscripts of an einsum, such as ``bij,bjk->bik``."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_letters
from typing import Self

from msgspec import Struct

from netlang.diagnostics import rules
from netlang.ir.dims import Size
from netlang.ir.op import OperandError
from netlang.ir.types import RANK_LIMIT, TensorType
from netlang.ops.checks import count


class Subscripts(Struct, frozen=True):
    """The letters of the axes of each operand and of the result."""

    operands: tuple[str, ...]
    result: str

    @classmethod
    def parse(cls, rule: str, operands: int) -> Self:
        """Parse subscripts; raises ``OperandError`` if they do not fit the number of operands."""
        left, arrow, result = rule.partition("->")
        if not arrow:
            raise _malformed(rule, "it has no `->` that says what comes out")
        terms = tuple(left.split(","))
        for letter in left.replace(",", "") + result:
            if not (letter.isascii() and letter.isalpha()):
                raise _malformed(rule, f"an axis is one letter a to z or A to Z, not `{letter}`")
        if not 1 <= operands <= 2:
            raise _malformed(rule, f"einsum takes one tensor or two, and here are {operands}")
        if len(terms) != operands:
            given = count(operands, "tensor")
            raise _malformed(rule, f"it describes {count(len(terms), 'tensor')}, and got {given}")
        for letter in result:
            if letter not in left:
                raise _malformed(rule, f"`{letter}` comes out and is on no tensor that goes in")
            if result.count(letter) > 1:
                raise _malformed(rule, f"`{letter}` comes out twice")
        return cls(terms, result)

    def sizes(self, types: Sequence[TensorType]) -> dict[str, Size]:
        """Return the size of each letter; raises ``OperandError`` if it has two sizes."""
        sizes: dict[str, Size] = {}
        for position, (term, x) in enumerate(zip(self.operands, types, strict=True)):
            if len(term) != x.rank:
                raise OperandError(
                    f"`{term}` names {count(len(term), 'axis', 'axes')}, "
                    f"and the tensor has {x.rank}",
                    rule=rules.RANK_MISMATCH,
                    operand=position,
                    label=f"this is {x}",
                )
            for letter, size in zip(term, x.shape, strict=True):
                if sizes.setdefault(letter, size) != size:
                    raise OperandError(
                        f"`{letter}` denotes two different sizes",
                        operand=position,
                        label=f"this is {x}",
                        notes=(f"`{letter}` is {sizes[letter]} at first, and {size} here",),
                    )
        return sizes


_LONGEST = 4 * RANK_LIMIT
"""The letters of a rule for two operands of the highest rank, and some to spare."""


def expanded(rule: str, ranks: Sequence[int]) -> str:
    """Return the rule with a letter for each axis that ``...`` denotes, aligned at the last one.

    >>> expanded("...ij,...jk->...ik", [4, 3])
    'abij,bjk->abik'
    """
    if len(rule) > _LONGEST:
        raise _malformed(rule[:_LONGEST], f"it has {len(rule):,} letters")
    left, arrow, result = rule.partition("->")
    terms = left.split(",")
    if "..." not in left or len(terms) != len(ranks):
        return rule
    unnamed = [rank - len(term) + 3 for term, rank in zip(terms, ranks, strict=True)]
    most = max(0, *(n for n, term in zip(unnamed, terms, strict=True) if "..." in term))
    free = [letter for letter in ascii_letters if letter not in rule]
    if most > len(free):
        return rule
    letters = "".join(free[:most])
    written = ",".join(
        term.replace("...", letters[most - max(n, 0) :], 1)
        for term, n in zip(terms, unnamed, strict=True)
    )
    return written + arrow + result.replace("...", letters, 1)


def _malformed(rule: str, why: str) -> OperandError:
    return OperandError(
        f'"{rule}" isn\'t a rule for these tensors',
        rule=rules.EINSUM_RULE,
        notes=(why,),
        helps=('a product of matrices is "ij,jk->ik": letters for each axis, then the result',),
    )
