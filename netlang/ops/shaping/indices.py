"""Indices of extreme elements."""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping, Sequence
from typing import ClassVar, Self

from netlang.ir.dims import Shape, symbol
from netlang.ir.op import OnnxBuilder, Operand, Primitive, Sample, register
from netlang.ir.types import F32, I64, TensorType, Types
from netlang.ops import arguments
from netlang.ops.axes import without
from netlang.ops.checks import require_elements, require_number
from netlang.system.numpy import Array, np

N = symbol("N")


class ExtremeIndex(Primitive, ABC, frozen=True):
    """Return the index of an extreme element along an axis; the first one if there are several."""

    operands: ClassVar[tuple[str, ...]] = ("x",)
    onnx_name: ClassVar[str]
    no_gradient: ClassVar[str] = "it returns indices"
    axis: int
    keep: bool = False

    def moved(self, axis: int, source: Shape, target: Shape) -> int | None:
        if self.keep:
            return super().moved(axis, source, target)
        return without(axis, self.seen_whole(0, len(source)))

    def seen_whole(self, operand: int, rank: int) -> frozenset[int]:
        del operand
        return frozenset({self.axis % rank})

    @classmethod
    def make(cls, types: Types, attributes: Mapping[str, object]) -> Self:
        axis = arguments.axis_of(types[0], arguments.integer(attributes, "axis"))
        return cls(axis, arguments.flag(attributes, "keep"))

    def infer(self, *types: TensorType) -> Types:
        (x,) = types
        require_number(self.name, x)
        gone = arguments.axis_of(x, self.axis)
        require_elements(self.name, x, (gone,))
        middle = (1,) if self.keep else ()
        return (TensorType(I64, x.shape[:gone] + middle + x.shape[gone + 1 :]),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        return (b.add(self.onnx_name, *operands, axis=self.axis, keepdims=int(self.keep)),)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        return [
            Sample(cls(1), (TensorType(F32, (2, 5)),)),
            Sample(cls(0, True), (TensorType(F32, (4, 3)),)),
            Sample(cls(-1), (TensorType(F32, (N, 2, 6)),), sizes={"N": 3}),
            Sample(cls(0), (TensorType(F32, (5,)),)),
        ]


@register
class Argmax(ExtremeIndex, frozen=True):
    """Return the index of the largest element along an axis.

    ``f32[N, C], axis=1 -> i64[N]``. Source: ONNX ArgMax.
    """

    name = "argmax"
    formula = "np.argmax({x}, axis={axis}, keepdims={keep})"
    onnx_name = "ArgMax"

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        (x,) = operands
        return (np.asarray(np.argmax(x, axis=self.axis, keepdims=self.keep), dtype=np.int64),)


@register
class Argmin(ExtremeIndex, frozen=True):
    """Return the index of the smallest element along an axis.

    ``f32[N, C], axis=1 -> i64[N]``. Source: ONNX ArgMin.
    """

    name = "argmin"
    formula = "np.argmin({x}, axis={axis}, keepdims={keep})"
    onnx_name = "ArgMin"

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        (x,) = operands
        return (np.asarray(np.argmin(x, axis=self.axis, keepdims=self.keep), dtype=np.int64),)
