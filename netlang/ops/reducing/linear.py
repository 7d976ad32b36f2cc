"""Matrix products and dense layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from netlang.diagnostics import rules
from netlang.ir.dims import Dim, Shape, Size, product, symbol
from netlang.ir.graph import Builder, Cotangents, Values
from netlang.ir.op import OnnxBuilder, Operand, OperandError, Primitive, Sample, register
from netlang.ir.types import F32, TensorType, Types
from netlang.ops.checks import broadcast, require_dtype_of, require_float, require_same_dtype
from netlang.ops.reducing.products import multiply
from netlang.ops.terms import terms
from netlang.system.numpy import Array

N = symbol("N")
T = symbol("T")


@register
class Matmul(Primitive, frozen=True):
    """Multiply matrices: the last axis of ``a`` by the second to last of ``b``.

    ``f32[M, K], f32[K, P] -> f32[M, P]``. A tensor of rank 1 is a row on the left and a column on
    the right; the axes before the last two broadcast. Written ``a @ b``. Source: ONNX MatMul.
    """

    name: ClassVar[str] = "matmul"
    gradient_reads = ("others",)
    formula: ClassVar[str] = "{a} @ {b}"
    family = "dense"
    operands: ClassVar[tuple[str, ...]] = ("a", "b")

    def seen_whole(self, operand: int, rank: int) -> frozenset[int]:
        return frozenset({rank - 1 if operand == 0 else max(rank - 2, 0)})

    def infer(self, *types: TensorType) -> Types:
        a, b = types
        require_float("@", a, b)
        require_same_dtype(a, b)
        for position, x in enumerate(types):
            if x.rank == 0:
                raise OperandError(
                    "`@` multiplies matrices, and one side is a number",
                    rule=rules.RANK_MISMATCH,
                    operand=position,
                    label=f"this is {x}",
                    helps=("to multiply by a number: `{0} * {1}`",),
                )
        inner = b.shape[-2] if b.rank > 1 else b.shape[0]
        if a.shape[-1] != inner:
            raise _unequal_inner(a, b, inner)
        batch: Shape = ()
        if a.rank > 2 or b.rank > 2:
            batch = _batch(a, b)
        rows = a.shape[-2:-1] if a.rank > 1 else ()
        columns = b.shape[-1:] if b.rank > 1 else ()
        return (a.with_shape(*batch, *rows, *columns),)

    def macs(self, *types: TensorType) -> Size:
        (y,) = self.infer(*types)
        return y.size * types[0].shape[-1]

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        a, b = operands
        return (multiply(a, b),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        return (b.add("MatMul", *operands),)

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        x, y, ct = terms(b, *inputs, *cts)
        left = x if x.rank > 1 else x.reshape((1, *x.shape))
        right = y if y.rank > 1 else y.reshape((*y.shape, 1))
        batch = ct.shape[: ct.rank - (x.rank > 1) - (y.rank > 1)]
        wide = ct.reshape((*batch, *left.shape[-2:-1], *right.shape[-1:]))
        by_left = wide.to(self, right.swap())
        by_right = left.swap().to(self, wide)
        return (
            by_left.sum_to(left.shape).reshape(x.shape).value,
            by_right.sum_to(right.shape).reshape(y.shape).value,
        )

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        return [
            _sample(cls(), (2, 3), (3, 4)),
            _sample(cls(), (N, 3), (3, 1)),
            _sample(cls(), (N, 5, 2, 3), (N, 5, 3, 4)),
            _sample(cls(), (N, T, 3), (3, 4)),
            _sample(cls(), (2, 3), (5, 3, 4)),
            _sample(cls(), (1, 2, 3), (N, 3, 4)),
            _sample(cls(), (3,), (3,)),
            _sample(cls(), (2, 3), (3,)),
            _sample(cls(), (3,), (4, 3, 2)),
            _sample(cls(), (0, 3), (3, 4)),
        ]


@register
class Linear(Primitive, frozen=True):
    """Multiply the last axis by a weight matrix, and add a bias if there is one.

    ``f32[...B, I], f32[O, I], f32[O] -> f32[...B, O]``: x W' + b. Source: ONNX Gemm.
    """

    name: ClassVar[str] = "linear"
    gradient_reads = ("others",)
    family = "dense"
    linear = True
    operands: ClassVar[tuple[str, ...]] = ("x", "weight", "bias*")

    def seen_whole(self, operand: int, rank: int) -> frozenset[int]:
        del operand
        return frozenset({rank - 1})

    def infer(self, *types: TensorType) -> Types:
        x, weight, *bias = types
        require_float("linear", x)
        for position, other in enumerate(types[1:], 1):
            require_dtype_of(x, other, operand=position)
        if x.rank == 0 or weight.rank != 2:
            what, position = ("x", 0) if x.rank == 0 else ("weight", 1)
            form = "[..., inputs]" if x.rank == 0 else "[outputs, inputs]"
            raise OperandError(
                f"`{what}` of `linear` must be {form}",
                rule=rules.RANK_MISMATCH,
                operand=position,
                label=f"this is {types[position]}",
            )
        outputs, inputs = weight.shape
        if x.shape[-1] != inputs:
            raise OperandError(
                "the weight doesn't fit the last dimension of the input",
                operand=1,
                label=f"this is {weight}",
                notes=(f"the input is {x}: the weight must be [outputs, {x.shape[-1]}]",),
            )
        if len(bias) > 1 or any(b.shape != (outputs,) for b in bias):
            raise OperandError(
                "`linear` takes one bias with a number for each output",
                operand=2,
                label=f"this is {bias[0]}",
                notes=(f"the weight is {weight}: the bias must be [{outputs}]",),
            )
        return (x.with_shape(*x.shape[:-1], outputs),)

    def workspace(self, *types: TensorType) -> Sequence[Size]:
        # Gemm adds the bias in place, and is for matrices only.
        return [self.infer(*types)[0].size] if len(types) > 2 and types[0].rank > 2 else ()

    def macs(self, *types: TensorType) -> Size:
        x, weight, *_ = types
        return x.size * weight.shape[0]

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        x, weight, *bias = operands
        return (multiply(x, weight.T, plus=bias[0] if bias else None),)

    def plain(self, *operands: Array) -> tuple[Array, ...]:
        x, weight, *bias = operands
        y = x @ weight.T
        return (y + bias[0] if bias else y,)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        x, weight, *bias = operands
        if x.type.rank == 2:
            return (b.add("Gemm", x, weight, *bias, transB=1),)
        y = b.add("MatMul", x, b.add("Transpose", weight, perm=[1, 0]))
        for v in bias:
            y = b.add("Add", y, v)
        return (y,)

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        x, weight, ct = terms(b, *inputs[:2], *cts)
        many, few = weight.shape
        rows = product(x.shape[:-1])
        flat = ct.reshape((rows, many))
        by_weight = flat.swap().to(Matmul(), x.reshape((rows, few)))
        biases = [flat.sum([0]).value for _ in inputs[2:]]
        return ct.to(Matmul(), weight).value, by_weight.value, *biases

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        return [
            _sample(cls(), (2, 3), (4, 3)),
            _sample(cls(), (N, 3), (4, 3), (4,)),
            _sample(cls(), (N, T, 3), (4, 3), (4,)),
            _sample(cls(), (2, 2, 2, 3), (1, 3)),
            _sample(cls(), (3,), (4, 3), (4,)),
            _sample(cls(), (0, 3), (4, 3), (4,)),
            _sample(cls(), (N, 1), (1, 1), (1,)),
        ]


def _sample(op: Primitive, *shapes: Shape) -> Sample:
    return Sample(op, tuple(TensorType(F32, s) for s in shapes), sizes={"N": 4, "T": 5})


def _batch(a: TensorType, b: TensorType) -> Shape:
    """Broadcast the axes before the last two."""
    try:
        return broadcast(*(x.with_shape(*x.shape[:-2]) for x in (a, b)))
    except OperandError as rejected:
        raise OperandError(
            f"in front of the two matrices, {rejected.message}",
            rule=rejected.rule,
            notes=rejected.notes,
        ) from None


def _unequal_inner(a: TensorType, b: TensorType, inner: Size) -> OperandError:
    which = "the second to last" if b.rank > 1 else "the only one"
    helps: tuple[str, ...] = ()
    if a.rank == b.rank == 2 and a.shape[1] == b.shape[1] and isinstance(b.shape[0], Dim):
        helps = ("the batch comes first: `{1} @ transpose({0})`",)
    elif b.rank == 2 and a.shape[-1] == b.shape[1]:
        helps = ("multiply by the transpose: `{0} @ transpose({1})`",)
    elif a.rank == 2 and b.rank <= 2 and a.shape[0] == inner:
        helps = ("multiply the transpose: `transpose({0}) @ {1}`",)
    elif b.rank > 2 and a.shape[-1] == b.shape[-1]:
        order = [*range(b.rank - 2), b.rank - 1, b.rank - 2]
        helps = (f"swap the last two axes: `{{0}} @ transpose({{1}}, {order})`",)
    return OperandError(
        "these two can't be multiplied: the inner dimensions differ",
        notes=(
            f"the last dimension on the left is {a.shape[-1]}, and {which} on the right is {inner}",
        ),
        helps=helps,
    )
