"""Resizing of feature maps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import ClassVar, Self

from netlang.diagnostics import rules
from netlang.ir.dims import Shape, Size, divides, symbol
from netlang.ir.graph import Builder, Cotangents, Values
from netlang.ir.op import (
    AxisWindow,
    OnnxBuilder,
    Operand,
    OperandError,
    Primitive,
    Sample,
    register,
)
from netlang.ir.types import F32, I64, TensorType, Types
from netlang.ops.arguments import Arguments, flag, numbers, rejected, sizes, word
from netlang.ops.axes import ratio
from netlang.ops.checks import require_float
from netlang.ops.samples import sample
from netlang.ops.terms import Term, terms
from netlang.ops.windows.interpolation import (
    CUBIC,
    EXACT,
    LINEAR,
    MODES,
    NEAREST,
    Interpolation,
    input_points,
    resample,
)
from netlang.ops.windows.windows import known_sizes, spatial_shape, wrong_count
from netlang.system.numpy import Array, np

Quotient = tuple[Size, Size]

_FINEST = 1_000_000
"""The largest denominator of the fraction that a scale is rounded to."""


class Resampling(Primitive, ABC, frozen=True):
    """Resize the spatial axes of a feature map."""

    operands: ClassVar[tuple[str, ...]] = ("x",)

    @property
    @abstractmethod
    def interpolation(self) -> Interpolation:
        """How output points are computed."""

    @abstractmethod
    def output_size(self, spatial: Shape) -> Shape:
        """Return the output size."""

    @abstractmethod
    def spacing(self, axis: int, have: Size, want: Size) -> Quotient:
        """Return how many input points apart output points are along an axis, as a quotient."""

    @abstractmethod
    def resized(self, b: OnnxBuilder, x: TensorType) -> tuple[str, ...]:
        """Return the names of the operands of ONNX's Resize after the first one."""

    @abstractmethod
    def on_rows(self, axis: int, rows: Size) -> Primitive:
        """Return the operator that does the same to rows ``[1, 1, rows, n]`` as this to an axis."""

    def infer(self, *types: TensorType) -> Types:
        (x,) = types
        spatial = spatial_shape(x, "resizing")
        require_float("resize", x)
        self.interpolation.check(x)
        return (x.with_shape(*x.shape[:2], *self.output_size(spatial)),)

    def axis_window(self, axis: int, *types: TensorType) -> AxisWindow | None:
        if axis < 2:
            return None
        spatial, at = types[0].shape[2:], axis - 2
        want = self.output_size(spatial)[at]
        stride = self.stride(at, spatial[at], want)
        if want == spatial[at] or stride is None:
            return None
        taps = self.interpolation.support(stride)
        return AxisWindow(taps, stride, -(taps - 1) // 2)

    def stride(self, axis: int, have: Size, want: Size) -> float | None:
        """Return how many input points apart output points are; ``None`` if unknown."""
        del axis
        return ratio(have, want)

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        (y,) = operands
        for axis, want in enumerate(self.output_size(y.shape[2:])):
            up, down = self.spacing(axis, y.shape[2 + axis], want)
            # Symbols are substituted by now: all of these are numbers.
            assert isinstance(want, int) and isinstance(up, int) and isinstance(down, int)
            how = self.interpolation
            y = resample(y, 2 + axis, want, Fraction(up, down), how.mode, how.align, how.antialias)
        return (y,)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        (x,) = operands
        if self.interpolation.mode in (NEAREST, EXACT) and not self.repeats(x.type.shape[2:]):
            return (self._picked(b, x),)
        if self.interpolation.antialias and b.opset < 18:
            return (self._smoothed(b, x),)
        return (b.add("Resize", x, *self.resized(b, x.type), **self.interpolation.options),)

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        del outputs
        (ct,) = terms(b, *cts)
        for axis, have, _ in self._changed(inputs[0].type.shape[2:]):
            ct = _cotangent(ct, 2 + axis, have, self.on_rows(axis, have))
        return (ct.value,)

    def quotient(self, b: OnnxBuilder, axis: int, have: Size, want: Size) -> tuple[str, str]:
        """Return the names of the parts of ``spacing`` in ONNX."""
        up, down = self.spacing(axis, have, want)
        return b.shape((up,)), b.shape((down,))

    def repeats(self, spatial: Shape) -> bool:
        """Return whether every point is known to be repeated an integer number of times."""
        return all(divides(*pair) for pair in zip(spatial, self.output_size(spatial), strict=True))

    def _changed(self, spatial: Shape) -> Iterator[tuple[int, Size, Size]]:
        """Yield the axes that change their size, with the old and the new size."""
        for axis, (have, want) in enumerate(zip(spatial, self.output_size(spatial), strict=True)):
            if have != want:
                yield axis, have, want

    def _picked(self, b: OnnxBuilder, x: Operand) -> str:
        """Gather points by index: runtimes divide in float32, which is wrong for some ratios."""
        y: Operand | str = x
        for axis, have, want in self._changed(x.type.shape[2:]):
            up, down = self.spacing(axis, have, want)
            match have, want, up, down:
                case int(), int(), int(), int():
                    mode = self.interpolation.mode
                    (points,), _ = input_points(have, want, Fraction(up, down), mode, False)
                    ids = b.constant(points.tolist(), I64)
                case _:
                    ids = _indices(
                        b, want, self.quotient(b, axis, have, want), self.interpolation.mode
                    )
            y = b.add("Gather", y, ids, axis=2 + axis)
        return y if isinstance(y, str) else b.add("Identity", y)

    def _smoothed(self, b: OnnxBuilder, x: Operand) -> str:
        y = x
        for axis, have, want in self._changed(x.type.shape[2:]):
            quotient = self.quotient(b, axis, have, want)
            y = self.interpolation.lower_antialiased(b, y, 2 + axis, want, quotient)
        return b.add("Identity", y) if y is x else y.name


@register
class Upsample(Resampling, frozen=True):
    """Resize a feature map by scale factors.

    ``[N, C, H, W] -> [N, C, floor(s*H), floor(t*W)]``. ``nearest`` repeats points;
    ``linear`` and ``cubic`` (two axes) interpolate between the centers of points or, with
    ``align``, align the corner points. Output points are ``1/s`` input points apart, also where
    ``s*H`` is not an integer, as in PyTorch without ``recompute_scale_factor``; an axis too short
    to grow is unchanged. ``antialias`` applies a low-pass filter when downsampling. ONNX: Resize,
    Gather.
    """

    name: ClassVar[str] = "upsample"

    scale: tuple[int | float, ...]
    mode: str
    align: bool = False
    antialias: bool = False

    @classmethod
    def make(cls, types: Types, attributes: Arguments) -> Self:
        rank = len(spatial_shape(types[0], "upsampling"))
        scale = tuple(int(s) if s.is_integer() else s for s in numbers(attributes, "scale"))
        if not isinstance(attributes.get("scale"), list | tuple):
            scale *= rank
        mode = word(attributes, "mode", MODES)
        return cls(scale, mode, flag(attributes, "align"), flag(attributes, "antialias"))

    @property
    def interpolation(self) -> Interpolation:
        return Interpolation(self.mode, self.align, self.antialias)

    def output_size(self, spatial: Shape) -> Shape:
        if len(self.scale) != len(spatial):
            raise wrong_count("scale", len(self.scale), len(spatial))
        sizes: list[Size] = []
        for have, scale in zip(spatial, self.scale, strict=True):
            factor = _fraction(scale)
            want = have * factor.numerator // factor.denominator
            if factor <= 0:
                raise rejected("scale", "must be above 0", f"{scale:g}")
            if isinstance(want, int) and want < 1:
                raise OperandError(
                    f"{scale:g} times {have} leaves no point",
                    rule=rules.OUT_OF_RANGE,
                    helps=["say the size to reach: `resize(x, 1, mode=…)`"],
                )
            sizes.append(want)
        return tuple(sizes)

    def plain(self, *operands: Array) -> tuple[Array, ...]:
        (x,) = operands
        mode, align, antialias = self.mode, self.align, self.antialias
        for axis, each in enumerate(self.scale, start=2):
            factor = _fraction(each)
            want = x.shape[axis] * factor.numerator // factor.denominator
            x = resample(x, axis, want, 1 / factor, mode, align, antialias)
        return (x,)

    def spacing(self, axis: int, have: Size, want: Size) -> Quotient:
        del have, want
        factor = _fraction(self.scale[axis])
        return factor.denominator, factor.numerator

    def stride(self, axis: int, have: Size, want: Size) -> float | None:
        del have, want
        return 1 / self.scale[axis]

    def quotient(self, b: OnnxBuilder, axis: int, have: Size, want: Size) -> tuple[str, str]:
        up, down = super().quotient(b, axis, have, want)
        if not _may_stay(have, self.scale[axis]):
            return up, down
        stays, one = b.add("Equal", b.shape((have,)), b.shape((want,))), b.shape((1,))
        return b.add("Where", stays, one, up), b.add("Where", stays, one, down)

    def resized(self, b: OnnxBuilder, x: TensorType) -> tuple[str, ...]:
        shape = (*x.shape[:2], *self.output_size(x.shape[2:]))
        factors = [
            1.0 if have == want else _not_below(scale)
            for have, want, scale in zip(x.shape, shape, (1, 1, *self.scale), strict=True)
        ]
        scales = b.constant(factors, F32)
        if any(map(_may_stay, x.shape[2:], self.scale)):
            stays = b.add("Equal", b.shape(x.shape), b.shape(shape))
            scales = b.add("Where", stays, b.constant([1.0], F32), scales)
        return "", scales

    def on_rows(self, axis: int, rows: Size) -> Primitive:
        del rows
        return Upsample((1, self.scale[axis]), self.mode, self.align, self.antialias)

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        whole = all(isinstance(scale, int) for scale in self.scale)
        if not whole or self.mode not in (NEAREST, EXACT):
            return super().vjp(b, inputs, outputs, cts)
        (ct,) = terms(b, *cts)
        shape = inputs[0].type.shape[:2]
        for size, scale in zip(inputs[0].type.shape[2:], self.scale, strict=True):
            shape = (*shape, size, int(scale))
        return (ct.reshape(shape).sum(range(3, len(shape), 2)).value,)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        symbolic = TensorType(F32, (symbol("N"), 2, symbol("H"), symbol("W")))
        both = [(mode, align) for mode in (LINEAR, CUBIC) for align in (False, True)]
        # The first axis is too short to grow by a fifth.
        short = {"N": 1, "H": 4, "W": 5}
        return [
            sample(cls((2, 2), NEAREST), 2, 3, 4, 5),
            sample(cls((3,), NEAREST), 2, 3, 4),
            sample(cls((1, 2, 3), NEAREST), 1, 2, 2, 3, 2),
            sample(cls((2, 3), EXACT), 2, 3, 4, 5),
            *(sample(cls((2, 3), mode, align), 1, 2, 4, 5) for mode, align in both),
            *(sample(cls((1.5, 0.7), mode, align), 1, 2, 5, 7) for mode, align in both),
            *(sample(cls((1.3, 0.4), mode), 1, 2, 7, 9) for mode in (NEAREST, EXACT)),
            *(
                sample(cls((0.4, 1.3), mode, antialias=True), 1, 2, 9, 7)
                for mode in (LINEAR, CUBIC)
            ),
            sample(cls((2,), LINEAR), 2, 3, 4),
            sample(cls((0.3,), LINEAR, antialias=True), 2, 3, 10),
            sample(cls((2, 1, 2), LINEAR), 1, 2, 2, 3, 2),
            *(
                Sample(cls((2, 2), mode), (symbolic,), sizes={"N": 2, "H": 3, "W": 4})
                for mode in (NEAREST, LINEAR, CUBIC)
            ),
            *(
                Sample(cls((1.5, 0.7), mode), (symbolic,), sizes={"N": 2, "H": 5, "W": 10})
                for mode in (NEAREST, EXACT, LINEAR)
            ),
            *(
                Sample(cls((1.2, 1.3), mode, antialias=smooth), (symbolic,), sizes=short)
                for mode, smooth in ((EXACT, False), (CUBIC, False), (LINEAR, True))
            ),
        ]


@register
class Resize(Resampling, frozen=True):
    """Resize a feature map to a given size.

    ``[N, C, H, W] -> [N, C, *size]``. ``nearest`` takes the point at ``i * H // size``,
    ``nearest_exact`` the one whose center is closest, ``linear`` and ``cubic`` (two axes)
    interpolate as ``upsample`` does. ``antialias`` applies a low-pass filter when downsampling.
    ONNX: Resize, Gather.
    """

    name: ClassVar[str] = "resize"

    size: Shape
    mode: str
    align: bool = False
    antialias: bool = False

    @classmethod
    def make(cls, types: Types, attributes: Arguments) -> Self:
        rank = len(spatial_shape(types[0], "resizing"))
        size = sizes(attributes, "size")
        size = size if isinstance(attributes.get("size"), list | tuple) else size * rank
        mode = word(attributes, "mode", MODES)
        return cls(size, mode, flag(attributes, "align"), flag(attributes, "antialias"))

    @property
    def interpolation(self) -> Interpolation:
        return Interpolation(self.mode, self.align, self.antialias)

    def output_size(self, spatial: Shape) -> Shape:
        if len(self.size) != len(spatial):
            raise wrong_count("size", len(self.size), len(spatial))
        for size in self.size:
            if isinstance(size, int) and size < 1:
                raise rejected("size", "must be 1 or more", size)
        return self.size

    def plain(self, *operands: Array) -> tuple[Array, ...]:
        (x,) = operands
        mode, align, antialias = self.mode, self.align, self.antialias
        for axis, want in enumerate(known_sizes(self.size), start=2):
            ratio = Fraction(x.shape[axis], want)
            x = resample(x, axis, want, ratio, mode, align, antialias)
        return (x,)

    def spacing(self, axis: int, have: Size, want: Size) -> Quotient:
        del axis
        return have, want

    def resized(self, b: OnnxBuilder, x: TensorType) -> tuple[str, ...]:
        return "", "", b.shape((*x.shape[:2], *self.size))

    def on_rows(self, axis: int, rows: Size) -> Primitive:
        return Resize((rows, self.size[axis]), self.mode, self.align, self.antialias)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        n, h = symbol("N"), symbol("H")
        both = [(mode, align) for mode in (LINEAR, CUBIC) for align in (False, True)]
        symbolic = TensorType(F32, (n, 2, h, h))
        return [
            sample(cls((7, 3), NEAREST), 2, 3, 4, 5),
            sample(cls((4, 5), NEAREST), 2, 3, 4, 5),
            sample(cls((7, 3), EXACT), 2, 3, 4, 5),
            Sample(cls((2 * h, 8), EXACT), (symbolic,), sizes={"N": 2, "H": 4}),
            *(sample(cls((7, 3), mode, align), 1, 2, 4, 5) for mode, align in both),
            *(sample(cls((1, 8), mode, align), 1, 2, 4, 5) for mode, align in both),
            sample(cls((20, 11), LINEAR), 1, 2, 7, 5),
            *(sample(cls((3, 7), mode, antialias=True), 1, 2, 8, 5) for mode in (LINEAR, CUBIC)),
            sample(cls((2, 3, 2), LINEAR, antialias=True), 1, 2, 5, 4, 2),
            Sample(cls((2 * h, 7), LINEAR), (symbolic,), sizes={"N": 2, "H": 4}),
            Sample(cls((3, 2 * h), CUBIC, antialias=True), (symbolic,), sizes={"N": 2, "H": 8}),
            Sample(cls((2 * h, 8), NEAREST), (symbolic,), sizes={"N": 2, "H": 4}),
            # 28 to 2 is a ratio that float32 gets wrong.
            Sample(cls((2, 4), NEAREST), (symbolic,), sizes={"N": 2, "H": 28}),
            Sample(cls((3 * h, 4), EXACT), (symbolic,), sizes={"N": 2, "H": 28}),
        ]


def _fraction(scale: float) -> Fraction:
    return Fraction(scale).limit_denominator(_FINEST)


def _may_stay(have: Size, scale: float) -> bool:
    """Return whether an axis may turn out at run time to be too short to grow."""
    return not isinstance(have, int) and 1 < scale < 2


def _not_below(scale: float) -> float:
    """Round a scale up to float32: runtimes multiply sizes by it and round down."""
    near = np.float32(scale)
    return float(near if Fraction(float(near)) >= _fraction(scale) else np.nextafter(near, np.inf))


def _indices(b: OnnxBuilder, want: Size, spacing: tuple[str, str], mode: str) -> str:
    """Return the name of the indices of the nearest points, computed at run time."""
    zero, one, two = (b.constant(n, I64) for n in (0, 1, 2))
    new = b.add("Range", zero, b.add("Squeeze", b.shape((want,))), one)
    up, down = spacing
    if mode == EXACT:
        new, down = b.add("Add", b.add("Mul", new, two), one), b.add("Mul", down, two)
    return b.add("Div", b.add("Mul", new, up), down)


def _cotangent(ct: Term, axis: int, size: Size, on_rows: Primitive) -> Term:
    """Return the cotangent along one axis, through the matrix that resized it from ``size``."""
    from netlang.ops.reducing.einsum import Einsum
    from netlang.ops.shaping.creation import Iota, OneHot

    # Resizing the unit vectors results in that matrix.
    unit = ct.make(Iota(size)).to(OneHot(size, ct.type.dtype))
    matrix = unit.reshape((1, 1, size, size)).to(on_rows)
    letters = "abcde"[: ct.rank]
    rule = f"{letters},z{letters[axis]}->{letters.replace(letters[axis], 'z')}"
    return ct.to(Einsum(rule), matrix.reshape((size, ct.shape[axis])))
