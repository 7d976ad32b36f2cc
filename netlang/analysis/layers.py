"""A graph taken apart into layers: calls of the library, and operators the user wrote."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from netlang.ir.graph import Graph, Node, Scope, Value


@dataclass(slots=True, eq=False)
class Layer:
    """A call of the library with all its nodes, or one operator written in the user's text.

    ``scopes`` are the calls that lead to it, outermost first; the last one is the layer's own where
    it is a call of the library.
    """

    path: str
    kind: str
    scopes: tuple[Scope, ...]
    nodes: list[Node]

    @property
    def calls(self) -> tuple[tuple[str, str], ...]:
        """The paths and kinds of the calls that lead to it."""
        return tuple((scope.path, scope.kind) for scope in self.scopes)

    @property
    def blocks(self) -> tuple[Scope, ...]:
        """The user's own calls that lead to it, and the turns of loops."""
        return tuple(scope for scope in self.scopes if not scope.library)


def layers_of(graph: Graph) -> list[Layer]:
    """Group the nodes by the layer they belong to, in the order of first execution."""
    layers: dict[Scope | Node, Layer] = {}
    for node in graph.nodes:
        chain = _chain(node.scope)
        library = next((at for at, scope in enumerate(chain) if scope.library), None)
        if library is not None:
            call = chain[library]
            layer = layers.get(call)
            if layer is None:
                scopes = tuple(s for s in chain[: library + 1] if s.path)
                layer = layers[call] = Layer(call.path or call.kind, call.kind, scopes, [])
            layer.nodes.append(node)
        elif node.inputs:
            scopes = tuple(s for s in chain if s.path)
            path = _binding(scopes[-1].path if scopes else "", node.outputs[0].name)
            layers[node] = Layer(path, node.op.name, scopes, [node])
    return list(layers.values())


def _binding(path: str, name: str) -> str:
    """Name the binding an operator stands in, from the name of its result.

    That is the path of the call around it and the binding, and a number where a binding has
    several operators.
    """
    inner = name[len(path) + 1 :] if path else name
    first = inner.split(".")[0]
    if not name.startswith(path) or not first or first.isdigit():
        return path or name
    return f"{path}.{first}" if path else first


def _chain(scope: Scope | None) -> list[Scope]:
    chain: list[Scope] = []
    while scope is not None:
        chain.append(scope)
        scope = scope.parent
    return chain[::-1]


def handed_on(graph: Graph, layers: Sequence[Layer]) -> list[tuple[Value, ...]]:
    """Find for each layer the values others read; for one nobody reads, its last results."""
    home = {v: layer for layer in layers for node in layer.nodes for v in node.outputs}
    read: set[Value] = {*graph.outputs.values(), *(s.after for s in graph.states)}
    inside = {node: layer for layer in layers for node in layer.nodes}
    for node in graph.nodes:
        read.update(v for v in node.inputs if home.get(v) is not inside.get(node))
    return [
        tuple(v for node in layer.nodes for v in node.outputs if v in read)
        or layer.nodes[-1].outputs
        for layer in layers
    ]
