"""Loops relieved of what does not depend on the step before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from netlang.ir.graph import Builder, Graph, Node, Value, Values, types
from netlang.ops.looping.scan import Scan
from netlang.ops.random.random import Identity
from netlang.ops.shaping.transposition import Unsqueeze
from netlang.passes.dead_code import eliminate_dead_code
from netlang.passes.lifting import Lifted, lift
from netlang.passes.replay import keep, replay


def hoist_scan(graph: Graph) -> Graph:
    """Compute before a scan what needs no carried value, and after it what only its results need.

    What is the same at every step is computed once; what depends on the step alone is computed
    for all steps together, as one large product instead of many small ones. A scan of which
    nothing is left disappears.
    """

    def relieve(builder: Builder, node: Node, inputs: Values) -> Values:
        if not isinstance(node.op, Scan):
            return keep(builder, node, inputs)
        op = replace(node.op, body=hoist_scan(node.op.body))
        return _Relief(builder, op, inputs).results(node)

    return replay(graph, relieve)


@dataclass
class _Relief:
    """One scan on its way out of its loop.

    ``outside`` holds values of the body that are the same at every step, ``sequences`` those that
    depend on the step alone, for all steps together; both under the value they had in the body.
    """

    builder: Builder
    op: Scan
    inputs: Values
    outside: dict[Value, Value] = field(default_factory=dict[Value, Value])
    sequences: dict[Value, Value] = field(default_factory=dict[Value, Value])

    def results(self, node: Node) -> Values:
        """Rebuild the scan; give the values that stand for its results."""
        op, inputs = self.op, self.inputs
        end = op.carried + op.scanned
        before = op.body.inputs
        self.sequences = dict(zip(before[op.carried : end], inputs[op.carried : end], strict=True))
        self.outside = dict(zip(before[end:], inputs[end:], strict=True))
        left = [inner for inner in op.body.nodes if not self._hoisted(inner)]
        ends = list(op.body.outputs.values())
        nexts, yields = ends[: op.carried], ends[op.carried :]
        sunk = self._sinking(left, nexts, yields)
        inside = [inner for inner in left if inner not in sunk]
        wanted = self._still_yielded(sunk, yields)
        finals = self._scan(node, inside, nexts, wanted) if nexts or wanted else ()
        for inner in left:
            if inner in sunk:
                self._lifted(inner, sunk[inner])
        return (*finals, *(self.sequences[y] for y in yields))

    def _hoisted(self, node: Node) -> bool:
        """Compute a node of the body outside, if it needs no carried value."""
        if isinstance(node.op, Identity):
            return False  # in training these draw anew at every step
        if all(v in self.outside for v in node.inputs):
            made = self._at(node, tuple(self.outside[v] for v in node.inputs))
            self.outside.update(zip(node.outputs, made, strict=True))
            return True
        if not all(v in self.outside or v in self.sequences for v in node.inputs):
            return False
        steps = [v in self.sequences for v in node.inputs]
        lifted = lift(node.op, types(node.inputs), steps)
        if lifted is None:
            return False
        self._lifted(node, lifted)
        return True

    def _at(self, node: Node, inputs: Values) -> Values:
        """Add the operator of a node of the body, where that node is written."""
        self.builder.scope, self.builder.span = node.scope, node.span
        return self.builder.add(node.op, *inputs, name=node.outputs[0].name)

    def _lifted(self, node: Node, lifted: Lifted) -> None:
        """Compute a node for all steps together."""
        operands: list[Value] = []
        self.builder.scope, self.builder.span = node.scope, node.span
        for place, value in enumerate(node.inputs):
            known = self.outside.get(value) or self.sequences[value]
            if place in lifted.widened:
                known = self.builder.one(Unsqueeze(1), known)
            operands.append(known)
        made = self._at(replace(node, op=lifted.op), tuple(operands))
        self.sequences.update(zip(node.outputs, made, strict=True))

    def _sinking(
        self, left: Sequence[Node], nexts: Iterable[Value], yields: Iterable[Value]
    ) -> Mapping[Node, Lifted]:
        """Find the nodes that only results need, and that can be computed for all steps after."""
        needed = set(nexts)
        sunk: dict[Node, Lifted] = {}
        wanted = set(yields)
        for node in reversed(left):
            steps = [v not in self.outside for v in node.inputs]
            lifted = (
                lift(node.op, types(node.inputs), steps)
                if needed.isdisjoint(node.outputs)
                and not wanted.isdisjoint(node.outputs)
                and not isinstance(node.op, Identity)
                else None
            )
            if lifted is None:
                needed.update(node.inputs)
            else:
                sunk[node] = lifted
                wanted.update(v for v in node.inputs if v not in self.outside)
        return sunk

    def _still_yielded(self, sunk: Iterable[Node], yields: Iterable[Value]) -> list[Value]:
        """List the values of the body that are needed of every step outside."""
        made_after = {v for node in sunk for v in node.outputs}
        asked = [*yields, *(v for node in sunk for v in node.inputs)]
        return [
            v
            for v in dict.fromkeys(asked)
            if v not in made_after
            and v not in self.sequences
            and (v not in self.outside or v in yields)
        ]

    def _scan(
        self, node: Node, inside: Sequence[Node], nexts: Sequence[Value], yields: Sequence[Value]
    ) -> Values:
        """Add the scan of what is left; give its last carried values."""
        op = self.op
        states = op.body.inputs[: op.carried]
        ends = {f"out{i}": v for i, v in enumerate([*nexts, *yields])}
        body = eliminate_dead_code(replace(op.body, nodes=tuple(inside), outputs=ends))
        used = dict.fromkeys([*(v for inner in body.nodes for v in inner.inputs), *ends.values()])
        slices = [v for v in used if v in self.sequences] or [op.body.inputs[op.carried]]
        captured = [v for v in used if v in self.outside]
        body = replace(body, inputs=(*states, *slices, *captured))
        operands = (
            *self.inputs[: op.carried],
            *(self.sequences[v] for v in slices),
            *(self.outside[v] for v in captured),
        )
        made = self._at(replace(node, op=Scan(body, op.carried, len(slices))), operands)
        self.sequences.update(zip(yields, made[op.carried :], strict=True))
        return made[: op.carried]
