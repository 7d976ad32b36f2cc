"""Data layouts: redundant transposes are removed, and recurrent weights reordered in advance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import onnx
from onnx import helper

from netlang.backends.onnx.protos import reads, rename
from netlang.system.numpy import Array, np

Order = tuple[int, ...]
_RECURRENT = {"RNN", "GRU", "LSTM"}


def _concat(*arrays: Array, axis: int) -> Array:
    return np.concatenate(arrays, axis=axis)


def _gather(array: Array, indices: Array, axis: int) -> Array:
    return np.take(array, indices, axis=axis)


def _reshape(array: Array, shape: Array) -> Array:
    return array.reshape(shape.tolist())


def _unsqueeze(array: Array, axes: Array) -> Array:
    return np.expand_dims(array, tuple(axes.tolist()))


_FOLDABLE: Mapping[str, Callable[..., Array]] = {
    "Concat": _concat,
    "Gather": _gather,
    "Reshape": _reshape,
    "Unsqueeze": _unsqueeze,
}


def eliminate_transposes(
    nodes: Sequence[onnx.NodeProto], results: Iterable[str]
) -> list[onnx.NodeProto]:
    """Share equal transposes, cancel inverse ones, and move them behind concatenations.

    Nodes without readers remain; dead-code elimination removes them.
    """
    uses = Counter(results)
    for node in nodes:
        uses.update(reads(node))
    transposes = _Transposes(uses)
    for node in nodes:
        transposes.take(node)
    return transposes.nodes


@dataclass
class _Transposes:
    """Nodes with fewer transposes. A result keeps its name and the node that computes it."""

    uses: Counter[str]
    nodes: list[onnx.NodeProto] = field(default_factory=list[onnx.NodeProto])
    _makers: dict[str, onnx.NodeProto] = field(default_factory=dict[str, onnx.NodeProto])
    _made: dict[tuple[str, Order], str] = field(default_factory=dict[tuple[str, Order], str])
    _same: dict[str, str] = field(default_factory=dict[str, str])

    def take(self, node: onnx.NodeProto) -> None:
        made = list(node.output)
        rename([node], self._same)
        del node.output[:]
        node.output.extend(made)
        match node.op_type:
            case "Transpose":
                self._transpose(node)
            case "Concat" if (order := self._common_order(node.input)) is not None:
                self._concatenate(node, order)
            case _:
                self.nodes.append(node)

    def _transpose(self, node: onnx.NodeProto) -> None:
        (source,), (made,), order = node.input, node.output, _order(node)
        before = self._makers.get(source)
        if before is not None and [_order(before)[axis] for axis in order] == sorted(order):
            self._same[made] = before.input[0]
        elif (source, order) in self._made:
            self._same[made] = self._made[source, order]
        self._made.setdefault((source, order), made)
        self._makers[made] = node
        self.nodes.append(node)

    def _common_order(self, parts: Sequence[str]) -> Order | None:
        """Return the permutation that produced every part, if this node is their only reader."""
        makers = [self._makers[part] for part in parts if part in self._makers]
        orders = {_order(maker) for maker in makers}
        alone = all(self.uses[part] == 1 for part in parts)
        return orders.pop() if alone and len(makers) == len(parts) and len(orders) == 1 else None

    def _concatenate(self, node: onnx.NodeProto, order: Order) -> None:
        axis: int = _settings(node)["axis"]
        concatenated = f"{node.name}/joined"
        sources = [self._makers[part].input[0] for part in node.input]
        self.nodes.append(
            helper.make_node(
                "Concat", sources, [concatenated], name=concatenated, doc_string=node.doc_string,
                axis=order[axis],
            )
        )  # fmt: skip
        self._transpose(
            helper.make_node(
                "Transpose", [concatenated], list(node.output), name=node.name,
                doc_string=node.doc_string, perm=list(order),
            )
        )  # fmt: skip


def _order(node: onnx.NodeProto) -> Order:
    return tuple(_settings(node)["perm"])


@dataclass
class PackedWeights:
    """Weights of recurrent nodes, computed in advance in the layout that these nodes expect.

    ``known`` returns a weight or constant by name, or ``None``. ``arrays`` are the new weights,
    named after the node and its operand: ``rnn.0/LSTM/W``. Equal ones are stored once.
    """

    nodes: Sequence[onnx.NodeProto]
    known: Callable[[str], Array | None]
    arrays: dict[str, Array] = field(default_factory=dict[str, Array])
    _makers: dict[str, onnx.NodeProto] = field(default_factory=dict[str, onnx.NodeProto])
    _names: dict[object, str] = field(default_factory=dict[object, str])

    def __post_init__(self) -> None:
        self._makers = {n.output[0]: n for n in self.nodes if n.op_type in _FOLDABLE}
        for node in self.nodes:
            if node.op_type in _RECURRENT:
                self._pack(node)

    def _pack(self, node: onnx.NodeProto) -> None:
        """Make a recurrent node read its weights directly."""
        for position, operand in enumerate("WRB", 1):
            read = node.input[position] if position < len(node.input) else ""
            array = self._value(read) if read in self._makers else None
            if array is not None:
                name = self._names.setdefault(self._key(read), f"{node.name}/{operand}")
                self.arrays.setdefault(name, array)
                node.input[position] = name

    def _value(self, name: str) -> Array | None:
        """Return the array of a name; ``None`` if it is not known before the model runs."""
        node = self._makers.get(name)
        if node is None:
            return self.known(name)
        operands = [self._value(read) for read in node.input]
        if any(operand is None for operand in operands):
            return None
        return _FOLDABLE[node.op_type](*operands, **_settings(node))

    def _key(self, name: str) -> object:
        """Return a key that is equal for values computed in the same way."""
        node = self._makers.get(name)
        if node is None:
            return name
        settings = tuple(sorted(_settings(node).items()))
        return (node.op_type, settings, *(self._key(read) for read in node.input))


def _settings(node: onnx.NodeProto) -> dict[str, Any]:
    return {a.name: helper.get_attribute_value(a) for a in node.attribute}
