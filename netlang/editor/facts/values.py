"""The values of names, as an editor shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from netlang.evaluate.context.describe import describe, short
from netlang.evaluate.context.values import Examples, Layer, Object, Results, Unknown
from netlang.ir.dims import Dim
from netlang.ir.graph import Value

ValueKind = Literal["tensor", "number", "examples", "other"]
_ITEMS = 3


class Shown(Struct, frozen=True):
    """A value as text; ``columns`` are the names and types of the columns of examples."""

    kind: ValueKind
    text: str
    columns: tuple[tuple[str, str], ...] = ()


def shown(value: Object) -> Shown | None:
    """Return a value as an editor shows it; ``None`` for one with an error."""
    match value:
        case Unknown():
            return None
        case Value():
            return Shown("tensor", str(value.type))
        case list() | tuple() if (types := _types(value)) is not None:
            opening, closing = "[]" if isinstance(value, list) else "()"
            return Shown("tensor", f"{opening}{types}{closing}")
        case Results(values=values) if _are_tensors(list(values.values())):
            parts = (f"{name}: {short(part)}" for name, part in values.items())
            return Shown("tensor", f"({', '.join(parts)})")
        case bool() | int() | float() | Dim():
            return Shown("number", short(value))
        case Examples():
            columns = tuple((name, str(type)) for name, type in value.columns.items())
            return Shown("examples", ", ".join(f"{n}: {t}" for n, t in columns), columns)
        case Layer():
            return Shown("other", f"a layer of {value.function.name}")
        case _:
            return Shown("other", describe(value))


def _are_tensors(values: Sequence[Object]) -> bool:
    return bool(values) and all(isinstance(value, Value) for value in values)


def _types(values: Sequence[Object]) -> str | None:
    """Return the types of tensors in a list; of a long one the first and the last."""
    if not _are_tensors(values):
        return None
    texts = [short(value) for value in values]
    if len(texts) > _ITEMS:
        return f"{texts[0]}, … {len(texts) - 2} more …, {texts[-1]}"
    return ", ".join(texts)
