"""A recurrent layer as a loop, of which a gradient can be computed.

As one node, a layer returns only its outputs, and its gradient would compute everything else again.
The loop keeps what the gradient reads: all states, and the products of the hidden state with its
weights. The products of the input are computed for all steps at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from netlang.ir.graph import Builder, Graph, Value, Values
from netlang.ops.looping.scan import Scan
from netlang.ops.reducing.linear import Linear
from netlang.ops.shaping.creation import Iota
from netlang.ops.terms import Term, terms, zeros

if TYPE_CHECKING:
    from netlang.ops.looping.recurrent import Recurrence

_TIME = 1


def as_loop(op: Recurrence, b: Builder, inputs: Values) -> Values:
    """Add a layer as a loop; return its outputs: of all steps, and the final states."""
    x, w_ih, w_hh, b_ih, b_hh = terms(b, *inputs[:5])
    rest = list(inputs[5:])
    length = rest.pop() if rest and rest[-1].type.dtype.is_integer else None
    gates = x.to(Linear(), w_ih, b_ih)
    state = w_hh.value.type.with_shape(x.shape[0], w_hh.shape[1])
    starts = rest or [zeros(b, state) for _ in op.states]
    masks = [] if length is None else [_inside(x, Term(b, length))]
    scan = _body(op, gates, starts, [w_hh.value, b_hh.value], masks)
    read = (gates.value, *(mask.value for mask in masks), w_hh.value, b_hh.value)
    made = b.add(scan, *starts, *read)
    return (made[len(starts)], *made[: len(starts)])


def _inside(x: Term, length: Term) -> Term:
    """Return a mask of the steps that are not padding: ``[N, T, 1]``."""
    steps = x.make(Iota(x.shape[_TIME])).reshape((1, x.shape[_TIME], 1))
    return steps < length.reshape((x.shape[0], 1, 1))


def _body(
    op: Recurrence, gates: Term, starts: Sequence[Value], weights: Sequence[Value],
    masks: Sequence[Term],
) -> Scan:  # fmt: skip
    """Return the loop over one step as its body."""
    b = Builder()
    states = [b.fresh(f"state{i}", v.type) for i, v in enumerate(starts)]
    wide = gates.type
    step = b.fresh("gates", wide.with_shape(wide.shape[0], *wide.shape[2:]))
    on = [b.fresh("on", mask.type.with_shape(mask.shape[0], 1)) for mask in masks]
    outside = [b.fresh(f"weight{i}", v.type) for i, v in enumerate(weights)]
    hidden = b.one(Linear(), states[0], *outside)
    olds = terms(b, *states)
    after = op.cell(Term(b, step), Term(b, hidden), olds)
    y = after[0]
    for within in terms(b, *on):
        y = after[0].where(within)
        after = [new.where(within, old) for new, old in zip(after, olds, strict=True)]
    kept = dict.fromkeys([y.value, *(v.value for v in after), hidden])
    outputs = {f"after{i}": v.value for i, v in enumerate(after)}
    outputs |= {f"kept{i}": v for i, v in enumerate(kept)}
    body = Graph(op.name, (*states, step, *on, *outside), {}, tuple(b.nodes), outputs)
    return Scan(body, len(states), 1 + len(on), op.reverse)
