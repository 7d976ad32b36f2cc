"""Recurrent layers, whose weights have another layout and another order of gates."""

from __future__ import annotations

from collections.abc import Mapping

from netlang.backends.onnx.foreign import ForeignNode
from netlang.importing.conversion import Conversion, Convert
from netlang.importing.operands import Known, Operand, Operands
from netlang.ir.graph import Value
from netlang.ir.types import I64
from netlang.system.numpy import Array, np

_GATES = {"RNN": (0,), "GRU": (1, 0, 2), "LSTM": (0, 2, 3, 1)}
"""The index in ONNX's order of each gate in ours."""

_NAMES = {"RNN": "rnn_layer", "GRU": "gru_layer", "LSTM": "lstm_layer"}
_ACTIVATIONS = {
    "RNN": (["Tanh"], ["Relu"]),
    "GRU": (["Sigmoid", "Tanh"],),
    "LSTM": (["Sigmoid", "Tanh", "Tanh"],),
}


def _recurrent(c: Conversion, node: ForeignNode, xs: Operands) -> list[Operand]:
    x, w, r, bias, length, *states = (*xs, *[None] * (8 - len(xs)))
    assert x is not None
    settings = _settings(c, node)
    weights = [c.array(k, "weights") for k in (w, r)]
    if len(states) > 2 and states[2] is not None and c.array(states[2], "peepholes").any():
        c.fail("has peepholes")
    if node.attributes.get("layout"):
        c.fail("has the batch as the first axis", "export it with layout 0")
    sequence = c.add("transpose", x, order=[1, 0, 2])
    directions = weights[0].shape[0]
    ys: list[Operand] = []
    ends: list[list[Operand]] = []
    for at in range(directions):
        operands = [sequence, *_weights(c, node.kind, (w, r, bias), at)]
        operands += _starts(c, states[: 2 if node.kind == "LSTM" else 1], at)
        if length is not None:
            operands.append(_length(c, length))
        y, *end = c.add_many(
            _NAMES[node.kind], *operands, **settings,
            reverse=_backward(node, at),
        )  # fmt: skip
        ys.append(y)
        ends.append(end)
    joined = ys[0] if directions == 1 else c.add("concat", *ys, axis=-1)
    return [_laid(c, joined, directions), *_stacked(c, ends)]


def _laid(c: Conversion, y: Operand, directions: int) -> Operand:
    """Return the output ``[N, T, D * U]`` as ONNX has it: ``[T, D, N, U]``."""
    n, t, width = c.type(y).shape
    if directions == 1:
        return c.add("unsqueeze", c.add("transpose", y, order=[1, 0, 2]), axis=1)
    parts = c.add("reshape", y, shape=[n, t, directions, width // directions])
    return c.add("transpose", parts, order=[1, 2, 0, 3])


def _stacked(c: Conversion, ends: list[list[Operand]]) -> list[Operand]:
    """Return the final states ``[D, N, U]``."""
    if len(ends) == 1:
        return [c.add("unsqueeze", state, axis=0) for state in ends[0]]
    return [c.add("stack", *states, axis=0) for states in zip(*ends, strict=True)]


def _backward(node: ForeignNode, at: int) -> bool:
    return node.attributes.get("direction", "forward") == "reverse" or at == 1


def _settings(c: Conversion, node: ForeignNode) -> dict[str, object]:
    given = node.attributes.get("activations")
    known = _ACTIVATIONS[node.kind]
    one = list(known[0]) if not isinstance(given, list) else [str(a).capitalize() for a in given]
    one = one[: len(known[0])]
    if one not in known or node.attributes.get("clip") or node.attributes.get("input_forget"):
        c.fail("has other activations than usual, or clips them")
    if node.kind == "GRU" and not node.attributes.get("linear_before_reset"):
        c.fail("resets the state before its product", "export it with linear_before_reset=1")
    return {"activation": one[0].lower()} if node.kind == "RNN" else {}


def _weights(c: Conversion, kind: str, given: tuple[Operand | None, ...], at: int) -> list[Operand]:
    """Return the weights and biases of one direction with our order of gates."""
    w, r, bias = given
    arrays = [c.array(k, "weights")[at] for k in (w, r)]
    rows = arrays[0].shape[0]
    both = np.zeros(2 * rows, np.float32) if bias is None else c.array(bias, "biases")[at]
    made: list[Operand] = []
    sources = (w, r, bias, bias)
    found = enumerate(zip((*arrays, both[:rows], both[rows:]), sources, strict=True))
    for part, (array, source) in found:
        gates = _reordered(array, _GATES[kind])
        known = isinstance(source, Known)
        made.append(c.part(source, gates, (at, part)) if known else Known(gates))
    return made


def _reordered(array: Array, order: tuple[int, ...]) -> Array:
    gates = array.reshape(len(order), -1, *array.shape[1:])
    return gates[list(order)].reshape(array.shape)


def _starts(c: Conversion, states: list[Operand | None], at: int) -> list[Operand]:
    """Return the initial states of one direction; none if all are zeros."""
    given = [s for s in states if s is not None]
    if not given or all(_is_zero(c, s) for s in given):
        return []
    if len(given) < len(states):
        c.fail("has one initial state of two")
    return [c.add("index", s, items=[at]) for s in given]


def _is_zero(c: Conversion, state: Operand) -> bool:
    match state:
        case Known(array):
            return not array.any()
        case Value():
            maker = c.maker(state)
            while maker is not None and maker.inputs and maker.op.name in (
                "index", "expand", "reshape", "unsqueeze", "squeeze",
            ):  # fmt: skip
                maker = c.maker(maker.inputs[0])
            name = maker.op.name if maker is not None else _full(c, state)
            return name == "full" and getattr(maker and maker.op, "value", 0.0) == 0.0
        case _:
            return False


def _full(c: Conversion, state: Value) -> str:
    node = next((n for n in c.builder.nodes if state in n.outputs), None)
    zero = node is not None and node.op.name == "full" and getattr(node.op, "value", 1.0) == 0.0
    return "full" if zero else ""


def _length(c: Conversion, length: Operand) -> Operand:
    """Return lengths in the language's type of integers, which ONNX narrows to 32 bits."""
    maker = c.maker(length)
    if maker is not None and maker.op.name == "cast" and maker.inputs[0].type.dtype is I64:
        return maker.inputs[0]
    return c.add("cast", length, to=I64) if c.type(length).dtype is not I64 else length


OPERATORS: Mapping[str, Convert] = {"RNN": _recurrent, "GRU": _recurrent, "LSTM": _recurrent}
