"""Basic indexing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

from netlang.diagnostics import rules
from netlang.diagnostics.errors import InputError
from netlang.ir.dims import Dim, Shape, Size, symbol
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
from netlang.ops.axes import without
from netlang.ops.samples import sample
from netlang.ops.terms import terms
from netlang.system.numpy import Array, np

Bound = Size | None
Item = Size | tuple[Bound, Bound] | None
# ONNX reads this end as "after the last element".
_AFTER_LAST = 2**63 - 1


@register
class Index(Primitive, frozen=True):
    """Select an index or a range along each axis.

    ``items`` holds, per axis, an index (which drops the axis), a pair of bounds (the second is
    exclusive; ``none`` is an open end), or ``none`` for the whole axis. Negative numbers count from
    the end.
    ``x[:, 0]``: ``[N, T, D] -> [N, D]``. ONNX: Slice, Gather.
    """

    name: ClassVar[str] = "index"
    formula: ClassVar[str] = "{x}[{items:subscript}]"
    operands: ClassVar[tuple[str, ...]] = ("x",)

    items: tuple[Item, ...]

    def moved(self, axis: int, source: Shape, target: Shape) -> int | None:
        del source, target
        picked = (i for i, item in enumerate(self.items) if item is not None)
        return without(axis, frozenset(i for i in picked if not isinstance(self.items[i], tuple)))

    @classmethod
    def make(cls, types: Types, attributes: Arguments) -> Self:
        del types
        return cls(tuple(_item(item) for item in several(attributes, "items")))

    def infer(self, *types: TensorType) -> Types:
        (x,) = types
        if len(self.items) > x.rank:
            raise OperandError(
                f"{len(self.items)} indices are given for {x.rank} axes",
                rule=rules.INDEX_OUT_OF_RANGE,
                operand=0,
                label=f"this is {x}",
            )
        shape: list[Size] = []
        for axis, (size, item) in enumerate(zip(x.shape, self._whole(x.rank), strict=True)):
            match item:
                case None:
                    shape.append(size)
                case (first, last):
                    shape.append(_length(x, axis, first, last))
                case index:
                    check_index(x, axis, index)
        return (x.with_shape(*shape),)

    def axis_window(self, axis: int, *types: TensorType) -> AxisWindow | None:
        del types
        match self.items[axis] if axis < len(self.items) else None:
            case (int() as first, _) if first > 0:
                return AxisWindow(1, 1, first)
            case _:
                return AxisWindow(1, 1)

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        (x,) = operands
        picked = tuple(
            item
            if isinstance(item, int)
            else slice(None)
            if not isinstance(item, tuple)
            else _range(axis, x.shape[axis], _fixed(item[0]), _fixed(item[1]))
            for axis, item in enumerate(self.items)
        )
        return (np.array(x[picked]),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        (x,) = operands
        ranges: dict[int, tuple[Size, Size]] = {}
        indices: dict[int, int | None] = {}
        for axis, (size, item) in enumerate(
            zip(x.type.shape, self._whole(x.type.rank), strict=True)
        ):
            match item:
                case None:
                    pass
                case (first, last):
                    end = _AFTER_LAST if last is None else _from_front(last, size)
                    ranges[axis] = (0 if first is None else _from_front(first, size), end)
                case int():
                    indices[axis] = item
                case Dim():
                    ranges[axis] = (item, item + 1)
                    indices[axis] = None
        y: Operand | str = x
        if ranges:
            starts, ends = zip(*ranges.values(), strict=True)
            y = b.add("Slice", y, b.shape(starts), b.shape(ends), b.axes(list(ranges)))
        for axis in sorted(indices, reverse=True):
            index = indices[axis]
            if index is None:
                y = b.add("Squeeze", y, b.axes((axis,)))
            else:
                y = b.add("Gather", y, b.constant(index, I64), axis=axis)
        return (y if isinstance(y, str) else b.add("Identity", y),)

    def vjp(self, b: Builder, inputs: Values, outputs: Values, cts: Values) -> Cotangents:
        del outputs
        x, ct = inputs[0].type, terms(b, *cts)[0]
        kept: list[Size] = []
        around: list[tuple[Size, Size]] = []
        for size, item in zip(x.shape, self._whole(x.rank), strict=True):
            first, last = item if isinstance(item, tuple) else (item, None)
            start = 0 if first is None else _from_front(first, size)
            end = size if last is None else _from_front(last, size)
            if item is not None and not isinstance(item, tuple):
                end = start + 1
            kept.append(end - start)
            around.append((start, size - end))
        return (ct.reshape(tuple(kept)).surround_all(around).value,)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        n, t = symbol("N"), symbol("T")
        symbolic = (TensorType(F32, (n, t, 4)),)
        fixed = {"N": 2, "T": 5}
        return [
            sample(cls((None, 0)), 2, 3, 4),
            sample(cls((None, -1, 2)), 2, 3, 4),
            sample(cls((1, 2)), 2, 3),
            sample(cls((None, (1, 3))), 2, 5),
            sample(cls(((1, None), None, (None, -2))), 3, 2, 5),
            sample(cls((None, (-3, -1), 0)), 2, 5, 3),
            sample(cls(()), 2, 3),
            Sample(cls((None, 0)), symbolic, sizes=fixed),
            Sample(cls((None, (1, None), (0, 2))), symbolic, sizes=fixed),
            Sample(cls((None, (None, -1))), symbolic, sizes=fixed),
            Sample(cls((None, t - 1)), symbolic, sizes=fixed),
        ]

    def _whole(self, rank: int) -> tuple[Item, ...]:
        return self.items + (None,) * (rank - len(self.items))


def _item(item: object) -> Item:
    match item:
        case None | int() | Dim():
            return item
        case (None | int() | Dim() as first, None | int() | Dim() as last):
            return first, last
        case _:
            raise rejected("index", "must be an index or a range", item)


def _fixed(bound: Bound) -> int | None:
    assert not isinstance(bound, Dim)
    return bound


def _range(axis: int, size: int, first: int | None, last: int | None) -> slice:
    """Return a range as a slice; at run time it may turn out to be outside of the axis."""
    start = 0 if first is None else first + size * (first < 0)
    end = size if last is None else last + size * (last < 0)
    if not 0 <= start <= end <= size:
        raise InputError(f"indices {start} to {end - 1} are outside of axis {axis} of size {size}")
    return slice(start, end)


def _from_front(bound: Size, size: Size) -> Size:
    return size + bound if isinstance(bound, int) and bound < 0 else bound


def check_index(x: TensorType, axis: int, index: Size) -> None:
    """Raise ``OperandError`` for an index that is out of range."""
    size = x.shape[axis]
    start = _from_front(index, size)
    rest = size - start
    if (isinstance(rest, int) and rest < 1) or (isinstance(start, int) and start < 0):
        raise _out_of_range(x, axis, f"there is no index {index}")


def _length(x: TensorType, axis: int, first: Bound, last: Bound) -> Size:
    size = x.shape[axis]
    start = 0 if first is None else _from_front(first, size)
    end = size if last is None else _from_front(last, size)
    written = f"{'' if first is None else first}:{'' if last is None else last}"
    beyond, length = size - end, end - start
    if (isinstance(beyond, int) and beyond < 0) or (isinstance(start, int) and start < 0):
        raise _out_of_range(x, axis, f"the range {written} goes beyond the axis")
    if isinstance(length, int) and length < 1:
        raise _out_of_range(x, axis, f"the range {written} is empty")
    return length


def _out_of_range(x: TensorType, axis: int, message: str) -> OperandError:
    size = x.shape[axis]
    if isinstance(size, int) and size > 0:
        note = f"its indices are 0 to {size - 1}, or -1 to -{size} from the end"
    else:
        note = "indices start at 0, or at -1 from the end"
    return OperandError(
        message,
        rule=rules.INDEX_OUT_OF_RANGE,
        operand=0,
        label=f"axis {axis} of {x} is {size} long",
        notes=[note],
    )
