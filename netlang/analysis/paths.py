"""Parts of a graph by their paths in the program."""

from __future__ import annotations

from collections.abc import Iterable

from netlang.diagnostics import rules
from netlang.diagnostics.errors import USAGE, NetlangError
from netlang.diagnostics.suggestions import did_you_mean
from netlang.ir.graph import Graph, Node, Value


def nodes_below(graph: Graph, path: str, others: Iterable[str] = ()) -> list[Node]:
    """Return the nodes of a layer, or of what a name is bound to.

    Raises ``NetlangError`` with similar names, of layers or ``others``, where there are none.
    """
    paths = {id(node): _paths(graph, node) for node in graph.nodes}
    known = set[str]().union(*paths.values())
    ends = [p for p in known if p.endswith(f".{path}")]
    full = ends[0] if path not in known and len(ends) == 1 else path
    below = f"{full}."
    chosen = [
        node
        for node in graph.nodes
        if any(p == full or p.startswith(below) for p in paths[id(node)])
    ]
    if not chosen:
        listed = ", ".join(dict.fromkeys(p.partition(".")[0] for p in sorted(known)))
        raise NetlangError(
            rules.UNKNOWN_LAYER,
            f"`{graph.name}` has no layer `{path}`",
            notes=[f"its layers are: {listed}"],
            helps=did_you_mean(path, [*known, *others]),
            exit_code=USAGE,
        )
    return chosen


def value_at(graph: Graph, path: str) -> Value:
    """Return an input, a parameter, an output, or the result of a layer; raises as above.

    The result of a layer that is called several times is that of the last call.
    """
    named = {value.name: value for value in graph.inputs}
    named |= {param.path: value for value, param in graph.params.items()}
    named |= graph.outputs
    return named[path] if path in named else nodes_below(graph, path, named)[-1].outputs[0]


def _paths(graph: Graph, node: Node) -> set[str]:
    """Return the paths a node belongs to: those of its calls, and the outputs it computes."""
    found = {name for name, value in graph.outputs.items() if value in node.outputs}
    scope = node.scope
    while scope is not None:
        if scope.path:
            found.add(scope.path)
        scope = scope.parent
    return found | {v.name for v in node.outputs}
