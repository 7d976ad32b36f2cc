"""The gradient of a recurrent layer.

The layer ran as one node, which returns only its outputs. They contain the states before each step,
so the products with the weights are computed for all steps at once. What remains is one backward
loop with a single matrix product in its body.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from netlang.ir.graph import Builder, Cotangents, Graph, Value, Values
from netlang.ops.looping.gradients_scan import Walk, before_each, leading_to, walked_back
from netlang.ops.looping.scan import Scan
from netlang.ops.reducing.linear import Linear
from netlang.ops.shaping.creation import Iota
from netlang.ops.shaping.repetition import Flip
from netlang.ops.terms import Term, terms, zeros

if TYPE_CHECKING:
    from netlang.ops.looping.recurrent import Recurrence

_TIME = 1


def recurrent_gradient(
    op: Recurrence, b: Builder, inputs: Values, outputs: Values, cts: Values
) -> Cotangents:
    """Return the cotangents of the sequences, the weights and the initial states, if any."""
    x, w_ih, w_hh, b_ih, b_hh = terms(b, *inputs[:5])
    rest = list(inputs[5:])
    length = rest.pop() if rest and rest[-1].type.dtype.is_integer else None
    starts = rest or [zeros(b, v.type) for v in outputs[1:]]
    mask = None if length is None else _inside(op, x, Term(b, length))

    walked = _along(op, x)
    gates = walked.to(Linear(), w_ih, b_ih)
    y = _along(op, Term(b, outputs[0]))
    if mask is not None:
        y = y.where(mask, Term(b, starts[0]).unsqueeze(_TIME))
    before = Term(b, before_each(b, starts[0], y.value))
    hidden = before.to(Linear(), w_hh, b_hh)
    scan, by_state = _body(op, gates, starts, [w_hh.value, b_hh.value], mask)
    sequences = (gates.value, *([mask.value] if mask is not None else []))
    states = _all_states(b, scan, by_state, before, hidden, starts, sequences)
    walk = Walk(scan, states, sequences, (w_hh.value, b_hh.value), {by_state: hidden.value})

    ct_y = _along(op, Term(b, cts[0])).value
    made = walked_back(b, walk, (*cts[1:], ct_y))
    by_starts, by_gates, by_hidden = made[: len(starts)], made[len(starts)], made[-2:]
    assert by_gates is not None
    operands = (walked.value, w_ih.value, b_ih.value)
    by_x, by_w, by_b = Linear().vjp(b, operands, (gates.value,), (by_gates,))
    assert by_x is not None
    back = _along(op, Term(b, by_x)).value
    weights = (by_w, by_hidden[0], by_b, by_hidden[1])
    return (back, *weights, *(by_starts if rest else ()), *(() if length is None else (None,)))


def _along(op: Recurrence, x: Term) -> Term:
    """Return the steps in the order in which the layer visits them."""
    return x.to(Flip((_TIME,))) if op.reverse else x


def _inside(op: Recurrence, x: Term, length: Term) -> Term:
    """Return a mask of the steps that are not padding: ``[N, T, 1]``."""
    steps = x.make(Iota(x.shape[_TIME])).reshape((1, x.shape[_TIME], 1))
    return _along(op, steps < length.reshape((x.shape[0], 1, 1)))


def _body(
    op: Recurrence,
    gates: Term,
    starts: Sequence[Value],
    weights: Sequence[Value],
    mask: Term | None,
) -> tuple[Scan, Value]:
    """Return the loop over one step as its body, and the value of the hidden state's product."""
    b = Builder()
    states = [b.fresh(f"state{i}", v.type) for i, v in enumerate(starts)]
    wide = gates.type
    step = b.fresh("gates", wide.with_shape(wide.shape[0], *wide.shape[2:]))
    on = [] if mask is None else [b.fresh("on", mask.type.with_shape(mask.shape[0], 1))]
    outside = [b.fresh(f"weight{i}", v.type) for i, v in enumerate(weights)]
    hidden = b.one(Linear(), states[0], *outside)
    olds = terms(b, *states)
    after = op.cell(Term(b, step), Term(b, hidden), olds)
    y = after[0]
    if on:
        (within,) = terms(b, *on)
        y = after[0].where(within)
        after = [new.where(within, old) for new, old in zip(after, olds, strict=True)]
    outputs = {f"after{i}": v.value for i, v in enumerate(after)} | {"y": y.value}
    body = Graph(op.name, (*states, step, *on, *outside), {}, tuple(b.nodes), outputs)
    return Scan(body, len(states), 1 + len(on)), hidden


def _all_states(
    b: Builder,
    scan: Scan,
    by_state: Value,
    before: Term,
    hidden: Term,
    starts: Sequence[Value],
    sequences: Values,
) -> Values:
    """Return all states before each step; those that are not outputs are recomputed."""
    if scan.carried == 1:
        return (before.value,)
    body = scan.body
    h, *others = body.inputs[: scan.carried]
    ends = list(body.outputs.items())[1 : scan.carried]
    outputs = dict(ends) | {f"before{i}": v for i, v in enumerate(others)}
    read = body.inputs[scan.carried : scan.carried + scan.scanned]
    nodes = leading_to(body.nodes, outputs.values(), known=(by_state,))
    again = Graph(f"{body.name}.states", (*others, h, *read, by_state), {}, nodes, outputs)
    made = b.add(
        Scan(again, len(others), 2 + len(read)),
        *starts[1:],
        before.value,
        *sequences,
        hidden.value,
    )
    return (before.value, *made[len(others) :])
