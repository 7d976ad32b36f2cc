"""Operators that move elements: reshaping, joining, slicing, indexing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from netlang.backends.onnx.foreign import ForeignNode
from netlang.importing.conversion import Conversion, Convert
from netlang.importing.operands import Known, Operand, Operands, Sizes, count
from netlang.importing.operators.sizes import sized
from netlang.importing.simplifying import attribute
from netlang.ir.dims import Dim, Size, exact_quotient
from netlang.ir.graph import Value
from netlang.ir.types import I64

_FAR = 1 << 31


def _reshape(c: Conversion, node: ForeignNode, xs: Operands) -> list[Operand]:
    x = xs[0]
    assert x is not None
    if isinstance(x, Sizes):
        return [sized(x.items)]
    have = c.type(x).shape
    wanted = list(c.sizes(xs[1], "sizes"))
    if not node.attributes.get("allowzero"):
        wanted = [have[at] if n == 0 and at < len(have) else n for at, n in enumerate(wanted)]
    if -1 in wanted:
        at = wanted.index(-1)
        rest = count([n for i, n in enumerate(wanted) if i != at])
        quotient = exact_quotient(count(have), rest)
        if quotient is None:
            c.fail("infers a size that is not known to be whole")
        wanted[at] = quotient
    if count(have) != count(wanted):
        c.equate(count(have), count(wanted))
    shape = tuple(wanted)
    return [
        _regrouped(c, x, shape)
        or _split_before(c, x, shape)
        or _unmerged(c, node, x, shape)
        or reshaped(c, x, shape)
    ]


def _regrouped(c: Conversion, x: Operand, shape: tuple[Size, ...]) -> Operand | None:
    """Exchange the first two axes where they were exchanged while the last one was split."""
    turned = c.maker(x)
    if turned is None or turned.op.name != "transpose" or len(shape) != 3:
        return None
    parts = c.maker(turned.inputs[0])
    if attribute(turned.op, "order") != (1, 0, 2, 3) or parts is None or not parts.op.view:
        return None
    source = parts.inputs[0]
    n, t, *rest = source.type.shape
    split = parts.outputs[0].type.shape[:2] == (n, t)
    if not split or shape != (t, n, *rest):
        return None
    return c.graph("transpose", source, order=(1, 0, 2))


def _split_before(c: Conversion, x: Operand, shape: tuple[Size, ...]) -> Operand | None:
    """Split an axis before a transpose rather than after it, where other reshapes may be."""
    turned = c.maker(x)
    if turned is None or turned.op.name != "transpose":
        return None
    have, more = turned.outputs[0].type.shape, len(shape) - turned.outputs[0].type.rank
    source = c.maker(turned.inputs[0])
    if more < 1 or source is None or source.op.name != "reshape":
        return None
    for at in range(len(have)):
        parts = shape[at : at + more + 1]
        if (*have[:at], *parts, *have[at + 1 :]) != shape or count(parts) != have[at]:
            continue
        order = cast("tuple[int, ...]", attribute(turned.op, "order"))
        axis = order[at]
        before = turned.inputs[0].type.shape
        split = c.graph(
            "reshape", source.inputs[0], shape=(*before[:axis], *parts, *before[axis + 1 :])
        )
        moved: list[int] = []
        for old in order:
            first = old + more if old > axis else old
            moved += range(first, first + more + 1) if old == axis else [first]
        return c.graph("transpose", split, order=tuple(moved))
    return None


def _unmerged(
    c: Conversion, node: ForeignNode, x: Operand, shape: tuple[Size, ...]
) -> Operand | None:
    """Apply a linear map to the last axis, for which other axes were merged and split again."""
    linear = c.maker(x)
    merged = c.maker(linear.inputs[0]) if linear is not None else None
    if linear is None or merged is None or linear.op.name != "linear":
        return None
    if merged.op.name != "reshape" or not c.used_once(node, 0):
        return None
    (source,) = merged.inputs
    same = source.type.shape[:-1] == shape[:-1] and linear.outputs[0].type.shape[-1] == shape[-1]
    whole = source.type.shape[-1] == linear.inputs[0].type.shape[-1]
    return c.replace(linear, "linear", source, *linear.inputs[1:]) if same and whole else None


def reshaped(c: Conversion, x: Operand, shape: tuple[Size, ...]) -> Operand:
    """Reshape, in the words of the language: flatten where all axes but the first are merged."""
    have = c.type(x).shape
    if have == shape:
        return x
    if len(shape) == 2 and len(have) > 2 and have[0] == shape[0]:
        return c.add("flatten", x)
    return c.add("reshape", x, shape=list(shape))


def _flatten(c: Conversion, node: ForeignNode, xs: Operands) -> list[Operand]:
    x, axis = xs[0], node.attributes.get("axis", 1)
    assert x is not None and isinstance(axis, int)
    shape = c.type(x).shape
    axis = axis % len(shape) if axis < 0 else axis
    return [reshaped(c, x, (count(shape[:axis]), count(shape[axis:])))]


def _transpose(c: Conversion, node: ForeignNode, xs: Operands) -> list[Operand]:
    assert xs[0] is not None
    rank = len(c.type(xs[0]).shape)
    return [c.add("transpose", xs[0], order=node.attributes.get("perm", list(range(rank))[::-1]))]


def _squeeze(c: Conversion, node: ForeignNode, xs: Operands) -> list[Operand]:
    x, axes = xs[0], c.ints(node, xs, 1, "axes")
    assert x is not None
    if isinstance(x, Sizes):
        return [sized(x.items, scalar=len(x.items) == 1)]
    if axes is None:
        axes = tuple(at for at, size in enumerate(c.type(x).shape) if size == 1)
    return [c.add("squeeze", x, axis=list(axes)) if axes else x]


def _unsqueeze(c: Conversion, node: ForeignNode, xs: Operands) -> list[Operand]:
    x, axes = xs[0], c.ints(node, xs, 1, "axes")
    assert x is not None
    if axes is None:
        c.fail("does not say which axes it adds")
    if isinstance(x, Sizes):
        return [sized(x.items)]
    rank = len(c.type(x).shape) + len(axes)
    made: Operand = x
    for axis in sorted(a % rank for a in axes):
        made = c.add("unsqueeze", made, axis=axis)
    return [made]


def _concat(c: Conversion, node: ForeignNode, xs: Operands) -> list[Operand]:
    given = [x for x in xs if x is not None]
    if any(isinstance(x, Sizes) for x in given) and not any(isinstance(x, Value) for x in given):
        return [sized([n for x in given for n in c.sizes(x, "sizes")])]
    some = [x for x in given if 0 not in c.type(x).shape] or given
    if len(some) == 1:
        return [some[0]]
    axis = node.attributes.get("axis", 0)
    assert isinstance(axis, int)
    axis %= len(c.type(some[0]).shape)
    if turned := c.same_makers(some, "transpose"):
        order = cast("tuple[int, ...]", attribute(turned[0].op, "order"))
        inner = c.graph("concat", *(n.inputs[0] for n in turned), axis=order[axis])
        return [c.graph("transpose", inner, order=order)]
    if (apart := c.same_makers(some, "unsqueeze")) and attribute(apart[0].op, "axis") == axis:
        return [c.graph("stack", *(n.inputs[0] for n in apart), axis=axis)]
    first, *others = [c.type(x).shape for x in some]
    for shape in others:
        for at, (one, other) in enumerate(zip(first, shape, strict=True)):
            if at != axis and one != other:
                c.equate(one, other)
    return [c.add("concat", *some, axis=axis)]


def _split(c: Conversion, node: ForeignNode, xs: Operands) -> list[Operand]:
    x, axis = xs[0], node.attributes.get("axis", 0)
    assert x is not None and isinstance(axis, int)
    parts, many = c.ints(node, xs, 1, "split"), len(node.outputs)
    size = c.type(x).shape[axis]
    if parts is None:
        if isinstance(size, Dim):
            part = exact_quotient(size, many)
            if part is None:
                c.fail("splits an axis that is not known to be divisible")
            return c.add_many("split", x, parts=many, axis=axis)
        each = -(-size // many)
        parts = (*[each] * (many - 1), size - each * (many - 1))
    equal = len(set(parts)) == 1
    return c.add_many("split", x, parts=len(parts) if equal else list(parts), axis=axis)


def _slice(c: Conversion, node: ForeignNode, xs: Operands) -> list[Operand]:
    x = xs[0]
    assert x is not None
    starts, ends = (_bounds(c, node, xs, at, n) for at, n in ((1, "starts"), (2, "ends")))
    axes = c.ints(node, xs, 3, "axes") or tuple(range(len(starts)))
    steps = c.ints(node, xs, 4, "steps") or (1,) * len(starts)
    if isinstance(x, Sizes):
        bounds = (starts[0], ends[0], steps[0])
        if any(isinstance(b, Dim) for b in bounds):
            c.fail("takes a part of a shape that is not known")
        return [sized(x.items[slice(*(int(str(b)) for b in bounds))])]
    made: Operand = x
    rank = len(c.type(x).shape)
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        made = _sliced(c, made, axis % rank, start, end, step)
    return [made]


def _bounds(c: Conversion, node: ForeignNode, xs: Operands, at: int, name: str) -> tuple[Size, ...]:
    if len(xs) > at and xs[at] is not None:
        return c.sizes(xs[at], f"`{name}`")
    return c.ints(node, xs, at, name) or ()


def _sliced(c: Conversion, x: Operand, axis: int, start: Size, end: Size, step: int) -> Operand:
    size = c.type(x).shape[axis]
    if step < 0:
        whole = start in (-1,) or (isinstance(start, int) and start >= _FAR)
        if step != -1 or not whole or not (isinstance(end, int) and end <= -_FAR):
            c.fail("takes a part in reverse order")
        return c.add("flip", x, axis=axis)
    first: Size | None = None if start == 0 else start
    last: Size | None = end
    if isinstance(end, int) and (end >= _FAR or (isinstance(size, int) and end >= size)):
        last = None
    if end == size:
        last = None
    if isinstance(first, int) and isinstance(size, int) and first >= size:
        c.fail("takes a part that is empty")
    made = x
    if first is not None or last is not None:
        made = c.add("index", x, items=[*[None] * axis, (first, last)])
    return c.add("every", made, by=step, axis=axis) if step != 1 else made


def _gather(c: Conversion, node: ForeignNode, xs: Operands) -> list[Operand]:
    x, ids = xs[0], xs[1]
    axis = node.attributes.get("axis", 0)
    assert x is not None and ids is not None and isinstance(axis, int)
    if isinstance(x, Sizes):
        chosen = [x.items[int(i)] for i in c.array(ids, "indices").reshape(-1)]
        return [sized(chosen, scalar=not c.array(ids, "indices").ndim)]
    rank = len(c.type(x).shape)
    axis %= rank
    if isinstance(ids, Known) and not isinstance(x, Known):
        if not ids.array.ndim:
            return [c.add("index", x, items=[None] * axis + [int(ids.array)])]
        if ids.array.ndim == 1:
            index = [int(i) for i in ids.array]
            size = c.type(x).shape[axis]
            if isinstance(size, int):
                index = [i % size for i in index]
            if len(index) == 1:
                return [c.add("index", x, items=[None] * axis + [(index[0], index[0] + 1)])]
            return [c.add("take", x, index=index, axis=axis)]
    if isinstance(x, Known) and not isinstance(ids, Known) and axis == 0 and x.array.ndim == 2:
        return [c.add("gather_rows", x, _indices(c, ids))]
    return [c.add("gather", x, _indices(c, ids), axis=axis)]


def _indices(c: Conversion, ids: Operand) -> Operand:
    """Return indices in the element type that the language has for them."""
    return ids if c.type(ids).dtype is I64 else c.add("cast", ids, to=I64)


def _take_along(c: Conversion, node: ForeignNode, xs: Operands) -> list[Operand]:
    x, ids = xs
    assert x is not None and ids is not None
    axis = node.attributes.get("axis", 0)
    return [c.add("take_along", x, _indices(c, ids), axis=axis)]


def _gather_nd(c: Conversion, node: ForeignNode, xs: Operands) -> list[Operand]:
    x, ids = xs
    assert x is not None and ids is not None
    return [c.add("gather_nd", x, ids, batch=node.attributes.get("batch_dims", 0))]


def _scatter(name: str) -> Convert:
    def convert(c: Conversion, node: ForeignNode, xs: Operands) -> list[Operand]:
        x, ids, updates = xs
        assert x is not None and ids is not None and updates is not None
        settings: dict[str, object] = {"reduction": node.attributes.get("reduction", "none")}
        if name == "scatter":
            settings["axis"] = node.attributes.get("axis", 0)
        return [c.add(name, x, ids, updates, **settings)]

    return convert


def _pad(c: Conversion, node: ForeignNode, xs: Operands) -> list[Operand]:
    x = xs[0]
    assert x is not None
    flat = c.ints(node, xs, 1, "pads") or ()
    axes = c.ints(node, xs, 3, "axes")
    rank = len(c.type(x).shape)
    half = len(flat) // 2
    amounts = [(0, 0)] * rank
    for at, axis in enumerate(axes if axes is not None else range(half)):
        amounts[axis % rank] = (flat[at], flat[half + at])
    if not any(any(pair) for pair in amounts):
        return [x]
    cropped = x
    if any(n < 0 for pair in amounts for n in pair):
        items = [(-min(a, 0) or None, min(b, 0) or None) for a, b in amounts]
        cropped = c.add("index", x, items=list(items))
        amounts = [(max(a, 0), max(b, 0)) for a, b in amounts]
        if not any(any(pair) for pair in amounts):
            return [cropped]
    while amounts[0] == (0, 0):
        amounts.pop(0)
    modes = {"constant": "constant", "reflect": "reflect", "edge": "replicate", "wrap": "circular"}
    mode = modes.get(str(node.attributes.get("mode", "constant")))
    if mode is None:
        c.fail("pads in another way")
    value = c.number(node, xs, 2, "value", 0.0)
    return [c.add("pad", cropped, amounts=amounts, mode=mode, value=value)]


def _tile(c: Conversion, node: ForeignNode, xs: Operands) -> list[Operand]:
    del node
    assert xs[0] is not None
    repeats = list(c.sizes(xs[1], "repeats"))
    return [c.add("tile", xs[0], repeats=repeats) if set(repeats) != {1} else xs[0]]


def _one_hot(c: Conversion, node: ForeignNode, xs: Operands) -> list[Operand]:
    ids, depth, values = xs
    assert ids is not None
    number = c.sizes(depth, "a number of classes")[0]
    off, on = (float(v) for v in c.array(values, "values").reshape(-1))
    if (off, on) != (0.0, 1.0) or node.attributes.get("axis", -1) != -1:
        c.fail("encodes in another way than by 0 and 1 along the last axis")
    made = c.add("one_hot", _indices(c, ids), classes=number)
    dtype = c.type(values).dtype
    return [made if c.type(made).dtype is dtype else c.add("cast", made, to=dtype)]


def _trilu(c: Conversion, node: ForeignNode, xs: Operands) -> list[Operand]:
    x = xs[0]
    assert x is not None
    offset = int(c.array(xs[1], "a diagonal")) if len(xs) > 1 and xs[1] is not None else 0
    upper = bool(node.attributes.get("upper", 1))
    rows, columns = c.type(x).shape[-2:]
    down, across = (c.graph_many("iota", n=n)[0] for n in (rows, columns))
    moved = c.add("unsqueeze", down, axis=1)
    if offset:
        moved = c.add("add", moved, sized([offset], scalar=True))
    kind = "less_equal" if upper else "greater_equal"
    mask = c.add(kind, moved, c.add("unsqueeze", across, axis=0))
    return [c.add("select", mask, x, c.number_like(0.0, x))]


def _topk(c: Conversion, node: ForeignNode, xs: Operands) -> list[Operand]:
    assert xs[0] is not None
    k = c.ints(node, xs, 1, "k")
    if not k:
        c.fail("does not say how many elements it chooses")
    smallest = not node.attributes.get("largest", 1)
    axis = node.attributes.get("axis", -1)
    return c.add_many("ranked", xs[0], k=k[0], axis=axis, smallest=smallest)


def ints_of(value: object) -> list[int]:
    """Return a list of integers that an attribute holds."""
    return list(cast("Sequence[int]", value)) if isinstance(value, list) else []


OPERATORS: Mapping[str, Convert] = {
    "Reshape": _reshape, "Flatten": _flatten, "Transpose": _transpose, "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze, "Concat": _concat, "Split": _split, "Slice": _slice,
    "Gather": _gather, "GatherElements": _take_along, "GatherND": _gather_nd,
    "ScatterElements": _scatter("scatter"), "ScatterND": _scatter("scatter_nd"), "Pad": _pad,
    "Tile": _tile, "OneHot": _one_hot, "Trilu": _trilu, "TopK": _topk,
}  # fmt: skip
