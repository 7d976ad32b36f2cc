"""Losses and metrics of Caffe as expressions of a train section."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from netlang.importing.caffe.building import Building, Target, Term, axis_of, channels
from netlang.importing.caffe.fields import Fields
from netlang.importing.caffe.fillers import written
from netlang.ir.dims import Size
from netlang.ir.graph import Value
from netlang.ir.types import I64, TensorType

_NORMALIZATIONS = ("FULL", "VALID", "BATCH_SIZE", "NONE")

Convert = Callable[["Building", "Fields"], Sequence[Value | None]]
"""Notes a loss or a metric; its results are ``None``, except for those that a network computes."""


def _labels(c: Building, x: Value, axis: int) -> tuple[Target, str]:
    """Return the labels of logits, and the expression that reads them as class indices."""
    shape = (*x.type.shape[:axis], *x.type.shape[axis + 1 :])
    target = c.target(1, TensorType(I64, shape))
    if target.value is None:
        return target, "{1}"
    if target.value.type.shape == shape:
        return target, "cast({1}, i64)"
    sizes: list[Size] = [n if isinstance(n, int) else -1 for n in shape]
    return target, f"cast(reshape({{1}}, {sizes}), i64)"


def _axis_text(axis: int, x: Value) -> str:
    return "" if axis == x.type.rank - 1 else f", axis={axis}"


def _loss_param(c: Building, default: str) -> tuple[str, int | None]:
    """Return how a loss is normalized, and the label that does not count."""
    p = c.layer.fields.message("loss_param")
    ignore = p.whole("ignore_label", least=-(1 << 31)) if "ignore_label" in p else None
    if "normalization" not in p and "normalize" in p:
        default = "VALID" if p.flag("normalize", True) else "BATCH_SIZE"
    p.skip("normalize")
    how = p.word("normalization", _NORMALIZATIONS, default)
    p.reject_unread("`loss_param`")
    return how, ignore


def _reduced(call: str, how: str, ignore: int | None, axes: int) -> str:
    """Return the reduction of a loss per position: ``axes`` is the rank of what it makes."""
    whole = how == "VALID" or (ignore is None and (how == "FULL" or axes == 1))
    if how != "NONE" and whole:
        return f"{call})"
    if how == "NONE":
        return f'{call}, reduction="sum")'
    each = f'{call}, reduction="none")'
    if how == "FULL" or axes == 1:
        return f"mean({each})"
    inner = ", ".join(map(str, range(1, axes)))
    return f"mean(sum({each}, axis={f'[{inner}]' if axes > 2 else inner}))"


def _softmax_loss(c: Building, p: Fields) -> Sequence[Value | None]:
    p.skip("engine")
    x = c.bottom()
    axis = axis_of(c, p, x, 1)
    how, ignore = _loss_param(c, "VALID")
    target, label = _labels(c, x, axis)
    skipped = "" if ignore is None else f", ignore={ignore}"
    call = f"cross_entropy({{0}}, {label}{_axis_text(axis, x)}{skipped}"
    _add(c, _reduced(call, how, ignore, x.type.rank - 1), Target(x, ""), target)
    if len(c.layer.makes) > 1:
        return [None, c.graph("softmax", x, axis=axis)]
    return [None]


def _logistic_loss(c: Building, p: Fields) -> Sequence[Value | None]:
    """Convert the loss of probabilities, which Caffe keeps above 1e-20."""
    del p
    x = c.bottom()
    target, label = _labels(c, x, 1)
    call = f"nll(log(clamp({{0}}, 1e-20, 1.0)), {label}"
    _add(c, _reduced(call, "BATCH_SIZE", None, x.type.rank - 1), Target(x, ""), target)
    return [None]


def _sigmoid_loss(c: Building, p: Fields) -> Sequence[Value | None]:
    """Convert a loss of each element; `VALID` divides by how many count, else by the batch."""
    p.skip("engine")
    x = c.bottom()
    how, ignore = _loss_param(c, "BATCH_SIZE")
    target = c.target(1, x.type)
    mask = "" if ignore is None else f", mask=cast({{1}} != {written(ignore)}, f32)"
    call = f"bce_with_logits({{0}}, {{1}}{mask}"
    _add(c, _reduced(call, how, ignore, x.type.rank), Target(x, ""), target)
    return [None]


def _euclidean_loss(c: Building, p: Fields) -> Sequence[Value | None]:
    """Convert half the squared distance of an example: half its size times the mean square."""
    del p
    x = c.bottom()
    half = _size(c, x) / 2
    factor = "" if half == 1.0 else f"{written(half)} * "
    _add(c, f"{factor}mse({{0}}, {{1}})", Target(x, ""), c.target(1, x.type))
    return [None]


def _size(c: Building, x: Value) -> int:
    total = 1
    for axis in range(1, x.type.rank):
        total *= channels(c, x, axis)
    return total


def _hinge_loss(c: Building, p: Fields) -> Sequence[Value | None]:
    """Convert the hinge loss of each class against all others, with a margin of 1."""
    x = c.bottom()
    norm = p.word("norm", ("", "L1", "L2"), "L1")
    if x.type.rank != 2:
        c.fail(f"takes one vector for each example; its input is {x.type}")
    target, label = _labels(c, x, 1)
    each = f"relu(1.0 - {{0}} * (2.0 * one_hot({label}, {channels(c, x)}) - 1.0))"
    power = " ** 2" if norm == "L2" else ""
    _add(c, f"mean(sum({each}{power}, axis=1))", Target(x, ""), target)
    return [None]


def _accuracy(c: Building, p: Fields) -> Sequence[Value | None]:
    x = c.bottom()
    axis = axis_of(c, p, x, 1)
    top = p.whole("top_k", 1, least=1)
    ignore = p.whole("ignore_label", least=-(1 << 31)) if "ignore_label" in p else None
    if len(c.layer.makes) > 1:
        c.fail("measures each class, which has no counterpart")
    target, label = _labels(c, x, axis)
    place = _axis_text(axis, x)
    if top > 1 and ignore is not None:
        c.fail("ignores a label among the largest logits, which has no counterpart")
    mask = "" if ignore is None else f", mask={label} != {ignore}"
    text = f"accuracy({{0}}, {label}{place}{mask})"
    if top > 1:
        text = f"top_k({{0}}, {label}, {min(top, channels(c, x, axis))}{place})"
    c.metrics.append(Term(text, (Target(x, ""), target), 1.0, _name(c)))
    return [None]


def _add(c: Building, text: str, *reads: Target) -> None:
    """Note a loss; one without a weight is a metric."""
    weights = c.layer.loss_weights
    weight = weights[0] if weights else 1.0
    if any(weights[1:]):
        c.fail("weights a result that is not a loss")
    term = Term(text, reads, weight, _name(c))
    if "TRAIN" in c.layer.phases and weight:
        c.losses.append(term)
    elif not weight:
        c.metrics.append(term)


def weighted_results(c: Building, made: Sequence[Value | None]) -> None:
    """Note results of other layers that have a weight: the loss is their sum, times it."""
    for value, weight in zip(made, c.layer.loss_weights, strict=False):
        if weight and value is not None and "TRAIN" in c.layer.phases:
            text = "sum({0})" if value.type.rank else "{0}"
            c.losses.append(Term(text, (Target(value, ""),), weight, _name(c)))


def _name(c: Building) -> str:
    return c.layer.name or c.layer.kind


LOSSES: Mapping[str, tuple[str, Convert]] = {
    "Accuracy": ("accuracy_param", _accuracy),
    "EuclideanLoss": ("euclidean_loss_param", _euclidean_loss),
    "HingeLoss": ("hinge_loss_param", _hinge_loss),
    "MultinomialLogisticLoss": ("multinomial_logistic_loss_param", _logistic_loss),
    "SigmoidCrossEntropyLoss": ("sigmoid_param", _sigmoid_loss),
    "SoftmaxWithLoss": ("softmax_param", _softmax_loss),
}
"""The name of the settings of each loss and metric, and what converts it."""
