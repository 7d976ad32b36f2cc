"""Constants, selection, clamping and conversion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Self, cast

from netlang.diagnostics import rules
from netlang.ir.arrays import numpy_dtype
from netlang.ir.dims import symbol
from netlang.ir.graph import Builder, Cotangents, Values
from netlang.ir.op import OnnxBuilder, Operand, OperandError, Primitive, Sample, register
from netlang.ir.types import BOOL, F32, I64, DType, TensorType, Types
from netlang.ops import arguments
from netlang.ops.checks import broadcast, require_bool, require_float, require_same_dtype
from netlang.ops.terms import terms
from netlang.system.numpy import Array, np

N = symbol("N")


def _shape(value: object) -> tuple[int, ...]:
    """Return the shape of nested tuples, all of one length at each depth."""
    if not isinstance(value, tuple):
        return ()
    items = cast("tuple[object, ...]", value)
    return len(items), *_shape(items[0])


@register
class Constant(Primitive, frozen=True):
    """Return numbers that are written in the program: one of rank 0, or nested tuples of them.

    ``0.5 -> f32[]``, ``((1, 2, 3), (4, 5, 6)) -> i64[2, 3]``. Source: ONNX Constant.
    """

    name: ClassVar[str] = "constant"
    formula: ClassVar[str] = "{dtype}({value})"
    operands: ClassVar[tuple[str, ...]] = ()
    no_gradient: ClassVar[str] = "it depends on no tensor"
    value: float | int | bool | tuple[object, ...]
    dtype: DType = F32

    def infer(self, *types: TensorType) -> Types:
        del types
        return (TensorType(self.dtype, _shape(self.value)),)

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        del operands
        return (np.asarray(self.value, dtype=numpy_dtype(self.dtype)),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        del operands
        return (b.constant(self.value, self.dtype),)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        return [
            Sample(cls(0.1), ()),
            Sample(cls(-3, I64), ()),
            Sample(cls(True, BOOL), ()),
            Sample(cls(((1.0, -2.5), (0.25, 4.0))), ()),
            Sample(cls((3, 0, -7), I64), ()),
            Sample(cls(((True,), (False,)), BOOL), ()),
        ]


@register
class Select(Primitive, frozen=True):
    """Return elements of ``yes`` where the mask is true and of ``no`` elsewhere.

    ``bool[T, T], f32[N, T, T], f32[] -> f32[N, T, T]``; all three broadcast. Source: ONNX Where.
    """

    name: ClassVar[str] = "select"
    formula: ClassVar[str] = "np.where({mask}, {yes}, {no})"
    family = "join"
    operands: ClassVar[tuple[str, ...]] = ("mask", "yes", "no")

    def infer(self, *types: TensorType) -> Types:
        mask, yes, no = types
        require_bool("select", mask)
        require_same_dtype(yes, no, at=(1, 2))
        value = yes.with_shape(*broadcast(yes, no, at=(1, 2)))
        shaped_by = 1 if yes.shape == value.shape else 2
        return (value.with_shape(*broadcast(mask, value, at=(0, shaped_by))),)

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        mask, yes, no = operands
        return (np.where(mask, yes, no),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        return (b.add("Where", *operands),)

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        mask, yes, no, ct = terms(b, *inputs, *cts)
        rejected = ct.where(mask.unary("logical_not"))
        return None, ct.where(mask).sum_to(yes.shape).value, rejected.sum_to(no.shape).value

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        def sample(mask: tuple[int, ...], yes: tuple[int, ...], no: tuple[int, ...]) -> Sample:
            return Sample(
                cls(), (TensorType(BOOL, mask), TensorType(F32, yes), TensorType(F32, no))
            )

        symbolic = (TensorType(BOOL, (N, 1)), TensorType(I64, (N, 3)), TensorType(I64, ()))
        return [
            sample((2, 3), (2, 3), (2, 3)),
            sample((3, 3), (2, 3, 3), ()),
            sample((2, 1), (2, 4), (4,)),
            sample((4,), (), ()),
            sample((0, 2), (0, 2), ()),
            Sample(cls(), symbolic, low=0, high=9, sizes={"N": 5}),
        ]


@register
class Clamp(Primitive, frozen=True):
    """Clamp each element to the range from ``low`` to ``high``.

    ``f32[...S] -> f32[...S]``. Source: ONNX Clip.
    """

    name: ClassVar[str] = "clamp"
    gradient_reads = ("operands",)
    formula: ClassVar[str] = "np.clip({x}, {low}, {high})"
    family = "activation"
    pointwise = True
    operands: ClassVar[tuple[str, ...]] = ("x",)
    low: float
    high: float

    def infer(self, *types: TensorType) -> Types:
        (x,) = types
        require_float("clamp", x)
        if not self.low <= self.high:
            raise OperandError(
                f"the lower bound {self.low} of `clamp` is above the upper bound {self.high}",
                rule=rules.OUT_OF_RANGE,
            )
        return (x,)

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        (x,) = operands
        return (np.asarray(np.clip(x, x.dtype.type(self.low), x.dtype.type(self.high))),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        (x,) = operands
        low = b.constant(float(self.low), x.type.dtype)
        return (b.add("Clip", x, low, b.constant(float(self.high), x.type.dtype)),)

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        del outputs
        x, ct = terms(b, *inputs, *cts)
        # At a bound the gradient passes, as in PyTorch.
        inside = (x >= self.low).binary("logical_and", x <= self.high)
        return (ct.where(inside).value,)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        return [
            Sample(cls(-0.5, 0.5), (TensorType(F32, (2, 3)),)),
            Sample(cls(0.0, 6.0), (TensorType(F32, (N, 3)),), sizes={"N": 4}),
            Sample(cls(0.0, 0.0), (TensorType(F32, ()),)),
        ]


@register
class Cast(Primitive, frozen=True):
    """Convert the elements to another type; floats are truncated to integers, bools become 0 and 1.

    ``f32[...S] -> i64[...S]``. Source: ONNX Cast.
    """

    name: ClassVar[str] = "cast"
    formula: ClassVar[str] = "{x}.astype({to})"
    retypes = True
    pointwise = True
    operands: ClassVar[tuple[str, ...]] = ("x",)
    to: DType

    @classmethod
    def make(cls, types: Types, attributes: Mapping[str, object]) -> Self:
        del types
        return cls(arguments.dtype(attributes, "to", F32))

    def infer(self, *types: TensorType) -> Types:
        (x,) = types
        return (TensorType(self.to, x.shape),)

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        (x,) = operands
        return (x.astype(numpy_dtype(self.to)),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        (x,) = operands
        return (x.name if x.type.dtype is self.to else b.add("Cast", x, to=self.to),)

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        del outputs
        (ct,) = terms(b, *cts)
        from_type = inputs[0].type.dtype
        return (ct.cast(from_type).value if from_type.is_float and self.to.is_float else None,)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        return [
            Sample(cls(I64), (TensorType(F32, (2, 3)),), low=-9, high=9),
            Sample(cls(F32), (TensorType(I64, (N, 3)),), low=-9, high=9, sizes={"N": 2}),
            Sample(cls(F32), (TensorType(BOOL, (4,)),)),
            Sample(cls(BOOL), (TensorType(I64, (4,)),), low=0, high=2),
            Sample(cls(F32), (TensorType(F32, ()),)),
            Sample(cls(DType.F64), (TensorType(F32, (0, 2)),)),
        ]
