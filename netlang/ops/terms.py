"""Formulas of graph values, such as gradients: ``ct * y * (1 - y)``."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from netlang.ir.dims import Shape, Size, exact_quotient
from netlang.ir.graph import Builder, Value
from netlang.ir.op import OPS, Primitive
from netlang.ir.types import BOOL, DType, TensorType


class Term(Struct, frozen=True):
    """A value with the builder to which operations on it add nodes."""

    b: Builder
    value: Value

    @property
    def type(self) -> TensorType:
        return self.value.type

    @property
    def shape(self) -> Shape:
        return self.value.type.shape

    @property
    def rank(self) -> int:
        return self.value.type.rank

    def __add__(self, other: Operand) -> Term:
        return self.binary("add", other)

    def __radd__(self, other: float) -> Term:
        return self.binary("add", other)

    def __sub__(self, other: Operand) -> Term:
        return self.binary("sub", other)

    def __rsub__(self, other: float) -> Term:
        return self.number(other).binary("sub", self)

    def __mul__(self, other: Operand) -> Term:
        return self.binary("mul", other)

    def __rmul__(self, other: float) -> Term:
        return self.binary("mul", other)

    def __truediv__(self, other: Operand) -> Term:
        return self.binary("div", other)

    def __rtruediv__(self, other: float) -> Term:
        return self.number(other).binary("div", self)

    def __pow__(self, other: Operand) -> Term:
        return self.binary("pow", other)

    def __neg__(self) -> Term:
        return self.unary("neg")

    def __gt__(self, other: Operand) -> Term:
        return self.binary("greater", other)

    def __ge__(self, other: Operand) -> Term:
        return self.binary("greater_equal", other)

    def __lt__(self, other: Operand) -> Term:
        return self.binary("less", other)

    def __le__(self, other: Operand) -> Term:
        return self.binary("less_equal", other)

    def equals(self, other: Operand) -> Term:
        return self.binary("equal", other)

    def unary(self, name: str) -> Term:
        """Apply an operator of one operand and no attributes."""
        return self.to(OPS[name]())

    def binary(self, name: str, other: Operand) -> Term:
        """Apply an operator of two operands and no attributes."""
        right = other if isinstance(other, Term) else self.number(other)
        return self.to(OPS[name](), right)

    def to(self, op: Primitive, *others: Term) -> Term:
        """Apply an operator of one result."""
        return Term(self.b, self.b.one(op, self.value, *(o.value for o in others)))

    def make(self, op: Primitive) -> Term:
        """Apply an operator of no operands."""
        return Term(self.b, self.b.one(op))

    def number(self, value: float) -> Term:
        """Return a number as a term of the same element type."""
        return number(self.b, value, self.type.dtype)

    def count(self, size: Size) -> Term:
        """Return a size as a term of the same element type."""
        if isinstance(size, int):
            return self.number(size)
        from netlang.ops.shaping.creation import Measure

        return self.make(Measure(size, self.type.dtype))

    def zeros(self) -> Term:
        """Return zeros of the same type."""
        return Term(self.b, zeros(self.b, self.type))

    def where(self, mask: Term, no: Operand = 0.0) -> Term:
        """Return elements under a mask, and ``no`` elsewhere."""
        other = no if isinstance(no, Term) else self.number(no)
        return mask.to(OPS["select"](), self, other)

    def sum(self, axes: Sequence[int], *, keep: bool = False) -> Term:
        from netlang.ops.reducing.reduction import Sum

        return self.to(Sum(tuple(axes), keep)) if axes else self

    def mean(self, axes: Sequence[int], *, keep: bool = False) -> Term:
        from netlang.ops.reducing.reduction import Mean

        return self.to(Mean(tuple(axes), keep)) if axes else self

    def sum_to(self, shape: Shape) -> Term:
        """Sum over the axes that broadcasting expanded, so that ``shape`` remains."""
        lead = self.rank - len(shape)
        pairs = zip(self.shape[lead:], shape, strict=True)
        expanded = [lead + i for i, (have, want) in enumerate(pairs) if want == 1 and have != 1]
        return self.sum([*range(lead), *expanded]).reshape(shape)

    def expand(self, shape: Shape) -> Term:
        from netlang.ops.shaping.repetition import Expand

        return self if self.shape == shape else self.to(Expand(shape))

    def reshape(self, shape: Shape) -> Term:
        from netlang.ops.shaping.shape import Reshape

        return self if self.shape == shape else self.to(Reshape(shape))

    def transpose(self, order: Sequence[int]) -> Term:
        from netlang.ops.shaping.transposition import Transpose

        return self if list(order) == list(range(self.rank)) else self.to(Transpose(tuple(order)))

    def swap(self) -> Term:
        """Swap the last two axes."""
        return self.transpose([*range(self.rank - 2), self.rank - 1, self.rank - 2])

    def unsqueeze(self, axis: int) -> Term:
        return self.reshape((*self.shape[:axis], 1, *self.shape[axis:]))

    def cast(self, dtype: DType) -> Term:
        from netlang.ops.elementwise.choice import Cast

        return self if self.type.dtype is dtype else self.to(Cast(dtype))

    def part(self, axis: int, first: Size | None, last: Size | None) -> Term:
        """Return a range of one axis."""
        from netlang.ops.shaping.indexing import Index

        return self.to(Index((*(None,) * axis, (first, last))))

    def parts(self, axis: int, count: int) -> list[Term]:
        """Split one axis into equal parts."""
        from netlang.ops.shaping.joining import Split

        each = exact_quotient(self.shape[axis], count)
        assert each is not None
        return list(terms(self.b, *self.b.add(Split((each,) * count, axis), self.value)))

    def surround(self, axis: int, before: Size, after: Size) -> Term:
        """Pad one axis with zeros."""
        rest = ((0, 0),) * (self.rank - 1 - axis)
        return self.surround_all([*((0, 0),) * axis, (before, after), *rest])

    def surround_all(self, around: Sequence[tuple[Size, Size]]) -> Term:
        """Pad every axis with zeros."""
        from netlang.ops.shaping.joining import Concat
        from netlang.ops.shaping.padding import Pad

        known = tuple(
            (before, after) if isinstance(before, int) and isinstance(after, int) else (0, 0)
            for before, after in around
        )
        y = self.to(Pad(known)) if any(map(sum, known)) else self
        for axis, (pair, done) in enumerate(zip(around, known, strict=True)):
            if pair in (done, (0, 0)):
                continue
            front, back = (
                [] if size == 0 else [zeros(self.b, y.type.with_shape(*_at(y.shape, axis, size)))]
                for size in pair
            )
            y = Term(self.b, self.b.one(Concat(axis), *front, y.value, *back))
        return y


Operand = Term | float


def terms(b: Builder, *values: Value) -> tuple[Term, ...]:
    """Return values as terms."""
    return tuple(Term(b, v) for v in values)


def number(b: Builder, value: float, dtype: DType) -> Term:
    """Return a number as a tensor of rank 0."""
    from netlang.ops.elementwise.choice import Constant

    exact = float(value) if dtype.is_float else bool(value) if dtype is BOOL else int(value)
    return Term(b, b.one(Constant(exact, dtype)))


def zeros(b: Builder, type: TensorType) -> Value:
    """Return a tensor of zeros."""
    from netlang.ops.shaping.creation import Full

    return b.one(Full(type.shape, 0.0, type.dtype))


def _at(shape: Shape, axis: int, size: Size) -> Shape:
    return (*shape[:axis], size, *shape[axis + 1 :])
