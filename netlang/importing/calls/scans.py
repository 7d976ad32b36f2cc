"""Loops over time as the `scan` of the language."""

from __future__ import annotations

from itertools import count

from netlang.importing.calls.lifting import positional
from netlang.importing.structure.ordering import ordered
from netlang.importing.structure.steps import Definition, Step, reads
from netlang.ir.graph import Graph, Node
from netlang.ops.looping.scan import Scan

_numbers = count()


def scan_step(node: Node, body: Graph, steps: list[Step]) -> Step:
    """Return the step of a scan, whose definition has the steps of its body.

    Its arguments are the values that are carried first, the sequences, and what the body reads
    besides. Its results are what is collected, then what is carried last, as `scan` returns them.
    """
    assert isinstance(node.op, Scan)
    carried, own = node.op.carried, node.op.carried + node.op.scanned
    ends = tuple(body.outputs.values())
    steps[:] = ordered(steps, ends)
    inside = {*body.inputs, *(v for step in steps for v in step.results)}
    read = (*(v for step in steps for v in reads(step)), *ends)
    outside = dict.fromkeys(v for v in read if v not in inside)
    given = (*node.inputs[:own], *outside)
    definition = Definition(
        "", body.inputs, (), steps, ends[0], loop=True, ends=ends, carried=carried
    )  # fmt: skip
    results = (*node.outputs[carried:], *node.outputs[:carried])
    args = tuple(positional(f"x{at}", v) for at, v in enumerate(given))
    return Step(
        f"scan {next(_numbers)}", args, results, (), "scan", definition, (steps,)
    )  # fmt: skip
