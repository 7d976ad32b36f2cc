"""Operators as calls of the prelude: operands, then attributes by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from netlang.importing.calls.lifting import (
    INFIX,
    NUMERIC,
    Lifting,
    compact,
    pads,
    positional,
    to_item,
)
from netlang.importing.operands import decimal
from netlang.importing.simplifying import attribute
from netlang.importing.structure.printing import number
from netlang.importing.structure.steps import Arg, Item, Step
from netlang.ir.dims import Dim, Size
from netlang.ir.graph import Node, Value
from netlang.ir.op import OPS
from netlang.ir.types import DType, TensorType

_NAMES = {"prelu": "_prelu"}
_FIXED = ("axis", "order", "items", "rule", "to", "dtype", "start", "end", "amounts", "index")
"""Arguments that belong to what a call does: calls that differ in them are not alike."""


# ---- operators ---------------------------------------------------------------------------


def plain_call(lifting: Lifting, node: Node) -> None:
    """Write an operator as the prelude has it: operands, then attributes by name."""
    name = node.op.name
    literal = lifting.literal
    if name in INFIX:
        sides: list[Item] = [literal(v) for v in node.inputs]
        if not any(isinstance(each, Value) for each in sides):
            sides = [*node.inputs]  # two sizes as numbers are tensors, not a size
        a, b = (positional(n, each) for n, each in zip("ab", sides, strict=True))
        lifting.put(node, INFIX[name], a, b, form="infix")
        return
    if name in ("neg", "logical_not"):
        sign = "-" if name == "neg" else "not"
        lifting.put(node, sign, positional("x", node.inputs[0]), form="prefix")
        return
    special = _SPECIAL.get(name)
    if special is not None:
        special(lifting, node)
        return
    operands: list[Arg] = []
    for at, value in enumerate(node.inputs):
        item = literal(value) if name in NUMERIC else value
        operands.append(positional(f"x{at}", item))
    lifting.put(node, _NAMES.get(name, name), *operands, *_attributes(node))


_POSITIONAL = (
    "kernel", "shape", "out", "low", "high", "to", "repeats", "order", "factor", "slope", "alpha",
    "beta", "amounts", "by", "index", "k", "parts", "size", "n", "classes", "value", "scale",
    "rate",
)  # fmt: skip
_DEFAULTS: Mapping[str, Mapping[str, Item]] = {
    "avg_pool": {"pad": 0, "dilation": 1, "count_pad": True, "ceil": False},
    "max_pool": {"pad": 0, "dilation": 1, "ceil": False},
    "lp_pool": {"pad": 0, "dilation": 1, "ceil": False, "p": 2},
    "full": {"dtype": "f32"},
    "normalize_batch": {"eps": "required", "momentum": "required"},
    "normalize_layer": {"eps": "required"},
    "normalize_rms": {"eps": "required"},
    "normalize_group": {"eps": "required"},
    "normalize_instance": {"eps": "required"},
}


def _attributes(node: Node) -> list[Arg]:
    op = node.op
    fields = op.__struct_fields__
    kind = op.name
    windows = kind.endswith("_pool") or kind in ("unfold", "fold", "resize", "upsample")
    given = OPS[kind].__struct_defaults__
    usual = dict(zip(fields[len(fields) - len(given) :], given, strict=True))
    made: list[Arg] = []
    for name in sorted(fields, key=lambda n: n not in _POSITIONAL):
        value = attribute(op, name)
        if name == "dilation" and not value:
            value = 1
        if name == "pad":
            made.append(Arg(name, pads(value), 0))
            continue
        item = compact(value) if windows or name in ("axis", "out") else to_item(value)
        default: Item = to_item(usual[name]) if name in usual else "required"
        default = _DEFAULTS.get(kind, {}).get(name, default)
        if default == -1 and item == node.outputs[0].type.rank - 1:
            item = -1  # the last axis, which is the default
        if name == "stride" and windows:
            default = compact(attribute(op, "kernel")) if kind.endswith("_pool") else 1
        position = name in _POSITIONAL and kind != "local_response_norm"
        if kind in ("lp_pool", "pad") and name in ("p", "value"):
            position = False
        made.append(Arg(name, item, default, position, fixed=name in _FIXED))
    return made


def _concat(lifting: Lifting, node: Node) -> None:
    parts = Arg("xs", tuple(node.inputs), positional=True)
    axis = Arg("axis", to_item(attribute(node.op, "axis")), fixed=True)
    lifting.put(node, node.op.name, parts, axis)


def _split(lifting: Lifting, node: Node) -> None:
    parts: Item = to_item(attribute(node.op, "parts"))
    assert isinstance(parts, tuple)
    if all(part == parts[0] for part in parts):
        parts = len(parts)
    axis = Arg("axis", to_item(attribute(node.op, "axis")), fixed=True)
    lifting.put(node, "split", positional("x", node.inputs[0]), positional("parts", parts), axis)


def _reshape(lifting: Lifting, node: Node) -> None:
    """Write a size that is free as -1 where it is the only one."""
    shape = list(node.outputs[0].type.shape)
    free = [at for at, size in enumerate(shape) if isinstance(size, Dim)]
    if len(free) == 1:
        shape[free[0]] = -1
    lifting.put(
        node, "reshape", positional("x", node.inputs[0]), positional("shape", to_item(tuple(shape)))
    )


def _expand(lifting: Lifting, node: Node) -> None:
    (x,) = node.inputs
    shape = [
        -1 if n == have else n
        for n, have in zip(node.outputs[0].type.shape, x.type.shape, strict=True)
    ]
    lifting.put(node, "expand", positional("x", x), positional("shape", to_item(tuple(shape))))


def _index(lifting: Lifting, node: Node) -> None:
    items = to_item(attribute(node.op, "items"))
    args = [positional("x", node.inputs[0]), positional("items", items, fixed=True)]
    lifting.put(node, "[]", *args, form="index")


def _squeeze(lifting: Lifting, node: Node) -> None:
    x, axis = node.inputs[0], compact(attribute(node.op, "axis"))
    lifting.put(node, "squeeze", positional("x", x), positional("axis", axis, fixed=True))


def _unsqueeze(lifting: Lifting, node: Node) -> None:
    x, axis = node.inputs[0], to_item(attribute(node.op, "axis"))
    lifting.put(node, "unsqueeze", positional("x", x), positional("axis", axis, fixed=True))


def _mean(lifting: Lifting, node: Node) -> None:
    axis, keep = compact(attribute(node.op, "axis")), bool(attribute(node.op, "keep"))
    args = [Arg("axis", axis, None, fixed=True), Arg("keep", keep, False)]
    lifting.put(node, node.op.name, positional("x", node.inputs[0]), *args)


def _einsum(lifting: Lifting, node: Node) -> None:
    rule = positional("rule", to_item(attribute(node.op, "rule")), fixed=True)
    operands = [positional(f"x{at}", v) for at, v in enumerate(node.inputs)]
    lifting.put(node, "einsum", rule, *operands)


def _one_hot(lifting: Lifting, node: Node) -> None:
    classes = positional("classes", to_item(attribute(node.op, "classes")))
    lifting.put(node, "one_hot", positional("ids", node.inputs[0]), classes)


def _constant(lifting: Lifting, node: Node) -> None:
    """Write a number that a call takes as a tensor, or a tensor of several."""
    given = attribute(node.op, "value")
    if isinstance(given, tuple):
        text = _written(cast("tuple[object, ...]", given))
        lifting.put(node, "tensor", positional("values", text, fixed=True))
        return
    value, dtype = to_item(given), attribute(node.op, "dtype")
    args = [positional("shape", ()), positional("value", value), Arg("dtype", str(dtype), "f32")]
    lifting.put(node, "full", *args)


def _written(rows: tuple[object, ...]) -> str:
    """Return numbers in nested lists as the language has them."""
    parts = (
        _written(cast("tuple[object, ...]", row)) if isinstance(row, tuple) else _number(row)
        for row in rows
    )
    return f"[{', '.join(parts)}]"


def _number(value: object) -> str:
    assert isinstance(value, float)
    return number(decimal(value))


def _measure(lifting: Lifting, node: Node) -> None:
    """Write a size as a tensor: the sum of as many ones."""
    size, dtype = attribute(node.op, "size"), node.outputs[0].type.dtype
    ones = Value("ones", TensorType(dtype, (cast("Size", size),)))
    args = [positional("shape", (to_item(size),)), positional("value", 1.0)]
    made = (*args, Arg("dtype", str(dtype), "f32"))
    lifting.steps.append(Step("full", made, (ones,)))
    lifting.put(node, "sum", positional("x", ones))


def _recurrent(lifting: Lifting, node: Node) -> None:
    names = ("x", "weight_ih", "weight_hh", "bias_ih", "bias_hh")
    args = [positional(n, v) for n, v in zip(names, node.inputs, strict=False)]
    rest = list(node.inputs[5:])
    lengths = [v for v in rest if v.type.dtype is DType.I64]
    states = [v for v in rest if v not in lengths]
    args += [Arg(n, v) for n, v in zip(("h0", "c0"), states, strict=False)]
    args += [Arg("length", v) for v in lengths]
    if node.op.name == "rnn_layer":
        args.append(Arg("activation", to_item(attribute(node.op, "activation")), '"tanh"'))
    args.append(Arg("reverse", bool(attribute(node.op, "reverse")), False))
    lifting.put(node, node.op.name, *args)


_SPECIAL: Mapping[str, Callable[[Lifting, Node], None]] = {
    "concat": _concat, "stack": _concat, "split": _split, "reshape": _reshape,
    "expand": _expand, "index": _index, "squeeze": _squeeze, "unsqueeze": _unsqueeze,
    "constant": _constant, "mean": _mean, "sum": _mean, "max": _mean, "min": _mean,
    "prod": _mean, "logsumexp": _mean,
    "einsum": _einsum, "one_hot": _one_hot, "measure": _measure, "lstm_layer": _recurrent,
    "gru_layer": _recurrent, "rnn_layer": _recurrent,
}  # fmt: skip
