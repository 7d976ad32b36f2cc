"""Symbolic sizes computed at run time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from netlang.backends.feeds import binding_help
from netlang.diagnostics import rules
from netlang.diagnostics.errors import NetlangError
from netlang.ir.dims import Dim, Floor, Shape, Size, Symbol
from netlang.ir.graph import Graph, Value
from netlang.ir.types import DType


class Emit(Protocol):
    def __call__(self, op_type: str, /, *inputs: str, **attributes: object) -> str: ...


@dataclass(slots=True)
class Sizes:
    """Integer arithmetic on the shapes of a graph's inputs, each size computed once.

    Every size is a tensor i64[1]. A symbol is computed from the shape of an input.
    """

    graph: Graph
    emit: Emit
    constant: Callable[[object, DType], str]
    _known: dict[object, str] = field(default_factory=dict[object, str])

    def shape(self, sizes: Shape) -> str:
        """Return the name of a tensor i64[rank] that holds ``sizes``, some of them symbolic."""
        if sizes not in self._known:
            parts = [self.size(size) for size in sizes]
            self._known[sizes] = (
                parts[0] if len(parts) == 1 else self.emit("Concat", *parts, axis=0)
            )
        return self._known[sizes]

    def size(self, size: Size) -> str:
        """Return the name of a tensor i64[1] that holds a size."""
        if isinstance(size, int):
            return self.constant([size], DType.I64)
        if size not in self._known:
            total = ""
            for monomial, coefficient in size.terms:
                part = "" if coefficient == 1 and monomial else self.size(coefficient)
                for atom in monomial:
                    power = self._atom(atom)
                    part = self.emit("Mul", part, power) if part else power
                total = self.emit("Add", total, part) if total else part
            self._known[size] = total
        return self._known[size]

    def _atom(self, atom: Symbol | Floor) -> str:
        if atom not in self._known:
            match atom:
                case Symbol(name, unit):
                    whole = self._symbol(name)
                    made = whole if unit == 1 else self.emit("Div", whole, self.size(unit))
                case Floor(numerator, divisor):
                    made = self._quotient(numerator, divisor)
            self._known[atom] = made
        return self._known[atom]

    def _quotient(self, numerator: Dim, divisor: Size) -> str:
        """Divide, rounding down: Div of ONNX rounds toward 0, which differs below 0."""
        over, by = self.size(numerator), self.size(divisor)
        if any(coefficient < 0 for _, coefficient in numerator.terms):
            over = self.emit("Sub", over, self.emit("Mod", over, by))
        return self.emit("Div", over, by)

    def _symbol(self, name: str) -> str:
        if name not in self._known:
            self._known[name] = self._read(name)
        return self._known[name]

    def _read(self, name: str) -> str:
        """Solve the shape of an input for a symbol; prefer an axis that is the symbol itself."""
        sources = (*self.graph.inputs, *(s.value for s in self.graph.states))
        lines = [
            (value, axis, line)
            for value in sources
            for axis, dim in enumerate(value.type.shape)
            if (line := _line(dim, name))
        ]
        if not lines:
            raise NetlangError(
                rules.FREE_SIZE,
                f"no input of `{self.graph.name}` says what {name} is",
                helps=[binding_help(name)],
            )
        value, axis, (factor, constant, unit) = min(lines, key=lambda found: found[2][1] != 0)
        size = self._axis(value, axis)
        size = self.emit("Sub", size, self.size(constant)) if constant else size
        if factor == unit:
            return size
        size = self.emit("Div", size, self.size(factor)) if factor != 1 else size
        return self.emit("Mul", size, self.size(unit)) if unit != 1 else size

    def _axis(self, value: Value, axis: int) -> str:
        if value not in self._known:
            self._known[value] = self.emit("Shape", value.name)
        return self.emit("Gather", self._known[value], self.constant([axis], DType.I64), axis=0)


def abbreviated(sizes: Shape, shape: Shape) -> list[int] | None:
    """Return a Reshape target: 0 for an unchanged axis, -1 for one that is inferred.

    ``None`` if two sizes would have to be inferred, or a size is 0.
    """
    short: list[int] = []
    for axis, size in enumerate(sizes):
        if isinstance(size, int):
            short.append(size)
        elif axis < len(shape) and shape[axis] == size:
            short.append(0)
        else:
            short.append(-1)
    return None if short.count(-1) > 1 or 0 in sizes else short


def _line(size: Size, name: str) -> tuple[int, int, int] | None:
    """Return ``factor, constant, unit`` if ``size`` is ``factor * (name / unit) + constant``."""
    match size:
        case Dim(terms=(((Symbol(found, unit),), factor),)) if found == name:
            return factor, 0, unit
        case Dim(terms=(((Symbol(found, unit),), factor), ((), constant))) if found == name:
            return factor, constant, unit
        case _:
            return None
