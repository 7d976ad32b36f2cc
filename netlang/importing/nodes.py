"""The conversion of one node, and of the graphs that are inside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from netlang.backends.onnx.foreign import ForeignGraph, ForeignNode, describe
from netlang.importing.conversion import Conversion, Convert, Unsupported
from netlang.importing.operands import Known, Operand
from netlang.importing.operators import (
    elementwise,
    quantization,
    recurrence,
    reducing,
    shaping,
    sizes,
    subgraphs,
    windows,
)
from netlang.ir.dims import Intricate

OPERATORS: Mapping[str, Convert] = {
    **elementwise.OPERATORS,
    **quantization.OPERATORS,
    **recurrence.OPERATORS,
    **reducing.OPERATORS,
    **shaping.OPERATORS,
    **sizes.OPERATORS,
    **windows.OPERATORS,
}
"""What is understood, by the name of the ONNX operator."""

_MOST_CONVERTED = 50_000
"""The most nodes that are converted, those of a loop once for each iteration."""


def count_uses(nodes: Sequence[ForeignNode], uses: Counter[str]) -> None:
    """Count how often each name is read; in a graph inside a node, one from outside counts twice.

    The body of a loop reads it in each iteration.
    """
    for node in nodes:
        uses.update(node.inputs)
        for graph in node.graphs.values():
            inner = Counter(graph.outputs)
            count_uses(graph.nodes, inner)
            own = {name for each in graph.nodes for name in each.outputs}
            uses.update({name: n if name in own else 2 * n for name, n in inner.items()})


def convert_node(c: Conversion, node: ForeignNode) -> None:
    """Convert a node, and note what its results mean.

    Raises ``Unsupported`` for one without a counterpart.
    """
    c.node = node
    c.converted += 1
    if c.converted > _MOST_CONVERTED:
        c.fail(f"is in a loop that makes more than {_MOST_CONVERTED:,} nodes")
    inner = None if node.domain else subgraphs.OPERATORS.get(node.kind)
    function = None if node.domain else OPERATORS.get(node.kind)
    if function is None and inner is None:
        raise Unsupported(
            f"{describe(node)} of {c.foreign.path} has no counterpart",
            notes=["nothing was written: a network without the node would compute otherwise"],
        )
    operands = [c.found[name] if name else None for name in node.inputs]
    try:
        if inner is not None:
            made = inner(c, node, operands, run_graph)
        else:
            assert function is not None
            made = function(c, node, operands)
    except Intricate:
        c.fail("has a shape that is too long a formula")
    except (TypeError, ValueError, IndexError, KeyError, AssertionError, MemoryError):
        c.fail("does not have the inputs and attributes of its kind")
    c.node = node
    for name, operand in zip(node.outputs, made, strict=False):
        if name:
            c.bind(name, operand)
    for name in node.outputs[len(made) :]:
        if name and c.uses.get(name):
            c.fail("returns more results than are understood")


def run_graph(c: Conversion, graph: ForeignGraph, given: Sequence[Operand]) -> list[Operand]:
    """Convert the nodes of a graph inside a node, and return its results.

    Names that it has in common with what is outside mean the same again afterwards.
    """
    outer = c.node
    own = {*graph.inputs, *graph.arrays, *(name for node in graph.nodes for name in node.outputs)}
    before = {name: c.found.get(name) for name in own}
    for name, array in graph.arrays.items():
        c.found[name] = Known(array, (name,) if name in graph.stored else ())
    for name, operand in zip(graph.inputs, given, strict=True):
        c.bind(name, operand)
    for node in graph.nodes:
        convert_node(c, node)
    results = [c.found[name] for name in graph.outputs]
    for name, operand in before.items():
        if operand is None:
            c.found.pop(name, None)
        else:
            c.found[name] = operand
    c.node = outer
    return results
