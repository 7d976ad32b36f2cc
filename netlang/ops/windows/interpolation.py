"""Interpolation between the points of a feature map: input points and their weights."""

from __future__ import annotations

from fractions import Fraction

from msgspec import Struct

from netlang.diagnostics import rules
from netlang.ir.dims import Size
from netlang.ir.op import OnnxBuilder, Operand, OperandError
from netlang.ir.types import I64, DType, TensorType
from netlang.ops.arguments import rejected
from netlang.system.numpy import Array, np

NEAREST, EXACT, LINEAR, CUBIC = "nearest", "nearest_exact", "linear", "cubic"
MODES = {
    NEAREST: NEAREST,
    EXACT: EXACT,
    LINEAR: LINEAR,
    "bilinear": LINEAR,
    "trilinear": LINEAR,
    CUBIC: CUBIC,
    "bicubic": CUBIC,
}
"""The modes a user may write, and what each denotes."""

# The coefficient of Keys, "Cubic convolution interpolation", 1981: that of PyTorch and OpenCV,
# and the one that they and Pillow use for antialiasing.
_COEFFICIENT, _SMOOTH_COEFFICIENT = -0.75, -0.5
_RADIUS = {LINEAR: 1, CUBIC: 2}


class Interpolation(Struct, frozen=True):
    """How output points are computed: ``align`` aligns the corner points, ``antialias`` averages
    over all input points that an output point covers when downsampling."""

    mode: str
    align: bool = False
    antialias: bool = False

    @property
    def options(self) -> dict[str, str | float | int]:
        """Return the attributes of ONNX's Resize."""
        if self.mode == NEAREST:
            return {
                "mode": NEAREST,
                "coordinate_transformation_mode": "asymmetric",
                "nearest_mode": "floor",
            }
        if self.mode == EXACT:
            return {
                "mode": NEAREST,
                "coordinate_transformation_mode": "half_pixel",
                "nearest_mode": "round_prefer_ceil",
            }
        options: dict[str, str | float | int] = {
            "mode": self.mode,
            "coordinate_transformation_mode": "align_corners" if self.align else "half_pixel",
        }
        if self.mode == CUBIC:
            options["cubic_coeff_a"] = _SMOOTH_COEFFICIENT if self.antialias else _COEFFICIENT
        # Without exclude_outside, onnxruntime includes points outside of the input at its edges.
        return options | ({"antialias": 1, "exclude_outside": 1} if self.antialias else {})

    def check(self, x: TensorType) -> None:
        """Raise ``OperandError`` for options that do not fit each other or a feature map."""
        if self.mode not in MODES.values():
            raise rejected("mode", "must be nearest, linear or cubic", f'"{self.mode}"')
        if self.mode == CUBIC and x.rank != 4:
            raise OperandError(
                "cubic interpolation works on two spatial axes",
                operand=0,
                label=f"this is {x}",
                helps=['use `mode="linear"`'],
            )
        for name, given in (("align", self.align), ("antialias", self.antialias)):
            if given and self.mode in (NEAREST, EXACT):
                raise OperandError(
                    f"`{name}` has no meaning for the nearest point",
                    rule=rules.OUT_OF_RANGE,
                    helps=['leave it out, or use `mode="linear"`'],
                )
        if self.align and self.antialias:
            raise OperandError(
                "`antialias` smooths around the middles of points, and `align` moves them",
                rule=rules.OUT_OF_RANGE,
                helps=["leave one of them out"],
            )

    def support(self, ratio: float) -> int:
        """Return how many input points an output point is computed from."""
        if self.mode not in _RADIUS:
            return 1
        # A wide kernel rarely starts exactly at a point, where one more would count.
        wide = max(ratio, 1.0) if self.antialias else 1.0
        return round(2 * _RADIUS[self.mode] * wide)

    def lower_antialiased(
        self, b: OnnxBuilder, x: Operand, axis: int, want: Size, ratio: tuple[str, str]
    ) -> Operand:
        """Lower antialiasing along one axis before opset 18, where ONNX's Resize lacks it.

        ``ratio`` names a quotient: how many input points apart the output points are.
        """
        dtype, have = x.type.dtype, x.type.shape[axis]
        half, one = b.constant(0.5, dtype), b.constant(1.0, dtype)
        step = b.add("Div", *(b.add("Cast", n, to=dtype) for n in ratio))
        outputs, inputs = (
            b.add("Unsqueeze", b.add("Add", _count(b, n, dtype), half), b.axes([axis_added]))
            for n, axis_added in ((want, 1), (have, 0))
        )
        distance = b.add("Sub", inputs, b.add("Mul", outputs, step))
        off = b.add("Div", b.add("Abs", distance), b.add("Max", step, one))
        if self.mode == LINEAR:
            raw = b.add("Relu", b.add("Sub", one, off))
        else:
            raw = _lowered_cubic(b, off, dtype)
        shares = b.add("Div", raw, b.add("ReduceSum", raw, b.axes([1]), keepdims=1))
        old = "abcde"[: x.type.rank]
        rule = f"{old},z{old[axis]}->{old.replace(old[axis], 'z')}"
        shape = (*x.type.shape[:axis], want, *x.type.shape[axis + 1 :])
        return Operand(b.add("Einsum", x, shares, equation=rule), x.type.with_shape(*shape))


def resample(
    x: Array, axis: int, want: int, ratio: Fraction, mode: str, align: bool, antialias: bool
) -> Array:
    """Resize an axis to ``want`` points, which are ``ratio`` input points apart."""
    have = x.shape[axis]
    if have == want:
        return x
    if antialias:
        shares = _smooth_shares(have, want, ratio, mode).astype(x.dtype)
        return np.moveaxis(np.tensordot(x, shares, axes=(axis, 1)), -1, axis)
    indices, weights = input_points(have, want, ratio, mode, align)
    spread = (-1, *(1,) * (x.ndim - 1 - axis))
    parts = (
        np.take(x, index, axis=axis) * weight.astype(x.dtype).reshape(spread)
        for index, weight in zip(indices, weights, strict=True)
    )
    total = next(parts)
    for part in parts:
        total += part
    return total


def input_points(
    have: int, want: int, ratio: Fraction, mode: str, align: bool
) -> tuple[list[Array], list[Array]]:
    """Return the input points of each output point, and their weights."""
    new, up, down = np.arange(want), ratio.numerator, ratio.denominator
    if mode == NEAREST:
        return [new * up // down], [np.ones(want)]
    if mode == EXACT:
        return [(2 * new + 1) * up // (2 * down)], [np.ones(want)]
    if align:
        at = new * ((have - 1) / (want - 1) if want > 1 else 0.0)
    else:
        at = (new + 0.5) * (up / down) - 0.5
    if mode == LINEAR:
        at = np.maximum(at, 0.0)
    first = np.floor(at).astype(np.int64)
    t = at - first
    if mode == LINEAR:
        offsets, weights = (0, 1), [1.0 - t, t]
    else:
        offsets = (-1, 0, 1, 2)
        distances = (t + 1.0, t, 1.0 - t, 2.0 - t)
        weights = [_cubic(distance, _COEFFICIENT) for distance in distances]
    return [np.clip(first + offset, 0, have - 1) for offset in offsets], weights


def _smooth_shares(have: int, want: int, ratio: Fraction, mode: str) -> Array:
    """Return the weight of each input point in each output point: ``[want, have]``."""
    centers = (np.arange(want)[:, None] + 0.5) * float(ratio)
    off = np.abs(np.arange(have) + 0.5 - centers) / max(float(ratio), 1.0)
    linear = mode == LINEAR
    raw = np.maximum(1.0 - off, 0.0) if linear else _cubic(off, _SMOOTH_COEFFICIENT)
    return raw / raw.sum(axis=1, keepdims=True)


def _cubic(distance: Array, a: float) -> Array:
    """Return weights by distance: a piecewise cubic that is 0 from 2 on."""
    near = ((a + 2.0) * distance - (a + 3.0)) * distance * distance + 1.0
    far = ((a * distance - 5.0 * a) * distance + 8.0 * a) * distance - 4.0 * a
    return np.where(distance <= 1.0, near, np.where(distance < 2.0, far, 0.0))


def _lowered_cubic(b: OnnxBuilder, off: str, dtype: DType) -> str:
    def polynomial(*coefficients: float) -> str:
        total = b.constant(coefficients[0], dtype)
        for coefficient in coefficients[1:]:
            total = b.add("Add", b.add("Mul", total, off), b.constant(coefficient, dtype))
        return total

    a = _SMOOTH_COEFFICIENT
    near = polynomial(a + 2.0, -a - 3.0, 0.0, 1.0)
    # Distances are clipped to 2, where the weight is 0.
    off = b.add("Min", off, b.constant(2.0, dtype))
    far = polynomial(a, -5.0 * a, 8.0 * a, -4.0 * a)
    return b.add("Where", b.add("Less", off, b.constant(1.0, dtype)), near, far)


def _count(b: OnnxBuilder, n: Size, dtype: DType) -> str:
    start, step = b.constant(0, I64), b.constant(1, I64)
    return b.add("Cast", b.add("Range", start, b.add("Squeeze", b.shape((n,))), step), to=dtype)
