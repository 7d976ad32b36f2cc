"""The gradient of a loop: a loop that walks back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from netlang.ir.graph import Builder, Cotangents, Graph, Node, Value, Values
from netlang.ops.control import Scan
from netlang.ops.joining import Concat
from netlang.ops.linear import Linear
from netlang.ops.repetition import Flip
from netlang.ops.reverse import gradients
from netlang.ops.terms import terms, zeros

_TIME = 1


@dataclass(frozen=True, slots=True)
class Walk:
    """A loop as it was walked: for all steps, the states before each and what it read.

    ``given`` holds values inside the body that need not be computed again, for all steps too.
    """

    scan: Scan
    states: Values
    sequences: Values
    outside: Values
    given: Mapping[Value, Value] = field(default_factory=dict[Value, Value])


def scan_gradient(
    scan: Scan, b: Builder, inputs: Values, outputs: Values, cts: Values
) -> Cotangents:
    """Differentiate a loop; its states before each step are found, or computed again."""
    end = scan.carried + scan.scanned
    states = _states(scan, b, inputs, outputs)
    return walked_back(b, Walk(scan, states, inputs[scan.carried : end], inputs[end:]), cts)


def walked_back(b: Builder, walk: Walk, cts: Values) -> Cotangents:
    """Give the cotangents of start states, sequences and outside values, in this order.

    One loop goes from the last step to the first. It carries the cotangents of the states and adds
    up those of outside values; the weights of dense layers get theirs from one product over all
    steps instead.
    """
    scan, body = walk.scan, walk.scan.body
    end = scan.carried + scan.scanned
    states, sequences = body.inputs[: scan.carried], body.inputs[scan.carried : end]
    outside, ends = body.inputs[end:], list(body.outputs.values())
    inner = Builder()
    inner.adopt([*body.inputs, *(v for node in body.nodes for v in node.outputs)])
    given = [inner.fresh("ct", v.type) for v in ends]
    dense = _dense_layers(body, outside)
    found = _step_back(inner, body, given, dense, outside)
    reached = [node for node in dense if node.outputs[0] in found]

    carried: list[tuple[Value, Value, Value]] = []
    for i, v in enumerate(states):
        if v.type.dtype.is_float:
            carried.append((given[i], found.get(v) or zeros(inner, v.type), cts[i]))
    summed = [v for v in outside if v in found]
    for v in summed:
        total = inner.fresh("sum", v.type)
        carried.append((total, plus(inner, total, found[v]), zeros(b, v.type)))

    known = dict(zip(states, walk.states, strict=True))
    known |= dict(zip(sequences, walk.sequences, strict=True)) | dict(walk.given)
    read = known | {
        given[i]: cts[i] for i in range(scan.carried, len(ends)) if given[i].type.dtype.is_float
    }
    stepped = [v for v in sequences if v in found]
    results = [found[v] for v in stepped] + [found[n.outputs[0]] for n in reached]
    results += [n.inputs[0] for n in reached if n.inputs[0] not in known]

    outcome = [after for _, after, _ in carried] + results
    nodes = leading_to([*body.nodes, *inner.nodes], outcome, known=read)
    used = {v for node in nodes for v in node.inputs} | set(outcome)
    scanned = {v: stack for v, stack in read.items() if v in used} or read
    back = Graph(
        f"{body.name}.back",
        (*(before for before, _, _ in carried), *scanned, *outside),
        {},
        nodes,
        {f"out{i}": v for i, v in enumerate(outcome)},
    )
    starts = (start for _, _, start in carried)
    turned = (_turned(b, stack) for stack in scanned.values())
    made = b.add(Scan(back, len(carried), len(scanned)), *starts, *turned, *walk.outside)

    changing = [v for v in states if v.type.dtype.is_float]
    totals = dict(zip([*changing, *summed], made[: len(carried)], strict=True))
    stacks = list(made[len(carried) :])
    totals |= {v: _turned(b, stacks.pop(0)) for v in stepped}
    by_layer = [stacks.pop(0) for _ in reached]
    weights = dict(zip(outside, walk.outside, strict=True))
    for node, ct in zip(reached, by_layer, strict=True):
        x = node.inputs[0]
        seen = _turned(b, known[x]) if x in known else stacks.pop(0)
        operands = (seen, *(weights[v] for v in node.inputs[1:]))
        parts = node.op.vjp(b, operands, (), (ct,))[1:]
        for v, part in zip(node.inputs[1:], parts, strict=True):
            if part is not None:
                totals[v] = plus(b, totals[v], part) if v in totals else part
    return tuple(totals.get(v) for v in body.inputs)


def before_each(b: Builder, start: Value, after: Value) -> Value:
    """Give the states before each step from the first one and those after each step."""
    first, each = terms(b, start, after)
    first, steps = first.unsqueeze(_TIME), each.shape[_TIME]
    if steps == 1:
        return first.value
    return first.to(Concat(_TIME), each.part(_TIME, 0, steps - 1)).value


def leading_to(
    nodes: Sequence[Node], results: Iterable[Value], *, known: Iterable[Value] = ()
) -> tuple[Node, ...]:
    """Keep the nodes that lead to results from what is known."""
    have, wanted = set(known), set(results)
    kept: list[Node] = []
    for node in reversed(nodes):
        if any(v in wanted and v not in have for v in node.outputs):
            wanted.update(node.inputs)
            kept.append(node)
    return tuple(reversed(kept))


def plus(b: Builder, x: Value, y: Value) -> Value:
    left, right = terms(b, x, y)
    return (left + right).value


def _states(scan: Scan, b: Builder, inputs: Values, outputs: Values) -> Values:
    """Find the states before each step among the results, or walk once more to keep them."""
    names, ends = list(scan.body.outputs), list(scan.body.outputs.values())
    found: dict[int, Value] = {}
    for i, state in enumerate(ends[: scan.carried]):
        for result, stack in zip(ends[scan.carried :], outputs[scan.carried :], strict=True):
            if result is state:
                found[i] = before_each(b, inputs[i], stack)
    missing = [i for i in range(scan.carried) if i not in found]
    if missing:
        kept = {f"before_{names[i]}": scan.body.inputs[i] for i in missing}
        named = dict(zip(names[: scan.carried], ends, strict=False)) | kept
        nodes = leading_to(scan.body.nodes, named.values())
        body = Graph(f"{scan.body.name}.states", scan.body.inputs, {}, nodes, named)
        again = b.add(Scan(body, scan.carried, scan.scanned), *inputs)
        found.update(zip(missing, again[scan.carried :], strict=True))
    return tuple(found[i] for i in range(scan.carried))


def _step_back(
    inner: Builder,
    body: Graph,
    given: Sequence[Value],
    dense: Sequence[Node],
    outside: Values,
) -> dict[Value, Value]:
    """Differentiate one step; give the cotangents of what it read and of dense layers' results."""
    starts: dict[Value, Value] = {}
    for v, ct in zip(body.outputs.values(), given, strict=True):
        if ct.type.dtype.is_float:
            starts[v] = plus(inner, starts[v], ct) if v in starts else ct
    late = {v for node in dense for v in node.inputs[1:]}
    wanted = [v for v in body.inputs if v.type.dtype.is_float and v not in late]
    wanted += [node.outputs[0] for node in dense]
    made = gradients(inner, starts, wanted, nodes=body.nodes)
    return {v: ct for v, ct in zip(wanted, made, strict=True) if ct is not None}


def _dense_layers(body: Graph, outside: Values) -> list[Node]:
    """Find the dense layers whose weights lie outside and are used by dense layers alone."""
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


def _turned(b: Builder, stack: Value) -> Value:
    return b.one(Flip((_TIME,)), stack)
