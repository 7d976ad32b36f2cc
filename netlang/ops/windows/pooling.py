"""Max pooling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Self

from netlang.ir.dims import Size
from netlang.ir.graph import Builder, Cotangents, Values
from netlang.ir.op import OnnxBuilder, Operand, Primitive, Sample, Window, register
from netlang.ir.types import TensorType, Types
from netlang.ops.arguments import Arguments, flag
from netlang.ops.samples import sample
from netlang.ops.terms import terms
from netlang.ops.windows.pools import (
    add_max_pool,
    ceil_padded,
    pool_type,
    pool_windows,
    symbolic_pool,
)
from netlang.ops.windows.windows import Pads, Windows, covering, padded, reduce_windows
from netlang.system.numpy import Array, np


@register
class MaxPool(Primitive, frozen=True):
    """Compute the maximum of each window.

    ``[N, C, ...S] -> [N, C, ...]``. Padding is never the maximum. With ``ceil`` an incomplete last
    window counts if it starts inside the input or the padding before it. ONNX: MaxPool.
    """

    name: ClassVar[str] = "max_pool"
    gradient_reads = ("operands",)
    usual: ClassVar[Mapping[str, int]] = {"pad": 0, "dilation": 1}
    family = "pooling"
    operands: ClassVar[tuple[str, ...]] = ("x",)

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    pad: Pads
    dilation: tuple[int, ...]
    ceil: bool = False

    @classmethod
    def make(cls, types: Types, attributes: Arguments) -> Self:
        w = pool_windows(types[0], attributes)
        return cls(w.kernel, w.stride, w.pad, w.dilation, flag(attributes, "ceil"))

    def infer(self, *types: TensorType) -> Types:
        (x,) = types
        return (pool_type(x, self._windows(), ceil=self.ceil),)

    def gradient_workspace(self, *types: TensorType) -> Sequence[Size]:
        # Indices of 64 bits, and the maxima that are computed with them.
        maxima = self.infer(*types)[0].size
        return [2 * maxima, maxima]

    def window(self, *types: TensorType) -> Window | None:
        del types
        return self._windows().seen()

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        (x,) = operands
        kernel, stride, dilation = self.kernel, self.stride, self.dilation
        pad = covering(kernel, stride, self.pad, dilation) if self.ceil else self.pad
        return (reduce_windows(padded(x, pad, -np.inf), kernel, stride, dilation, np.maximum),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        (x,) = operands
        windows = ceil_padded(self._windows(), ceil=self.ceil)
        return add_max_pool(b, x, windows, outputs=1)[0]

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        del outputs
        from netlang.ops.windows.gradients_pooling import max_gradient

        x, ct = terms(b, *inputs, *cts)
        windows = ceil_padded(self._windows(), ceil=self.ceil)
        return (max_gradient(x, ct, windows).value,)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        none, one = ((0, 0), (0, 0)), ((1, 1), (1, 1))
        return [
            sample(cls((2, 2), (2, 2), none, (1, 1)), 2, 3, 7, 6),
            sample(cls((3, 3), (2, 2), one, (1, 1)), 2, 3, 6, 7),
            sample(cls((3, 3), (2, 2), one, (1, 1), ceil=True), 2, 3, 6, 7),
            sample(cls((2, 2), (3, 3), none, (1, 1), ceil=True), 2, 3, 5, 7),
            sample(cls((3, 2), (2, 1), ((0, 1), (1, 0)), (2, 3)), 1, 2, 9, 8),
            sample(cls((3, 2), (2, 2), ((1, 1), (1, 1)), (2, 2), ceil=True), 1, 2, 9, 8),
            sample(cls((3,), (1,), ((1, 1),), (1,)), 2, 3, 8),
            sample(cls((2, 3, 2), (2, 1, 2), ((1, 0), (1, 1), (0, 0)), (1, 1, 1)), 1, 2, 5, 4, 6),
            symbolic_pool(cls((3, 3), (2, 2), one, (1, 1))),
            symbolic_pool(cls((3, 3), (2, 2), one, (1, 1), ceil=True)),
            symbolic_pool(cls((2, 2), (3, 3), none, (1, 1), ceil=True)),
        ]

    def _windows(self) -> Windows:
        return Windows(self.kernel, self.stride, self.pad, self.dilation)
