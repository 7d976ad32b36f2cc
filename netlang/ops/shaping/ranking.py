"""The k largest or smallest elements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

from netlang.diagnostics import rules
from netlang.ir.dims import Size, symbol
from netlang.ir.graph import Builder, Cotangents, Values
from netlang.ir.op import OnnxBuilder, Operand, OperandError, Primitive, Sample, register
from netlang.ir.types import F32, I64, TensorType, Types
from netlang.ops.arguments import Arguments, axis_of, flag, integer, rejected, size
from netlang.ops.checks import require_number
from netlang.ops.terms import terms
from netlang.system.numpy import Array, np


@register
class Ranked(Primitive, frozen=True):
    """Return the ``k`` largest elements along an axis, in descending order, and their indices.

    ``[N, D] -> [N, k], i64[N, k]``; equal elements stay in order. With ``smallest``, the
    smallest ones, in ascending order. A ``k`` that is not known is the size of the axis: all
    elements. ONNX: TopK.
    """

    name: ClassVar[str] = "ranked"
    operands: ClassVar[tuple[str, ...]] = ("x",)

    k: Size
    axis: int = -1
    smallest: bool = False

    def seen_whole(self, operand: int, rank: int) -> frozenset[int]:
        del operand
        return frozenset({self.axis % rank})

    @classmethod
    def make(cls, types: Types, attributes: Arguments) -> Self:
        axis = axis_of(types[0], integer(attributes, "axis", -1))
        return cls(size(attributes, "k"), axis, flag(attributes, "smallest"))

    def infer(self, *types: TensorType) -> Types:
        (x,) = types
        require_number("ranked", x)
        axis = axis_of(x, self.axis)
        have = x.shape[axis]
        if not isinstance(self.k, int):
            if self.k != have:
                raise rejected("k", f"must be an integer, or {have}, the size of the axis", self.k)
        elif self.k < 1:
            raise rejected("k", "must be 1 or more", self.k)
        elif isinstance(have, int) and self.k > have:
            raise OperandError(
                f"there are no {self.k} elements to choose from",
                rule=rules.OUT_OF_RANGE,
                operand=0,
                label=f"axis {axis} of {x} is {have} long",
            )
        shape = (*x.shape[:axis], self.k, *x.shape[axis + 1 :])
        return x.with_shape(*shape), TensorType(I64, shape)

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        (x,) = operands
        assert isinstance(self.k, int)
        order = np.take(self._order(x), np.arange(self.k), axis=self.axis)
        indices = order.astype(np.int64)
        return np.take_along_axis(x, indices, axis=self.axis), indices

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        largest = int(not self.smallest)
        k = b.shape((self.k,))
        return b.add_many("TopK", *operands, k, outputs=2, axis=self.axis, largest=largest)

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        from netlang.ops.shaping.scattering import Scatter

        x, indices, ct = terms(b, *inputs, outputs[1], cts[0])
        return (x.zeros().to(Scatter(axis_of(x.type, self.axis), "add"), indices, ct).value,)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        return [
            Sample(cls(2), (TensorType(F32, (3, 5)),)),
            Sample(cls(3, 0), (TensorType(I64, (6, 2)),), low=0, high=3),
            Sample(cls(3, 0, smallest=True), (TensorType(I64, (6, 2)),), low=0, high=3),
            Sample(cls(1, 1), (TensorType(F32, (symbol("N"), 4, 2)),), sizes={"N": 2}),
            Sample(cls(symbol("N"), 0), (TensorType(F32, (symbol("N"), 2)),), sizes={"N": 4}),
        ]

    def _order(self, x: Array) -> Array:
        if self.smallest:
            return np.argsort(x, axis=self.axis, kind="stable")
        # Sort the flipped array, so that the stable order puts the first of equal elements first.
        order = np.argsort(np.flip(x, self.axis), axis=self.axis, kind="stable")
        return x.shape[self.axis] - 1 - np.flip(order, self.axis)
