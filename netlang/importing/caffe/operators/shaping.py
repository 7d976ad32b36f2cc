"""Layers of Caffe that move, join and reduce elements, and dense layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from netlang.importing.caffe.building import Building, Convert, axis_of, channels
from netlang.importing.caffe.fields import Fields
from netlang.ir.dims import Size, exact_quotient, product
from netlang.ir.graph import Value
from netlang.ir.types import F32, I64


def _dense(c: Building, p: Fields) -> Sequence[Value]:
    turned = p.flag("transpose", False)
    x = c.bottom()
    axis = axis_of(c, p, x, 1)
    out, bias = p.whole("num_output", least=1), p.flag("bias_term", True)
    if axis < x.type.rank - 1:
        x = c.graph("flatten", x, start=axis, end=-1)
    width = channels(c, x, -1)
    parameters = [c.parameter("weight", (out, width), p, "weight_filler", 0, transposed=turned)]
    if bias:
        parameters.append(c.parameter("bias", (out,), p, "bias_filler", 1))
    p.skip("bias_filler")
    return [c.graph("linear", x, *parameters)]


def _embed(c: Building, p: Fields) -> Sequence[Value]:
    ids = c.bottom()
    rows, width = p.whole("input_dim", least=1), p.whole("num_output", least=1)
    table = c.parameter("weight", (rows, width), p, "weight_filler", 0)
    if ids.type.dtype is not I64:
        ids = c.graph("cast", ids, to=I64)
    made = c.graph("gather_rows", table, ids)
    if not p.flag("bias_term", True):
        return [made]
    return [c.graph("add", made, c.parameter("bias", (width,), p, "bias_filler", 1))]


def _concat(c: Building, p: Fields) -> Sequence[Value]:
    xs = c.bottoms()
    name = "concat_dim" if "concat_dim" in p else "axis"
    axis = axis_of(c, p, xs[0], 1, name)
    return [xs[0] if len(xs) == 1 else c.graph("concat", *xs, axis=axis)]


def _slice(c: Building, p: Fields) -> Sequence[Value]:
    x, count = c.bottom(), len(c.layer.makes)
    axis = axis_of(c, p, x, 1, "slice_dim" if "slice_dim" in p else "axis")
    points = p.wholes("slice_point", least=1)
    size = channels(c, x, axis)
    if count == 1 and not points:
        return [x]
    if not points:
        if size % count:
            c.fail(f"splits {size} elements into {count} parts", "add `slice_point`")
        points = list(range(size // count, size, size // count))
    ends = [*points, size]
    parts = [end - start for start, end in zip([0, *points], ends, strict=True)]
    if len(parts) != count or any(part < 1 for part in parts):
        c.fail(f"splits {size} elements at {points} for {count} results", at=p.span("slice_point"))
    return c.graph_many("split", x, parts=parts, axis=axis)


def _split(c: Building, p: Fields) -> Sequence[Value]:
    del p
    return [c.bottom()] * len(c.layer.makes)


def _silence(c: Building, p: Fields) -> Sequence[Value]:
    del c, p
    return []


def _flatten(c: Building, p: Fields) -> Sequence[Value]:
    x = c.bottom()
    start = axis_of(c, p, x, 1)
    end = axis_of(c, p, x, -1, "end_axis")
    return [x if start >= end else c.graph("flatten", x, start=start, end=end)]


def _reshape(c: Building, p: Fields) -> Sequence[Value]:
    """Convert new sizes: 0 keeps that of the input, -1 is what is left."""
    x = c.bottom()
    axis = p.whole("axis", 0, least=-x.type.rank - 1)
    axis = axis if axis >= 0 else axis + x.type.rank + 1
    count = p.whole("num_axes", -1, least=-1)
    end = x.type.rank if count == -1 else axis + count
    given = p.message("shape")
    wanted = given.wholes("dim", least=-1)
    given.reject_unread("`shape`")
    if axis > x.type.rank or end > x.type.rank or wanted.count(-1) > 1:
        c.fail(f"cannot give {x.type} these sizes", at=p.span("shape"))
    old = x.type.shape[axis:end]
    new: list[Size] = [
        old[at] if size == 0 and at < len(old) else size for at, size in enumerate(wanted)
    ]
    if -1 in wanted:
        rest = exact_quotient(product(old), product([n for n in new if n != -1]))
        if rest is None:
            c.fail(f"cannot give {x.type} these sizes", at=p.span("shape"))
        new[wanted.index(-1)] = rest
    shape = (*x.type.shape[:axis], *new, *x.type.shape[end:])
    if product(shape) != product(x.type.shape):
        c.fail(
            f"makes [{', '.join(map(str, shape))}] of {x.type}",
            "keep the batch, which is free: `dim: 0`", at=p.span("shape"),
        )  # fmt: skip
    return [x if shape == x.type.shape else c.graph("reshape", x, shape=shape)]


def _tile(c: Building, p: Fields) -> Sequence[Value]:
    x = c.bottom()
    axis = axis_of(c, p, x, 1)
    times = p.whole("tiles", least=1)
    repeats = [times if at == axis else 1 for at in range(x.type.rank)]
    return [c.graph("tile", x, repeats=repeats)]


def _reduction(c: Building, p: Fields) -> Sequence[Value]:
    x = c.bottom()
    start = axis_of(c, p, x, 0)
    name = p.word("operation", ("", "SUM", "ASUM", "SUMSQ", "MEAN"), "SUM")
    if name == "ASUM":
        x = c.graph("abs", x)
    elif name == "SUMSQ":
        x = c.graph("pow", x, c.number(2.0))
    axes = list(range(start, x.type.rank))
    made = c.graph("mean" if name == "MEAN" else "sum", x, axis=axes, keep=False)
    return [c.scaled(made, p.number("coeff", 1.0))]


def _softmax(c: Building, p: Fields) -> Sequence[Value]:
    p.skip("engine")
    x = c.bottom()
    return [c.graph("softmax", x, axis=axis_of(c, p, x, 1))]


def _argmax(c: Building, p: Fields) -> Sequence[Value]:
    """Convert the position of the largest element, or its value; Caffe makes floats of both."""
    x = c.bottom()
    if p.whole("top_k", 1, least=1) != 1:
        c.fail("returns several positions, which has no counterpart", at=p.span("top_k"))
    values = p.flag("out_max_val", False)
    along = "axis" in p
    if values and not along:
        c.fail("returns positions and values in one tensor", at=p.span("out_max_val"))
    axis = axis_of(c, p, x, 1)
    if not along and x.type.rank > 2:
        x = c.graph("flatten", x, start=1, end=-1)
    if values:
        return [c.graph("max", x, axis=[axis], keep=True)]
    made = c.graph("cast", c.graph("argmax", x, axis=axis, keep=True), to=F32)
    return [made if along else c.graph("unsqueeze", made, axis=1)]


OPERATORS: Mapping[str, tuple[str, Convert]] = {
    "ArgMax": ("argmax_param", _argmax),
    "Concat": ("concat_param", _concat),
    "Embed": ("embed_param", _embed),
    "Flatten": ("flatten_param", _flatten),
    "InnerProduct": ("inner_product_param", _dense),
    "Reduction": ("reduction_param", _reduction),
    "Reshape": ("reshape_param", _reshape),
    "Silence": ("silence_param", _silence),
    "Slice": ("slice_param", _slice),
    "Softmax": ("softmax_param", _softmax),
    "Split": ("split_param", _split),
    "Tile": ("tile_param", _tile),
}
"""The name of the settings of each kind of layer, and what converts it."""
