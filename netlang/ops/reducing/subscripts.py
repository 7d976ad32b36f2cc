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


class Side(Struct, frozen=True):
    """A side of a product of matrices: the order of its axes, and then an axis of size 1 to add."""

    order: tuple[int, ...]
    added: int | None


class MatrixProduct(Struct, frozen=True):
    """An einsum of two operands as a product of batches of matrices.

    ``swapped`` tells whether the second operand is on the left; ``squeezed`` are the axes of size 1
    that the product has in excess.
    """

    swapped: bool
    left: Side
    right: Side
    squeezed: tuple[int, ...]


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

    def as_product(self) -> MatrixProduct | None:
        """Return the product of batches of matrices that is the same, without reshapes, if any."""
        if len(self.operands) != 2:
            return None
        for swapped in (False, True):
            left, right = self.operands[::-1] if swapped else self.operands
            both = set(left) & set(right)
            batch = [n for n in self.result if n in both]
            summed = [n for n in left if n in both and n not in batch]
            rows = [n for n in self.result if n not in right]
            columns = [n for n in self.result if n not in left]
            ordered = self.result == "".join([*batch, *rows, *columns])
            whole = sorted(left + right) == sorted([*2 * (batch + summed), *rows, *columns])
            several = max(map(len, (rows, columns, summed))) > 1
            matrices = bool((rows and columns) or (summed and (rows or columns)))
            if ordered and whole and matrices and not several:
                axes = (len(batch) + i for i, found in enumerate((rows, columns)) if not found)
                sides = _side(left, batch, rows, summed), _side(right, batch, summed, columns)
                return MatrixProduct(swapped, *sides, tuple(axes))
        return None


def _side(term: str, batch: Sequence[str], *axes: Sequence[str]) -> Side:
    """Return how an operand becomes matrices with a letter or none for each of two axes."""
    order = [term.index(letter) for letter in (*batch, *axes[0], *axes[1])]
    added = next((len(batch) + i for i, axis in enumerate(axes) if not axis), None)
    return Side(tuple(order), added)


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
