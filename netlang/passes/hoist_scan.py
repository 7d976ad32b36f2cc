"""Loop-invariant code motion for scans, and batching over time steps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from netlang.ir.graph import Builder, Graph, Node, Value, Values, types
from netlang.ops.looping.scan import Scan
from netlang.ops.random.random import Identity
from netlang.ops.shaping.transposition import Unsqueeze
from netlang.passes.batching import Batched, batch
from netlang.passes.dead_code import eliminate_dead_code
from netlang.passes.replay import copy_node, replay


def hoist_scan(graph: Graph) -> Graph:
    """Hoist what needs no carried value before a scan, and sink what only results need after it.

    Loop-invariant nodes run once; nodes that depend on the current step alone are batched over all
    steps, as one large product instead of many small ones. An empty scan is removed.
    """

    def relieve(builder: Builder, node: Node, inputs: Values) -> Values:
        if not isinstance(node.op, Scan):
            return copy_node(builder, node, inputs)
        op = replace(node.op, body=hoist_scan(node.op.body))
        return _Hoisting(builder, op, inputs).results(node)

    return replay(graph, relieve)


@dataclass
class _Hoisting:
    """The hoisting of one scan.

    ``outside`` maps loop-invariant values of the body, and ``sequences`` those that depend on the
    current step alone, to their values outside the loop.
    """

    builder: Builder
    op: Scan
    inputs: Values
    outside: dict[Value, Value] = field(default_factory=dict[Value, Value])
    sequences: dict[Value, Value] = field(default_factory=dict[Value, Value])

    def results(self, node: Node) -> Values:
        """Rebuild the scan; return the replacements of its results."""
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
        wanted = self._remaining_yields(sunk, yields)
        finals = self._scan(node, inside, nexts, wanted) if nexts or wanted else ()
        for inner in left:
            if inner in sunk:
                self._batched(inner, sunk[inner])
        return (*finals, *(self.sequences[y] for y in yields))

    def _hoisted(self, node: Node) -> bool:
        """Move a node of the body outside if it needs no carried value; return whether it moved."""
        if isinstance(node.op, Identity):
            return False  # in training these sample again at every step
        if all(v in self.outside for v in node.inputs):
            made = self._at(node, tuple(self.outside[v] for v in node.inputs))
            self.outside.update(zip(node.outputs, made, strict=True))
            return True
        if not all(v in self.outside or v in self.sequences for v in node.inputs):
            return False
        steps = [v in self.sequences for v in node.inputs]
        batched = batch(node.op, types(node.inputs), steps)
        if batched is None:
            return False
        self._batched(node, batched)
        return True

    def _at(self, node: Node, inputs: Values) -> Values:
        """Add the operator of a node of the body, with its scope and span."""
        self.builder.scope, self.builder.span = node.scope, node.span
        return self.builder.add(node.op, *inputs, name=node.outputs[0].name)

    def _batched(self, node: Node, batched: Batched) -> None:
        """Add a node that computes all steps at once."""
        operands: list[Value] = []
        self.builder.scope, self.builder.span = node.scope, node.span
        for position, value in enumerate(node.inputs):
            known = self.outside.get(value) or self.sequences[value]
            if position in batched.unsqueezed:
                known = self.builder.one(Unsqueeze(1), known)
            operands.append(known)
        made = self._at(replace(node, op=batched.op), tuple(operands))
        self.sequences.update(zip(node.outputs, made, strict=True))

    def _sinking(
        self, left: Sequence[Node], nexts: Iterable[Value], yields: Iterable[Value]
    ) -> Mapping[Node, Batched]:
        """Return the nodes that only results need and that can be batched after the scan."""
        needed = set(nexts)
        sunk: dict[Node, Batched] = {}
        wanted = set(yields)
        for node in reversed(left):
            steps = [v not in self.outside for v in node.inputs]
            batched = (
                batch(node.op, types(node.inputs), steps)
                if needed.isdisjoint(node.outputs)
                and not wanted.isdisjoint(node.outputs)
                and not isinstance(node.op, Identity)
                else None
            )
            if batched is None:
                needed.update(node.inputs)
            else:
                sunk[node] = batched
                wanted.update(v for v in node.inputs if v not in self.outside)
        return sunk

    def _remaining_yields(self, sunk: Iterable[Node], yields: Iterable[Value]) -> list[Value]:
        """Return the values of the body that are needed outside at every step."""
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
        """Add the scan of the remaining nodes; return its last carried values."""
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
        made = self._at(replace(node, op=replace(op, body=body, scanned=len(slices))), operands)
        self.sequences.update(zip(yields, made[op.carried :], strict=True))
        return made[: op.carried]
