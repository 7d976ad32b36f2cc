"""Padding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self, cast

from netlang.diagnostics import rules
from netlang.ir.dims import Dim, Size, symbol
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
from netlang.ir.types import F32, TensorType, Types
from netlang.ops.arguments import Arguments, items, number, pair, rejected, several, word
from netlang.ops.samples import sample
from netlang.ops.shaping.repetition import Flip
from netlang.ops.terms import Term, terms
from netlang.system.numpy import Array, np

_MODES = {m: m for m in ("constant", "reflect", "replicate", "circular")}
_Numbers = tuple[tuple[int, int], ...]
_ONNX_MODES = {"constant": "constant", "reflect": "reflect", "replicate": "edge"}


@register
class Pad(Primitive, frozen=True):
    """Pad the last axes with a constant, by reflection, by replication, or circularly.

    ``amounts`` holds (before, after) for the last axes: ``[N, C, H, W] -> [N, C, H+2, W+2]`` with
    two pairs of 1, 1. ONNX: Pad, and Concat for ``circular``. Some runtimes fuse a constant Pad
    into a max pool after it and wrongly treat 0 as minus infinity: use the ``pad`` of the pool, or
    disable that fusion.
    """

    name: ClassVar[str] = "pad"
    operands: ClassVar[tuple[str, ...]] = ("x",)

    amounts: tuple[tuple[Size, Size], ...]
    mode: str = "constant"
    value: float = 0.0

    @classmethod
    def make(cls, types: Types, attributes: Arguments) -> Self:
        (x,) = types
        given = attributes.get("amounts")
        if isinstance(given, int):
            pairs = ((given, given),) * max(x.rank - 2, 1)
        else:
            pairs = tuple(_sides(item) for item in several(attributes, "amounts"))
        mode = word(attributes, "mode", _MODES, "constant")
        return cls(pairs, mode, number(attributes, "value", 0.0))

    def infer(self, *types: TensorType) -> Types:
        (x,) = types
        if not 1 <= len(self.amounts) <= x.rank:
            raise OperandError(
                f"`amounts` is given for {len(self.amounts)} axes",
                rule=rules.OUT_OF_RANGE,
                operand=0,
                label=f"this is {x}",
                helps=["give a number, or (before, after) for each of the last axes"],
            )
        if self.mode not in _MODES:
            raise rejected("mode", f"must be one of {', '.join(_MODES)}", f'"{self.mode}"')
        lead = x.rank - len(self.amounts)
        shape = list(x.shape)
        for axis, (before, after) in enumerate(self.amounts, start=lead):
            known = [n for n in (before, after) if isinstance(n, int)]
            if min(known, default=0) < 0:
                raise rejected("amounts", "must be 0 or more", min(known))
            if self.mode != "constant":
                self._check_reach(x, axis, known)
            shape[axis] = shape[axis] + before + after
        return (x.with_shape(*shape),)

    def axis_window(self, axis: int, *types: TensorType) -> AxisWindow | None:
        padded = axis - (types[0].rank - len(self.amounts))
        before = self.amounts[padded][0] if padded >= 0 else 0
        return AxisWindow(1, 1, -before if isinstance(before, int) else 0)

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        (x,) = operands
        widths = np.asarray(((0, 0),) * (x.ndim - len(self.amounts)) + self.amounts)
        if self.mode == "constant":
            return (np.pad(x, widths, constant_values=x.dtype.type(self.value)),)
        if self.mode == "replicate":
            return (np.pad(x, widths, mode="edge"),)
        return (np.pad(x, widths, mode="reflect" if self.mode == "reflect" else "wrap"),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        (x,) = operands
        widths = ((0, 0),) * (x.type.rank - len(self.amounts)) + self.amounts
        if self.mode == "circular":
            return (_wrapped(b, x, cast("_Numbers", widths)),)
        pads = b.shape((*(before for before, _ in widths), *(after for _, after in widths)))
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
                ct = self._cotangent(ct, axis, before, after, x.shape[axis])
        return (ct.value,)

    def _cotangent(self, ct: Term, axis: int, before: Size, after: Size, size: Size) -> Term:
        """Add the cotangent of the padding of an axis to that of the elements it is copied from."""
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
            sample(cls(both), 2, 3, 4, 5),
            sample(cls(((1, 0),), value=-1.5), 2, 3),
            *(sample(cls(both, mode), 2, 3, 4, 5) for mode in _MODES if mode != "constant"),
            *(
                Sample(cls(both, mode), (symbolic,), sizes={"N": 2, "H": 4, "W": 3})
                for mode in _MODES
            ),
            Sample(
                cls(((symbol("H") // 2, 1), (0, symbol("W") - symbol("W") // 2))),
                (symbolic,),
                sizes={"N": 2, "H": 4, "W": 3},
            ),
        ]

    def _check_reach(self, x: TensorType, axis: int, known: Sequence[int]) -> None:
        """Raise ``OperandError`` for padding that is longer than what it is copied from."""
        if len(known) < 2:
            raise rejected("amounts", f"of `{self.mode}` must be numbers", self.amounts)
        size, amount = x.shape[axis], max(known)
        if isinstance(size, Dim):
            return
        most = {"reflect": size - 1, "circular": size, "replicate": amount}[self.mode]
        if amount > most or size < 1:
            raise OperandError(
                f"`{self.mode}` can add at most {max(most, 0)} here, not {amount}",
                rule=rules.OUT_OF_RANGE,
                operand=0,
                label=f"axis {axis} of {x} is {size} long",
                helps=['use a smaller amount, or `mode="replicate"`'],
            )


def _sides(item: object) -> tuple[Size, Size]:
    """Return the padding before and after an axis, which may be symbolic sizes."""
    match items(item):
        case [int() | Dim() as both]:
            return both, both
        case [int() | Dim() as before, int() | Dim() as after]:
            return before, after
        case _:
            return pair(item, "amounts")


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
