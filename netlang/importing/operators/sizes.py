"""Shapes that are computed at run time: integer arithmetic on symbolic sizes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod

from netlang.backends.onnx.foreign import ForeignNode
from netlang.importing.conversion import Conversion, Convert
from netlang.importing.operands import Known, Operand, Operands, Sizes, count, symbolic
from netlang.ir.dims import Size, floor_divide
from netlang.ir.graph import Value
from netlang.ir.types import I64, DType
from netlang.system.numpy import Array, np

_LARGEST = 1 << 31
"""The most elements of a constant."""

ARITHMETIC: Mapping[str, Callable[[Size, Size], Size]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": floor_divide,
    "floor_div": floor_divide,
    "mod": lambda a, b: a - floor_divide(a, b) * b,
}
"""Arithmetic of sizes, which are not negative: the quotient of ONNX rounds down."""


def sized(items: Sequence[Size], *, scalar: bool = False) -> Operand:
    """Return sizes, as an array if they are all known."""
    if symbolic(items):
        return Sizes(tuple(items), scalar)
    return Known(np.asarray(items[0] if scalar else list(items), np.int64))


def are_sizes(xs: Operands) -> bool:
    """Return whether operands are integers of which at least one is symbolic."""
    return any(isinstance(x, Sizes) for x in xs) and not any(isinstance(x, Value) for x in xs)


def elementwise(
    c: Conversion, xs: Operands, combine: Callable[[Size, Size], Size]
) -> Operand | None:
    """Combine two vectors of sizes, with broadcasting."""
    if not are_sizes(xs) or any(isinstance(x, Known) and x.array.ndim > 1 for x in xs):
        return None
    a, b = (list(c.sizes(x, "sizes")) for x in xs)
    scalar = all(
        (isinstance(x, Sizes) and x.scalar) or (isinstance(x, Known) and not x.array.ndim)
        for x in xs
    )
    length = max(len(a), len(b))
    a, b = (side * length if len(side) == 1 else side for side in (a, b))
    return sized([combine(p, q) for p, q in zip(a, b, strict=True)], scalar=scalar)


def equal(c: Conversion, xs: Operands) -> Operand | None:
    """Compare sizes: one that is symbolic is positive, and taken to differ from any number."""
    if not are_sizes(xs):
        return None
    a, b = (list(c.sizes(x, "sizes")) for x in xs)
    length = max(len(a), len(b))
    a, b = (side * length if len(side) == 1 else side for side in (a, b))
    if any(
        symbolic([p]) and isinstance(q, int) and q > 1
        for p, q in zip((*a, *b), (*b, *a), strict=True)
    ):
        return None
    return Known(np.asarray([p == q for p, q in zip(a, b, strict=True)]))


def where(c: Conversion, xs: Operands) -> Operand | None:
    """Choose among sizes by a known mask."""
    mask, *rest = xs
    if not isinstance(mask, Known) or not are_sizes(rest):
        return None
    flags = [bool(flag) for flag in mask.array.reshape(-1)]
    yes, no = (list(c.sizes(x, "sizes")) for x in rest)
    length = max(len(flags), len(yes), len(no))
    flags, yes, no = (s * length if len(s) == 1 else s for s in (flags, yes, no))
    return sized([p if f else q for f, p, q in zip(flags, yes, no, strict=True)])


def _shape(c: Conversion, node: ForeignNode, xs: Operands) -> list[Operand]:
    sizes = c.type(xs[0]).shape
    first, last = node.attributes.get("start"), node.attributes.get("end")
    chosen = sizes[first if isinstance(first, int) else 0 : last if isinstance(last, int) else None]
    return [sized(chosen)]


def _size(c: Conversion, node: ForeignNode, xs: Operands) -> list[Operand]:
    del node
    return [sized([count(c.type(xs[0]).shape)], scalar=True)]


def _constant_of_shape(c: Conversion, node: ForeignNode, xs: Operands) -> list[Operand]:
    shape = c.sizes(xs[0], "sizes")
    value = node.attributes.get("value")
    array: Array = value if isinstance(value, np.ndarray) else np.zeros(1, np.float32)
    if not symbolic(shape):
        numbers = tuple(int(str(n)) for n in shape)
        if any(n < 0 for n in numbers) or prod(numbers) > _LARGEST:
            c.fail("makes a constant that is too large")
        # All elements are one in memory, however large the file says that it is.
        return [Known(np.broadcast_to(array.reshape(-1)[0], numbers))]
    dtype = c.type(Known(array)).dtype
    number = array.reshape(-1)[0].item()
    kind, number = (I64, int(number)) if dtype is DType.BOOL else (dtype, number)
    made = c.graph("full", shape=shape, value=float(number), dtype=kind)
    return [c.add("cast", made, to=dtype) if dtype is not kind else made]


def _range(c: Conversion, node: ForeignNode, xs: Operands) -> list[Operand]:
    del node
    if all(isinstance(x, Known) for x in xs):
        bounds = [c.array(x, "bounds").reshape(-1)[0] for x in xs]
        first, last, by = (float(bound) for bound in bounds)
        if by == 0 or abs((last - first) / by) > 1 << 24:
            c.fail("has too many steps")
        return [Known(np.arange(first, last, by).astype(bounds[0].dtype))]
    start, limit, step = (c.sizes(x, "bounds")[0] for x in xs)
    made: Operand = c.graph("iota", n=floor_divide(limit - start, step))
    if step != 1:
        made = c.add("mul", made, sized([step], scalar=True))
    return [made if start == 0 else c.add("add", made, sized([start], scalar=True))]


def _expand(c: Conversion, node: ForeignNode, xs: Operands) -> list[Operand]:
    del node
    x, wanted = xs
    shape, have = c.sizes(wanted, "sizes"), c.type(x).shape
    have = (1,) * (len(shape) - len(have)) + tuple(have)
    shape = (1,) * (len(have) - len(shape)) + tuple(shape)
    full = tuple(h if w == 1 else w for h, w in zip(have, shape, strict=True))
    if full == c.type(x).shape:
        assert x is not None
        return [x]
    if isinstance(x, Known) and x.array.size == 1 and not x.names and symbolic(full):
        dtype = c.type(x).dtype
        if dtype is not DType.BOOL:
            number = float(x.array.reshape(-1)[0])
            return [c.graph("full", shape=full, value=number, dtype=dtype)]
    assert x is not None
    if len(c.type(x).shape) != len(full):
        x = c.add("reshape", x, shape=have)
    return [c.add("expand", x, shape=full)]


OPERATORS: Mapping[str, Convert] = {
    "Shape": _shape,
    "Size": _size,
    "ConstantOfShape": _constant_of_shape,
    "Range": _range,
    "Expand": _expand,
}
