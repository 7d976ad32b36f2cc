"""Metrics of a dataset from those of its batches: sums, and what is computed from them.

The mean over a dataset is not the mean of the means over its batches, unless these are equally
large. What can be added up are sums: of the terms of a mean and of their weights. Here the scalar
that a program computes from one batch is divided into such accumulators and the nodes that follow
them, such as a quotient, a root or an exponential, which are computed once, from the totals.
A metric that compares examples, such as a ranking by score, is computed from stored examples.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum, auto
from typing import Literal

from msgspec import Struct

from netlang.ir.backward_slice import producers
from netlang.ir.dims import Size, bind, is_symbol, product, symbol, symbols
from netlang.ir.graph import Graph, Node, Value
from netlang.ir.types import TensorType
from netlang.ops.reducing.einsum import Einsum
from netlang.ops.reducing.linear import Matmul
from netlang.ops.reducing.reduction import Mean, Sum
from netlang.ops.reducing.subscripts import Subscripts
from netlang.ops.shaping.creation import Measure

BATCH = "N"
"""The symbol of the number of examples in a batch."""

RESULT = "value"
"""The output of ``finish``."""

_MOST_ELEMENTS = 1 << 20
"""The largest tensor that is an accumulator, such as a confusion matrix of 1,000 classes."""

Kind = Literal["sum", "mean", "size", "examples"]


class Accumulator(Struct, frozen=True, eq=False):
    """A value that a batch contributes to metrics, and how those of several batches combine.

    The total of a ``sum`` is the sum. That of a ``mean`` is the mean, each weighted by ``count``,
    the number of elements it is of. A ``size`` is computed from the number of all examples:
    ``count`` is the formula. Tensors of ``examples`` are concatenated along the axis of examples.
    """

    value: Value
    kind: Kind
    count: Size = 1


class Decomposition(Struct, frozen=True, eq=False):
    """A scalar of a batch, computed from accumulators by ``nodes``.

    There are no nodes where the scalar is an accumulator itself. ``obstacles`` are the nodes
    because of which its value depends on how examples are batched; then it is the accumulator, a
    mean over examples.
    """

    value: Value
    accumulators: tuple[Accumulator, ...]
    nodes: tuple[Node, ...] = ()
    obstacles: tuple[Node, ...] = ()

    @property
    def finish(self) -> Graph:
        """The function of the totals that is the value over all batches; it is the only output."""
        inputs = tuple(accumulator.value for accumulator in self.accumulators)
        return Graph("finish", inputs, {}, self.nodes, {RESULT: self.value})

    @property
    def storable(self) -> bool:
        """Whether the examples that it is computed from can be stored one after the other."""
        stored = (each.value for each in self.accumulators if each.kind == "examples")
        return all(map(_after_all, self.nodes)) and all(
            per_example(value) is not None for value in stored
        )


class _Source(Enum):
    """What a value is computed from."""

    CONSTANT = auto()
    """Numbers in the program."""
    RUN = auto()
    """Parameters, random numbers, gradients: the same for all examples of a batch."""
    EXAMPLES = auto()
    """A tensor with an axis of examples."""
    SIZE = auto()
    """The number of examples."""
    TOTAL = auto()
    """A sum or a mean over the batch."""
    COMPUTED = auto()
    """Such totals."""
    OBSTACLE = auto()
    """Examples, by anything else."""


_OF_THE_BATCH = (_Source.SIZE, _Source.TOTAL, _Source.COMPUTED, _Source.OBSTACLE)


class Accumulators:
    """Decomposes the scalars that some nodes compute from a batch.

    ``columns`` are those of the batch: their shapes tell the sizes of which elements are counted.
    """

    def __init__(self, nodes: Sequence[Node], columns: Iterable[Value]) -> None:
        self._nodes, self._made_by = nodes, producers(nodes)
        self._sizes = {is_symbol(size) for v in columns for size in v.type.shape}
        self._sources: dict[Value, _Source] = {}
        self._mixed: dict[Value, tuple[Node, ...]] = {}
        """Where a value of examples, or of the batch, came to depend on the rest of its batch."""
        for node in nodes:
            self._classify(node)

    def decompose(self, value: Value, *, store: bool = False) -> Decomposition:
        """Return a scalar as accumulators and what is computed from them.

        With ``store``, what compares examples of a batch is computed from all examples, if they can
        be stored.
        """
        obstacles = self._mixed.get(value, ())
        if obstacles and store and (found := self._computed(value)).storable:
            return found
        if obstacles or self._source(value) is not _Source.COMPUTED:
            whole = Accumulator(value, "mean", symbol(BATCH))
            only = whole if obstacles else self._accumulator(value)
            return Decomposition(value, (only,), (), obstacles)
        return self._computed(value)

    def _computed(self, value: Value) -> Decomposition:
        """Return the nodes that compute a scalar from accumulators."""
        open, nodes = {value}, list[Node]()
        found: dict[Value, Accumulator] = {}
        for node in reversed(self._nodes):
            wanted = [v for v in node.outputs if v in open]
            if not wanted:
                continue
            open.difference_update(wanted)
            if self._follows(node, wanted[0]):
                nodes.append(node)
                open.update(node.inputs)
            else:
                found |= {v: self._accumulator(v) for v in wanted}
        # What no node computes, such as a parameter.
        found |= {v: self._accumulator(v) for v in sorted(open, key=lambda v: v.name)}
        return Decomposition(value, tuple(found.values())[::-1], tuple(nodes[::-1]))

    def _follows(self, node: Node, value: Value) -> bool:
        """Return whether a value is computed once, after all batches."""
        if value in self._mixed or self._source(value) in (_Source.COMPUTED, _Source.CONSTANT):
            return True
        if self._source(value) is not _Source.EXAMPLES or _in_model(node) or node.op.random:
            return False
        # Of a one-hot encoding, the indices are stored.
        sizes = [per_example(v) for v in node.inputs if of_examples(v)]
        own, known = per_example(value), [size for size in sizes if size is not None]
        return len(known) == len(sizes) == 1 and own is not None and sum(known) < own

    def _accumulator(self, value: Value) -> Accumulator:
        match self._source(value), self._made_by.get(value):
            case _Source.EXAMPLES, _:
                return Accumulator(value, "examples")
            case _Source.TOTAL, Node(op=Mean() as op, inputs=(x,)):
                return Accumulator(value, "mean", _count(op, x.type))
            case _Source.TOTAL, Node():
                return Accumulator(value, "sum")
            case _Source.SIZE, Node(op=Measure(size=size)):
                return Accumulator(value, "size", size)
            case _:
                return Accumulator(value, "mean", symbol(BATCH))

    def _source(self, value: Value) -> _Source:
        if of_examples(value):
            return _Source.EXAMPLES
        return self._sources.get(value, _Source.RUN)

    def _classify(self, node: Node) -> None:
        source = self._source_of(node)
        # Statistics of a batch inside of a net are a property of the model.
        inside = _in_model(node) and any(map(of_examples, node.outputs))
        operands = (v for v in node.inputs if not inside or of_examples(v))
        mixed = dict.fromkeys(n for v in operands for n in self._mixed.get(v, ()))
        if source is _Source.OBSTACLE or self._mixes(node):
            mixed[node] = None
        for value in node.outputs:
            self._sources[value] = source
            if mixed:
                self._mixed[value] = tuple(mixed)

    def _source_of(self, node: Node) -> _Source:
        operands = {self._source(v) for v in node.inputs}
        if isinstance(node.op, Measure) and BATCH in symbols(node.op.size):
            return _Source.SIZE if {*symbols(node.op.size)} == {BATCH} else _Source.OBSTACLE
        if all(map(of_examples, node.outputs)):
            return _Source.EXAMPLES
        if _Source.EXAMPLES in operands:
            return _Source.TOTAL if self._adds(node) else _Source.OBSTACLE
        settled = not node.op.random and not node.op.running_statistics
        fixed = settled and all(_fixed(v) for v in (*node.inputs, *node.outputs))
        if not operands.isdisjoint(_OF_THE_BATCH):
            # Tensors that training changes, as those of a layer, are not those of a function.
            changing = (v for v in node.inputs if v.type.rank and self._source(v) is _Source.RUN)
            return _Source.COMPUTED if fixed and next(changing, None) is None else _Source.OBSTACLE
        sized = isinstance(node.op, Measure) and symbols(node.op.size)
        if fixed and not sized and operands <= {_Source.CONSTANT}:
            return _Source.CONSTANT
        return _Source.RUN

    def _adds(self, node: Node) -> bool:
        """Return whether a node sums, or averages, over all examples of a batch."""
        if not all(map(_fixed, node.outputs)):
            return False
        match node.op:
            case Mean() as op:
                return self._sizes.issuperset(symbols(_count(op, node.inputs[0].type)))
            case Sum() | Matmul():
                return True
            case Einsum():
                # Two letters would be pairs of examples.
                return len({letter for letter, _ in _letters(node)}) == 1
            case _:
                return False

    def _mixes(self, node: Node) -> bool:
        """Return whether a value of an example depends on the others, by intent of a metric."""
        if _in_model(node) or not any(map(of_examples, node.outputs)):
            return False
        if any(self._source(v) in _OF_THE_BATCH for v in node.inputs):
            return True
        if any(len(_axes(v)) > 1 for v in node.outputs):
            return True  # pairs of examples
        if isinstance(node.op, Einsum):
            return not all(kept for _, kept in _letters(node))
        return any(
            not node.op.seen_whole(position, operand.type.rank).isdisjoint(_axes(operand))
            for position, operand in enumerate(node.inputs)
        )


def batch_sizes(
    columns: Mapping[str, Value], shapes: Mapping[str, Sequence[int]]
) -> dict[str, int]:
    """Return the sizes of a batch by symbol, from the shapes of its columns."""
    return {
        name: length
        for column, value in columns.items()
        for size, length in zip(value.type.shape, shapes[column], strict=True)
        if (name := is_symbol(size)) is not None
    }


def of_examples(value: Value) -> bool:
    """Return whether a tensor has an axis of examples."""
    return bool(_axes(value))


def axis_of_examples(value: Value) -> int:
    """Return the axis of examples of a tensor that has one."""
    return _axes(value)[0]


def per_example(value: Value) -> int | None:
    """Return how many elements of a tensor belong to one example, if that is a constant."""
    if len(_axes(value)) != 1 or {*symbols(value.type.size)} != {BATCH}:
        return None
    one, two = (bind(value.type.size, {BATCH: count}) for count in (1, 2))
    return one if two == 2 * one else None


def _after_all(node: Node) -> bool:
    """Return whether a node, after the model, computes the same of examples that are stored."""
    if node.op.random or node.op.running_statistics:
        return False
    sizes = {name for v in node.outputs for size in v.type.shape for name in symbols(size)}
    return sizes <= {BATCH} and not (_in_model(node) and any(map(of_examples, node.inputs)))


def _axes(value: Value) -> list[int]:
    """Return the axes of examples."""
    shape = enumerate(value.type.shape)
    return [i for i, size in shape if not isinstance(size, int) and BATCH in symbols(size)]


def _letters(node: Node) -> list[tuple[str, bool]]:
    """Return the letters of the axes of examples in an einsum, and whether the result has them."""
    match node.op:
        case Einsum(rule=rule):
            letters = Subscripts.parse(rule, len(node.inputs))
        case _:
            return []
    pairs = zip(letters.operands, node.inputs, strict=True)
    found = [term[axis] for term, operand in pairs for axis in _axes(operand)]
    return [(letter, letter in letters.result) for letter in found]


def _fixed(value: Value) -> bool:
    size = value.type.size
    return isinstance(size, int) and size <= _MOST_ELEMENTS


def _count(op: Mean, x: TensorType) -> Size:
    return product(x.shape[axis] for axis in op.axes(x))


def _in_model(node: Node) -> bool:
    """Return whether a node is part of a net or a block of the user's."""
    scope = node.scope
    while scope is not None:
        if scope.block:
            return True
        scope = scope.parent
    return False
