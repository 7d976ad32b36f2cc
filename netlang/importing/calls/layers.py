"""Operators with parameters of their own as layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from netlang.importing.calls.lifting import (
    INFIX,
    NUMERIC,
    Lifting,
    compact,
    pads,
    positional,
    to_item,
)
from netlang.importing.calls.operators import plain_call
from netlang.importing.calls.recurrence import (
    DirectionPair,
    bidirectional,
    direction_pairs,
    recurrent_layer,
)
from netlang.importing.calls.scans import scan_step
from netlang.importing.convert import Converted
from netlang.importing.simplifying import attribute, whole
from netlang.importing.structure.steps import Arg, Item, Step
from netlang.ir.graph import Node, Value


def lift(converted: Converted) -> list[Step]:
    """Return the calls of a graph in the order of its nodes."""
    lifting = Lifting(converted)
    pairs = {id(n): pair for pair in direction_pairs(lifting) for n in pair.nodes}
    inner = {id(n) for body in lifting.bodies.values() for n in body.nodes}
    _lift(lifting, [n for n in lifting.nodes if id(n) not in inner], pairs)
    for value in lifting.graph.outputs.values():
        lifting.state(value)
    return lifting.steps


def _lift(lifting: Lifting, nodes: Sequence[Node], pairs: Mapping[int, DirectionPair]) -> None:
    """Make the steps of nodes, in their order."""
    for node in nodes:
        body = lifting.bodies.get(id(node))
        if body is not None:
            within = {id(n) for n in body.nodes if id(n) in lifting.bodies}
            deeper = {id(n) for key in within for n in lifting.bodies[key].nodes}
            outer, lifting.steps = lifting.steps, []
            _lift(lifting, [n for n in body.nodes if id(n) not in deeper], pairs)
            outer.append(scan_step(node, body, lifting.steps))
            lifting.steps = outer
            continue
        if (pair := pairs.get(id(node))) is not None:
            if node is pair.nodes[0]:
                bidirectional(lifting, pair)
            continue
        if node.op.name in ("constant", "measure") and not needed(lifting, node):
            continue
        if node.op.name == "full" and not reads_full(lifting, node):
            continue
        layer = LAYERS.get(node.op.name)
        if layer is None or not layer(lifting, node):
            plain_call(lifting, node)


def needed(lifting: Lifting, node: Node) -> bool:
    """Return whether a constant must be a tensor: it is an output or the operand of a call."""
    (value,) = node.outputs
    if value in lifting.ends or value.type.rank:
        return True
    readers = lifting.readers.get(value, ())
    literal = ("constant", "measure")
    return any(
        other.op.name not in (*INFIX, *NUMERIC)
        or all(v in lifting.makers and lifting.makers[v].op.name in literal for v in other.inputs)
        for other in readers
    )


def reads_full(lifting: Lifting, node: Node) -> bool:
    """Return whether something besides the shift of a normalization reads a constant tensor."""
    (value,) = node.outputs
    if value in lifting.ends:
        return True
    for other in lifting.readers.get(value, ()):
        plain = other.op.name == "normalize_layer" and other.inputs[2] is value
        if plain and lifting.owned(other.inputs[1]):
            continue
        if other.op.name != "normalize_batch" or not lifting.owned(*other.inputs[3:]):
            return True
    return False


# ---- layers ------------------------------------------------------------------------------


def _dense(lifting: Lifting, node: Node) -> bool:
    x, *weights = node.inputs
    if not lifting.owned(*weights):
        return False
    args = [
        positional("x", x),
        positional("out", weights[0].type.shape[0]),
        Arg("bias", len(weights) == 2, True),
    ]
    lifting.put(node, "dense", *args, weights=weights)
    return True


def _conv(lifting: Lifting, node: Node) -> bool:
    x, *weights = node.inputs
    if not lifting.owned(*weights):
        return False
    op, shape = node.op, weights[0].type.shape
    read: Callable[[str], Item] = lambda name: compact(attribute(op, name))  # noqa: E731
    groups = read("groups")
    transposed = op.name == "convolve_transpose"
    assert isinstance(groups, int)
    out = shape[1] * groups if transposed else shape[0]
    args = [
        positional("x", x),
        positional("out", out),
        positional("kernel", compact(shape[2:])),
        Arg("stride", read("stride"), 1),
        Arg("pad", pads(attribute(op, "pad")), 0),
        *([Arg("out_pad", read("out_pad"), 0)] if transposed else []),
        Arg("dilation", read("dilation"), 1),
        Arg("groups", groups, 1),
        Arg("bias", len(weights) == 2, True),
    ]
    lifting.put(node, "conv_transpose" if transposed else "conv", *args, weights=weights)
    return True


def _eps(node: Node, default: float) -> Arg:
    eps = attribute(node.op, "eps")
    assert isinstance(eps, float)
    # Five digits: 1e-5 is stored as one of several neighbors in f32.
    return Arg("eps", float(f"{eps:.5g}"), default, fixed=True)


def _batch_norm(lifting: Lifting, node: Node) -> bool:
    x, gain, start, *statistics = node.inputs
    # Without a scale or a shift, these are constants.
    plain, still = filled_with(lifting, gain, 1.0), filled_with(lifting, start, 0.0)
    weights = [*([] if plain else [gain]), *([] if still else [start]), *statistics]
    if not lifting.owned(*weights):
        return False
    momentum = attribute(node.op, "momentum")
    assert isinstance(momentum, float)
    args = [
        positional("x", x), Arg("scale", not plain, True), Arg("shift", not still, True),
        _eps(node, 1e-5), Arg("momentum", momentum, 0.1, fixed=True),
    ]  # fmt: skip
    lifting.put(node, "batch_norm", *args, weights=weights)
    return True


def _norm(callee: str, *more: str, default: float = 1e-5) -> Callable[[Lifting, Node], bool]:
    def layer(lifting: Lifting, node: Node) -> bool:
        x, *weights = node.inputs
        kept = [w for w in weights if w in lifting.params]
        if not lifting.owned(*kept) or not kept or kept != weights[: len(kept)]:
            return False
        if len(kept) < len(weights) and node.op.name != "normalize_layer":
            return False
        if any(not zero(lifting, w) for w in weights[len(kept) :]):
            return False
        args = [positional("x", x)]
        args += [positional(n, to_item(attribute(node.op, n))) for n in more if n == "groups"]
        if "axis" in more:
            axis = whole(node.op, "axis")
            last = axis if axis < 0 else axis - x.type.rank
            args.append(Arg("axis", last, -1, fixed=True))
            args.append(Arg("shift", len(kept) == len(weights), True))
        if callee == "instance_norm":
            args += [Arg("scale", True, False), Arg("shift", True, False)]
        if callee == "rms_norm":
            args.pop()
        lifting.put(node, callee, *args, _eps(node, default), weights=kept)
        return True

    return layer


def zero(lifting: Lifting, value: Value) -> bool:
    return filled_with(lifting, value, 0.0)


def filled_with(lifting: Lifting, value: Value, number: float) -> bool:
    """Return whether all elements of a value are a number that the program states."""
    node = lifting.makers.get(value)
    return node is not None and node.op.name == "full" and attribute(node.op, "value") == number


def _embedding(lifting: Lifting, node: Node) -> bool:
    table, ids = node.inputs
    if not lifting.owned(table):
        return False
    rows, width = table.type.shape
    args = [positional("ids", ids), positional("vocab", rows), positional("dim", width)]
    lifting.put(node, "embedding", *args, weights=[table])
    return True


def _prelu(lifting: Lifting, node: Node) -> bool:
    x, slope = node.inputs
    if not lifting.owned(slope):
        return False
    args = [positional("x", x), Arg("slopes", slope.type.shape[0], 1, positional=True)]
    lifting.put(node, "prelu", *args, weights=[slope])
    return True


LAYERS: Mapping[str, Callable[[Lifting, Node], bool]] = {
    "linear": _dense,
    "convolve": _conv,
    "convolve_transpose": _conv,
    "normalize_batch": _batch_norm,
    "normalize_layer": _norm("layer_norm", "axis"),
    "normalize_group": _norm("group_norm", "groups"),
    "normalize_instance": _norm("instance_norm"),
    "normalize_rms": _norm("rms_norm", "axis", default=1e-6),
    "gather_rows": _embedding,
    "prelu": _prelu,
    "lstm_layer": recurrent_layer("lstm"),
    "gru_layer": recurrent_layer("gru"),
    "rnn_layer": recurrent_layer("rnn"),
}
"""Operators whose parameters make them a layer."""
