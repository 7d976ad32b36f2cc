"""Normalization layers of Caffe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from netlang.importing.caffe.building import Building, Convert, channels
from netlang.importing.caffe.fields import Fields
from netlang.importing.caffe.weights import Origin
from netlang.importing.operands import decimal
from netlang.ir.graph import Value
from netlang.ir.types import F32


def _batch_norm(c: Building, p: Fields) -> Sequence[Value]:
    """Convert a normalization without a scale, which a Scale layer after it adds."""
    p.skip("engine")
    x = c.bottom()
    width = channels(c, x)
    eps = p.number("eps", 1e-5, least=0.0)
    kept = p.number("moving_average_fraction", 0.999, least=0.0)
    if p.flag("use_global_stats", False):
        c.note(
            "batch norms with `use_global_stats: true` normalize by the batch while training here"
        )
    ones = c.graph("full", shape=(width,), value=1.0, dtype=F32)
    zeros = c.graph("full", shape=(width,), value=0.0, dtype=F32)
    # The averages are stored as sums, and the third blob has what they are divided by.
    name = c.layer.name
    mean = c.held("mean", (width,), Origin(name, 0, 2))
    var = c.held("var", (width,), Origin(name, 1, 2), start=1.0)
    momentum = float(f"{1.0 - kept:.6g}")
    return [c.graph("normalize_batch", x, ones, zeros, mean, var, eps=eps, momentum=momentum)]


def _lrn(c: Building, p: Fields) -> Sequence[Value]:
    p.skip("engine")
    x = c.bottom()
    size, k = p.whole("local_size", 5, least=1), p.number("k", 1.0)
    alpha, beta = decimal(p.number("alpha", 1.0)), decimal(p.number("beta", 0.75))
    if size % 2 == 0:
        c.fail("has a size that is even", "choose an odd one", at=p.span("local_size"))
    across, within = "ACROSS_CHANNELS", "WITHIN_CHANNEL"
    if p.word("norm_region", (across, within), across) == across:
        return [c.graph("local_response_norm", x, size=size, alpha=alpha, beta=beta, k=k)]
    # The constant is 1 here, whatever `k` is.
    settings = {"size": size, "alpha": alpha, "beta": beta, "k": 1.0, "within": True}
    return [c.graph("local_response_norm", x, **settings)]


def _mvn(c: Building, p: Fields) -> Sequence[Value]:
    """Convert the normalization of each example by its mean, and by its deviation."""
    x = c.bottom()
    eps = p.number("eps", 1e-9, least=0.0)
    axes = list(range(1 if p.flag("across_channels", False) else 2, x.type.rank))
    if not axes:
        c.fail(f"normalizes feature maps [N, C, H, W]; its input is {x.type}")
    centered = c.graph("sub", x, c.graph("mean", x, axis=axes, keep=True))
    if not p.flag("normalize_variance", True):
        return [centered]
    square = c.graph("pow", centered, c.number(2.0))
    deviation = c.graph("sqrt", c.graph("mean", square, axis=axes, keep=True))
    return [c.graph("div", centered, c.scaled(deviation, 1.0, eps))]


OPERATORS: Mapping[str, tuple[str, Convert]] = {
    "BatchNorm": ("batch_norm_param", _batch_norm),
    "LRN": ("lrn_param", _lrn),
    "MVN": ("mvn_param", _mvn),
}
"""The name of the settings of each kind of layer, and what converts it."""
