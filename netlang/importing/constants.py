"""Arrays of a file as tensors: numbers, ranges, masks, and parameters for all others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netlang.importing.operands import Known, learned
from netlang.ir.graph import Value
from netlang.ir.types import F32, I64, DType
from netlang.system.numpy import Array, np

if TYPE_CHECKING:
    from netlang.importing.conversion import Conversion


_MOST_WRITTEN = 256
"""Elements of a constant that is written into the program; larger ones are stored with it."""


def _nested(array: Array) -> tuple[object, ...]:
    """Return the elements as nested tuples."""
    return tuple(_nested(row) if array.ndim > 1 else float(row) for row in array)


def constant(c: Conversion, known: Known) -> Value:
    array, names = known.array, known.names
    dtype = c.type(known).dtype
    if not array.ndim and not learned(known):
        return c.graph("constant", value=array.item(), dtype=dtype)
    plain = array.size and dtype is not DType.BOOL and not learned(known)
    if plain and (array == array.reshape(-1)[0]).all():
        number = float(array.reshape(-1)[0])
        return c.graph("full", shape=tuple(array.shape), value=number, dtype=dtype)
    written = F32 is dtype and array.ndim and not learned(known)
    if written and array.size <= _MOST_WRITTEN and np.isfinite(array).all():
        return c.graph("constant", value=_nested(array), dtype=dtype)
    if dtype is F32:
        return c.parameter(array, names, trained=bool(names))
    if dtype.is_integer and (line := _line(array)) is not None:
        return _range(c, array, line, dtype)
    if dtype is DType.BOOL and (made := _triangle(c, array)) is not None:
        return made
    if dtype.is_float or np.abs(array.astype(np.float64)).max(initial=0) < 1 << 24:
        held = c.parameter(array.astype(np.float32), names, trained=dtype.is_float)
        if dtype is DType.BOOL:
            return c.graph("greater", held, c.tensor(Known(np.asarray(0.5, np.float32))))
        return c.graph("cast", held, to=dtype)
    c.fail("reads integers beyond the range of f32, which no parameter holds")


def _range(c: Conversion, array: Array, line: tuple[int, int], dtype: DType) -> Value:
    made = c.graph("iota", n=array.size)
    start, step = line
    if step != 1:
        made = c.graph("mul", made, c.tensor(Known(np.asarray(step, np.int64))))
    if start:
        made = c.graph("add", made, c.tensor(Known(np.asarray(start, np.int64))))
    if dtype is not I64:
        made = c.graph("cast", made, to=dtype)
    return c.reshaped(made, tuple(array.shape)) if array.ndim > 1 else made


def _triangle(c: Conversion, array: Array) -> Value | None:
    """Return a mask of what is not later, or not earlier, as a comparison of positions."""
    if array.ndim < 2 or array.size != array.shape[-1] * array.shape[-2]:
        return None
    rows, columns = array.shape[-2], array.shape[-1]
    matrix = array.reshape(rows, columns)
    for name, wanted in (
        ("greater_equal", np.tri(rows, columns, dtype=bool)),
        ("less", ~np.tri(rows, columns, dtype=bool)),
    ):
        if (matrix == wanted).all():
            down = c.graph("iota", n=rows)
            across = c.graph("iota", n=columns)
            mask = c.graph(
                name,
                c.graph("unsqueeze", down, axis=1),
                c.graph("unsqueeze", across, axis=0),
            )
            return c.reshaped(mask, tuple(array.shape)) if array.ndim > 2 else mask
    return None


def _line(array: Array) -> tuple[int, int] | None:
    """Return the start and the step of numbers at equal distances, in order."""
    flat = array.reshape(-1)
    if flat.size < 2:
        return None
    start, step = int(flat[0]), int(flat[1]) - int(flat[0])
    return (start, step) if step and (np.diff(flat) == step).all() else None
