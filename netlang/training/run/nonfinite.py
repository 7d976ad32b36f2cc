"""Where a NaN comes from: the step is repeated on the interpreter, node by node."""

from __future__ import annotations

import math
from collections.abc import Mapping

from netlang.backends.feeds import prepare
from netlang.backends.reference import compute, describe
from netlang.diagnostics import rules
from netlang.diagnostics.errors import NON_FINITE, EvaluationError, NetlangError
from netlang.ir.arrays import contains_nonfinite
from netlang.ir.graph import Graph, Node, Value
from netlang.system.numpy import Array, np
from netlang.training.run.engine import Arrays, Numbers, batch_size, fed, initial_carried
from netlang.training.step.graphs import GRADIENT_NORM, LOSS
from netlang.training.totals import Totals

_LOWER = "lower the learning rate, or limit gradients: `clip = clip_norm(1.0)`"
_FORMULA = "check the data, and keep divisors and the arguments of `log` and `sqrt` above 0"
_EMPTY = "0 / 0 is undefined: leave out batches in which no example or label counts"


def step_error(
    graph: Graph, state: Arrays, batch: Arrays, numbers: Numbers, found: Arrays, step: int
) -> NetlangError:  # fmt: skip
    """Return the error for a step whose loss or gradients are not finite.

    ``state`` is that before the step, ``found`` what the step measured, and ``step`` how many were
    completed before it.
    """
    what = GRADIENT_NORM if np.isfinite(found[LOSS]) else LOSS
    # No update has been made yet, so no learning rate can be too high.
    otherwise = _LOWER if step else _FORMULA
    notes, help = _cause(graph, what, state, batch, numbers, otherwise, updated=step > 0)
    return NetlangError(
        rules.NOT_FINITE,
        f"the {what.replace('_', ' ')} is {float(found[what])} at step {step + 1:,}",
        notes=notes,
        helps=[help],
        exit_code=NON_FINITE,
    )


def evaluation_error(
    graph: Graph, loss: str, state: Arrays, batch: Arrays, numbers: Numbers, found: Arrays,
    where: str,
) -> EvaluationError:  # fmt: skip
    """Return the error for a batch of an evaluation whose loss is not finite, by its output."""
    notes, help = _cause(graph, loss, state, batch, numbers, _FORMULA, updated=False)
    return EvaluationError(f"the {loss} is {found[loss]} on {where}", notes=notes, helps=[help])


def total_error(loss: str, value: float, totals: Totals, of: str) -> EvaluationError:
    """Return the error for a loss that is not finite over the batches of an evaluation.

    That of each batch was computed from finite numbers.
    """
    help = f"0 / 0 is undefined: no example or label of `{of}` counts"
    return EvaluationError(
        f"the {loss} is {value} on `{of}`",
        helps=[help if _nothing_counts(loss, value, totals) else _FORMULA],
    )


def update_error(value: float, totals: Totals, step: int) -> NetlangError:
    """Return the error for a loss that is not finite over the batches of an update."""
    return NetlangError(
        rules.NOT_FINITE,
        f"the loss is {value} at step {step + 1:,}",
        helps=[_EMPTY if _nothing_counts(LOSS, value, totals) else _LOWER if step else _FORMULA],
        exit_code=NON_FINITE,
    )


def _nothing_counts(loss: str, value: float, totals: Totals) -> bool:
    """Return whether a NaN comes of nothing but zeros."""
    parts = totals.measures.metrics[loss].accumulators
    return math.isnan(value) and not any(np.any(totals.total(part)) for part in parts)


def _cause(
    graph: Graph, result: str, state: Arrays, batch: Arrays, numbers: Numbers, otherwise: str,
    *, updated: bool,
) -> tuple[list[str], str]:  # fmt: skip
    """Return what made a result of a graph NaN or infinite, as notes, and what to do about it.

    ``updated`` tells whether the parameters were updated before, ``otherwise`` is what to do where
    the cause is nothing special.
    """
    values, made_by = _computed(graph, state, batch, numbers)
    value = _origin(graph.outputs[result], values, made_by)
    node = made_by.get(value)
    if not contains_nonfinite(values[value]):
        # The interpreter rounds in other places.
        return [], otherwise
    if node is not None:
        operands = [values[v] for v in node.inputs]
        return [_described(node, operands, values[value])], (
            _EMPTY if _zero_by_zero(operands, values[value]) else otherwise
        )
    note = f"`{value.name}` contains {_kind(values[value])} before the step begins"
    if updated or value.name.startswith("batch."):
        return [note], otherwise
    return [note], "the initial parameters contain it: check the file that they are from"


def _computed(
    graph: Graph, state: Arrays, batch: Arrays, numbers: Numbers
) -> tuple[dict[Value, Array], dict[Value, Node]]:
    """Return all values of a graph, and the node that makes each."""
    given = {**state, **fed(graph, batch, numbers)}
    begun = [s for s in graph.states if s.value.name not in given]
    if begun:
        given |= initial_carried(begun, batch_size(batch))
    names = [*(v.name for v in graph.inputs), *(s.value.name for s in graph.states)]
    prepared = prepare(graph, {name: given[name] for name in names})
    values: dict[Value, Array] = {v: prepared.arrays[v.name] for v in graph.inputs}
    values |= {s.value: prepared.arrays[s.value.name] for s in graph.states}
    made_by: dict[Value, Node] = {}
    for node in graph.nodes:
        made = compute(node, [values[v] for v in node.inputs], prepared.sizes)
        values.update(zip(node.outputs, made, strict=True))
        made_by.update(dict.fromkeys(node.outputs, node))
    return values, made_by


def _origin(value: Value, values: Mapping[Value, Array], made_by: Mapping[Value, Node]) -> Value:
    """Follow a NaN, or an infinity, back to the first value that contains one."""
    while value in made_by:
        bad = [v for v in made_by[value].inputs if contains_nonfinite(values[v])]
        if not bad:
            break
        value = next((v for v in bad if np.isnan(values[v]).any()), bad[0])
    return value


def _described(node: Node, operands: list[Array], made: Array) -> str:
    """Describe where it is, and its operands if they are few."""
    told = f"the first {_kind(made)} is in `{node.outputs[0].name}`, made by {describe(node)}"
    ranges = [_range(a) for a in operands if a.size and a.dtype.kind == "f"]
    return f"{told} from {' and '.join(ranges)}" if 0 < len(ranges) < 3 else told


def _zero_by_zero(operands: list[Array], made: Array) -> bool:
    """Return whether a NaN comes of nothing but zeros, as in a mean over no element."""
    return bool(np.isnan(made).all()) and not any(map(np.any, operands))


def _kind(array: Array) -> str:
    return "NaN" if np.isnan(array).any() else "infinity"


def _range(array: Array) -> str:
    least, most = float(array.min()), float(array.max())
    return f"{least:.3g}" if least == most else f"{least:.3g} to {most:.3g}"
