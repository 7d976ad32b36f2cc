"""Pooling to a fixed output size."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from math import ceil, gcd
from typing import ClassVar, Literal, Self

from netlang.diagnostics import rules
from netlang.ir.dims import Dim, Shape, Size, exact_quotient, substitute, symbol
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
from netlang.ops.arguments import Arguments, rejected, several
from netlang.ops.axes import ratio
from netlang.ops.checks import require_elements, require_float
from netlang.ops.clauses import Sizes, where_help
from netlang.ops.reverse import differentiate_formula
from netlang.ops.samples import sample
from netlang.ops.terms import Term, terms
from netlang.ops.windows.windows import known_sizes, spatial_shape, wrong_count
from netlang.system.numpy import Array, np


class AdaptivePool(Primitive, frozen=True):
    """Divide each axis into ``out`` windows and pool each window."""

    operands: ClassVar[tuple[str, ...]] = ("x",)
    family = "pooling"
    kind: ClassVar[Literal["Average", "Max"]]

    out: Shape

    @classmethod
    def make(cls, types: Types, attributes: Arguments) -> Self:
        (x,) = types
        spatial = spatial_shape(x, "a pool")
        given = attributes.get("out")
        values = list(several(attributes, "out"))
        if not isinstance(given, list | tuple):
            values *= len(spatial)
        if len(values) != len(spatial):
            raise wrong_count("out", len(values), len(spatial))
        return cls(tuple(_size(n, own) for n, own in zip(values, spatial, strict=True)))

    def infer(self, *types: TensorType) -> Types:
        (x,) = types
        require_float(self.name, x)
        spatial = spatial_shape(x, "a pool")
        if len(self.out) != len(spatial):
            raise wrong_count("out", len(self.out), len(spatial))
        require_elements(self.name, x, range(2, x.rank))
        for size, n in zip(spatial, self.out, strict=True):
            _check(x, size, n)
        return (x.with_shape(*x.shape[:2], *self.out),)

    def axis_window(self, axis: int, *types: TensorType) -> AxisWindow | None:
        if axis < 2 or (parts := self.out[axis - 2]) == 1:
            return None
        size = types[0].shape[axis]
        stride = ratio(size, parts)
        return AxisWindow(longest(size, parts), stride) if stride is not None else None

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        (y,) = operands
        for axis, n in enumerate(known_sizes(self.out), start=2):
            y = self._pool_array(y, axis, _bounds(y.shape[axis], n))
        return (y,)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        (x,) = operands
        if all(n == 1 for n in self.out):
            return (b.add(f"Global{self.kind}Pool", x),)
        y, shape, parts = x, list(x.type.shape), list[Size]()
        for axis, n in enumerate(self.out, start=2):
            part = exact_quotient(shape[axis], n)
            if part is None:
                y, part = self._unequal(b, y, axis, n)
                shape[axis] = n * part
            parts.append(part)
        if all(part == 1 for part in parts):
            return (b.add("Identity", y) if y is x else y.name,)
        kernel = [part for part in parts if isinstance(part, int)]
        if len(kernel) == len(parts):
            return (b.add(f"{self.kind}Pool", y, kernel_shape=kernel, strides=kernel),)
        return (self._by_reshape(b, y, parts),)

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        del outputs

        def by_axis(inner: Builder, values: Values) -> Values:
            (x,) = terms(inner, *values)
            for axis, n in enumerate(self.out, start=2):
                if x.shape[axis] != n:
                    x = self._pool_formula(x, axis, n)
            return (x.value,)

        return differentiate_formula(b, inputs, cts, by_axis)

    @abstractmethod
    def _pool_formula(self, x: Term, axis: int, n: Size) -> Term:
        """Return the pool along one axis as a formula of other operators."""

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        n, h, w = symbol("N"), symbol("H", 4), symbol("W")
        whole = TensorType(F32, (n, 2, w, w))
        return [
            sample(cls((1, 1)), 2, 3, 4, 5),
            sample(cls((2, 3)), 2, 3, 4, 6),
            sample(cls((3, 2)), 1, 2, 7, 5),
            sample(cls((7, 7)), 1, 2, 6, 6),
            sample(cls((2, 4)), 1, 2, 4, 7),
            sample(cls((4, 5)), 1, 2, 4, 5),
            sample(cls((3,)), 2, 3, 8),
            sample(cls((1, 2, 3)), 1, 2, 2, 3, 4),
            Sample(cls((1, 1)), (whole,), sizes={"N": 2, "W": 5}),
            Sample(cls((2, w)), (TensorType(F32, (n, 2, h, w)),), sizes={"N": 2, "H": 8, "W": 5}),
            Sample(cls((4, 2)), (TensorType(F32, (n, 2, h, 5)),), sizes={"N": 2, "H": 8}),
        ]

    @abstractmethod
    def _pool_array(self, x: Array, axis: int, bounds: Sequence[tuple[int, int]]) -> Array:
        """Return the pool along one axis."""

    @abstractmethod
    def _unequal(self, b: OnnxBuilder, x: Operand, axis: int, n: Size) -> tuple[Operand, int]:
        """Gather windows of equal size along an axis; return the result and that size."""

    def _by_reshape(self, b: OnnxBuilder, x: Operand, parts: Shape | list[Size]) -> str:
        shape = [*x.type.shape[:2]]
        for n, part in zip(self.out, parts, strict=True):
            shape += [n, part]
        cut = b.add("Reshape", x, b.shape(tuple(shape)))
        axes = list(range(3, len(shape), 2))
        reduce = "ReduceMean" if self.kind == "Average" else "ReduceMax"
        if b.opset < 18:
            return b.add(reduce, cut, axes=axes, keepdims=0)
        return b.add(reduce, cut, b.axes(axes), keepdims=0)


@register
class AdaptiveAvgPool(AdaptivePool, frozen=True):
    """Compute the mean of each of ``out`` windows per axis.

    ``[N, C, ...S] -> [N, C, ...out]``; window i of n covers ``i*size // n`` up to
    ``ceil((i+1)*size / n)``, as in PyTorch. ONNX: AveragePool, GlobalAveragePool, Einsum.
    """

    name: ClassVar[str] = "adaptive_avg_pool"
    kind: ClassVar[Literal["Average", "Max"]] = "Average"

    def _pool_array(self, x: Array, axis: int, bounds: Sequence[tuple[int, int]]) -> Array:
        shares = np.array(_shares(x.shape[axis], bounds), x.dtype)
        return np.moveaxis(np.tensordot(x, shares, axes=(axis, 1)), -1, axis)

    def _unequal(self, b: OnnxBuilder, x: Operand, axis: int, n: Size) -> tuple[Operand, int]:
        size = x.type.shape[axis]
        assert isinstance(size, int)
        assert isinstance(n, int)
        shares = b.constant(_shares(size, _bounds(size, n)), x.type.dtype)
        letters = "abcde"[: x.type.rank]
        rule = f"{letters},z{letters[axis]}->{letters.replace(letters[axis], 'z')}"
        return _resized(x, b.add("Einsum", x, shares, equation=rule), axis, n), 1

    def _pool_formula(self, x: Term, axis: int, n: Size) -> Term:
        part = exact_quotient(x.shape[axis], n)
        if part is not None:
            return _cut(x, axis, n, part).mean([axis + 1])
        # Pooling the unit vectors results in the matrix by which pooling multiplies.
        from netlang.ops.reducing.einsum import Einsum
        from netlang.ops.shaping.creation import Iota, OneHot

        size = x.shape[axis]
        unit = x.make(Iota(size)).to(OneHot(size, x.type.dtype)).reshape((size, 1, size))
        shares = unit.to(AdaptiveAvgPool((n,))).reshape((size, n))
        letters = "abcde"[: x.rank]
        rule = f"{letters},{letters[axis]}z->{letters.replace(letters[axis], 'z')}"
        return x.to(Einsum(rule), shares)


@register
class AdaptiveMaxPool(AdaptivePool, frozen=True):
    """Compute the maximum of each of ``out`` windows per axis.

    ``[N, C, ...S] -> [N, C, ...out]``; window i of n covers ``i*size // n`` up to
    ``ceil((i+1)*size / n)``, as in PyTorch. ONNX: MaxPool, GlobalMaxPool, Gather.
    """

    name: ClassVar[str] = "adaptive_max_pool"
    gradient_reads = ("operands",)
    kind: ClassVar[Literal["Average", "Max"]] = "Max"

    def _pool_array(self, x: Array, axis: int, bounds: Sequence[tuple[int, int]]) -> Array:
        return np.take(x, np.array(_members(bounds)), axis=axis).max(axis=axis + 1)

    def _unequal(self, b: OnnxBuilder, x: Operand, axis: int, n: Size) -> tuple[Operand, int]:
        size = x.type.shape[axis]
        assert isinstance(size, int)
        assert isinstance(n, int)
        members = _members(_bounds(size, n))
        each = len(members[0])
        flat = b.constant([index for window in members for index in window], I64)
        return _resized(x, b.add("Gather", x, flat, axis=axis), axis, n * each), each

    def _pool_formula(self, x: Term, axis: int, n: Size) -> Term:
        from netlang.ops.reducing.reduction import Max
        from netlang.ops.shaping.gathering import Take

        part = exact_quotient(x.shape[axis], n)
        if part is None:
            size = x.shape[axis]
            assert isinstance(size, int)
            assert isinstance(n, int)
            members = _members(_bounds(size, n))
            part = len(members[0])
            x = x.to(Take(tuple(index for window in members for index in window), axis))
        return _cut(x, axis, n, part).to(Max((axis + 1,)))


def longest(size: Size, parts: Size) -> int:
    """Return the length of the longest window when an axis is divided into ``parts`` windows.

    >>> longest(15, 2), longest(4, 6), longest(12, 3)
    (8, 2, 4)
    """
    if isinstance(size, int) and isinstance(parts, int):
        period = range(parts // gcd(size, parts))
        return max(-(-(i + 1) * size // parts) - i * size // parts for i in period)
    exact = ratio(size, parts)
    assert exact is not None  # only for sizes of which one is a multiple of the other
    return ceil(exact)


def _cut(x: Term, axis: int, n: Size, part: Size) -> Term:
    """Split an axis into two: windows, and positions in a window."""
    return x.reshape((*x.shape[:axis], n, part, *x.shape[axis + 1 :]))


def _size(given: object, own: Size) -> Size:
    match given:
        case None:
            return own
        case bool():
            raise rejected("out", "must hold sizes", given)
        case int() | Dim():
            return given
        case _:
            raise rejected("out", "must hold sizes", given)


def _check(x: TensorType, size: Size, n: Size) -> None:
    if isinstance(n, int) and n < 1:
        raise rejected("out", "must be 1 or more", n)
    if isinstance(size, int) and isinstance(n, int):
        return
    if exact_quotient(size, n) is not None:
        return

    def divides(values: Sizes) -> bool:
        return exact_quotient(substitute(size, values), substitute(n, values)) is not None

    raise OperandError(
        f"{size} isn't known to divide into {n} windows",
        rule=rules.NEEDS_DIVISIBILITY,
        operand=0,
        label=f"this is {x}",
        helps=where_help([size], divides, [n] if isinstance(n, int) else []),
    )


def _bounds(size: int, n: int) -> list[tuple[int, int]]:
    return [(i * size // n, -(-(i + 1) * size // n)) for i in range(n)]


def _shares(size: int, bounds: Sequence[tuple[int, int]]) -> list[list[float]]:
    return [
        [1.0 / (end - start) if start <= index < end else 0.0 for index in range(size)]
        for start, end in bounds
    ]


def _members(bounds: Sequence[tuple[int, int]]) -> list[list[int]]:
    """Return the indices of each window, the last one repeated to equal lengths."""
    longest = max(end - start for start, end in bounds)
    return [[min(start + i, end - 1) for i in range(longest)] for start, end in bounds]


def _resized(x: Operand, name: str, axis: int, n: int) -> Operand:
    shape = (*x.type.shape[:axis], n, *x.type.shape[axis + 1 :])
    return Operand(name, x.type.with_shape(*shape))
