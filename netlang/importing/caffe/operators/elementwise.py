"""Activations and arithmetic of Caffe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from math import exp, log

from netlang.importing.caffe.building import Building, Convert, axis_of, channels
from netlang.importing.caffe.fields import Fields
from netlang.importing.operands import decimal
from netlang.importing.simplifying import attribute
from netlang.ir.graph import Value
from netlang.ir.types import F32


def _plain(name: str) -> Convert:
    def convert(c: Building, p: Fields) -> Sequence[Value]:
        p.skip("engine")
        return [c.graph(name, c.bottom())]

    return convert


def _relu(c: Building, p: Fields) -> Sequence[Value]:
    p.skip("engine")
    slope = p.number("negative_slope", 0.0)
    x = c.bottom()
    return [c.graph("leaky_relu", x, slope=decimal(slope)) if slope else c.graph("relu", x)]


def _elu(c: Building, p: Fields) -> Sequence[Value]:
    return [c.graph("elu", c.bottom(), alpha=p.number("alpha", 1.0))]


def _prelu(c: Building, p: Fields) -> Sequence[Value]:
    x = c.bottom()
    count = 1 if p.flag("channel_shared", False) else channels(c, x)
    slope = c.parameter("slope", (count,), p, "filler", 0, usual=0.25)
    return [c.graph("prelu", x, slope)]


def _dropout(c: Building, p: Fields) -> Sequence[Value]:
    p.skip("scale_train")
    rate = p.number("dropout_ratio", 0.5, least=0.0)
    x = c.bottom()
    return [c.graph("dropout", x, rate=decimal(rate)) if rate else x]


def _power(c: Building, p: Fields) -> Sequence[Value]:
    power = p.number("power", 1.0)
    x = c.scaled(c.bottom(), p.number("scale", 1.0), p.number("shift", 0.0))
    return [x if power == 1.0 else c.graph("pow", x, c.number(power))]


def _exp(c: Building, p: Fields) -> Sequence[Value]:
    """Convert base ** (shift + scale * x); a base of -1 is e."""
    base = _base(c, p)
    scale = p.number("scale", 1.0) * (log(base) if base else 1.0)
    shift = p.number("shift", 0.0) * (log(base) if base else 1.0)
    return [c.graph("exp", c.scaled(c.bottom(), scale, shift))]


def _log(c: Building, p: Fields) -> Sequence[Value]:
    """Convert the logarithm of shift + scale * x to a base; a base of -1 is e."""
    base = _base(c, p)
    x = c.scaled(c.bottom(), p.number("scale", 1.0), p.number("shift", 0.0))
    made = c.graph("log", x)
    return [c.scaled(made, 1.0 / log(base)) if base else made]


def _base(c: Building, p: Fields) -> float | None:
    base = p.number("base", -1.0)
    if base == -1.0 or base == exp(1.0):
        return None
    if base <= 0.0 or base == 1.0:
        c.fail(f"has the base {base:g}", "choose a base above 0, or -1 for e", at=p.span("base"))
    return base


def _threshold(c: Building, p: Fields) -> Sequence[Value]:
    above = c.graph("greater", c.bottom(), c.number(p.number("threshold", 0.0)))
    return [c.graph("cast", above, to=F32)]


def _eltwise(c: Building, p: Fields) -> Sequence[Value]:
    p.skip("stable_prod_grad")
    xs = c.bottoms()
    name = p.word("operation", ("PROD", "SUM", "MAX"), "SUM")
    coefficients = p.numbers("coeff")
    if len(xs) < 2:
        c.fail("needs two inputs", "add a `bottom`")
    if any(x.type.shape != xs[0].type.shape for x in xs):
        c.fail(f"combines {', '.join(str(x.type) for x in xs)}", "give them the same size")
    if coefficients and (name != "SUM" or len(coefficients) != len(xs)):
        c.fail(f"has {len(coefficients)} coefficients for {len(xs)} inputs", at=p.span("coeff"))
    if name == "SUM":
        return [_sum(c, xs, coefficients or [1.0] * len(xs))]
    operator = {"PROD": "mul", "MAX": "maximum"}[name]
    return [reduce(lambda a, b: c.graph(operator, a, b), xs)]


def _sum(c: Building, xs: Sequence[Value], coefficients: Sequence[float]) -> Value:
    total = c.scaled(xs[0], coefficients[0])
    for x, factor in zip(xs[1:], coefficients[1:], strict=True):
        if factor < 0:
            total = c.graph("sub", total, c.scaled(x, -factor))
        else:
            total = c.graph("add", total, c.scaled(x, factor))
    return total


def _along(c: Building, x: Value, other: Value, axis: int) -> Value:
    """Return a tensor with axes of size 1, so that its own are those of ``x`` from one on."""
    rank = other.type.rank
    if other.type.shape != x.type.shape[axis : axis + rank]:
        c.fail(f"scales {x.type} from axis {axis} on by {other.type}")
    shape = (1,) * axis + other.type.shape + (1,) * (x.type.rank - axis - rank)
    return c.graph("reshape", other, shape=shape) if shape != other.type.shape else other


def _scale(c: Building, p: Fields) -> Sequence[Value]:
    """Convert a factor for each channel, into the batch norm before it where there is one."""
    x = c.bottom()
    axis = axis_of(c, p, x, 1)
    bias = p.flag("bias_term", False)
    if len(c.layer.reads) > 1:
        if bias:
            c.fail("adds a bias to a product of two inputs", "write a Bias layer after it")
        p.skip("num_axes", "filler", "bias_filler")
        return [c.graph("mul", x, _along(c, x, c.bottom(1), axis))]
    shape = _learned(c, p, x, axis)
    gain = c.parameter("scale", shape, p, "filler", 0, usual=1.0)
    shift = c.parameter("shift", shape, p, "bias_filler", 1) if bias else None
    p.skip("bias_filler")
    merged = _in_batch_norm(c, x, gain, shift) if (axis, len(shape)) == (1, 1) else None
    if merged is not None:
        return [merged]
    made = _combined(c, "mul", x, gain, axis)
    return [made if shift is None else _combined(c, "add", made, shift, axis)]


def _learned(c: Building, p: Fields, x: Value, axis: int) -> tuple[int, ...]:
    count = p.whole("num_axes", 1, least=-1)
    count = x.type.rank - axis if count == -1 else count
    if axis + count > x.type.rank:
        c.fail(f"has {count} axes from axis {axis} on of {x.type}", at=p.span("num_axes"))
    return tuple(channels(c, x, at) for at in range(axis, axis + count))


def _combined(c: Building, name: str, x: Value, other: Value, axis: int) -> Value:
    if (axis, other.type.rank) == (1, 1) and x.type.rank > 1:
        return c.graph(f"{name}_channel", x, other)
    return c.graph(name, x, _along(c, x, other, axis))


def _in_batch_norm(c: Building, x: Value, gain: Value, shift: Value | None) -> Value | None:
    """Return the batch norm before this layer with its scale, if only this layer reads it."""
    node = c.maker(x)
    if node is None or node.op.name != "normalize_batch" or not c.read_once():
        return None
    y, plain, zeros, *statistics = node.inputs
    if plain in c.params:
        return None
    attributes = {name: attribute(node.op, name) for name in ("eps", "momentum")}
    c.remove(node)
    parts = (y, gain, zeros if shift is None else shift, *statistics)
    return c.graph("normalize_batch", *parts, **attributes)


def _bias(c: Building, p: Fields) -> Sequence[Value]:
    x = c.bottom()
    axis = axis_of(c, p, x, 1)
    if len(c.layer.reads) > 1:
        p.skip("num_axes", "filler")
        return [c.graph("add", x, _along(c, x, c.bottom(1), axis))]
    shift = c.parameter("bias", _learned(c, p, x, axis), p, "filler", 0)
    return [_combined(c, "add", x, shift, axis)]


OPERATORS: Mapping[str, tuple[str, Convert]] = {
    "AbsVal": ("absval_param", _plain("abs")),
    "BNLL": ("bnll_param", _plain("softplus")),
    "Bias": ("bias_param", _bias),
    "Dropout": ("dropout_param", _dropout),
    "ELU": ("elu_param", _elu),
    "Eltwise": ("eltwise_param", _eltwise),
    "Exp": ("exp_param", _exp),
    "Log": ("log_param", _log),
    "PReLU": ("prelu_param", _prelu),
    "Power": ("power_param", _power),
    "ReLU": ("relu_param", _relu),
    "Scale": ("scale_param", _scale),
    "Sigmoid": ("sigmoid_param", _plain("sigmoid")),
    "TanH": ("tanh_param", _plain("tanh")),
    "Threshold": ("threshold_param", _threshold),
}
"""The name of the settings of each kind of layer, and what converts it."""
