"""The gradient of a loop: a loop over the steps in reverse order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from netlang.ir.graph import Builder, Cotangents, Graph, Node, Value, Values
from netlang.ops.reducing.linear import Linear
from netlang.ops.reverse import gradients
from netlang.ops.shaping.joining import Concat
from netlang.ops.terms import terms, zeros

if TYPE_CHECKING:
    from netlang.ops.looping.scan import Scan

_TIME = 1


class _Walk(Struct, frozen=True):
    """A loop as it ran: for all steps, the states before each step and what the step read.

    ``given`` holds values of the body, for all steps, that need not be recomputed.
    """

    scan: Scan
    states: Values
    sequences: Values
    outside: Values
    given: Mapping[Value, Value]

    @property
    def inner_states(self) -> Values:
        """The states as inputs of the body."""
        return self.scan.body.inputs[: self.scan.carried]

    @property
    def inner_outside(self) -> Values:
        """The outside values as inputs of the body."""
        return self.scan.body.inputs[self.scan.carried + self.scan.scanned :]

    def known(self) -> dict[Value, Value]:
        """Return the values of the body that are known, with their values in all steps."""
        inner = self.scan.body.inputs[: self.scan.carried + self.scan.scanned]
        return dict(zip(inner, (*self.states, *self.sequences), strict=True)) | dict(self.given)


def scan_gradient(
    scan: Scan, b: Builder, inputs: Values, outputs: Values, cts: Cotangents
) -> Cotangents:
    """Differentiate a loop; its states before each step are reused or recomputed.

    The results of the steps are known and need not be recomputed.
    """
    end = scan.carried + scan.scanned
    states = _states(scan, b, inputs, outputs)
    results = list(scan.body.outputs.values())[scan.carried :]
    stacks = zip(results, outputs[scan.carried :], strict=True)
    given = {v: stack for v, stack in stacks if v not in scan.body.inputs}
    walk = _Walk(scan, states, inputs[scan.carried : end], inputs[end:], given)
    return _walked_back(b, walk, cts)


def _walked_back(b: Builder, walk: _Walk, cts: Cotangents) -> Cotangents:
    """Return the cotangents of initial states, sequences and outside values, in this order.

    One loop goes the other way. It carries the cotangents of the states and accumulates those of
    outside values. Cotangents of the weights of dense layers are computed by one product over all
    steps instead.
    """
    body, known = walk.scan.body, walk.known()
    step = _step_back(walk, cts)
    carried = _carried(b, walk, step, cts)
    stacked = {v: ct for v, ct in step.found.items() if v not in carried}
    operands = dict.fromkeys(n.inputs[0] for n in step.dense if n.inputs[0] not in known)

    results = (*stacked.values(), *operands)
    ends, stacks = _loop_back(b, walk, step, cts, list(carried.values()), results)
    totals = dict(zip(carried, ends, strict=True))
    totals |= dict(zip(stacked, stacks, strict=False))
    known |= dict(zip(operands, stacks[len(stacked) :], strict=True))
    for v, part in _of_dense_weights(b, walk, step, known, totals):
        totals[v] = _plus(b, totals[v], part) if v in totals else part
    return tuple(totals.get(v) for v in body.inputs)


def _before_each(b: Builder, start: Value, after: Value, *, reverse: bool) -> Value:
    """Return the states before each step, given the first one and those after each step."""
    first, each = terms(b, start, after)
    first, steps = first.unsqueeze(_TIME), each.shape[_TIME]
    if steps == 1:
        return first.value
    if reverse:
        return each.part(_TIME, 1, steps).to(Concat(_TIME), first).value
    return first.to(Concat(_TIME), each.part(_TIME, 0, steps - 1)).value


def _leading_to(
    nodes: Sequence[Node], results: Iterable[Value], *, known: Iterable[Value] = ()
) -> tuple[Node, ...]:
    """Return the nodes that compute results from what is known."""
    have, wanted = set(known), set(results)
    kept: list[Node] = []
    for node in reversed(nodes):
        if any(v in wanted and v not in have for v in node.outputs):
            wanted.update(node.inputs)
            kept.append(node)
    return tuple(reversed(kept))


def _plus(b: Builder, x: Value, y: Value) -> Value:
    left, right = terms(b, x, y)
    return (left + right).value


def _states(scan: Scan, b: Builder, inputs: Values, outputs: Values) -> Values:
    """Return the states before each step, from the results or by running the loop once more."""
    names, ends = list(scan.body.outputs), list(scan.body.outputs.values())
    found: dict[int, Value] = {}
    for i, state in enumerate(ends[: scan.carried]):
        for result, stack in zip(ends[scan.carried :], outputs[scan.carried :], strict=True):
            if result is state:
                found[i] = _before_each(b, inputs[i], stack, reverse=scan.reverse)
    missing = [i for i in range(scan.carried) if i not in found]
    if missing:
        kept = {f"before_{names[i]}": scan.body.inputs[i] for i in missing}
        named = dict(zip(names[: scan.carried], ends, strict=False)) | kept
        nodes = _leading_to(scan.body.nodes, named.values())
        body = Graph(f"{scan.body.name}.states", scan.body.inputs, {}, nodes, named)
        again = b.add(replace(scan, body=body), *inputs)
        found.update(zip(missing, again[scan.carried :], strict=True))
    return tuple(found[i] for i in range(scan.carried))


class _Step(Struct, frozen=True):
    """One step in reverse: from the cotangents of its results to those of its operands.

    ``dense`` are layers whose weights are handled after the loop; ``found`` has the cotangents of
    their results instead of those of their weights.
    """

    builder: Builder
    given: Values
    found: Mapping[Value, Value]
    dense: Sequence[Node]


class _Carried(Struct, frozen=True):
    """A cotangent that the reverse loop carries from step to step."""

    before: Value
    after: Value
    start: Value


def _step_back(walk: _Walk, cts: Cotangents) -> _Step:
    """Differentiate one step."""
    body = walk.scan.body
    inner = Builder()
    inner.adopt([*body.inputs, *(v for node in body.nodes for v in node.outputs)])
    given = tuple(inner.fresh("ct", v.type) for v in body.outputs.values())
    starts: dict[Value, Value] = {}
    for i, (v, ct) in enumerate(zip(body.outputs.values(), given, strict=True)):
        # The steps after a step may depend on its state, whether or not anything else does.
        if ct.type.dtype.is_float and (i < walk.scan.carried or cts[i] is not None):
            starts[v] = _plus(inner, starts[v], ct) if v in starts else ct
    dense = _dense_layers(body, walk.inner_outside)
    late = {v for node in dense for v in node.inputs[1:]}
    wanted = [v for v in body.inputs if v.type.dtype.is_float and v not in late]
    wanted += [node.outputs[0] for node in dense]
    made = gradients(inner, starts, wanted, nodes=body.nodes)
    found = {v: ct for v, ct in zip(wanted, made, strict=True) if ct is not None}
    return _Step(inner, given, found, [n for n in dense if n.outputs[0] in found])


def _carried(b: Builder, walk: _Walk, step: _Step, cts: Cotangents) -> dict[Value, _Carried]:
    """Return the loop state: cotangents of states, and accumulated ones of outside values."""
    carried: dict[Value, _Carried] = {}
    for v, given, start in zip(walk.inner_states, step.given, cts, strict=False):
        if v.type.dtype.is_float:
            after = step.found[v] if v in step.found else zeros(step.builder, v.type)
            carried[v] = _Carried(given, after, start or zeros(b, v.type))
    for v in walk.inner_outside:
        if v in step.found:
            total = step.builder.fresh("sum", v.type)
            after = _plus(step.builder, total, step.found[v])
            carried[v] = _Carried(total, after, zeros(b, v.type))
    return carried


def _loop_back(
    b: Builder,
    walk: _Walk,
    step: _Step,
    cts: Cotangents,
    carried: Sequence[_Carried],
    results: Sequence[Value],
) -> tuple[Values, Values]:
    """Loop the other way; return the final carried values and stacked results."""
    scan, body = walk.scan, walk.scan.body
    read = walk.known()
    for ct, stack in zip(step.given[scan.carried :], cts[scan.carried :], strict=True):
        if stack is not None:
            read[ct] = stack
    outcome = [*(c.after for c in carried), *results]
    nodes = _leading_to([*body.nodes, *step.builder.nodes], outcome, known=read)
    used = {v for node in nodes for v in node.inputs} | set(outcome)
    # A loop needs a sequence, if only for its length.
    scanned = {v: stack for v, stack in read.items() if v in used} or read
    back = Graph(
        f"{body.name}.back",
        (*(c.before for c in carried), *scanned, *walk.inner_outside),
        {},
        nodes,
        {f"out{i}": v for i, v in enumerate(outcome)},
    )
    starts = (c.start for c in carried)
    sizes = {"carried": len(carried), "scanned": len(scanned)}
    op = replace(scan, body=back, reverse=not scan.reverse, **sizes)
    made = b.add(op, *starts, *scanned.values(), *walk.outside)
    return made[: len(carried)], made[len(carried) :]


def _of_dense_weights(
    b: Builder,
    walk: _Walk,
    step: _Step,
    known: Mapping[Value, Value],
    cotangents: Mapping[Value, Value],
) -> Iterator[tuple[Value, Value]]:
    """Yield the cotangents of the weights of dense layers, from all steps at once."""
    weights = dict(zip(walk.inner_outside, walk.outside, strict=True))
    for node in step.dense:
        x, *read = node.inputs
        operands = (known[x], *(weights[v] for v in read))
        parts = node.op.vjp(b, operands, (), (cotangents[node.outputs[0]],))[1:]
        yield from ((v, part) for v, part in zip(read, parts, strict=True) if part is not None)


def _dense_layers(body: Graph, outside: Values) -> list[Node]:
    """Return the dense layers whose weights come from outside and are used by dense layers only."""
    found = [
        node
        for node in body.nodes
        if isinstance(node.op, Linear)
        and node.inputs[0].type.rank > 1
        and set(outside).issuperset(node.inputs[1:])
    ]
    others = {v for n in body.nodes if n not in found for v in n.inputs}
    others |= {n.inputs[0] for n in found} | set(body.outputs.values())
    return [n for n in found if others.isdisjoint(n.inputs[1:])]
