"""Find the ``where`` clause under which a shape rule holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from math import lcm

from netlang.ir.dims import Size, symbol, symbols

Sizes = Mapping[str, Size]
_MULTIPLES = (2, 3, 4, 5, 6, 7, 8, 12, 16, 32, 64)


def where_clause(
    sizes: Iterable[Size],
    holds: Callable[[Sizes], bool],
    multiples: Iterable[int] = (),
) -> str | None:
    """Return the weakest clause under which ``holds``: ``where H % 4 == 0, W % 4 == 0``.

    ``holds`` is called with sizes to substitute for the symbols of ``sizes``; ``multiples`` are
    tried in addition to common ones.
    """
    units: dict[str, int] = {}
    for size in sizes:
        units |= symbols(size)
    for multiple in sorted({*_MULTIPLES, *(m for m in multiples if m > 1)}):
        values = {n: symbol(n, lcm(unit, multiple)) for n, unit in units.items()}
        if not _holds(holds, values):
            continue
        for name in units:
            fewer = {n: v for n, v in values.items() if n != name}
            if _holds(holds, fewer):
                values = fewer
        clauses = (f"{n} % {lcm(units[n], multiple)} == 0" for n in sorted(values))
        return f"where {', '.join(clauses)}"
    return None


def where_help(
    sizes: Iterable[Size],
    holds: Callable[[Sizes], bool],
    multiples: Iterable[int] = (),
) -> list[str]:
    """Return the help line that proposes the clause, or no line."""
    clause = where_clause(sizes, holds, multiples)
    if clause is None:
        return []
    return [f"say which sizes are allowed: `{clause}` after the net's outputs"]


def _holds(holds: Callable[[Sizes], bool], values: Sizes) -> bool:
    try:
        return bool(values) and holds(values)
    except (ValueError, ZeroDivisionError):
        # A divisor may be 0 for such multiples, as C % 2 is for even C.
        return False
