"""Slices selected by index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

from netlang.ir.dims import Size, symbol
from netlang.ir.graph import Builder, Cotangents, Values
from netlang.ir.op import OnnxBuilder, Operand, OperandError, Primitive, Sample, register
from netlang.ir.types import F32, I64, TensorType, Types
from netlang.ops.arguments import Arguments, axis_of, integer, integers, rejected
from netlang.ops.checks import require_indices
from netlang.ops.samples import sample
from netlang.ops.shaping.indexing import check_index
from netlang.ops.terms import Term, terms
from netlang.system.numpy import Array, np


@register
class GatherRows(Primitive, frozen=True):
    """Look up rows of a table by index: an embedding.

    ``table [V, D], ids [...S] -> [...S, D]``. ONNX: Gather.
    """

    name: ClassVar[str] = "gather_rows"
    formula: ClassVar[str] = "{table}[{ids}]"
    family = "dense"
    makes_sequence = True
    operands: ClassVar[tuple[str, ...]] = ("table", "ids")

    def infer(self, *types: TensorType) -> Types:
        table, ids = types
        require_indices(ids, 1)
        if table.rank < 1:
            raise OperandError("a table needs rows", operand=0, label=f"this is {table}")
        return (table.with_shape(*ids.shape, *table.shape[1:]),)

    def indexed(self, *types: TensorType) -> tuple[int, Size]:
        return 1, types[0].shape[0]

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        table, ids = operands
        return (np.take(table, ids, axis=0),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        return (b.add("Gather", *operands, axis=0),)

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        del outputs
        ids, ct = terms(b, *inputs[1:], *cts)
        return _scattered(ct, ids, inputs[0].type, 0).value, None

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        table = TensorType(F32, (5, 3))
        symbolic = TensorType(I64, (symbol("N"), symbol("T")))
        return [
            Sample(cls(), (table, TensorType(I64, (2, 4))), low=0, high=5),
            Sample(cls(), (table, TensorType(I64, ())), low=0, high=5),
            Sample(cls(), (table, symbolic), low=0, high=5, sizes={"N": 2, "T": 3}),
        ]


@register
class Gather(Primitive, frozen=True):
    """Select slices along an axis by indices known at run time.

    ``x [A, B, C], ids [...S] -> [A, ...S, C]`` along axis 1. ONNX: Gather.
    """

    name: ClassVar[str] = "gather"
    formula: ClassVar[str] = "np.take({x}, {ids}, axis={axis})"
    operands: ClassVar[tuple[str, ...]] = ("x", "ids")

    axis: int

    @classmethod
    def make(cls, types: Types, attributes: Arguments) -> Self:
        return cls(axis_of(types[0], integer(attributes, "axis")))

    def infer(self, *types: TensorType) -> Types:
        x, ids = types
        require_indices(ids, 1)
        axis = axis_of(x, self.axis)
        return (x.with_shape(*x.shape[:axis], *ids.shape, *x.shape[axis + 1 :]),)

    def indexed(self, *types: TensorType) -> tuple[int, Size]:
        return 1, types[0].shape[self.axis]

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        x, ids = operands
        return (np.take(x, ids, axis=self.axis),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        return (b.add("Gather", *operands, axis=self.axis),)

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        del outputs
        ids, ct = terms(b, *inputs[1:], *cts)
        return _scattered(ct, ids, inputs[0].type, axis_of(inputs[0].type, self.axis)).value, None

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        n = symbol("N")
        symbolic = (TensorType(F32, (n, 4)), TensorType(I64, (n,)))
        return [
            Sample(cls(1), (TensorType(F32, (2, 4, 3)), TensorType(I64, (5,))), low=0, high=4),
            Sample(cls(-1), (TensorType(F32, (2, 4)), TensorType(I64, (2, 3))), low=-4, high=4),
            Sample(cls(1), symbolic, low=0, high=4, sizes={"N": 3}),
        ]


_MOST_INDICES = 100_000


@register
class Take(Primitive, frozen=True):
    """Select slices along an axis by indices written in the program.

    ``[A, B, C] -> [A, 2, C]`` with two indices along axis 1. ONNX: Gather.
    """

    name: ClassVar[str] = "take"
    formula: ClassVar[str] = "np.take({x}, {index}, axis={axis})"
    operands: ClassVar[tuple[str, ...]] = ("x",)

    index: tuple[int, ...]
    axis: int

    @classmethod
    def make(cls, types: Types, attributes: Arguments) -> Self:
        axis = axis_of(types[0], integer(attributes, "axis"))
        return cls(integers(attributes, "index", most=_MOST_INDICES), axis)

    def infer(self, *types: TensorType) -> Types:
        (x,) = types
        axis = axis_of(x, self.axis)
        if not self.index:
            raise rejected("index", "must contain at least one index", "[]")
        for index in self.index:
            check_index(x, axis, index)
        return (x.with_shape(*x.shape[:axis], len(self.index), *x.shape[axis + 1 :]),)

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        return (np.take(operands[0], self.index, axis=self.axis),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        return (b.add("Gather", *operands, b.axes(self.index), axis=self.axis),)

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        del outputs
        from netlang.ops.shaping.creation import Iota

        (ct,) = terms(b, *cts)
        axis = axis_of(inputs[0].type, self.axis)
        ids = ct.make(Iota(inputs[0].type.shape[axis])).to(Take(self.index, 0))
        return (_scattered(ct, ids, inputs[0].type, axis).value,)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        symbolic = (TensorType(F32, (symbol("N"), 4)),)
        return [
            sample(cls((2, 0, 2, -1), 1), 2, 3, 4),
            sample(cls((1,), -1), 2, 3),
            Sample(cls((3, 1), 1), symbolic, sizes={"N": 2}),
        ]


def _scattered(ct: Term, ids: Term, x: TensorType, axis: int) -> Term:
    """Add slices of a cotangent at the indices along an axis that they were selected from."""
    from netlang.ops.shaping.creation import Full
    from netlang.ops.shaping.scattering import ScatterNd

    first, last = axis, axis + ids.rank
    rows = ct.transpose([*range(first, last), *range(first), *range(last, ct.rank)])
    aside = (*x.shape[:axis], *x.shape[axis + 1 :])
    nothing = ct.make(Full((x.shape[axis], *aside), 0.0, x.dtype))
    indices = ids.cast(I64).reshape((*ids.shape, 1))
    total = nothing.to(ScatterNd("add"), indices, rows)
    return total.transpose([*range(1, axis + 1), 0, *range(axis + 1, x.rank)])
