"""Recurrent layers, in one direction and in both."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from msgspec import Struct

from netlang.importing.calls.lifting import Lifting, positional, to_item
from netlang.importing.simplifying import attribute, whole
from netlang.importing.structure.steps import Arg
from netlang.ir.graph import Node, Value
from netlang.ir.types import DType


class DirectionPair(Struct, frozen=True, eq=False):
    """A recurrent layer, one in reverse, and the nodes that join their results."""

    nodes: tuple[Node, ...]
    results: tuple[Value, ...]


def direction_pairs(lifting: Lifting) -> Iterator[DirectionPair]:
    """Find the pairs of recurrent layers that are the two directions of one."""
    for node in lifting.nodes:
        if node.op.name != "concat" or len(node.inputs) != 2:
            continue
        ahead, back = (lifting.makers.get(v) for v in node.inputs)
        if ahead is None or back is None or not _directions(lifting, ahead, back, node):
            continue
        joined: list[Node] = [node]
        results = [node.outputs[0]]
        for pair in zip(ahead.outputs[1:], back.outputs[1:], strict=True):
            stacks = [n for n in lifting.nodes if n.op.name == "stack" and n.inputs == pair]
            alone = [v for v in pair if lifting.uses[v] > len(stacks)]
            if alone or len(stacks) > 1 or (stacks and attribute(stacks[0].op, "axis") != 0):
                break
            joined += stacks
            results.append(stacks[0].outputs[0] if stacks else pair[0])
        else:
            yield DirectionPair((ahead, back, *joined), tuple(results))


def _directions(lifting: Lifting, ahead: Node, back: Node, concat: Node) -> bool:
    """Return whether two nodes are one layer in both directions, which start from zeros."""
    name = ahead.op.name
    if name not in ("lstm_layer", "gru_layer", "rnn_layer") or back.op.name != name:
        return False
    weights = [n.inputs[1:5] for n in (ahead, back)]
    plain = all(lifting.uses[n.outputs[0]] == 1 for n in (ahead, back))
    lengths = ahead.inputs[5:]
    plain = plain and lengths == back.inputs[5:] and all(v.type.dtype is DType.I64 for v in lengths)
    axis = whole(concat.op, "axis") % 3
    same = ahead.inputs[0] is back.inputs[0]
    if name == "rnn_layer":
        same = same and len({attribute(n.op, "activation") for n in (ahead, back)}) == 1
    flags = [attribute(n.op, "reverse") for n in (ahead, back)]
    owned = lifting.owned(*weights[0], *weights[1])
    owned = owned and all(lifting.uses[v] == 1 for v in (*weights[0], *weights[1]))
    return plain and same and owned and axis == 2 and flags == [False, True]


def bidirectional(lifting: Lifting, pair: DirectionPair) -> None:
    ahead, back = pair.nodes[:2]
    weights = (*ahead.inputs[1:5], *back.inputs[1:5])
    callee = ahead.op.name.removesuffix("_layer")
    args = [
        positional("x", ahead.inputs[0]),
        positional("units", ahead.inputs[2].type.shape[1]),
        *(
            [Arg("activation", to_item(attribute(ahead.op, "activation")), '"tanh"')]
            if callee == "rnn"
            else []
        ),
        Arg("bidirectional", True, False),
        *(Arg("length", v) for v in ahead.inputs[5:]),
    ]
    lifting.put(ahead, callee, *args, weights=weights)
    lifting.steps[-1].results = pair.results


def recurrent_layer(callee: str) -> Callable[[Lifting, Node], bool]:
    """Write a recurrent layer that owns its weights as a layer of the prelude."""

    def layer(lifting: Lifting, node: Node) -> bool:
        x, *weights = node.inputs[:5]
        if attribute(node.op, "reverse") or not lifting.owned(*weights):
            return False
        rest = list(node.inputs[5:])
        lengths = [v for v in rest if v.type.dtype is DType.I64]
        states = [v for v in rest if v not in lengths]
        args = [positional("x", x), positional("units", weights[1].type.shape[1])]
        if callee == "rnn":
            args.append(Arg("activation", to_item(attribute(node.op, "activation")), '"tanh"'))
        args += [Arg(n, v) for n, v in zip(("h0", "c0"), states, strict=False)]
        args += [Arg("length", v) for v in lengths]
        lifting.put(node, callee, *args, weights=weights)
        return True

    return layer
