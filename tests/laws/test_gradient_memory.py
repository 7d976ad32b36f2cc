"""What an operator says that its gradient reads is what its gradient reads.

Tests ``netlang.analysis.step_memory`` and ``netlang.ops``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

import pytest
from op_samples import Case, cases, graph_of

from netlang.ir.graph import Builder, Node, Value
from netlang.ir.op import OPS, NoGradientError, Read

WITH_GRADIENT = sorted({c.sample.op.name for c in cases() if not c.sample.op.no_gradient})
LOOPS = ("scan", "rnn_layer", "gru_layer", "lstm_layer")
"""Their gradients compute the states before each step once more, unless a loop in a step of
training has kept them: what recurrent layers say is of that."""


def differentiated(case: Case, by: int) -> tuple[Node, set[Value]] | None:
    """Return the node of a sample, and which of its values the gradient by an operand reads."""
    node = graph_of(case).nodes[-1]
    if not all(v.type.dtype.is_float for v in (node.inputs[by], *node.outputs)):
        return None
    b = Builder()
    b.adopt((*node.inputs, *node.outputs))
    cts = tuple(b.fresh("ct", v.type) for v in node.outputs)
    try:
        made = node.op.vjp(b, node.inputs, node.outputs, cts)
    except NoGradientError:
        return None
    needed = {made[by]}
    for step in reversed(b.nodes):
        if not needed.isdisjoint(step.outputs):
            needed.update(step.inputs)
    return node, {v for v in needed if v is not None}


def readings(name: str) -> Iterator[tuple[set[Read], set[Read]]]:
    """Yield what the gradient of each sample reads, and what it may read as the operator says."""
    for case in (c for c in cases() if c.sample.op.name == name):
        for by in range(len(case.sample.types)):
            if (found := differentiated(case, by)) is None:
                continue
            node, needed = found
            floats = {v for v in needed if v.type.dtype.is_float}
            others = {v for i, v in enumerate(node.inputs) if i != by}
            read: set[Read] = set()
            if not floats.isdisjoint(node.inputs):
                read.add("others" if floats.isdisjoint({node.inputs[by]}) else "operands")
            if not floats.isdisjoint(node.outputs):
                last = by == len(node.inputs) - 1
                read.add("results by the last" if last and others else "results")
            yield read, set(node.op.gradient_reads)


@pytest.mark.parametrize("name", [n for n in WITH_GRADIENT if n not in LOOPS])
def test_a_gradient_reads_what_its_operator_says(name: str) -> None:
    every: set[Read] = set()
    for read, said in readings(name):
        allowed = set(said)
        if "operands" in said:
            allowed.add("others")
        if "results" in said:
            allowed.add("results by the last")
        if "results by the last" in said:
            allowed.add("operands")  # the last one, which the results come with
        assert read <= allowed
        every |= read
    said = set(OPS[name].gradient_reads)
    if "results" in said and "results by the last" in every:
        every.add("results")
    assert said <= every, "the gradient of no sample reads this"


def test_every_kind_of_reading_is_in_use() -> None:
    assert {read for op in OPS.values() for read in op.gradient_reads} == set(get_args(Read))
