"""Parts of the gradients of pools."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import ClassVar, Self

from netlang.ir.dims import Shape, Size, product, symbol
from netlang.ir.op import OnnxBuilder, Operand, Primitive, Sample, register
from netlang.ir.types import F32, I64, TensorType, Types
from netlang.ops.checks import require_float
from netlang.ops.shaping.creation import Full, Iota
from netlang.ops.shaping.scattering import Scatter
from netlang.ops.terms import Term, number
from netlang.ops.windows.convolution import ConvolveInputGradient
from netlang.ops.windows.pools import add_max_pool
from netlang.ops.windows.resize import Upsample
from netlang.ops.windows.windows import Pads, Windows, padded, positions, spatial_shape, taps
from netlang.system.numpy import Array, np


@register
class MaxPoolArgmax(Primitive, frozen=True):
    """Return the index of the maximum of each window; the first one of several.

    ``[N, C, ...S] -> i64[N, C, ...]``; an index counts along all feature maps in a row. ONNX:
    MaxPool.
    """

    name: ClassVar[str] = "max_pool_argmax"
    operands: ClassVar[tuple[str, ...]] = ("x",)
    no_gradient: ClassVar[str] = "it returns indices"

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    pad: Pads
    dilation: tuple[int, ...]

    def infer(self, *types: TensorType) -> Types:
        (x,) = types
        require_float(self.name, x)
        spatial = spatial_shape(x, "a pool")
        self._windows().check(spatial)
        return (TensorType(I64, (*x.shape[:2], *self._windows().floor(spatial))),)

    def workspace(self, *types: TensorType) -> Sequence[Size]:
        return [self.infer(*types)[0].size]  # the maxima

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        (x,) = operands
        windows = self._windows()
        counts = positions(windows, x)
        wide = padded(x, self.pad, -np.inf)
        at = self._indices(x.shape[2:], wide.shape[2:])
        whole = (slice(None), slice(None))
        first, *others = taps(windows, counts)
        best, indices = wide[(*whole, *first)].copy(), np.empty((*x.shape[:2], *counts), np.int64)
        indices[...] = at[first]
        for tap in others:
            seen = wide[(*whole, *tap)]
            better = seen > best
            np.copyto(best, seen, where=better)
            np.copyto(indices, np.broadcast_to(at[tap], indices.shape), where=better)
        maps = np.arange(prod(x.shape[:2])).reshape(*x.shape[:2], *(1,) * len(counts))
        return (indices + maps * prod(x.shape[2:]),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        (x,) = operands
        (_, indices), seen = add_max_pool(b, x, self._windows(), outputs=2)
        return (_renumbered(b, indices, seen, x.type.shape[2:]),)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        def sample(op: Self, *shape: int) -> Sample:
            return Sample(op, (TensorType(F32, shape),))

        symbolic = TensorType(F32, (symbol("N"), 3, symbol("H"), symbol("W")))
        return [
            sample(cls((2, 2), (2, 2), ((0, 0), (0, 0)), (1, 1)), 2, 3, 7, 6),
            sample(cls((3, 3), (2, 2), ((1, 1), (1, 1)), (1, 1)), 2, 3, 6, 7),
            sample(cls((3, 2), (2, 2), ((1, 2), (1, 2)), (2, 2)), 1, 2, 9, 8),
            sample(cls((3,), (1,), ((1, 1),), (1,)), 2, 3, 8),
            sample(cls((5, 5), (2, 1), ((1, 2), (2, 3)), (1, 1)), 1, 2, 9, 8),
            sample(cls((5, 4), (2, 2), ((1, 7), (2, 7)), (2, 2)), 1, 2, 12, 11),
            sample(cls((1, 1), (2, 2), ((0, 0), (0, 0)), (1, 1)), 2, 3, 5, 4),
            sample(cls((2, 3, 2), (2, 1, 2), ((1, 0), (1, 1), (0, 0)), (1, 1, 1)), 1, 2, 5, 4, 6),
            Sample(
                cls((3, 3), (2, 2), ((1, 1), (1, 2)), (1, 1)),
                (symbolic,),
                sizes={"N": 2, "H": 6, "W": 11},
            ),
        ]

    def _windows(self) -> Windows:
        return Windows(self.kernel, self.stride, self.pad, self.dilation)

    def _indices(self, inner: Sequence[int], outer: Sequence[int]) -> Array:
        """Return, for each position of the padded input, its index in the input."""
        total: Array = np.zeros(tuple(outer), np.int64)
        for axis, (size, whole) in enumerate(zip(inner, outer, strict=True)):
            along = np.clip(np.arange(whole) - self.pad[axis][0], 0, size - 1)
            total = total * size + along.reshape(-1, *(1,) * (len(outer) - 1 - axis))
        return total


def _renumbered(b: OnnxBuilder, indices: str, seen: Shape, spatial: Shape) -> str:
    """Convert indices into padded feature maps to indices into the feature maps."""
    if seen == spatial:
        return indices
    total = b.add("Div", indices, b.shape((product(seen),)))
    for axis, size in enumerate(spatial):
        along = b.add("Div", indices, b.shape((product(seen[axis + 1 :]),)))
        along = b.add("Mod", along, b.shape((seen[axis],)))
        total = b.add("Add", b.add("Mul", total, b.shape((size,))), along)
    return total


def max_gradient(x: Term, ct: Term, windows: Windows) -> Term:
    """Add each element of a cotangent at the index of the maximum of its window."""
    indices = x.to(MaxPoolArgmax(windows.kernel, windows.stride, windows.pad, windows.dilation))
    count = (product(ct.shape),)
    nothing = x.make(Full((product(x.shape),), 0.0, x.type.dtype))
    row = nothing.to(Scatter(0, "add"), indices.reshape(count), ct.reshape(count))
    return row.reshape(x.shape)


def spread(ct: Term, windows: Windows, spatial: Shape) -> Term:
    """Add each number to all positions that its window covers: the transpose of a window sum.

    ``[N, C, ...] -> [N, C, ...spatial]``.
    """
    if not any(map(sum, windows.pad)) and windows.extent == windows.stride == windows.kernel:
        return _repeated(ct, windows.kernel, spatial)
    maps = product(ct.shape[:2])
    ones = ct.make(Full((1, 1, *windows.kernel), 1.0, ct.type.dtype))
    flat = ct.reshape((maps, 1, *ct.shape[2:]))
    op = ConvolveInputGradient(spatial, windows.stride, windows.pad, windows.dilation)
    return flat.to(op, ones).reshape((*ct.shape[:2], *spatial))


def divisors(ct: Term, windows: Windows, spatial: Shape, bounds: Pads) -> Term:
    """Return the number of positions of each window inside the input padded by ``bounds``."""
    total = ct.number(1.0)
    for axis, (size, (before, after)) in enumerate(zip(spatial, bounds, strict=True)):
        kernel = windows.kernel[axis]
        if windows.pad[axis] == (before, after):
            total = total * float(kernel)
            continue
        n = ct.shape[2 + axis]
        starts = ct.make(Iota(n)) * windows.stride[axis] - windows.pad[axis][0]
        held = number(ct.b, 0, I64)
        for tap in range(kernel):
            at = starts + tap * windows.dilation[axis]
            within = (at >= -before).binary("logical_and", at < starts.count(size + after))
            held = held + within.cast(I64)
        along = (*(1,) * axis, n, *(1,) * (len(spatial) - 1 - axis))
        total = total * held.cast(ct.type.dtype).reshape(along)
    return total


def _repeated(ct: Term, kernel: Sequence[int], spatial: Shape) -> Term:
    """Repeat each number over a block; blocks do not overlap.

    onnxruntime copies much faster in a Resize than in an Expand.
    """
    y = ct.to(Upsample(tuple(kernel), "nearest"))
    blocks = y.shape[2:]
    for axis, (size, covered) in enumerate(zip(spatial, blocks, strict=True), start=2):
        y = y.surround(axis, 0, size - covered)
    return y
