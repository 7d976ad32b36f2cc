"""What a node reads: a known array, a shape that is computed at run time, or a tensor."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from netlang.ir.dims import Dim, Size, product
from netlang.ir.graph import Value
from netlang.system.numpy import Array, np


class Known(Struct, frozen=True, eq=False):
    """An array of the file, or computed from some; ``names`` are those of its initializers."""

    array: Array
    names: tuple[str, ...] = ()


class Sizes(Struct, frozen=True):
    """A vector of sizes, or one number for ``scalar``, some of which are symbolic."""

    items: tuple[Size, ...]
    scalar: bool = False


Operand = Known | Sizes | Value
Operands = Sequence[Operand | None]


class Stored(Struct, frozen=True, eq=False):
    """A parameter of the program: its array, and the names in the file that it comes from."""

    array: Array
    names: tuple[str, ...]
    trained: bool = True
    start: float = 0.0
    """What all elements are before training, where the file has no others."""


def learned(known: Known) -> bool:
    """Return whether an array is a parameter by its name: exporters number their constants."""
    return any("." in n or (n.isidentifier() and not _numbered(n)) for n in known.names)


def _numbered(name: str) -> bool:
    stem = name.rstrip("0123456789").rstrip("_")
    return not stem or stem in ("val", "onnx::", "const", "_val", "c", "i", "t")


def decimal(number: float) -> float:
    """Return the shortest decimal number that is the same in f32."""
    if isinstance(number, int):
        return number
    return float(str(np.float32(number)))


def count(sizes: Sequence[Size]) -> Size:
    return product(sizes)


def symbolic(sizes: Sequence[Size]) -> bool:
    return any(isinstance(size, Dim) for size in sizes)
