"""Values of attributes as Python writes them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import cast

from netlang.ir.arrays import numpy_dtype
from netlang.ir.types import DType


@dataclass(frozen=True)
class Index:
    """What is written between the brackets of a subscript: an item for each axis.

    An item is ``None``, an index, or a pair of the ends of a range.
    """

    items: tuple[object, ...]


def literal(value: object) -> str:
    """Return a value as a Python expression."""
    match value:
        case str():
            escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
            return f'"{escaped}"'
        case float() if not isfinite(value):
            return "np.nan" if value != value else "np.inf" if value > 0 else "-np.inf"
        case tuple():
            return bracketed([literal(item) for item in cast("tuple[object, ...]", value)])
        case Index((item,)) if isinstance(item, int):
            return repr(item)
        case DType():
            name = numpy_dtype(value).name
            return "np.bool_" if name == "bool" else f"np.{name}"
        case _:
            return repr(value)


def bracketed(items: Sequence[str]) -> str:
    """Return a tuple of expressions."""
    return f"({', '.join(items)}{',' if len(items) == 1 else ''})"


def subscript(items: Sequence[tuple[str, ...]]) -> str:
    """Return an index of expressions: of none for an axis, of one, or of the ends of a range."""
    return ", ".join(_range(*item) for item in items) or "..."


def _range(*ends: str) -> str:
    if not ends:
        return ":"
    if len(ends) == 1:
        return ends[0]
    first, last = ("" if end == "None" else end for end in ends)
    if all(re.fullmatch(r"-?\w*", end) for end in (first, last)):
        return f"{first}:{last}"
    return f"{first} : {last}".strip()
