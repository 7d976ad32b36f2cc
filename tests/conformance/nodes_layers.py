"""Programs for layers."""

from __future__ import annotations

from collections.abc import Sequence

from onnx_nodes import Call, NoProgram, each, number, word, writes

Pairs = list[tuple[int, int]]


@writes("MaxPool")
def max_pool(call: Call) -> str:
    if len([a for a in call.case.expected if a is not None]) > 1:
        raise NoProgram("the places of the largest are not given")
    return f"max_pool({call.x()}, {windows(call)}, ceil={call.flag('ceil_mode')})"


@writes("AveragePool")
def avg_pool(call: Call) -> str:
    counted = f"ceil={call.flag('ceil_mode')}, count_pad={call.flag('count_include_pad')}"
    return f"avg_pool({call.x()}, {windows(call)}, {counted})"


@writes("LpPool")
def lp_pool(call: Call) -> str:
    return f"lp_pool({call.x()}, {windows(call)}, p={call.get('p', 2)})"


@writes("GlobalAveragePool GlobalMaxPool")
def global_pool(call: Call) -> str:
    function = {"GlobalAveragePool": "mean", "GlobalMaxPool": "max"}[call.case.op_type]
    return f"{function}({call.x()}, axis={list(range(2, call.rank()))}, keep=true)"


@writes("Conv")
def conv(call: Call) -> str:
    kernel = call.shape(1)[2:]
    spread = f"stride={each(strides(call))}, pad={each(pads(call, kernel))}"
    more = f"dilation={each(dilations(call))}, groups={call.get('group', 1)}"
    return f"convolve({operands(call, 3)}, {spread}, {more})"


@writes("ConvTranspose")
def conv_transpose(call: Call) -> str:
    n = len(strides(call))
    extra = list(call.get("output_padding", [0] * n))
    given = call.get("pads", [0] * 2 * n)
    around: Pairs = list(zip(given[:n], given[n:], strict=True))
    wanted = call.get("output_shape")
    if call.get("auto_pad", "NOTSET") != "NOTSET":
        wanted = [m * s for m, s in zip(call.shape()[2:], strides(call), strict=True)]
    if wanted is not None:
        for i, size in enumerate(wanted):
            extent = (call.shape(1)[2 + i] - 1) * dilations(call)[i] + 1
            total = strides(call)[i] * (call.shape()[2 + i] - 1) + extra[i] + extent - size
            extra[i] += max(-total, 0)
            around[i] = halves(max(total, 0), more_after=call.get("auto_pad") == "SAME_UPPER")
    spread = f"stride={each(strides(call))}, pad={each(around)}, out_pad={each(extra)}"
    more = f"dilation={each(dilations(call))}, groups={call.get('group', 1)}"
    return f"convolve_transpose({operands(call, 3)}, {spread}, {more})"


@writes("Col2Im")
def fold(call: Call) -> str:
    size, kernel = call.fixed(1), call.fixed(2)
    n = len(size)
    given = call.get("pads", [0] * 2 * n)
    around = each(list(zip(given[:n], given[n:], strict=True)))
    stride = each(call.get("strides", [1] * n))
    dilation = each(call.get("dilations", [1] * n))
    spread = f"stride={stride}, pad={around}, dilation={dilation}"
    return f"fold({call.x()}, {each(size)}, {each(kernel)}, {spread})"


@writes("BatchNormalization")
def batch_norm(call: Call) -> list[str]:
    x, eps = call.x(), call.get("epsilon", 1e-5)
    mean, var = call.x(3), call.x(4)
    if not call.get("training_mode", 0):
        return [normalized(call, mean, var, eps)]
    axes = [i for i in range(call.rank()) if i != 1]
    now = call.let("now", f"mean({x}, axis={axes})")
    centre = f"mean({x}, axis={axes}, keep=true)"
    spread = call.let("spread", f"mean(({x} - {centre}) ** 2.0, axis={axes})")
    kept = call.get("momentum", 0.9)
    old, new = number(kept), number(1 - kept)
    running = [f"{old} * {a} + {new} * {b}" for a, b in ((mean, now), (var, spread))]
    return [normalized(call, now, spread, eps), *running]


def normalized(call: Call, mean: str, var: str, eps: float) -> str:
    settings = f"eps={number(eps)}, momentum=0.1"
    return f"normalize_batch({call.x()}, {call.x(1)}, {call.x(2)}, {mean}, {var}, {settings})"


@writes("GroupNormalization")
def group_norm(call: Call) -> str:
    settings = f"groups={call.get('num_groups')}, eps={number(call.get('epsilon', 1e-5))}"
    return f"normalize_group({operands(call, 3)}, {settings})"


@writes("InstanceNormalization")
def instance_norm(call: Call) -> str:
    return f"normalize_instance({operands(call, 3)}, eps={number(call.get('epsilon', 1e-5))})"


@writes("LayerNormalization")
def layer_norm(call: Call) -> list[str]:
    x, axis = call.x(), call.get("axis", -1) % call.rank()
    eps = number(call.get("epsilon", 1e-5))
    axes = list(range(axis, call.rank()))
    mean = call.let("centre", f"mean({x}, axis={axes}, keep=true)")
    var = f"mean(({x} - {mean}) ** 2.0, axis={axes}, keep=true)"
    y = f"normalize_layer({operands(call, 3)}, axis={axis}, eps={eps})"
    return [y, mean, f"reciprocal(sqrt({var} + {eps}))"]


@writes("RMSNormalization")
def rms_norm(call: Call) -> str:
    settings = f"axis={call.get('axis', -1)}, eps={number(call.get('epsilon', 1e-5))}"
    return f"normalize_rms({operands(call, 2)}, {settings})"


@writes("LRN")
def local_response_norm(call: Call) -> str:
    alpha, beta = number(call.get("alpha", 1e-4)), number(call.get("beta", 0.75))
    settings = f"size={call.get('size')}, alpha={alpha}, beta={beta}"
    return f"local_response_norm({call.x()}, {settings}, k={number(call.get('bias', 1.0))})"


@writes("LpNormalization")
def unit_length(call: Call) -> str:
    x, axis = call.x(), call.get("axis", -1)
    if call.get("p", 2) == 2:
        return f"l2_normalize({x}, axis={axis})"
    return f"{x} / norm({x}, p=1, axis={axis}, keep=true)"


@writes("MeanVarianceNormalization")
def standardized(call: Call) -> str:
    x, axes = call.x(), call.get("axes", [0, 2, 3])
    off = call.let("off", f"{x} - mean({x}, axis={axes}, keep=true)")
    return f"{off} / (sqrt(mean({off} ** 2.0, axis={axes}, keep=true)) + 1e-9)"


@writes("MatMul")
def matmul(call: Call) -> str:
    return f"{call.x()} @ {call.x(1)}"


@writes("Gemm")
def gemm(call: Call) -> str:
    a = f"transpose({call.x()})" if call.get("transA", 0) else call.x()
    b = f"transpose({call.x(1)})" if call.get("transB", 0) else call.x(1)
    y = f"{number(call.get('alpha', 1.0))} * ({a} @ {b})"
    return f"{y} + {number(call.get('beta', 1.0))} * {call.x(2)}" if call.has(2) else y


@writes("Einsum")
def einsum(call: Call) -> str:
    terms, _, result = call.get("equation").replace(" ", "").partition("->")
    if "->" not in call.get("equation"):
        result = "".join(sorted(c for c in set(terms) - {","} if terms.count(c) == 1))
    # Letters denote what ONNX leaves open; each axis has one here.
    open_axes = "XYZ"[: call.rank() - len(terms.replace("...", ""))] if "..." in terms else ""
    rule = f"{terms}->{result}".replace("...", open_axes)
    return f'einsum("{rule}", {operands(call, 2)})'


@writes("Dropout")
def dropout(call: Call) -> list[str]:
    rate = call.fixed(1, call.get("ratio", 0.5))
    if call.fixed(2, False) and rate:
        raise NoProgram("in training the draw is another")
    x = call.x()
    return [f"dropout({x}, {number(rate)})", f"{x} == {x}"]


@writes("Resize Upsample")
def resize(call: Call) -> str:
    mode, places = call.get("mode", "nearest"), call.get("coordinate_transformation_mode")
    if call.get("antialias", 0) or call.get("exclude_outside", 0):
        raise NoProgram("one way of interpolating is enough")
    if call.get("cubic_coeff_a", -0.75) != -0.75 or call.get("keep_aspect_ratio_policy"):
        raise NoProgram("there is one cubic, and sizes are said in full")
    if places not in (None, "half_pixel", "pytorch_half_pixel", "align_corners"):
        raise NoProgram(f"there are no {places} places")
    axes = call.get("axes", list(range(call.rank())))
    factors = call.fixed(1 if call.case.op_type == "Upsample" else 2)
    sizes = dict(zip(axes, call.fixed(3) or [], strict=False))
    if not sizes:
        have = [call.shape()[axis] for axis in axes]
        sizes = {a: int(n * f) for a, n, f in zip(axes, have, factors or (), strict=True)}
    wanted = [sizes.get(axis, call.shape()[axis]) for axis in range(2, call.rank())]
    align = word(places == "align_corners" and mode != "nearest")
    return f'resize({call.x()}, {each(wanted)}, mode="{mode}", align={align})'


def operands(call: Call, most: int) -> str:
    return ", ".join(call.x(i) for i in range(most) if call.has(i))


def windows(call: Call) -> str:
    kernel = call.get("kernel_shape")
    settings = f"stride={each(strides(call))}, pad={each(pads(call, kernel))}"
    if any(d > 1 for d in dilations(call)):
        settings += f", dilation={each(dilations(call))}"
    return f"{each(kernel)}, {settings}"


def strides(call: Call) -> Sequence[int]:
    return call.get("strides", [1] * (call.rank() - 2))


def dilations(call: Call) -> Sequence[int]:
    return call.get("dilations", [1] * (call.rank() - 2))


def pads(call: Call, kernel: Sequence[int]) -> Pairs:
    n = len(kernel)
    same = call.get("auto_pad", "NOTSET")
    if same in ("NOTSET", "VALID"):
        given = call.get("pads", [0] * 2 * n)
        return list(zip(given[:n], given[n:], strict=True))
    pairs: Pairs = []
    each_axis = zip(call.shape()[2:], kernel, strides(call), dilations(call), strict=True)
    for size, k, stride, dilation in each_axis:
        reach = (-(-size // stride) - 1) * stride + (k - 1) * dilation + 1
        pairs.append(halves(max(reach - size, 0), more_after=same == "SAME_UPPER"))
    return pairs


def halves(total: int, *, more_after: bool) -> tuple[int, int]:
    small, large = total // 2, total - total // 2
    return (small, large) if more_after else (large, small)
