"""Concatenation, stacking and splitting."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

from netlang.diagnostics import rules
from netlang.ir.dims import Dim, Floor, Shape, Size, divisors, exact_quotient, substitute, symbol
from netlang.ir.graph import Builder, Cotangents, Values
from netlang.ir.op import OnnxBuilder, Operand, OperandError, Primitive, Sample, register
from netlang.ir.types import TensorType, Types
from netlang.ops.arguments import Arguments, axis_of, integer, new_axis, rejected, sizes
from netlang.ops.checks import shape_text
from netlang.ops.clauses import Sizes, where_help
from netlang.ops.samples import f32
from netlang.ops.terms import terms
from netlang.system.numpy import Array, np


@register
class Concat(Primitive, frozen=True):
    """Concatenate tensors along an existing axis.

    ``[N, A, H, W], [N, B, H, W] -> [N, A+B, H, W]`` along axis 1. ONNX: Concat.
    """

    name: ClassVar[str] = "concat"
    joins = True
    formula: ClassVar[str] = "np.concatenate([{xs}], axis={axis})"
    family = "join"
    operands: ClassVar[tuple[str, ...]] = ("xs*",)

    axis: int

    @classmethod
    def make(cls, types: Types, attributes: Arguments) -> Self:
        _something(types)
        return cls(axis_of(types[0], integer(attributes, "axis")))

    def infer(self, *types: TensorType) -> Types:
        _something(types)
        first = types[0]
        axis = axis_of(first, self.axis)
        for position in range(1, len(types)):
            _joinable(types, position, axis)
        total: Size = 0
        for t in types:
            total = total + t.shape[axis]
        return (first.with_shape(*first.shape[:axis], total, *first.shape[axis + 1 :]),)

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        return (np.concatenate(operands, axis=self.axis),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        return (b.add("Concat", *operands, axis=self.axis),)

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        del outputs
        (ct,) = terms(b, *cts)
        axis = axis_of(ct.type, self.axis)
        sizes = tuple(v.type.shape[axis] for v in inputs)
        # A part of size 0 cannot be split off and needs no gradient.
        some = tuple(size for size in sizes if size != 0)
        parts = iter(b.add(Split(some, axis), ct.value) if some else ())
        return tuple(None if size == 0 else next(parts) for size in sizes)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        n, h = symbol("N"), symbol("H")
        fixed = {"N": 2, "H": 4}
        return [
            Sample(cls(1), (f32(2, 3), f32(2, 1), f32(2, 4))),
            Sample(cls(-2), (f32(2, 3, 4), f32(2, 5, 4))),
            Sample(cls(0), (f32(3),)),
            Sample(cls(1), (f32(n, 3, h), f32(n, 2, h)), sizes=fixed),
            Sample(cls(2), (f32(n, 3, h), f32(n, 3, 2)), sizes=fixed),
        ]


@register
class Stack(Primitive, frozen=True):
    """Stack tensors of the same shape along a new axis.

    ``[N, D], [N, D] -> [2, N, D]`` along axis 0. ONNX: Unsqueeze, Concat.
    """

    name: ClassVar[str] = "stack"
    formula: ClassVar[str] = "np.stack([{xs}], axis={axis})"
    family = "join"
    operands: ClassVar[tuple[str, ...]] = ("xs*",)

    axis: int

    def moved(self, axis: int, source: Shape, target: Shape) -> int | None:
        del target
        return axis + (axis >= self.axis % (len(source) + 1))

    @classmethod
    def make(cls, types: Types, attributes: Arguments) -> Self:
        _something(types)
        return cls(new_axis(integer(attributes, "axis"), types[0]))

    def infer(self, *types: TensorType) -> Types:
        _something(types)
        first, *others = types
        axis = new_axis(self.axis, first)
        for position, other in enumerate(others, start=2):
            if other == first:
                continue
            note = _both(first, other, position if len(types) > 2 else None)
            raise OperandError(
                "these can't be stacked: they must have one shape",
                rule=rules.CONCAT_MISMATCH,
                notes=[note],
                helps=[f"to join them along an axis they have, use `concat(..., axis={axis})`"],
            )
        return (first.with_shape(*first.shape[:axis], len(types), *first.shape[axis:]),)

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        return (np.stack(operands, axis=self.axis),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        axis = new_axis(self.axis, operands[0].type)
        parts = [b.add("Unsqueeze", x, b.axes((axis,))) for x in operands]
        return (b.add("Concat", *parts, axis=axis),)

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        del outputs
        (ct,) = terms(b, *cts)
        axis = new_axis(self.axis, inputs[0].type)
        parts = (ct.part(axis, i, i + 1) for i in range(len(inputs)))
        return tuple(p.reshape(inputs[0].type.shape).value for p in parts)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        n = symbol("N")
        return [
            Sample(cls(0), (f32(2, 3), f32(2, 3))),
            Sample(cls(-1), (f32(2), f32(2), f32(2))),
            Sample(cls(0), (f32(), f32())),
            Sample(cls(1), (f32(n, 3), f32(n, 3)), sizes={"N": 2}),
        ]


_MOST_PARTS = 100_000
"""A limit, because each part is a value with a name and a type."""


@register
class Split(Primitive, frozen=True):
    """Split a tensor along an axis into parts of the given sizes.

    ``[N, 3*D] -> [N, D], [N, D], [N, D]`` with ``parts`` 3. ONNX: Split.
    """

    name: ClassVar[str] = "split"
    lists_results = True
    operands: ClassVar[tuple[str, ...]] = ("x",)

    parts: Shape
    axis: int

    @classmethod
    def make(cls, types: Types, attributes: Arguments) -> Self:
        (x,) = types
        axis = axis_of(x, integer(attributes, "axis"))
        parts = attributes.get("parts")
        if isinstance(parts, list | tuple):
            return cls(sizes(attributes, "parts", most=_MOST_PARTS), axis)
        count = integer(attributes, "parts")
        if count < 1:
            raise rejected("parts", "must be 1 or more", count)
        each = exact_quotient(x.shape[axis], count)
        if each is None:
            raise _indivisible(x, axis, count)
        if count > _MOST_PARTS:
            raise rejected("parts", f"must be {_MOST_PARTS:,} or less", f"{count:,}")
        return cls((each,) * count, axis)

    def infer(self, *types: TensorType) -> Types:
        (x,) = types
        axis = axis_of(x, self.axis)
        for size in self.parts:
            if isinstance(size, int) and size < 1:
                raise rejected("parts", "must be 1 or more", size)
        total: Size = 0
        for size in self.parts:
            total = total + size
        if total != x.shape[axis] or not self.parts:
            raise OperandError(
                f"the parts make {total} together, and axis {axis} is {x.shape[axis]} long",
                rule=rules.SPLIT_MISMATCH,
                operand=0,
                label=f"this is {x}",
                notes=[f"the parts are {', '.join(map(str, self.parts))}"],
                helps=_last_part(self.parts, x.shape[axis] - total),
            )
        return tuple(x.with_shape(*x.shape[:axis], n, *x.shape[axis + 1 :]) for n in self.parts)

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        (x,) = operands
        known = [n for n in self.parts if isinstance(n, int)]
        ends = np.cumsum(known)[:-1].tolist()
        return tuple(part.copy() for part in np.split(x, ends, axis=self.axis))

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        (x,) = operands
        if len(self.parts) == 1:
            return (b.add("Identity", x),)
        count = len(self.parts)
        return b.add_many("Split", x, b.shape(self.parts), outputs=count, axis=self.axis)

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        del inputs, outputs
        first, *others = terms(b, *cts)
        return (first.to(Concat(self.axis), *others).value,)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        n, d = symbol("N"), symbol("D", 2)
        return [
            Sample(cls((2, 2, 2), 1), (f32(2, 6),)),
            Sample(cls((1, 4), -2), (f32(2, 5, 3),)),
            Sample(cls((3,), 0), (f32(3, 2),)),
            Sample(cls((2, 1), 1), (f32(n, 3, 2),), sizes={"N": 2}),
            Sample(cls((d // 2, d // 2), 1), (f32(n, d),), sizes={"N": 2, "D": 6}),
        ]


def _something(types: Types) -> None:
    if not types:
        raise OperandError(
            "there is nothing to join", rule=rules.CONCAT_MISMATCH, label="an empty list"
        )


def _both(first: TensorType, other: TensorType, position: int | None) -> str:
    name = "the other" if position is None else f"number {position}"
    return f"the first is {first}\nand {name} {other}"


def _joinable(types: Types, position: int, axis: int) -> None:
    """Raise ``OperandError`` unless the tensor at a position fits the first one."""
    first, other = types[0], types[position]
    opening = f"these can't be concatenated along axis {axis}"
    both = _both(first, other, position + 1 if len(types) > 2 else None)
    if other.dtype is not first.dtype:
        raise OperandError(
            f"{opening}: they hold {first.dtype} and {other.dtype} elements",
            rule=rules.DTYPE_MISMATCH,
            notes=[both],
            helps=[f"convert one of them: `cast({{{position}}}, {first.dtype})`"],
        )
    if other.rank != first.rank:
        raise OperandError(
            f"{opening}: they have {first.rank} and {other.rank} dimensions",
            rule=rules.CONCAT_MISMATCH,
            notes=[both],
            helps=_same_rank(types, position, axis),
        )
    pairs = list(zip(first.shape, other.shape, strict=True))
    differing = [i for i, (a, b) in enumerate(pairs) if a != b and i != axis]
    if differing:
        rounding, helps, arguments = _equalizing(pairs, differing, axis)
        raise OperandError(
            f"{opening}: they differ in dimension {differing[0]}",
            rule=rules.CONCAT_MISMATCH,
            notes=[both, *rounding],
            helps=helps,
            wanted=_resized(types, position, differing),
            arguments=arguments,
        )


def _same_rank(types: Types, position: int, axis: int) -> list[str]:
    """Suggest how to give one tensor the rank of the other."""
    high, low = sorted((0, position), key=lambda i: -types[i].rank)
    shape, flat = types[high].shape, types[low].shape
    if len(flat) == 2 and len(shape) == 3 and axis == 2 and flat[0] == shape[0]:
        each = shape_text((shape[0], shape[1], flat[1]))
        return [f"repeat the vector at every step: `expand(unsqueeze({{{low}}}, 1), {each})`"]
    if len(flat) == 2 and axis == 1 and flat[0] == shape[0] and all(map(_known, shape[1:])):
        return [f"make it one vector: `flatten({{{high}}})`"]
    return ["bring them to the same number with `flatten`, `reshape` or `unsqueeze`"]


def _resized(types: Types, position: int, differing: Sequence[int]) -> dict[int, Shape]:
    """Return the shape of the odd one out of several feature maps, or of either of two."""

    def sizes(x: TensorType) -> Shape:
        return tuple(x.shape[i] for i in differing)

    one, other = sizes(types[0]), sizes(types[position])
    if min(differing) < 2 or not all(map(_known, one + other)):
        return {}
    like = sum(sizes(x) == one for x in types) - sum(sizes(x) == other for x in types)
    odd = (0, position) if like < 0 or (like == 0 and one < other) else (position, 0)
    shapes = {i: list(types[i].shape) for i in odd}
    for i in odd:
        for axis in differing:
            shapes[i][axis] = types[sum(odd) - i].shape[axis]
    return {i: tuple(shapes[i]) for i in odd[: 1 if like else 2]}


def _equalizing(
    pairs: list[tuple[Size, Size]], differing: list[int], axis: int
) -> tuple[list[str], list[str], dict[str, str]]:
    """Return notes, helps and arguments that would make the differing dimensions equal."""
    at = differing[0]

    def equal(values: Sizes) -> bool:
        return all(substitute(pairs[i][0], values) == substitute(pairs[i][1], values)
                   for i in differing)  # fmt: skip

    clause = where_help([n for i in differing for n in pairs[i]], equal)
    if clause and any(map(_rounds, pairs[at])):
        both = f"{pairs[at][1]} and {pairs[at][0]}"
        return [f"`//` rounds down: {both} are equal only for some sizes"], clause, {}
    if len(differing) == 1 and pairs[axis][0] == pairs[axis][1]:
        return [], [f"everything else is equal: join them along `axis={at}`"], {"axis": str(at)}
    return [], ["crop the larger one, pad the smaller one, or scale one with `resize`"], {}


def _known(size: Size) -> bool:
    return isinstance(size, int)


def _rounds(size: Size) -> bool:
    return isinstance(size, Dim) and any(
        isinstance(atom, Floor) for monomial, _ in size.terms for atom in monomial
    )


def _indivisible(x: TensorType, axis: int, count: int) -> OperandError:
    size = x.shape[axis]

    def divides(values: Sizes) -> bool:
        return exact_quotient(substitute(size, values), count) is not None

    helps = where_help([size], divides, [count])
    if isinstance(size, int):
        fits = [str(d) for d in divisors(size) if d > 1][:8]
        helps = [f"it divides into {', '.join(fits)} parts"] if fits else []
        helps.append("or give the sizes of the parts as a list")
    return OperandError(
        f"{size} doesn't divide into {count} equal parts",
        rule=rules.SPLIT_MISMATCH,
        operand=0,
        label=f"axis {axis} of {x}",
        helps=helps,
    )


def _last_part(parts: Shape, missing: Size) -> list[str]:
    if not parts:
        return []
    last = parts[-1] + missing
    if isinstance(last, int) and last < 1:
        return []
    fitting = (*parts[:-1], last)
    return [f"`[{', '.join(map(str, fitting))}]` would fit"]
