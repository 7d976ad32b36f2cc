"""Dead-code elimination."""

from __future__ import annotations

from collections.abc import Collection

from msgspec.structs import replace

from netlang.ir.backward_slice import needed
from netlang.ir.graph import Graph


def eliminate_dead_code(graph: Graph) -> Graph:
    """Remove every node that no output and no state depends on."""
    ends = (*graph.outputs.values(), *(s.after for s in graph.states))
    return replace(graph, nodes=tuple(needed(graph.nodes, ends)))


def keep_results(graph: Graph, names: Collection[str]) -> Graph:
    """Restrict a graph to some of its results, with the nodes and parameters that they need.

    A state whose next value is not among them is a mere input.
    """
    states = tuple(s for s in graph.states if s.next_name in names)
    read_only = tuple(s.value for s in graph.states if s not in states)
    outputs = {name: graph.outputs[name] for name in graph.outputs if name in names}
    inputs = (*graph.inputs, *read_only)
    live = eliminate_dead_code(replace(graph, inputs=inputs, outputs=outputs, states=states))
    used = {v for node in live.nodes for v in node.inputs} | {*live.results.values()}
    return replace(live, params={v: p for v, p in live.params.items() if v in used})
