"""What the gradients of pools are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar, Self

from netlang.ir.dims import Shape, Size, product, symbol
from netlang.ir.op import OnnxBuilder, Operand, Primitive, Sample, register
from netlang.ir.types import F32, I64, TensorType, Types
from netlang.numeric import Array, np
from netlang.ops.checks import require_float
from netlang.ops.creation import Full, Iota
from netlang.ops.gradients_convolution import ConvolveInputGradient
from netlang.ops.pooling import largest
from netlang.ops.resize import Upsample
from netlang.ops.scattering import Scatter
from netlang.ops.terms import Term, number
from netlang.ops.windows import Pads, Windows, padded, positions, spatial_shape, taps

_FEW = 16
"""Elements of a window up to which comparing each of them is the faster way."""


@register
@dataclass(frozen=True, slots=True)
class MaxPoolPlaces(Primitive):
    """Say where in its map the largest number of each window is; the first one of several.

    ``[N, C, ...S] -> i64[N, C, ...]``; places count along the map laid out in a row. ONNX: MaxPool.
    """

    name: ClassVar[str] = "max_pool_places"
    operands: ClassVar[tuple[str, ...]] = ("x",)
    no_gradient: ClassVar[str] = "it counts places"

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

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        (x,) = operands
        windows = self._windows()
        counts = positions(windows, x)
        wide = padded(x, self.pad, -np.inf)
        at = self._places(x.shape[2:], wide.shape[2:])
        whole = (slice(None), slice(None))
        first, *others = taps(windows, counts)
        best, places = wide[(*whole, *first)].copy(), np.empty((*x.shape[:2], *counts), np.int64)
        places[...] = at[first]
        for tap in others:
            seen = wide[(*whole, *tap)]
            better = seen > best
            np.copyto(best, seen, where=better)
            np.copyto(places, np.broadcast_to(at[tap], places.shape), where=better)
        return (places,)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        (x,) = operands
        windows = self._windows()
        if prod(self.kernel) > _FEW:
            return (_by_indices(b, x, windows),)
        return (_by_comparing(b, x, windows),)

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

    def _places(self, inner: Sequence[int], outer: Sequence[int]) -> Array:
        """Number the positions of a padded map as those of the map itself."""
        total: Array = np.zeros(tuple(outer), np.int64)
        for axis, (size, whole) in enumerate(zip(inner, outer, strict=True)):
            along = np.clip(np.arange(whole) - self.pad[axis][0], 0, size - 1)
            total = total * size + along.reshape(-1, *(1,) * (len(outer) - 1 - axis))
        return total


def _by_comparing(b: OnnxBuilder, x: Operand, windows: Windows) -> str:
    """Compare what each element of the window sees with the largest.

    A MaxPool that gives indices takes onnxruntime twenty times as long as one that does not, and
    this one is that of the forward pass, which is not computed twice.
    """
    ((largest_seen,), _), spatial = largest(b, x, windows, outputs=1), x.type.shape[2:]
    counts = windows.floor(spatial)
    padded_x = x.name
    if any(map(sum, windows.pad)):
        befores, afters = zip(*windows.pad, strict=True)
        pads = b.axes([0, 0, *befores, 0, 0, *afters])
        padded_x = b.add("Pad", x, pads, b.constant(-np.inf, x.type.dtype))
    axes, steps = b.axes(list(range(2, x.type.rank))), b.axes(windows.stride)
    chosen = ""
    for tap in reversed(list(np.ndindex(*windows.kernel))):
        starts = tuple(t * d for t, d in zip(tap, windows.dilation, strict=True))
        sizes = zip(starts, counts, windows.stride, strict=True)
        ends = tuple(start + (n - 1) * s + 1 for start, n, s in sizes)
        offset = b.shape((_flat(starts, spatial),))
        if not chosen:
            chosen = offset
            continue
        seen = b.add("Slice", padded_x, b.axes(starts), b.shape(ends), axes, steps)
        chosen = b.add("Where", b.add("Equal", seen, largest_seen), offset, chosen)
    if prod(windows.kernel) == 1:
        shape = b.shape((*x.type.shape[:2], *counts))
        chosen = b.add("Expand", chosen, shape)
    places = b.add("Add", chosen, _corners(b, windows, counts, spatial))
    if padded_x == x.name:
        return places
    # Where nothing is a number, the padding may be chosen: its places are outside the map.
    last = b.add("Squeeze", b.shape((product(spatial) - 1,)), b.axes([0]))
    return b.add("Clip", places, b.constant(0, I64), last)


def _corners(b: OnnxBuilder, windows: Windows, counts: Shape, spatial: Shape) -> str:
    """Name the place of each window's first element, which padding may put outside the map."""
    total = ""
    for axis, n in enumerate(counts):
        limit = b.add("Squeeze", b.shape((n,)), b.axes([0]))
        along = b.add("Range", b.constant(0, I64), limit, b.constant(1, I64))
        along = b.add("Mul", along, b.constant(windows.stride[axis], I64))
        along = b.add("Sub", along, b.constant(windows.pad[axis][0], I64))
        along = b.add("Mul", along, b.shape((product(spatial[axis + 1 :]),)))
        behind = len(counts) - 1 - axis
        if behind:
            along = b.add("Unsqueeze", along, b.axes(list(range(1, behind + 1))))
        total = b.add("Add", total, along) if total else along
    return total


def _by_indices(b: OnnxBuilder, x: Operand, windows: Windows) -> str:
    """Let MaxPool say where it looked, and number those places as ours."""
    (_, places), seen = largest(b, x, windows, outputs=2)
    # ONNX counts through all maps of the batch.
    places = b.add("Mod", places, b.shape((product(seen),)))
    spatial = x.type.shape[2:]
    if seen == spatial:
        return places
    total = ""
    for axis in range(len(spatial)):
        along = b.add("Div", places, b.shape((product(seen[axis + 1 :]),)))
        along = b.add("Mod", along, b.shape((seen[axis],)))
        part = b.add("Mul", along, b.shape((product(spatial[axis + 1 :]),)))
        total = b.add("Add", total, part) if total else part
    return total


def _flat(place: Sequence[int], spatial: Shape) -> Size:
    total: Size = 0
    for at, size in zip(place, spatial, strict=True):
        total = total * size + at
    return total


def max_gradient(x: Term, ct: Term, windows: Windows) -> Term:
    """Give each number of a cotangent to the place its window took; the first of equal ones."""
    form = (windows.kernel, windows.stride, windows.pad, windows.dilation)
    maps, area = x.shape[:2], product(ct.shape[2:])
    places = x.to(MaxPoolPlaces(*form)).reshape((*maps, area))
    nothing = x.make(Full((*maps, product(x.shape[2:])), 0.0, x.type.dtype))
    flat = nothing.to(Scatter(2, "add"), places, ct.reshape((*maps, area)))
    return flat.reshape(x.shape)


def spread(ct: Term, windows: Windows, spatial: Shape) -> Term:
    """Add each number to all positions of a map its window covers: the transpose of a window's sum.

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
    """Count the positions of each window inside a map grown by ``bounds``."""
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
    """Repeat each number over a block; blocks lie side by side.

    onnxruntime copies faster in a Resize than in an Expand, by far.
    """
    y = ct.to(Upsample(tuple(kernel), "nearest"))
    blocks = y.shape[2:]
    for axis, (size, covered) in enumerate(zip(spatial, blocks, strict=True), start=2):
        y = y.surround(axis, 0, size - covered)
    return y
