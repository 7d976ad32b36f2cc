"""What a train section predicts, and the columns of the data that it is compared with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from msgspec import Struct

from netlang.analysis.accumulators import BATCH, per_example
from netlang.ir.backward_slice import needed, producers
from netlang.ir.dims import is_symbol
from netlang.ir.graph import Node, Scope, Value
from netlang.ops.elementwise.arithmetic import Sub
from netlang.ops.elementwise.choice import Select
from netlang.ops.shaping.scattering import TakeAlong
from netlang.plan.plan import Computation, Plan
from netlang.training.preprocessing import origin, reached

Kind = Literal["classes", "logit", "probability", "numbers"]
_OF_TWO: Mapping[str, Kind] = {"bce_with_logits": "logit", "bce": "probability"}


class Target(Struct, frozen=True, eq=False):
    """A column of the data, and the output that the loss compares with it.

    Of ``classes``, ``predicted`` has a score for each along ``axis``, and ``actual`` the index of
    one, with that axis; of two classes it is the ``logit`` or the ``probability`` of class 1.
    ``counted`` is true for those that count: `mask` and `ignore` of the loss.
    """

    kind: Kind
    column: str
    predicted: Value
    actual: Value
    axis: int = -1
    counted: Value | None = None

    @property
    def width(self) -> int | None:
        """How many classes or numbers each example has; ``None`` if their number differs."""
        return per_example(self.actual)

    @property
    def by_example(self) -> bool:
        """Whether the first axis is that of the examples, and not joined with another."""
        return is_symbol(self.actual.type.shape[0]) == BATCH

    def outputs(self, number: int) -> dict[str, Value]:
        """Return the values to compute for each batch, by names that no metric has."""
        found = {"predicted": self.predicted, "actual": self.actual, "counted": self.counted}
        return {f"target{number}/{name}": v for name, v in found.items() if v is not None}


def targets(plan: Plan) -> tuple[Target, ...]:
    """Return the targets of the losses of a section, one for each column at most."""
    computed = plan.computation
    losses = tuple(update.loss for update in plan.updates)
    nodes = needed(computed.nodes, losses, computed.gradients)
    search = _Search(computed, nodes)
    found: dict[str, Target] = {}
    for target in (*search.classes(), *search.two_classes(), *search.numbers()):
        found.setdefault(target.column, target)
    return tuple(found.values())


class _Search:
    """Searches the nodes that losses are computed by."""

    def __init__(self, computed: Computation, nodes: list[Node]) -> None:
        self._computed, self._nodes = computed, nodes
        self._made_by = producers(computed.nodes)
        self._columns = {value: name for name, value in computed.batch.items()}

    def classes(self) -> Iterator[Target]:
        for node in self._nodes:
            match node:
                case Node(op=TakeAlong(axis=axis), inputs=(scores, ids)):
                    column = self._column(ids)
                    if column is not None and scores.type.dtype.is_float:
                        counted = self._counted(node)
                        yield Target("classes", column, scores, ids, axis, counted)
                case _:
                    pass

    def two_classes(self) -> Iterator[Target]:
        scopes = {id(s): s for n in self._nodes for s in _scopes(n) if s.library}
        for scope in scopes.values():
            if (kind := _OF_TWO.get(scope.kind)) is None:
                continue
            given = self._given(scope)
            known = [value for value in given if self._column(value) is not None]
            logits = [value for value in given if value not in known and value.type.rank]
            if known and len(logits) == 1:
                column = self._column(known[0])
                assert column is not None
                yield Target(kind, column, logits[0], known[0])

    def numbers(self) -> Iterator[Target]:
        """Yield outputs of the model that a column is subtracted from, or they from it."""
        for node in self._nodes:
            match node:
                case Node(op=Sub(), inputs=(a, b)) if a.type == b.type:
                    for actual, predicted in ((b, a), (a, b)):
                        column = self._column(actual)
                        if column is not None and self._trained(predicted):
                            yield Target("numbers", column, predicted, actual)
                case _:
                    pass

    def _trained(self, value: Value) -> bool:
        return next(reached(value, self._computed.params, self._made_by), None) is not None

    def _column(self, value: Value) -> str | None:
        """Return the column that a value is, perhaps without the labels to ignore."""
        source = origin(value, self._made_by)
        match self._made_by.get(source):
            case Node(op=Select(), inputs=(_, _, kept)):
                source = origin(kept, self._made_by)
            case _:
                pass
        return self._columns.get(source)

    def _counted(self, node: Node) -> Value | None:
        """Return the mask that the loss around a node takes a mean with."""
        calls = {id(scope) for scope in _scopes(node) if scope.library}
        for other in self._nodes:
            match other:
                case Node(op=Select(), inputs=(mask, yes, _)) if yes.type.dtype.is_float:
                    if mask.type.rank and any(id(scope) in calls for scope in _scopes(other)):
                        return mask
                case _:
                    pass
        return None

    def _given(self, scope: Scope) -> list[Value]:
        """Return the tensors that a call takes, in the order of their use."""
        inside = [node for node in self._nodes if scope in _scopes(node)]
        made = {value for node in inside for value in node.outputs}
        used = (value for node in inside for value in node.inputs if value not in made)
        return list(dict.fromkeys(value for value in used if value.type.rank))


def _scopes(node: Node) -> Iterator[Scope]:
    scope = node.scope
    while scope is not None:
        yield scope
        scope = scope.parent
