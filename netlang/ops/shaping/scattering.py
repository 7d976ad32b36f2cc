"""Reads and writes at indices, which are differentiated through each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

from msgspec.structs import replace

from netlang.diagnostics import rules
from netlang.ir.dims import Dim, Shape, Size, symbol
from netlang.ir.graph import Builder, Cotangents, Values
from netlang.ir.op import OnnxBuilder, Operand, OperandError, Primitive, Sample, register
from netlang.ir.types import F32, I64, TensorType, Types
from netlang.ops.arguments import Arguments, axis_of, integer, rejected, word
from netlang.ops.checks import require_dtype_of, require_indices, shape_text
from netlang.ops.terms import Term, terms
from netlang.system.numpy import Array, np

_REDUCTIONS = {name: name for name in ("none", "add", "mul")}


@register
class TakeAlong(Primitive, frozen=True):
    """Select elements along an axis, with indices of their own for every other position.

    ``x [A, B, C], ids [A, K, C] -> [A, K, C]`` along axis 1. ONNX: GatherElements.
    """

    name: ClassVar[str] = "take_along"
    formula: ClassVar[str] = "np.take_along_axis({x}, {ids}, axis={axis})"
    operands: ClassVar[tuple[str, ...]] = ("x", "ids")

    axis: int

    @classmethod
    def make(cls, types: Types, attributes: Arguments) -> Self:
        return cls(axis_of(types[0], integer(attributes, "axis")))

    def infer(self, *types: TensorType) -> Types:
        x, ids = types
        _require_rows(x, ids, axis_of(x, self.axis))
        return (x.with_shape(*ids.shape),)

    def indexed(self, *types: TensorType) -> tuple[int, Size]:
        return 1, types[0].shape[self.axis]

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        x, ids = operands
        return (np.take_along_axis(x, ids, axis=self.axis),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        return (b.add("GatherElements", *operands, axis=self.axis),)

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        del outputs
        x, ids, ct = terms(b, *inputs, *cts)
        axis = axis_of(x.type, self.axis)
        return x.zeros().to(Scatter(axis, "add"), ids, ct).value, None

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        n = symbol("N")
        symbolic = (TensorType(F32, (n, 4)), TensorType(I64, (n, 1)))
        return [
            Sample(cls(1), (TensorType(F32, (2, 4, 3)), TensorType(I64, (2, 5, 3))), low=0, high=4),
            Sample(cls(-1), symbolic, low=0, high=4, sizes={"N": 3}),
        ]


@register
class Scatter(Primitive, frozen=True):
    """Write elements along an axis, with indices of their own for every other position.

    ``x [A, B], ids [A, K], updates [A, K] -> [A, B]`` along axis 1. With the reduction "add" or
    "mul", they are added to the elements of ``x`` or multiplied by them. ONNX: ScatterElements.
    """

    name: ClassVar[str] = "scatter"
    gradient_reads = ("operands",)
    operands: ClassVar[tuple[str, ...]] = ("x", "ids", "updates")

    axis: int
    reduction: str = "none"

    @classmethod
    def make(cls, types: Types, attributes: Arguments) -> Self:
        axis = axis_of(types[0], integer(attributes, "axis"))
        return cls(axis, word(attributes, "reduction", _REDUCTIONS, "none"))

    def infer(self, *types: TensorType) -> Types:
        x, ids, updates = types
        _require_rows(x, ids, axis_of(x, self.axis))
        _require_updates(x, updates, ids.shape, ids)
        return (x,)

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        x, ids, updates = operands
        indices: list[Array] = list(np.indices(ids.shape, sparse=True))
        indices[self.axis] = ids
        return (_written(x, tuple(indices), updates, self.reduction),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        how = _onnx_reduction(self.reduction)
        return (b.add("ScatterElements", *operands, axis=self.axis, reduction=how),)

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        del outputs
        x, ids, updates, ct = terms(b, *inputs, *cts)
        by_x, by_updates = _cotangents(self, TakeAlong(self.axis), (x, ids, updates), ct)
        return by_x.value, None, by_updates.value

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        def shapes(*x: Size, k: int) -> Types:
            row = (*x[:-1], k)
            return (TensorType(F32, x), TensorType(I64, row), TensorType(F32, row))

        symbolic = shapes(symbol("N"), 4, k=5)
        return [
            Sample(cls(-1, "add"), shapes(2, 3, 4, k=6), low=0, high=4),
            Sample(cls(1, "mul"), shapes(3, 4, k=6), low=0, high=4),
            Sample(cls(1), shapes(3, 4, k=1), low=0, high=4),
            Sample(cls(1, "add"), symbolic, low=0, high=4, sizes={"N": 2}),
        ]


@register
class GatherNd(Primitive, frozen=True):
    """Select elements or slices at indices into several axes.

    ``x [A, B, C], ids [...S, 2] -> [...S, C]``: the last axis of ``ids`` holds an index into each
    of the first axes of ``x``. The first ``batch`` axes are shared. ONNX: GatherND.
    """

    name: ClassVar[str] = "gather_nd"
    operands: ClassVar[tuple[str, ...]] = ("x", "ids")

    batch: int = 0

    @classmethod
    def make(cls, types: Types, attributes: Arguments) -> Self:
        del types
        return cls(integer(attributes, "batch", 0))

    def infer(self, *types: TensorType) -> Types:
        x, ids = types
        most = max(min(x.rank, ids.rank) - 1, 0)
        if not 0 <= self.batch <= most:
            raise rejected("batch", f"must be from 0 to {most}", self.batch)
        depth = _depth(x, ids, self.batch)
        if x.shape[: self.batch] != ids.shape[: self.batch]:
            raise OperandError(
                "the axes of the batch must be the same on both sides",
                operand=1,
                label=f"this is {ids}",
                notes=[f"the tensor is {x}"],
            )
        return (x.with_shape(*ids.shape[:-1], *x.shape[self.batch + depth :]),)

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        x, ids = operands
        many = ids.ndim - 1
        rows = [
            np.arange(int(n)).reshape(-1, *(1,) * (many - 1 - axis))
            for axis, n in enumerate(ids.shape[: self.batch])
        ]
        return (x[(*rows, *np.moveaxis(ids, -1, 0))].copy(),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        return (b.add("GatherND", *operands, batch_dims=self.batch),)

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        del outputs
        from netlang.ops.shaping.creation import Iota
        from netlang.ops.shaping.joining import Concat

        x, ids, ct = terms(b, *inputs, *cts)
        indices = ids.cast(I64)
        lead = indices.shape[:-1]
        for axis in reversed(range(self.batch)):
            along = indices.make(Iota(lead[axis])).reshape(
                (*(1,) * axis, lead[axis], *(1,) * (len(lead) - axis))
            )
            indices = along.expand((*lead, 1)).to(Concat(len(lead)), indices)
        return x.zeros().to(ScatterNd("add"), indices, ct).value, None

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        def sample(op: Self, x: Shape, ids: Shape) -> Sample:
            types = (TensorType(F32, x), TensorType(I64, ids))
            return Sample(op, types, low=-3, high=3, sizes={"N": 2})

        n = symbol("N")
        return [
            sample(cls(), (3, 4, 2), (5, 2)),
            sample(cls(), (4, 3), (2, 2, 1)),
            sample(cls(1), (n, 3, 4), (n, 5, 1)),
            sample(cls(1), (2, 3, 3), (2, 2)),
        ]


@register
class ScatterNd(Primitive, frozen=True):
    """Write elements or slices at indices into several axes.

    ``x [A, B, C], ids [...S, 2], updates [...S, C] -> [A, B, C]``. With the reduction "add" or
    "mul", they are added to the elements of ``x`` or multiplied by them. ONNX: ScatterND.
    """

    name: ClassVar[str] = "scatter_nd"
    gradient_reads = ("operands",)
    operands: ClassVar[tuple[str, ...]] = ("x", "ids", "updates")

    reduction: str = "none"

    @classmethod
    def make(cls, types: Types, attributes: Arguments) -> Self:
        del types
        return cls(word(attributes, "reduction", _REDUCTIONS, "none"))

    def infer(self, *types: TensorType) -> Types:
        x, ids, updates = types
        depth = _depth(x, ids, 0)
        _require_updates(x, updates, (*ids.shape[:-1], *x.shape[depth:]), ids)
        return (x,)

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        x, ids, updates = operands
        return (_written(x, tuple(np.moveaxis(ids, -1, 0)), updates, self.reduction),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        return (b.add("ScatterND", *operands, reduction=_onnx_reduction(self.reduction)),)

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        del outputs
        x, ids, updates, ct = terms(b, *inputs, *cts)
        by_x, by_updates = _cotangents(self, GatherNd(), (x, ids, updates), ct)
        return by_x.value, None, by_updates.value

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        def sample(op: Self, x: Shape, ids: Shape, updates: Shape) -> Sample:
            types = (TensorType(F32, x), TensorType(I64, ids), TensorType(F32, updates))
            return Sample(op, types, low=0, high=3, sizes={"N": 4})

        return [
            sample(cls(), (3, 4, 2), (1, 2), (1, 2)),
            sample(cls("add"), (4, 3), (2, 5, 1), (2, 5, 3)),
            sample(cls("mul"), (3, 3), (6, 2), (6,)),
            sample(cls("add"), (symbol("N"), 3), (2, 1), (2, 3)),
        ]


def _require_rows(x: TensorType, ids: TensorType, axis: int) -> None:
    """Raise ``OperandError`` for indices whose shape differs from ``x`` along another axis."""
    require_indices(ids, 1)
    aside = (*x.shape[:axis], *x.shape[axis + 1 :])
    if ids.rank != x.rank or (*ids.shape[:axis], *ids.shape[axis + 1 :]) != aside:
        raise OperandError(
            f"the indices must have the shape of the tensor except along axis {axis}",
            operand=1,
            label=f"this is {ids}",
            notes=[f"the tensor is {x}"],
        )


def _cotangents(
    op: Scatter | ScatterNd,
    reader: Primitive,
    operands: tuple[Term, Term, Term],
    ct: Term,
) -> tuple[Term, Term]:
    """Return the cotangents of ``x`` and ``updates``; ``reader`` reads at the indices.

    If several elements were written to one index without a reduction, each gets the whole
    cotangent, because it is undefined which of them remains.
    """
    x, ids, updates = operands
    read = ct.to(reader, ids)
    if op.reduction == "add":
        return ct, read
    if op.reduction == "none":
        return ct.to(op, ids, updates.zeros()), read
    # As in a product: the derivative by a 0 is the product of the others, unless another one is 0.
    nothing = updates.equals(0.0)
    others = updates.where(nothing.unary("logical_not"), 1.0)
    without = x.to(op, ids, others)
    count = x.zeros().to(replace(op, reduction="add"), ids, nothing.cast(x.type.dtype))
    zeros = count.to(reader, ids)
    share = without.to(reader, ids) / others
    kept = share.where(zeros.equals(nothing.cast(x.type.dtype)))
    ones = x.zeros() + 1.0
    return ct * ones.to(op, ids, updates), read * kept


def _onnx_reduction(reduction: str) -> str | None:
    """Return the attribute of ONNX: none where nothing is reduced, which opsets before 16 lack."""
    return None if reduction == "none" else reduction


def _written(x: Array, indices: tuple[Array, ...], updates: Array, reduction: str) -> Array:
    y = x.copy()
    match reduction:
        case "add":
            np.add.at(y, indices, updates)
        case "mul":
            np.multiply.at(y, indices, updates)
        case _:
            y[indices] = updates
    return y


def _depth(x: TensorType, ids: TensorType, batch: int) -> int:
    """Return the number of axes that an index refers to."""
    require_indices(ids, 1)
    depth = ids.shape[-1] if ids.rank else 0
    if isinstance(depth, Dim) or not 1 <= depth <= x.rank - batch:
        raise OperandError(
            f"an index must refer to 1 to {x.rank - batch} axes of this tensor",
            rule=rules.RANK_MISMATCH,
            operand=1,
            label=f"this is {ids}: the last axis holds the indices",
            notes=[f"the tensor is {x}"],
        )
    return depth


def _require_updates(x: TensorType, updates: TensorType, shape: Shape, ids: TensorType) -> None:
    require_dtype_of(x, updates, operand=2)
    if updates.shape != shape:
        raise OperandError(
            f"the new elements must have the shape {shape_text(shape)}",
            operand=2,
            label=f"this is {updates}",
            notes=[f"the indices are {ids}"],
        )
