"""Convolutions and pools of Caffe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from netlang.importing.caffe.building import Building, Convert, axis_of, channels
from netlang.importing.caffe.fields import Fields
from netlang.ir.dims import Size
from netlang.ir.graph import Value


def _spatial(c: Building, x: Value) -> list[int]:
    """Return the sizes of a feature map, which pools and kernels move over."""
    if x.type.rank < 3:
        c.fail(f"needs feature maps [N, C, H, W]; its input is {x.type}")
    return [channels(c, x, axis) for axis in range(2, x.type.rank)]


def _per_axis(
    c: Building, p: Fields, name: str, axes: int, default: int | None, *, least: int = 0
) -> list[int]:
    """Return a setting for each axis: repeated, or one number, or as `_h` and `_w`."""
    stem = "kernel" if name == "kernel_size" else name
    sides = [f"{stem}_h", f"{stem}_w"]
    if any(side in p for side in sides):
        if p.all(name) or axes != 2:
            c.fail(f"gives `{name}` in two ways", at=p.span(sides[0]))
        return [p.whole(side, default, least=least) for side in sides]
    found = p.wholes(name, least=least)
    if not found:
        return [p.whole(name, default, least=least)] * axes
    if len(found) not in (1, axes):
        c.fail(f"has {len(found)} of `{name}` for {axes} axes", at=p.span(name))
    return found * axes if len(found) == 1 else found


def _filters(transposed: bool) -> Convert:
    def convert(c: Building, p: Fields) -> Sequence[Value]:
        p.skip("engine", "force_nd_im2col")
        found: list[Value] = []
        shared: list[Value] | None = None
        for x in c.bottoms():
            made, shared = _filtered(c, p, x, shared, transposed=transposed)
            found.append(made)
        return found

    return convert


def _filtered(
    c: Building, p: Fields, x: Value, shared: list[Value] | None, *, transposed: bool
) -> tuple[Value, list[Value]]:
    """Return a convolution of one input; those of further inputs have the same parameters."""
    if p.whole("axis", 1, least=-9) != 1:
        c.fail("has its channels on another axis than 1", at=p.span("axis"))
    axes = len(_spatial(c, x))
    out, groups = p.whole("num_output", least=1), p.whole("group", 1, least=1)
    kernel = _per_axis(c, p, "kernel_size", axes, None, least=1)
    windows: dict[str, object] = {
        "stride": _per_axis(c, p, "stride", axes, 1, least=1),
        "pad": [(n, n) for n in _per_axis(c, p, "pad", axes, 0)],
        "dilation": _per_axis(c, p, "dilation", axes, 1, least=1),
        "groups": groups,
    }
    if transposed:
        windows["out_pad"] = [0] * axes
    width = channels(c, x)
    if out % groups or width % groups:
        c.fail(f"splits {width} channels into {out} by {groups} groups", at=p.span("group"))
    first, second = (width, out) if transposed else (out, width)
    bias = p.flag("bias_term", True)
    if shared is None:
        shape: tuple[Size, ...] = (first, second // groups, *kernel)
        shared = [c.parameter("weight", shape, p, "weight_filler", 0)]
        if bias:
            shared.append(c.parameter("bias", (out,), p, "bias_filler", 1))
    p.skip("bias_filler")
    name = "convolve_transpose" if transposed else "convolve"
    return c.graph(name, x, *shared, **windows), shared


def _pooling(c: Building, p: Fields) -> Sequence[Value]:
    """Convert a pool, which rounds the number of windows up.

    A window that would begin in the padding at the end is left out, as everywhere; without
    padding there is no such rule, and Caffe takes the maximum of nothing.
    """
    p.skip("engine")
    x = c.bottom()
    method = p.word("pool", ("MAX", "AVE", "STOCHASTIC"), "MAX")
    if method == "STOCHASTIC":
        c.fail("samples from its windows, which has no counterpart", at=p.span("pool"))
    if len(c.layer.makes) > 1:
        c.fail("returns the indices of the maxima, which have no counterpart")
    sizes = _spatial(c, x)
    axes = len(sizes)
    stride = _per_axis(c, p, "stride", axes, 1, least=1)
    pad = _per_axis(c, p, "pad", axes, 0)
    up = p.word("round_mode", ("CEIL", "FLOOR"), "CEIL") == "CEIL"
    if p.flag("global_pooling", False):
        name = "max" if method == "MAX" else "mean"
        return [c.graph(name, x, axis=list(range(2, x.type.rank)), keep=True)]
    kernel = _per_axis(c, p, "kernel_size", axes, None, least=1)
    ceil = False
    for n, k, s, before in zip(sizes, kernel, stride, pad, strict=True):
        if before >= k:
            c.fail(f"pads windows of {k} by {before}", at=p.span("pad"))
        if n + 2 * before < k:
            c.fail(f"has windows of {k} on a side of {n}", at=p.span("kernel_size"))
        room = n + 2 * before - k
        rounded = up and room % s != 0
        ceil = ceil or rounded
        if rounded and not before and (room // s + 1) * s >= n:
            c.fail("has windows that hold nothing: its stride is larger", at=p.span("stride"))
    settings: dict[str, object] = {
        "kernel": kernel, "stride": stride, "pad": [(n, n) for n in pad], "ceil": ceil
    }  # fmt: skip
    if method == "MAX":
        return [c.graph("max_pool", x, **settings, dilation=[1] * axes)]
    return [c.graph("avg_pool", x, **settings, count_pad=True)]


def _crop(c: Building, p: Fields) -> Sequence[Value]:
    x, like = c.bottom(0), c.bottom(1)
    axis = axis_of(c, p, x, 2)
    offsets = p.wholes("offset")
    count = x.type.rank - axis
    if len(offsets) not in (0, 1, count) or like.type.rank != x.type.rank:
        c.fail(f"has {len(offsets)} offsets for {count} axes", at=p.span("offset"))
    starts = offsets if len(offsets) == count else (offsets or [0]) * count
    items: list[tuple[Size, Size] | None] = [None] * axis
    for at, start in enumerate(starts, axis):
        size, wanted = x.type.shape[at], like.type.shape[at]
        if size == wanted and start == 0:
            items.append(None)
            continue
        if isinstance(size, int) and isinstance(wanted, int) and start + wanted <= size:
            items.append((start, start + wanted))
            continue
        c.fail(f"cuts {wanted} from {start} on out of {size} of axis {at}", at=p.span("offset"))
    return [c.graph("index", x, items=items) if any(items) else x]


OPERATORS: Mapping[str, tuple[str, Convert]] = {
    "Convolution": ("convolution_param", _filters(False)),
    "Deconvolution": ("convolution_param", _filters(True)),
    "Pooling": ("pooling_param", _pooling),
    "Crop": ("crop_param", _crop),
}
"""The name of the settings of each kind of layer, and what converts it."""
