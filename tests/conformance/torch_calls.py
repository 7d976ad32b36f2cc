"""Calls of PyTorch, written as programs of ours.

PyTorch keeps sample inputs for its own tests. A writer takes the arguments of one such call and
gives the expression that says the same in the language; what cannot be said raises ``Excluded``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch

from netlang.program import Program, load

ELEMENTS = {
    torch.float64: "f32",
    torch.float32: "f32",
    torch.int64: "i64",
    torch.int32: "i32",
    torch.bool: "bool",
}
"""The names of PyTorch's element types; floats are computed in 64 bits whatever they are called."""


class Excluded(Exception):
    """A sample that is not run, and why."""


@dataclass
class Call:
    """A program being written: its inputs, its weights by the end of their path, its lines."""

    inputs: dict[str, torch.Tensor] = field(default_factory=dict[str, torch.Tensor])
    weights: dict[str, torch.Tensor] = field(default_factory=dict[str, torch.Tensor])
    lines: list[str] = field(default_factory=list[str])

    def x(self, tensor: torch.Tensor) -> str:
        """Name a tensor as an input of the net."""
        if tensor.is_complex():
            raise Excluded("complex numbers")
        if tensor.numel() == 0:
            raise Excluded("a tensor without elements")
        if tensor.dtype not in ELEMENTS:
            raise Excluded(f"elements of the type {str(tensor.dtype).removeprefix('torch.')}")
        for name, known in self.inputs.items():
            if known is tensor:
                return name
        name = f"x{len(self.inputs)}"
        self.inputs[name] = tensor
        return name

    def ids(self, tensor: torch.Tensor) -> str:
        """Name a tensor of places, which are of 64 bits here."""
        name = self.x(tensor)
        return name if tensor.dtype is torch.int64 else f"cast({name}, i64)"

    def operand(self, value: Any) -> str:
        """Name a tensor, or write a number."""
        return self.x(value) if isinstance(value, torch.Tensor) else number(value)

    def let(self, expression: str) -> str:
        """Bind an expression to a new name."""
        name = f"t{len(self.lines)}"
        self.lines.append(f"{name} = {expression}")
        return name

    def pair(self, a: Any, b: Any) -> tuple[str, str]:
        """Name two operands; the one of lower rank gets its leading axes written out."""
        if not isinstance(a, torch.Tensor) or not isinstance(b, torch.Tensor):
            return self.operand(a), self.operand(b)
        same_dtype(a, b)
        rank = max(a.ndim, b.ndim)
        first, second = (self.aligned(t, rank) for t in (a, b))
        return first, second

    def aligned(self, tensor: torch.Tensor, rank: int) -> str:
        name = self.x(tensor)
        if tensor.ndim in (0, rank):
            return name
        return f"reshape({name}, {[1] * (rank - tensor.ndim) + list(tensor.shape)})"

    def program(self, results: Sequence[str]) -> str:
        given = ", ".join(
            f"{name}: {ELEMENTS[t.dtype]}{list(t.shape)}" for name, t in self.inputs.items()
        )
        names = [f"y{i}" for i in range(len(results))]
        lines = [*self.lines, *(f"{n} = {r}" for n, r in zip(names, results, strict=True))]
        body = "".join(f"  {line}\n" for line in lines)
        return f"net Sample({given}) -> ({', '.join(names)}) {{\n{body}}}\n"


Writer = Callable[..., "str | Sequence[str]"]
OPERATORS: dict[str, Writer] = {}
MODULES: dict[str, Writer] = {}
Written = TypeVar("Written", bound=Writer)


def writes(names: str, table: dict[str, Writer] = OPERATORS) -> Callable[[Written], Written]:
    """Register what writes programs for some of PyTorch's names."""

    def register(writer: Written) -> Written:
        for name in names.split():
            table[name] = writer
        return writer

    return register


def module(names: str) -> Callable[[Written], Written]:
    """Register what writes programs for some of PyTorch's modules."""
    return writes(names, MODULES)


def number(value: Any) -> str:
    """Write a number as the language has it."""
    match value:
        case bool():
            return word(value)
        case int():
            return str(value)
        case float() if math.isfinite(value):
            return repr(value) if "." in repr(value) else f"{value:.1e}"
        case float():
            raise Excluded("an infinite number in a program")
        case _:
            raise Excluded(f"a {type(value).__name__} where the language has numbers")


def floating(value: Any) -> str:
    return number(float(value))


def word(value: bool) -> str:
    return "true" if value else "false"


def ints(value: Any) -> str:
    """Write one int for all axes, or one per axis."""
    if type(value) is int:
        return str(value)
    if not all(isinstance(v, int) for v in value):
        raise Excluded("sizes that are no ints")
    return f"({', '.join(map(str, value))}{',' if len(value) == 1 else ''})"


def axes(dim: Any) -> str:
    """Write the axes of a reduction; none means all."""
    if dim is None or dim == [] or dim == ():
        return "none"
    return ints(dim)


def same_dtype(*tensors: torch.Tensor) -> None:
    if len({ELEMENTS.get(t.dtype) for t in tensors}) > 1:
        raise Excluded("operands of different elements, which are never converted silently")


def batched(call: Call, x: torch.Tensor, rank: int, write: Callable[[str], str]) -> str:
    """Write a layer over one example as PyTorch allows it: with a batch of one."""
    name = call.x(x)
    return f"squeeze({write(f'unsqueeze({name}, 0)')}, 0)" if x.ndim == rank - 1 else write(name)


def written(writer: Writer, *args: Any, **kwargs: Any) -> tuple[Call, str]:
    """Write the program of one call."""
    call = Call()
    made = writer(call, *args, **kwargs)
    return call, call.program([made] if isinstance(made, str) else list(made))


def loaded(text: str, folder: Path) -> Program:
    path = folder / "sample.net"
    path.write_text(text)
    return load(path)


def array(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().resolve_neg().resolve_conj().contiguous().numpy()
