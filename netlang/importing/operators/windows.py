"""Convolutions, pooling and resizing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from netlang.backends.onnx.foreign import ForeignNode
from netlang.importing.conversion import Conversion, Convert
from netlang.importing.operands import Known, Operand, Operands
from netlang.ir.dims import Size


def _numbers(node: ForeignNode, name: str, default: Sequence[int]) -> list[int]:
    value = node.attributes.get(name)
    return list(cast("Sequence[int]", value)) if isinstance(value, list) else list(default)


def _pads(c: Conversion, node: ForeignNode, x: Operand, windows: Mapping[str, list[int]]) -> object:
    """Return the padding of windows as pairs, one for each axis."""
    axes = len(windows["kernel"])
    automatic = node.attributes.get("auto_pad", "NOTSET")
    if automatic in ("SAME_UPPER", "SAME_LOWER"):
        pairs: list[tuple[int, int]] = []
        for at, size in enumerate(c.type(x).shape[2:]):
            extent = windows["dilation"][at] * (windows["kernel"][at] - 1) + 1
            pairs.append(_same(c, size, extent, windows["stride"][at], str(automatic)))
        return pairs
    flat = _numbers(node, "pads", [0] * 2 * axes)
    if automatic == "VALID":
        flat = [0] * 2 * axes
    return [(flat[at], flat[axes + at]) for at in range(axes)]


def _same(c: Conversion, size: Size, extent: int, stride: int, automatic: str) -> tuple[int, int]:
    if isinstance(size, int):
        total = max((-(-size // stride) - 1) * stride + extent - size, 0)
    elif stride == 1:
        total = extent - 1
    else:
        c.fail("pads by an amount that depends on a free size")
    small, large = total // 2, total - total // 2
    return (small, large) if automatic == "SAME_UPPER" else (large, small)


def _windows(node: ForeignNode, kernel: Sequence[int]) -> dict[str, list[int]]:
    return {
        "kernel": list(kernel),
        "stride": _numbers(node, "strides", [1] * len(kernel)),
        "dilation": _numbers(node, "dilations", [1] * len(kernel)),
    }


def _filters(c: Conversion, xs: Operands) -> list[Operand]:
    """Return the weight and the bias of a convolution."""
    found = [x for x in xs[1:] if x is not None]
    if not found:
        c.fail("has no weight")
    return found


def _conv(c: Conversion, node: ForeignNode, xs: Operands) -> list[Operand]:
    x, weights = xs[0], _filters(c, xs)
    assert x is not None
    kernel = [int(str(n)) for n in c.type(weights[0]).shape[2:]]
    windows = _windows(node, kernel)
    pad = _pads(c, node, x, windows)
    made = c.add(
        "convolve", x, *weights, stride=windows["stride"], pad=pad,
        dilation=windows["dilation"], groups=node.attributes.get("group", 1),
    )  # fmt: skip
    return [made]


def _conv_transpose(c: Conversion, node: ForeignNode, xs: Operands) -> list[Operand]:
    x, weights = xs[0], _filters(c, xs)
    assert x is not None
    windows = _windows(node, [int(str(n)) for n in c.type(weights[0]).shape[2:]])
    axes = len(windows["kernel"])
    if "output_shape" in node.attributes or node.attributes.get("auto_pad", "NOTSET") != "NOTSET":
        c.fail("gives the size of its result instead of the padding")
    made = c.add(
        "convolve_transpose", x, *weights, stride=windows["stride"],
        pad=_pads(c, node, x, windows), dilation=windows["dilation"],
        out_pad=_numbers(node, "output_padding", [0] * axes),
        groups=node.attributes.get("group", 1),
    )  # fmt: skip
    return [made]


def _pool(name: str) -> Convert:
    def convert(c: Conversion, node: ForeignNode, xs: Operands) -> list[Operand]:
        x = xs[0]
        assert x is not None
        if len(node.outputs) > 1 and node.outputs[1]:
            c.fail("returns the indices of the maxima")
        windows = _windows(node, _numbers(node, "kernel_shape", ()))
        settings: dict[str, object] = {**windows, "pad": _pads(c, node, x, windows)}
        settings["ceil"] = bool(node.attributes.get("ceil_mode", 0))
        if name == "avg_pool":
            settings["count_pad"] = bool(node.attributes.get("count_include_pad", 0))
            if not any(any(pair) for pair in cast("list[tuple[int, int]]", settings["pad"])):
                settings["count_pad"] = True
        if name == "lp_pool":
            settings["p"] = node.attributes.get("p", 2)
        return [c.add(name, x, **settings)]

    return convert


def _global(name: str) -> Convert:
    def convert(c: Conversion, node: ForeignNode, xs: Operands) -> list[Operand]:
        del node
        assert xs[0] is not None
        axes = list(range(2, len(c.type(xs[0]).shape)))
        return [c.add(name, xs[0], axis=axes, keep=True)]

    return convert


def _lrn(c: Conversion, node: ForeignNode, xs: Operands) -> list[Operand]:
    assert xs[0] is not None
    return [
        c.add(
            "local_response_norm",
            xs[0],
            size=node.attributes.get("size"),
            alpha=c.number(node, (), 9, "alpha", 1e-4),
            beta=c.number(node, (), 9, "beta", 0.75),
            k=c.number(node, (), 9, "bias", 1.0),
        )
    ]


def _resize(c: Conversion, node: ForeignNode, xs: Operands) -> list[Operand]:
    """Convert Resize and the older Upsample, whose scales are the second input."""
    x, old = xs[0], node.kind == "Upsample" or c.opset < 11
    assert x is not None
    inputs = dict(enumerate(xs))
    scales, sizes = inputs.get(1 if old else 2), None if old else inputs.get(3)
    mode = str(node.attributes.get("mode", "nearest"))
    where = str(
        node.attributes.get("coordinate_transformation_mode", "asymmetric" if old else "half_pixel")
    )
    align, mode = _interpolation(c, node, mode, where)
    antialias = bool(node.attributes.get("antialias", 0))
    settings = {"mode": mode, "align": align, "antialias": antialias}
    if node.attributes.get("keep_aspect_ratio_policy", "stretch") != "stretch":
        c.fail("keeps the aspect ratio")
    shape = c.type(x).shape
    axes = [axis % len(shape) for axis in _numbers(node, "axes", range(len(shape)))]
    if sizes is not None and not (isinstance(sizes, Known) and not sizes.array.size):
        chosen = dict(zip(axes, c.sizes(sizes, "sizes"), strict=True))
        wanted = [chosen.get(axis, size) for axis, size in enumerate(shape)]
        for size, have in zip(wanted[:2], shape[:2], strict=True):
            if size != have:
                c.equate(have, size)
        if tuple(wanted[:2]) != tuple(shape[:2]):
            c.fail("resizes the batch or the channels")
        return [c.add("resize", x, size=wanted[2:], **settings)]
    given = _numbers(node, "scales", ()) or c.array(scales, "scales").reshape(-1)
    times = dict(zip(axes, map(float, given), strict=True))
    factors = [times.get(axis, 1.0) for axis in range(len(shape))]
    if factors[:2] != [1.0, 1.0]:
        c.fail("resizes the batch or the channels")
    whole = [int(f) if f == int(f) else f for f in factors[2:]]
    return [c.add("upsample", x, scale=whole, **settings)]


def _interpolation(c: Conversion, node: ForeignNode, mode: str, where: str) -> tuple[bool, str]:
    """Return whether corners are aligned, and our name of the mode."""
    if mode == "nearest":
        rounding = str(node.attributes.get("nearest_mode", "round_prefer_floor"))
        if where == "asymmetric" and (rounding == "floor" or c.opset < 11):
            return False, "nearest"
        if where in ("half_pixel", "pytorch_half_pixel") and rounding.startswith("round"):
            return False, "nearest_exact"
        c.fail(f"interpolates in another way: {where}, {rounding}")
    if where not in ("half_pixel", "pytorch_half_pixel", "align_corners"):
        c.fail(f"interpolates in another way: {mode}, {where}")
    return where == "align_corners", mode


def _space(name: str) -> Convert:
    def convert(c: Conversion, node: ForeignNode, xs: Operands) -> list[Operand]:
        x, block = xs[0], node.attributes.get("blocksize")
        if not isinstance(block, int) or block < 1:
            c.fail("has no size of blocks")
        assert x is not None
        n, channels, height, width = c.type(x).shape
        if name == "space":
            laid = c.add(
                "reshape", x, shape=[n, channels, height // block, block, width // block, block]
            )
            turned = c.add("transpose", laid, order=[0, 3, 5, 1, 2, 4])
            shape: list[Size] = [n, channels * block * block, height // block, width // block]
            return [c.add("reshape", turned, shape=shape)]
        if node.attributes.get("mode") == "CRD":
            return [c.add("pixel_shuffle", x, factor=block)]
        inner = channels // (block * block)
        laid = c.add("reshape", x, shape=[n, block, block, inner, height, width])
        turned = c.add("transpose", laid, order=[0, 3, 4, 1, 5, 2])
        return [c.add("reshape", turned, shape=[n, inner, height * block, width * block])]

    return convert


OPERATORS: Mapping[str, Convert] = {
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "MaxPool": _pool("max_pool"),
    "AveragePool": _pool("avg_pool"),
    "LpPool": _pool("lp_pool"),
    "GlobalAveragePool": _global("mean"),
    "GlobalMaxPool": _global("max"),
    "LRN": _lrn,
    "Resize": _resize,
    "Upsample": _resize,
    "DepthToSpace": _space("depth"),
    "SpaceToDepth": _space("space"),
}
