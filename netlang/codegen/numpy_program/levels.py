"""Constants that a function is called with: literals, sizes, parameters, or loop variables."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import cast

from netlang.codegen.numpy_program.literals import Index, bracketed, literal, subscript
from netlang.ir.dims import Dim, is_symbol, symbols
from netlang.ir.graph import Value

_AXES = {
    2: ("batch", "features"),
    3: ("batch", "length", "features"),
    4: ("batch", "channels", "height", "width"),
}
"""Names of sizes that are not symbols of the program, by the rank of the tensor."""


@dataclass(frozen=True)
class Numbers:
    """The numbers of the iterations of a loop."""

    values: tuple[int, ...]

    @property
    def consecutive(self) -> bool:
        start = self.values[0]
        return self.values == tuple(range(start, start + len(self.values)))

    def __str__(self) -> str:
        start, stop = self.values[0], self.values[-1] + 1
        if not self.consecutive:
            return literal(self.values)
        return f"range({start}, {stop})" if start else f"range({stop})"


class Level(ABC):
    """The instances of the code that is being written: calls of it, or iterations in them.

    A constant is a vector with a value for each instance.
    """

    @abstractmethod
    def text(self, vector: Sequence[object], name: str) -> str:
        """Return an expression that has these values; a variable for it is called ``name``."""


@dataclass(eq=False)
class FunctionLevel(Level):
    """The calls of a function. Constants that differ among them are its parameters.

    ``inputs`` are the tensors of each call, ``names`` those of the parameters for them.
    """

    inputs: Sequence[Sequence[Value]]
    names: Sequence[str]
    reserve: Callable[[str], str]
    parameters: dict[str, Sequence[object]] = field(default_factory=dict[str, Sequence[object]])
    sizes: dict[str, str] = field(default_factory=dict[str, str])
    """The sizes that the function reads from its tensors: names and expressions."""

    def text(self, vector: Sequence[object], name: str) -> str:
        found = self.known(vector)
        if found is not None:
            return found
        for parameter, values in self.parameters.items():
            if list(values) == list(vector):
                return parameter
        parameter = self.reserve(name)
        self.parameters[parameter] = vector
        return parameter

    def known(self, vector: Sequence[object]) -> str | None:
        """Return an expression without parameters; ``None`` if there is none."""
        first = vector[0]
        if all(isinstance(value, int | Dim) and not isinstance(value, bool) for value in vector):
            return self.size(cast("Sequence[int | Dim]", vector))
        if all(isinstance(value, tuple) for value in vector):
            tuples = cast("Sequence[tuple[object, ...]]", vector)
            parts = self.all_known(tuples)
            return None if parts is None else bracketed(parts)
        if all(isinstance(value, Index) for value in vector):
            return self.index(cast("Sequence[Index]", vector))
        if isinstance(first, Numbers):
            return str(first) if all(value == first for value in vector) else None
        return literal(first) if all(value == first for value in vector) else None

    def all_known(self, tuples: Sequence[tuple[object, ...]]) -> list[str] | None:
        if len({len(items) for items in tuples}) > 1:
            return None
        parts = [self.known(column) for column in zip(*tuples, strict=True)]
        known = [part for part in parts if part is not None]
        return known if len(known) == len(parts) else None

    def index(self, vector: Sequence[Index]) -> str | None:
        if len({len(value.items) for value in vector}) > 1:
            return None
        parts: list[tuple[str, ...]] = []
        for column in zip(*(value.items for value in vector), strict=True):
            if all(item is None for item in column):
                parts.append(())
                continue
            ranges = all(isinstance(item, tuple) for item in column)
            items = cast("list[tuple[object, ...]]", column if ranges else [(i,) for i in column])
            part = self.all_known(items)
            if part is None:
                return None
            parts.append(tuple(part))
        if len(parts) == 1 and len(parts[0]) == 1:
            return parts[0][0]
        return f"np.s_[{subscript(parts)}]"

    def size(self, vector: Sequence[int | Dim]) -> str | None:
        first = vector[0]
        same = all(value == first for value in vector)
        if same and isinstance(first, int):
            return repr(first)
        for at, tensors in enumerate(zip(*self.inputs, strict=True)):
            shapes = [tensor.type.shape for tensor in tensors]
            if len({len(shape) for shape in shapes}) > 1:
                continue
            for axis, sizes in enumerate(zip(*shapes, strict=True)):
                if list(sizes) == list(vector):
                    return self.named(first if same else 0, at, axis, len(shapes[0]))
        return self.formula(first) if same and isinstance(first, Dim) else None

    def named(self, size: int | Dim, at: int, axis: int, rank: int) -> str:
        """Return the name of a size of an input."""
        source = f"{self.names[at]}.shape[{axis}]"
        for name, known in self.sizes.items():
            if known == source:
                return name
        name = is_symbol(size) or _AXES.get(rank, ())[axis : axis + 1] or (f"size{axis}",)
        name = self.reserve(name if isinstance(name, str) else name[0])
        self.sizes[name] = source
        return name

    def formula(self, size: Dim) -> str | None:
        """Return a formula of sizes that are symbols."""
        names: dict[str, str] = {}
        for name, unit in symbols(size).items():
            found = self.symbol(name, unit)
            if found is None:
                return None
            names[name] = found
        text = str(size)
        for sign in ("//", "*"):
            text = f" {sign} ".join(text.split(sign))
        words = text.replace("(", "( ").replace(")", " )").split(" ")
        return " ".join(names.get(w, w) for w in words).replace("( ", "(").replace(" )", ")")

    def symbol(self, name: str, unit: int) -> str | None:
        """Return an expression of a symbol, which is one of the sizes or a factor of it."""
        for at, tensor in enumerate(self.inputs[0]):
            for axis, size in enumerate(tensor.type.shape):
                if is_symbol(size) == name:
                    return self.named(size, at, axis, tensor.type.rank)
        del unit
        return None


@dataclass(eq=False)
class LoopLevel(Level):
    """The iterations of a loop in each instance of the code around it.

    Constants that differ among the iterations are loop variables. ``numbers`` are those of the
    iterations in the paths of parameters.
    """

    outer: Level
    numbers: Sequence[Numbers]
    reserve: Callable[[str], str]
    variables: dict[str, Sequence[object]] = field(default_factory=dict[str, Sequence[object]])
    number: str = ""
    """The variable of the number of the iteration; ``""`` if it is not used."""

    def numbered(self) -> str:
        """Return the variable of the number of the iteration."""
        self.number = self.number or self.reserve("i")
        return self.number

    def text(self, vector: Sequence[object], name: str) -> str:
        groups = self.groups(vector)
        if all(value == group[0] for group in groups for value in group):
            return self.outer.text([group[0] for group in groups], name)
        plain = [v.items[0] if isinstance(v, Index) and len(v.items) == 1 else v for v in vector]
        if plain == [number for each in self.numbers for number in each.values]:
            return self.numbered()
        for variable, values in self.variables.items():
            if list(values) == list(vector):
                return variable
        variable = self.reserve(name)
        self.variables[variable] = vector
        return variable

    def groups(self, vector: Sequence[object]) -> list[Sequence[object]]:
        """Split a vector into those of the instances of the code around the loop."""
        ends = list(accumulate(len(each.values) for each in self.numbers))
        return [vector[start:end] for start, end in zip([0, *ends], ends, strict=False)]

    def header(self) -> str:
        """Return the line that begins the loop."""
        if not self.variables:
            return f"for {self.number or '_'} in {self.outer.text(self.numbers, 'steps')}:"
        columns = [self.groups(vector) for vector in self.variables.values()]
        if len(columns) == 1:
            rows = [tuple(values) for values in columns[0]]
        else:
            rows = [tuple(zip(*each, strict=True)) for each in zip(*columns, strict=True)]
        text, targets = self.outer.text(rows, "steps"), ", ".join(self.variables)
        if not self.number:
            return f"for {targets} in {text}:"
        targets = f"{self.number}, ({targets})" if len(columns) > 1 else f"{self.number}, {targets}"
        starts = {each.values[0] for each in self.numbers}
        if len(starts) == 1 and all(each.consecutive for each in self.numbers):
            (start,) = starts
            return f"for {targets} in enumerate({text}{f', start={start}' if start else ''}):"
        numbers = self.outer.text(self.numbers, "numbers")
        return f"for {targets} in zip({numbers}, {text}, strict=True):"
