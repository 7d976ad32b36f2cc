"""Elements repeated, mirrored, surrounded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Self

from netlang.ir.dims import Dim, Shape, Size, symbol
from netlang.ir.graph import Builder, Cotangents, Values
from netlang.ir.op import OnnxBuilder, Operand, Primitive, Sample, TypeRefused, register
from netlang.ir.types import F32, I64, TensorType, Types
from netlang.numeric import Array, np
from netlang.ops.arguments import (
    Arguments,
    axis_of,
    integers,
    items,
    number,
    refused,
    sizes,
    word,
)
from netlang.ops.terms import Term, terms

# ONNX reads this end as "before the first element" when it steps backwards.
_BEFORE_FIRST = -(2**63)


@register
@dataclass(frozen=True, slots=True)
class Expand(Primitive):
    """Repeat axes of size 1, and the whole along new leading axes, until the shape is reached.

    ``[1, D] -> [N, D]``; a size of -1 keeps what is there. ONNX: Expand.
    """

    name: ClassVar[str] = "expand"
    operands: ClassVar[tuple[str, ...]] = ("x",)

    shape: Shape

    @classmethod
    def make(cls, types: Types, attributes: Arguments) -> Self:
        (x,) = types
        shape = sizes(attributes, "shape")
        lead = len(shape) - x.rank
        kept = tuple(
            x.shape[i - lead] if size == -1 and 0 <= i - lead < x.rank else size
            for i, size in enumerate(shape)
        )
        return cls(kept)

    def infer(self, *types: TensorType) -> Types:
        (x,) = types
        target = f"[{', '.join(map(str, self.shape))}]"
        for size in self.shape:
            if isinstance(size, int) and size < 0:
                raise refused("shape", "must hold sizes, or -1 for an axis that stays", size)
        lead = len(self.shape) - x.rank
        if lead < 0:
            raise TypeRefused(
                f"this can't be expanded to {target}",
                rule="expand-mismatch",
                operand=0,
                label=f"this is {x}",
                notes=[f"it has {x.rank} axes already, and {target} has {len(self.shape)}"],
            )
        for axis, (have, want) in enumerate(zip(x.shape, self.shape[lead:], strict=True)):
            if have not in (1, want):
                raise TypeRefused(
                    f"this can't be expanded to {target}",
                    rule="expand-mismatch",
                    operand=0,
                    label=f"this is {x}",
                    notes=[f"axis {axis} is {have} here and {want} there: only a 1 is repeated"],
                    helps=["to repeat a whole axis, use `tile`"],
                )
        return (x.with_shape(*self.shape),)

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        shape = tuple(n for n in self.shape if isinstance(n, int))
        return (np.broadcast_to(operands[0], shape).copy(),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        return (b.add("Expand", *operands, b.shape(self.shape)),)

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        del outputs
        (ct,) = terms(b, *cts)
        return (ct.sum_to(inputs[0].type.shape).value,)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        n, h = symbol("N"), symbol("H")
        symbolic = Sample(cls((n, 3, h)), (TensorType(F32, (n, 1, h)),), sizes={"N": 2, "H": 4})
        return [
            _sample(cls((4, 2, 3)), 2, 3),
            _sample(cls((2, 4, 3)), 2, 1, 3),
            _sample(cls((2, 3))),
            symbolic,
        ]


@register
@dataclass(frozen=True, slots=True)
class Tile(Primitive):
    """Put copies of the whole tensor side by side.

    ``[A, B] -> [A*r, B*s]`` with ``repeats`` r, s. ONNX: Tile.
    """

    name: ClassVar[str] = "tile"
    operands: ClassVar[tuple[str, ...]] = ("x",)

    repeats: Shape

    @classmethod
    def make(cls, types: Types, attributes: Arguments) -> Self:
        del types
        return cls(sizes(attributes, "repeats"))

    def infer(self, *types: TensorType) -> Types:
        (x,) = types
        if len(self.repeats) != x.rank:
            raise TypeRefused(
                f"`repeats` has {len(self.repeats)} numbers for {x.rank} axes",
                rule="out-of-range",
                operand=0,
                label=f"this is {x}",
                helps=["give one number per axis; 1 leaves an axis as it is"],
            )
        for repeat in self.repeats:
            if isinstance(repeat, int) and repeat < 1:
                raise refused("repeats", "must be 1 or more", repeat)
        return (x.with_shape(*(n * r for n, r in zip(x.shape, self.repeats, strict=True))),)

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        return (np.tile(operands[0], tuple(r for r in self.repeats if isinstance(r, int))),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        return (b.add("Tile", *operands, b.shape(self.repeats)),)

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        del outputs
        (ct,) = terms(b, *cts)
        shape: Shape = ()
        for repeat, size in zip(self.repeats, inputs[0].type.shape, strict=True):
            shape = (*shape, repeat, size)
        return (ct.reshape(shape).sum(range(0, len(shape), 2)).value,)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        n = symbol("N")
        return [
            _sample(cls((2, 3)), 2, 3),
            _sample(cls((1, 2, 1)), 2, 3, 2),
            Sample(cls((1, 2)), (TensorType(F32, (n, 3)),), sizes={"N": 2}),
        ]


@register
@dataclass(frozen=True, slots=True)
class Flip(Primitive):
    """Read axes backwards.

    ``[...S] -> [...S]``. ONNX: Slice with step -1.
    """

    name: ClassVar[str] = "flip"
    operands: ClassVar[tuple[str, ...]] = ("x",)

    axes: tuple[int, ...]

    def seen_whole(self, operand: int, rank: int) -> frozenset[int]:
        del operand
        return frozenset(axis % rank for axis in self.axes)

    @classmethod
    def make(cls, types: Types, attributes: Arguments) -> Self:
        return cls(tuple(sorted({axis_of(types[0], a) for a in integers(attributes, "axis")})))

    def infer(self, *types: TensorType) -> Types:
        (x,) = types
        for axis in self.axes:
            axis_of(x, axis)
        return (x,)

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        return (np.flip(operands[0], self.axes).copy(),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        return (_mirrored(b, operands[0], self.axes),)

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        del inputs, outputs
        (ct,) = terms(b, *cts)
        return (ct.to(self).value,)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        n, t = symbol("N"), symbol("T")
        return [
            _sample(cls((0,)), 3, 2),
            _sample(cls((1, 2)), 2, 3, 4),
            Sample(cls((1,)), (TensorType(F32, (n, t, 3)),), sizes={"N": 2, "T": 5}),
        ]


@register
@dataclass(frozen=True, slots=True)
class ReverseTime(Primitive):
    """Read time backwards; with lengths, only the part of each row that is not padding.

    ``x [N, T, ...S], length [N] -> [N, T, ...S]``. ONNX: Slice with step -1, ReverseSequence.
    """

    name: ClassVar[str] = "reverse_time"
    operands: ClassVar[tuple[str, ...]] = ("x", "length*")

    def infer(self, *types: TensorType) -> Types:
        x, *length = types
        if x.rank < 2:
            raise TypeRefused("time is axis 1, and this has none", operand=0, label=f"this is {x}")
        for given in length:
            if given != TensorType(I64, x.shape[:1]):
                raise TypeRefused(
                    f"`length` must be i64[{x.shape[0]}]: one number per row",
                    operand=1,
                    label=f"this is {given}",
                )
        return (x,)

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        x, *length = operands
        if not length:
            return (np.flip(x, 1).copy(),)
        time = np.arange(int(x.shape[1]))[None, :]
        last: Array = length[0][:, None]
        places: Array = np.where(time < last, last - 1 - time, time)
        return (x[np.arange(x.shape[0])[:, None], places],)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        if len(operands) == 1:
            return (_mirrored(b, operands[0], (1,)),)
        return (b.add("ReverseSequence", *operands, batch_axis=0, time_axis=1),)

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        del outputs
        ct, *length = terms(b, *cts, *inputs[1:])
        return ct.to(self, *length).value, *(None for _ in length)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        n, t = symbol("N"), symbol("T")
        symbolic = (TensorType(F32, (n, t, 3)), TensorType(I64, (n,)))
        return [
            _sample(cls(), 2, 4, 3),
            Sample(cls(), (TensorType(F32, (4, 5)), TensorType(I64, (4,))), low=1, high=6),
            Sample(cls(), symbolic, low=1, high=5, sizes={"N": 3, "T": 4}),
        ]


_MODES = {m: m for m in ("constant", "reflect", "replicate", "circular")}
_ONNX_MODES = {"constant": "constant", "reflect": "reflect", "replicate": "edge"}
_NUMPY_MODES: dict[str, Literal["reflect", "edge", "wrap"]] = {
    "reflect": "reflect",
    "replicate": "edge",
    "circular": "wrap",
}


@register
@dataclass(frozen=True, slots=True)
class Pad(Primitive):
    """Surround a tensor: with a number, its mirror image, its edge, or its other side.

    ``amounts`` holds (before, after) for the last axes: ``[N, C, H, W] -> [N, C, H+2, W+2]`` with
    two pairs of 1, 1. ONNX: Pad, and Concat for ``circular``. Some run times fuse a constant Pad
    into a max pool behind it, where 0 would wrongly become minus infinity: use the pool's own
    ``pad``, or switch that fusion off.
    """

    name: ClassVar[str] = "pad"
    operands: ClassVar[tuple[str, ...]] = ("x",)

    amounts: tuple[tuple[int, int], ...]
    mode: str = "constant"
    value: float = 0.0

    @classmethod
    def make(cls, types: Types, attributes: Arguments) -> Self:
        (x,) = types
        given = attributes.get("amounts")
        if isinstance(given, int):
            pairs = ((given, given),) * max(x.rank - 2, 1)
        else:
            pairs = tuple(_pair(item) for item in items(given))
        mode = word(attributes, "mode", _MODES, "constant")
        return cls(pairs, mode, number(attributes, "value", 0.0))

    def infer(self, *types: TensorType) -> Types:
        (x,) = types
        if not 1 <= len(self.amounts) <= x.rank:
            raise TypeRefused(
                f"`amounts` is given for {len(self.amounts)} axes",
                rule="out-of-range",
                operand=0,
                label=f"this is {x}",
                helps=["give a number, or (before, after) for each of the last axes"],
            )
        if self.mode not in _MODES:
            raise refused("mode", f"must be one of {', '.join(_MODES)}", f'"{self.mode}"')
        lead = x.rank - len(self.amounts)
        shape = list(x.shape)
        for axis, (before, after) in enumerate(self.amounts, start=lead):
            if min(before, after) < 0:
                raise refused("amounts", "must be 0 or more", min(before, after))
            self._check_reach(x, axis, max(before, after))
            shape[axis] = shape[axis] + before + after
        return (x.with_shape(*shape),)

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        (x,) = operands
        widths = ((0, 0),) * (x.ndim - len(self.amounts)) + self.amounts
        if self.mode == "constant":
            return (np.pad(x, widths, constant_values=x.dtype.type(self.value)),)
        return (np.pad(x, widths, mode=_NUMPY_MODES[self.mode]),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        (x,) = operands
        widths = ((0, 0),) * (x.type.rank - len(self.amounts)) + self.amounts
        if self.mode == "circular":
            return (_wrapped(b, x, widths),)
        pads = b.axes([before for before, _ in widths] + [after for _, after in widths])
        if self.mode == "constant":
            value = b.constant(self.value, x.type.dtype)
            return (b.add("Pad", x, pads, value, mode="constant"),)
        return (b.add("Pad", x, pads, mode=_ONNX_MODES[self.mode]),)

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        del outputs
        (ct,) = terms(b, *cts)
        x = inputs[0].type
        for back, (before, after) in enumerate(reversed(self.amounts), start=1):
            axis = x.rank - back
            if before or after:
                ct = self._pulled(ct, axis, before, after, x.shape[axis])
        return (ct.value,)

    def _pulled(self, ct: Term, axis: int, before: int, after: int, size: Size) -> Term:
        """Add what lies in the padding of an axis to the places it is a copy of."""
        total = ct.part(axis, before, before + size)
        front = ct.part(axis, 0, before) if before else None
        back = ct.part(axis, before + size, before + size + after) if after else None
        match self.mode:
            case "reflect":
                if front:
                    total += front.to(Flip((axis,))).surround(axis, 1, size - 1 - before)
                if back:
                    total += back.to(Flip((axis,))).surround(axis, size - 1 - after, 1)
            case "replicate":
                if front:
                    total += front.sum([axis], keep=True).surround(axis, 0, size - 1)
                if back:
                    total += back.sum([axis], keep=True).surround(axis, size - 1, 0)
            case "circular":
                if front:
                    total += front.surround(axis, size - before, 0)
                if back:
                    total += back.surround(axis, 0, size - after)
            case _:
                pass
        return total

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        both = ((1, 2), (0, 1))
        symbolic = TensorType(F32, (symbol("N"), 2, symbol("H"), symbol("W")))
        return [
            _sample(cls(both), 2, 3, 4, 5),
            _sample(cls(((1, 0),), value=-1.5), 2, 3),
            *(_sample(cls(both, mode), 2, 3, 4, 5) for mode in _NUMPY_MODES),
            *(
                Sample(cls(both, mode), (symbolic,), sizes={"N": 2, "H": 4, "W": 3})
                for mode in _MODES
            ),
        ]

    def _check_reach(self, x: TensorType, axis: int, amount: int) -> None:
        """Refuse a mirror image or a copy that is longer than what there is."""
        size = x.shape[axis]
        if isinstance(size, Dim) or self.mode == "constant":
            return
        most = {"reflect": size - 1, "circular": size, "replicate": amount}[self.mode]
        if amount > most or size < 1:
            raise TypeRefused(
                f"`{self.mode}` can add at most {max(most, 0)} here, not {amount}",
                rule="out-of-range",
                operand=0,
                label=f"axis {axis} of {x} is {size} long",
                helps=['use a smaller amount, or `mode="replicate"`'],
            )


def _pair(item: object) -> tuple[int, int]:
    match items(item):
        case [int() as both]:
            return both, both
        case [int() as before, int() as after]:
            return before, after
        case _:
            raise refused("amounts", "must hold a number or (before, after) per axis", item)


def _mirrored(b: OnnxBuilder, x: Operand, axes: Sequence[int]) -> str:
    count = len(axes)
    starts, ends, steps = [-1] * count, [_BEFORE_FIRST] * count, [-1] * count
    return b.add("Slice", x, b.axes(starts), b.axes(ends), b.axes(axes), b.axes(steps))


def _wrapped(b: OnnxBuilder, x: Operand, widths: Sequence[tuple[int, int]]) -> str:
    whole: Operand | str = x
    for axis, (before, after) in enumerate(widths):
        parts: list[Operand | str] = [whole]
        if before:
            ends = b.axes((2**63 - 1,))
            parts.insert(0, b.add("Slice", whole, b.axes((-before,)), ends, b.axes((axis,))))
        if after:
            parts.append(b.add("Slice", whole, b.axes((0,)), b.axes((after,)), b.axes((axis,))))
        if len(parts) > 1:
            whole = b.add("Concat", *parts, axis=axis)
    return whole if isinstance(whole, str) else b.add("Identity", whole)


def _sample(op: Primitive, *shape: Size) -> Sample:
    return Sample(op, (TensorType(F32, shape),))
