"""Maps of another size, computed between their points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from netlang.ir.dims import Shape, Size, divides, symbol
from netlang.ir.graph import Builder, Cotangents, Values
from netlang.ir.op import OnnxBuilder, Operand, Primitive, Sample, TypeRefused, register
from netlang.ir.types import F32, I64, TensorType, Types
from netlang.numeric import Array, np
from netlang.ops.arguments import Arguments, flag, refused, sizes, word
from netlang.ops.checks import require_float
from netlang.ops.samples import sample
from netlang.ops.terms import Term, terms
from netlang.ops.windows import per_axis, spatial_shape, wrong_count

_WORDS = {
    "nearest": "nearest",
    "nearest_exact": "nearest_exact",
    "linear": "linear",
    "bilinear": "linear",
    "trilinear": "linear",
    "cubic": "cubic",
    "bicubic": "cubic",
}
# Keys, "Cubic convolution interpolation", 1981, with the slope PyTorch and OpenCV take.
_SLOPE = -0.75


@register
@dataclass(frozen=True, slots=True)
class Upsample(Primitive):
    """Enlarge a map by whole factors.

    ``[N, C, H, W] -> [N, C, s*H, t*W]``. ``nearest`` repeats, ``linear`` and ``cubic`` (two axes)
    interpolate between the middles of the points; with ``align`` between the outermost points.
    ONNX: Resize.
    """

    name: ClassVar[str] = "upsample"
    operands: ClassVar[tuple[str, ...]] = ("x",)

    scale: tuple[int, ...]
    mode: str
    align: bool = False

    @classmethod
    def make(cls, types: Types, attributes: Arguments) -> Self:
        rank = len(spatial_shape(types[0], "upsampling"))
        mode = word(attributes, "mode", _WORDS)
        return cls(per_axis(attributes, "scale", rank), mode, flag(attributes, "align"))

    def infer(self, *types: TensorType) -> Types:
        (x,) = types
        spatial = spatial_shape(x, "upsampling")
        _check(x, spatial, "scale", self.scale, self.mode, align=self.align)
        larger = (n * s for n, s in zip(spatial, self.scale, strict=True))
        return (x.with_shape(*x.shape[:2], *larger),)

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        (x,) = operands
        out = tuple(n * s for n, s in zip(x.shape[2:], self.scale, strict=True))
        return (_interpolated(x, out, self.mode, align=self.align),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        (x,) = operands
        scales = b.constant([1.0, 1.0, *map(float, self.scale)], F32)
        return (b.add("Resize", x, "", scales, **_options(self.mode, align=self.align)),)

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        del outputs
        (ct,) = terms(b, *cts)
        x = inputs[0].type
        if self.mode.startswith("nearest"):
            shape = x.shape[:2]
            for size, scale in zip(x.shape[2:], self.scale, strict=True):
                shape = (*shape, size, scale)
            return (ct.reshape(shape).sum(range(3, len(shape), 2)).value,)
        for axis, scale in enumerate(self.scale, start=2):
            if scale > 1:
                ct = _pulled(ct, axis, x.shape[axis], self.mode, align=self.align)
        return (ct.value,)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        symbolic = TensorType(F32, (symbol("N"), 2, symbol("H"), symbol("W")))
        both = [(mode, align) for mode in ("linear", "cubic") for align in (False, True)]
        return [
            sample(cls((2, 2), "nearest"), 2, 3, 4, 5),
            sample(cls((3,), "nearest"), 2, 3, 4),
            sample(cls((1, 2, 3), "nearest"), 1, 2, 2, 3, 2),
            sample(cls((2, 3), "nearest_exact"), 2, 3, 4, 5),
            *(sample(cls((2, 3), mode, align), 1, 2, 4, 5) for mode, align in both),
            sample(cls((2,), "linear"), 2, 3, 4),
            sample(cls((2, 1, 2), "linear"), 1, 2, 2, 3, 2),
            *(
                Sample(cls((2, 2), mode), (symbolic,), sizes={"N": 2, "H": 3, "W": 4})
                for mode in ("nearest", "linear", "cubic")
            ),
        ]


@register
@dataclass(frozen=True, slots=True)
class Resize(Primitive):
    """Bring a map to a given size.

    ``[N, C, H, W] -> [N, C, *size]``. ``nearest`` takes the point at ``i * H // size``,
    ``nearest_exact`` the one whose middle is closest, ``linear`` and ``cubic`` (two axes)
    interpolate as ``upsample`` does; nothing is smoothed when the map shrinks. ONNX: Resize,
    Gather.
    """

    name: ClassVar[str] = "resize"
    operands: ClassVar[tuple[str, ...]] = ("x",)

    size: Shape
    mode: str
    align: bool = False

    @classmethod
    def make(cls, types: Types, attributes: Arguments) -> Self:
        rank = len(spatial_shape(types[0], "resizing"))
        size = sizes(attributes, "size")
        size = size if isinstance(attributes.get("size"), list | tuple) else size * rank
        return cls(size, word(attributes, "mode", _WORDS), flag(attributes, "align"))

    def infer(self, *types: TensorType) -> Types:
        (x,) = types
        spatial = spatial_shape(x, "resizing")
        _check(x, spatial, "size", self.size, self.mode, align=self.align)
        return (x.with_shape(*x.shape[:2], *self.size),)

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        out = tuple(n for n in self.size if isinstance(n, int))
        return (_interpolated(operands[0], out, self.mode, align=self.align),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        (x,) = operands
        if self.mode.startswith("nearest") and not self._repeats(x.type.shape[2:]):
            return (self._picked(b, x),)
        shape = b.shape((*x.type.shape[:2], *self.size))
        return (b.add("Resize", x, "", "", shape, **_options(self.mode, align=self.align)),)

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        del outputs
        (ct,) = terms(b, *cts)
        x = inputs[0].type
        for axis, size in enumerate(self.size, start=2):
            if size != x.shape[axis]:
                ct = _pulled(ct, axis, x.shape[axis], self.mode, align=self.align)
        return (ct.value,)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        n, h = symbol("N"), symbol("H")
        both = [(mode, align) for mode in ("linear", "cubic") for align in (False, True)]
        symbolic = TensorType(F32, (n, 2, h, h))
        return [
            sample(cls((7, 3), "nearest"), 2, 3, 4, 5),
            sample(cls((4, 5), "nearest"), 2, 3, 4, 5),
            sample(cls((7, 3), "nearest_exact"), 2, 3, 4, 5),
            Sample(cls((2 * h, 8), "nearest_exact"), (symbolic,), sizes={"N": 2, "H": 4}),
            *(sample(cls((7, 3), mode, align), 1, 2, 4, 5) for mode, align in both),
            *(sample(cls((1, 8), mode, align), 1, 2, 4, 5) for mode, align in both),
            sample(cls((20, 11), "linear"), 1, 2, 7, 5),
            Sample(cls((2 * h, 7), "linear"), (symbolic,), sizes={"N": 2, "H": 4}),
            Sample(cls((2 * h, 8), "nearest"), (symbolic,), sizes={"N": 2, "H": 4}),
            # 28 to 2 is a ratio that float32 gets wrong.
            Sample(cls((2, 4), "nearest"), (symbolic,), sizes={"N": 2, "H": 28}),
            Sample(cls((3 * h, 4), "nearest_exact"), (symbolic,), sizes={"N": 2, "H": 28}),
        ]

    def _repeats(self, spatial: Shape) -> bool:
        """Tell whether every point is known to be repeated a whole number of times."""
        return all(divides(have, want) for have, want in zip(spatial, self.size, strict=True))

    def _picked(self, b: OnnxBuilder, x: Operand) -> str:
        """Pick points by number: run times divide in float32, which is off for some ratios."""
        y: Operand | str = x
        for axis, (have, want) in enumerate(zip(x.type.shape[2:], self.size, strict=True), start=2):
            if have != want:
                y = b.add("Gather", y, _nearest(b, have, want, self.mode), axis=axis)
        return y if isinstance(y, str) else b.add("Identity", y)


def _nearest(b: OnnxBuilder, have: Size, want: Size, mode: str) -> str:
    """Name the numbers of the points to take; they are computed at run time for an open size."""
    if isinstance(have, int) and isinstance(want, int):
        (picked,), _ = _taps(have, want, mode, align=False)
        return b.constant(picked.tolist(), I64)
    zero, one, two = (b.constant(n, I64) for n in (0, 1, 2))
    end = b.add("Squeeze", b.shape((want,)))
    new, divisor = b.add("Range", zero, end, one), b.shape((want,))
    if mode == "nearest_exact":
        new = b.add("Add", b.add("Mul", new, two), one)
        divisor = b.add("Mul", divisor, two)
    return b.add("Div", b.add("Mul", new, b.shape((have,))), divisor)


def _check(
    x: TensorType, spatial: Shape, name: str, given: Shape, mode: str, *, align: bool
) -> None:
    require_float("resize", x)
    if len(given) != len(spatial):
        raise wrong_count(name, len(given), len(spatial))
    for value in given:
        if isinstance(value, int) and value < 1:
            raise refused(name, "must be 1 or more", value)
    if mode not in _WORDS.values():
        raise refused("mode", "must be nearest, linear or cubic", f'"{mode}"')
    if mode == "cubic" and len(spatial) != 2:
        raise TypeRefused(
            "cubic interpolation works on two spatial axes",
            operand=0,
            label=f"this is {x}",
            helps=['use `mode="linear"`'],
        )
    if mode.startswith("nearest") and align:
        raise TypeRefused(
            "`align` has no meaning for the nearest point",
            rule="out-of-range",
            helps=['leave it out, or use `mode="linear"`'],
        )


def _options(mode: str, *, align: bool) -> dict[str, str | float]:
    if mode == "nearest":
        return {
            "mode": mode,
            "coordinate_transformation_mode": "asymmetric",
            "nearest_mode": "floor",
        }
    if mode == "nearest_exact":
        return {
            "mode": "nearest",
            "coordinate_transformation_mode": "half_pixel",
            "nearest_mode": "round_prefer_ceil",
        }
    options: dict[str, str | float] = {
        "mode": mode,
        "coordinate_transformation_mode": "align_corners" if align else "half_pixel",
    }
    return options | ({"cubic_coeff_a": _SLOPE} if mode == "cubic" else {})


def _interpolated(x: Array, out: Sequence[int], mode: str, *, align: bool) -> Array:
    """Interpolate along one axis after the other."""
    for axis, want in enumerate(out, start=2):
        have = x.shape[axis]
        if have == want:
            continue
        places, weights = _taps(have, want, mode, align=align)
        spread = (-1, *(1,) * (x.ndim - 1 - axis))
        parts = (
            np.take(x, place, axis=axis) * weight.astype(x.dtype).reshape(spread)
            for place, weight in zip(places, weights, strict=True)
        )
        total = next(parts)
        for part in parts:
            total += part
        x = total
    return x


def _taps(have: int, want: int, mode: str, *, align: bool) -> tuple[list[Array], list[Array]]:
    """Give the points that count for each new point, and by how much."""
    new = np.arange(want)
    if mode == "nearest":
        return [new * have // want], [np.ones(want)]
    if mode == "nearest_exact":
        return [(2 * new + 1) * have // (2 * want)], [np.ones(want)]
    if align:
        at = new * ((have - 1) / (want - 1) if want > 1 else 0.0)
    else:
        at = (new + 0.5) * (have / want) - 0.5
    if mode == "linear":
        at = np.maximum(at, 0.0)
    first = np.floor(at).astype(np.int64)
    t = at - first
    if mode == "linear":
        offsets, weights = (0, 1), [1.0 - t, t]
    else:
        offsets = (-1, 0, 1, 2)
        weights = [_far(t + 1.0), _near(t), _near(1.0 - t), _far(2.0 - t)]
    return [np.clip(first + offset, 0, have - 1) for offset in offsets], weights


def _pulled(ct: Term, axis: int, size: Size, mode: str, *, align: bool) -> Term:
    """Take a cotangent along one axis back through the matrix that resized it from ``size``."""
    from netlang.ops.creation import Iota, OneHot
    from netlang.ops.linear import Einsum

    want = ct.shape[axis]
    # What resizing makes of the unit vectors is that matrix; cubic resizing takes two axes.
    unit = ct.make(Iota(size)).to(OneHot(size, ct.type.dtype))
    shape, wide = ((1, 1), (size, want)) if mode == "cubic" else ((size, 1), (want,))
    matrix = unit.reshape((*shape, *wide[:-1], size)).to(Resize(wide, mode, align))
    letters = "abcde"[: ct.rank]
    rule = f"{letters},z{letters[axis]}->{letters.replace(letters[axis], 'z')}"
    return ct.to(Einsum(rule), matrix.reshape((size, want)))


def _near(d: Array) -> Array:
    return ((_SLOPE + 2.0) * d - (_SLOPE + 3.0)) * d * d + 1.0


def _far(d: Array) -> Array:
    return ((_SLOPE * d - 5.0 * _SLOPE) * d + 8.0 * _SLOPE) * d - 4.0 * _SLOPE
