"""Products, reductions and normalizations."""

from __future__ import annotations

from collections.abc import Mapping

from netlang.backends.onnx.foreign import ForeignNode
from netlang.importing.conversion import Conversion, Convert
from netlang.importing.operands import Known, Operand, Operands, Sizes
from netlang.importing.operators.shaping import reshaped
from netlang.importing.operators.sizes import sized
from netlang.ir.dims import Size, product
from netlang.system.numpy import np


def _matmul(c: Conversion, node: ForeignNode, xs: Operands) -> list[Operand]:
    del node
    a, b = xs
    assert a is not None and b is not None
    if isinstance(b, Known) and not isinstance(a, Known) and b.array.ndim == 2:
        return [c.add("linear", a, Known(b.array.T, b.names))]
    left, right = c.type(a).shape, c.type(b).shape
    if left and len(right) > 1 and left[-1] != right[-2]:
        c.equate(left[-1], right[-2])
    return [c.add("matmul", a, b)]


def _gemm(c: Conversion, node: ForeignNode, xs: Operands) -> list[Operand]:
    a, b = xs[0], xs[1]
    bias = xs[2] if len(xs) > 2 else None
    assert a is not None and b is not None
    alpha, beta = (c.number(node, (), 9, name, 1.0) for name in ("alpha", "beta"))
    if node.attributes.get("transA"):
        a = c.add("transpose", a, order=[1, 0])
    if isinstance(b, Known) and alpha == 1.0 and not isinstance(a, Known):
        weight = b.array if node.attributes.get("transB") else b.array.T
        operands: list[Operand] = [a, Known(weight, b.names)]
        plain = isinstance(bias, Known) and bias.array.shape == weight.shape[:1] and beta == 1.0
        if bias is not None and plain:
            return [c.add("linear", *operands, bias)]
        made = c.add("linear", *operands)
    else:
        if node.attributes.get("transB"):
            b = c.add("transpose", b, order=[1, 0])
        made = c.add("matmul", a, b)
        if alpha != 1.0:
            made = c.add("mul", made, Known(np.asarray(alpha, np.float32)))
    if bias is None:
        return [made]
    if beta != 1.0:
        bias = c.add("mul", bias, Known(np.asarray(beta, np.float32)))
    return [c.add("add", made, bias)]


def _einsum(c: Conversion, node: ForeignNode, xs: Operands) -> list[Operand]:
    given = [x for x in xs if x is not None]
    if len(given) > 2:
        c.fail("multiplies more than two tensors")
    rule = str(node.attributes.get("equation", ""))
    if "->" not in rule:
        c.fail("does not say which axes its result has")
    return [
        c.add(
            "einsum",
            *given,
            rule=", ".join(p.strip() for p in rule.split(","))
            .replace(" ", "")
            .replace(",", ", ")
            .replace("->", " -> "),
        )
    ]


def _reduce(name: str) -> Convert:
    def convert(c: Conversion, node: ForeignNode, xs: Operands) -> list[Operand]:
        x, axes = xs[0], c.ints(node, xs, 1, "axes")
        assert x is not None
        keep = bool(node.attributes.get("keepdims", 1))
        if not axes:
            if node.attributes.get("noop_with_empty_axes"):
                return [x]
            axes = None
        if isinstance(x, Sizes) and name in ("prod", "sum", "max"):
            return [_of_sizes(c, name, x, keep=keep)]
        chosen = list(axes) if axes is not None else None
        return [c.add(name, x, axis=chosen, keep=keep)]

    return convert


def _of_sizes(c: Conversion, name: str, x: Sizes, *, keep: bool) -> Operand:
    total: Size = product(x.items) if name == "prod" else 0
    if name == "max":
        c.fail("computes with sizes of tensors as numbers")
    if name == "sum":
        for item in x.items:
            total = total + item
    return sized([total], scalar=not keep)


def _norm(power: int) -> Convert:
    def convert(c: Conversion, node: ForeignNode, xs: Operands) -> list[Operand]:
        assert xs[0] is not None
        parts = c.add("abs", xs[0]) if power == 1 else c.add("mul", xs[0], xs[0])
        (total,) = _reduce("sum")(c, node, [parts, *xs[1:]])
        return [total if power == 1 or node.kind == "ReduceSumSquare" else c.add("sqrt", total)]

    return convert


def _log_sum(c: Conversion, node: ForeignNode, xs: Operands) -> list[Operand]:
    (total,) = _reduce("sum")(c, node, xs)
    return [c.add("log", total)]


def _standardize(c: Conversion, node: ForeignNode, xs: Operands) -> list[Operand]:
    """Subtract the mean and divide by the standard deviation, without parameters."""
    x, axes = xs[0], c.ints(node, (), 9, "axes") or (0, 2, 3)
    assert x is not None
    centered = c.add("sub", x, c.add("mean", x, axis=list(axes), keep=True))
    square = c.add("mul", centered, centered)
    spread = c.add("sqrt", c.add("mean", square, axis=list(axes), keep=True))
    least = c.number_like(1e-9, spread)
    return [c.add("div", centered, c.add("add", spread, least))]


def _softmax(name: str) -> Convert:
    def convert(c: Conversion, node: ForeignNode, xs: Operands) -> list[Operand]:
        x = xs[0]
        assert x is not None
        axis = node.attributes.get("axis", -1 if c.opset >= 13 else 1)
        assert isinstance(axis, int)
        shape = c.type(x).shape
        axis %= len(shape)
        # Before opset 13, the axis and all after it are one.
        whole = c.opset >= 13 or all(size == 1 for size in shape[axis + 1 :])
        if whole:
            return [c.add(name, x, axis=axis if axis < len(shape) - 1 else -1)]
        merged = reshaped(c, x, (*shape[:axis], product(shape[axis:])))
        return [reshaped(c, c.add(name, merged, axis=-1), shape)]

    return convert


def _arg(name: str) -> Convert:
    def convert(c: Conversion, node: ForeignNode, xs: Operands) -> list[Operand]:
        assert xs[0] is not None
        if node.attributes.get("select_last_index"):
            c.fail("chooses the last of equal elements")
        keep = bool(node.attributes.get("keepdims", 1))
        return [c.add(name, xs[0], axis=node.attributes.get("axis", 0), keep=keep)]

    return convert


def _cumsum(c: Conversion, node: ForeignNode, xs: Operands) -> list[Operand]:
    assert xs[0] is not None
    axis = int(c.array(xs[1], "an axis").reshape(-1)[0])
    flags = {n: bool(node.attributes.get(n, 0)) for n in ("exclusive", "reverse")}
    return [c.add("cumsum", xs[0], axis=axis, **flags)]


def _batch_norm(c: Conversion, node: ForeignNode, xs: Operands) -> list[Operand]:
    x, scale, shift, mean, var = xs[:5]
    assert x is not None and scale is not None and shift is not None
    if node.attributes.get("training_mode"):
        c.fail("is in training mode", "export the model in inference mode")
    if not node.attributes.get("spatial", 1):
        c.fail("has statistics for each element of a channel")
    if not isinstance(mean, Known) or not isinstance(var, Known):
        c.fail("takes statistics that are computed at run time")
    parts = [c.tensor(x), *(c.weight(k) for k in (scale, shift))]
    parts += [c.weight(k, trained=False) for k in (mean, var)]
    eps = c.number(node, (), 9, "epsilon", 1e-5)
    return [c.graph("normalize_batch", *parts, eps=eps, momentum=0.1)]


def _layer_norm(c: Conversion, node: ForeignNode, xs: Operands) -> list[Operand]:
    x, scale = xs[0], xs[1]
    assert x is not None and scale is not None
    axis, eps = node.attributes.get("axis", -1), c.number(node, (), 9, "epsilon", 1e-5)
    sizes = tuple(int(str(n)) for n in c.type(scale).shape)
    given = xs[2] if len(xs) > 2 else None
    shift = c.tensor(Known(np.zeros(sizes, np.float32))) if given is None else c.weight(given)
    return [c.graph("normalize_layer", c.tensor(x), c.weight(scale), shift, axis=axis, eps=eps)]


def _rms_norm(c: Conversion, node: ForeignNode, xs: Operands) -> list[Operand]:
    x, scale = xs[0], xs[1]
    assert x is not None and scale is not None
    axis, eps = node.attributes.get("axis", -1), c.number(node, (), 9, "epsilon", 1e-5)
    return [c.add("normalize_rms", x, scale, axis=axis, eps=eps)]


def _instance_norm(c: Conversion, node: ForeignNode, xs: Operands) -> list[Operand]:
    x, scale, shift = xs
    assert x is not None and scale is not None and shift is not None
    eps = c.number(node, (), 9, "epsilon", 1e-5)
    return [c.add("normalize_instance", x, scale, shift, eps=eps)]


def _group_norm(c: Conversion, node: ForeignNode, xs: Operands) -> list[Operand]:
    x, scale, shift = xs
    assert x is not None and scale is not None and shift is not None
    groups, eps = node.attributes.get("num_groups"), c.number(node, (), 9, "epsilon", 1e-5)
    channels = c.type(x).shape[1]
    if c.type(scale).shape != (channels,):
        c.fail("has one scale for each group", "export it with opset 21 or newer")
    return [c.add("normalize_group", x, scale, shift, groups=groups, eps=eps)]


def _lp_normalization(c: Conversion, node: ForeignNode, xs: Operands) -> list[Operand]:
    assert xs[0] is not None
    if node.attributes.get("p", 2) != 2:
        c.fail("divides by another norm than the Euclidean one")
    return [c.add("l2_normalize", xs[0], axis=node.attributes.get("axis", -1))]


OPERATORS: Mapping[str, Convert] = {
    "MatMul": _matmul, "Gemm": _gemm, "Einsum": _einsum, "CumSum": _cumsum,
    "ReduceMean": _reduce("mean"), "ReduceSum": _reduce("sum"), "ReduceMax": _reduce("max"),
    "ReduceMin": _reduce("min"), "ReduceProd": _reduce("prod"),
    "ReduceLogSum": _log_sum, "MeanVarianceNormalization": _standardize,
    "ReduceLogSumExp": _reduce("logsumexp"),
    "ReduceL1": _norm(1), "ReduceL2": _norm(2), "ReduceSumSquare": _norm(2),
    "Softmax": _softmax("softmax"), "LogSoftmax": _softmax("log_softmax"),
    "ArgMax": _arg("argmax"), "ArgMin": _arg("argmin"), "LpNormalization": _lp_normalization,
    "BatchNormalization": _batch_norm, "LayerNormalization": _layer_norm,
    "RMSNormalization": _rms_norm, "InstanceNormalization": _instance_norm,
    "GroupNormalization": _group_norm,
}  # fmt: skip
