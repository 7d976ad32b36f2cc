"""The layers of a graph: calls of library layers, and operators in the user's code."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from msgspec import Struct

from netlang.ir.graph import Graph, Node, Scope, Value


class Layer(Struct, eq=False):
    """A call of a library layer with all its nodes, or one operator in the user's code.

    ``scopes`` are the enclosing calls, outermost first; the last one is the layer's own if it is a
    library call.
    """

    path: str
    kind: str
    scopes: tuple[Scope, ...]
    nodes: list[Node]

    @property
    def calls(self) -> tuple[tuple[str, str], ...]:
        """The paths and kinds of the enclosing calls."""
        return tuple((scope.path, scope.kind) for scope in self.scopes)

    @property
    def blocks(self) -> tuple[Scope, ...]:
        """The enclosing calls of the user's own nets, and the iterations of loops."""
        return tuple(scope for scope in self.scopes if not scope.library)


def layers_of(graph: Graph) -> list[Layer]:
    """Return the layers with their nodes, in the order of first execution."""
    layers: dict[Scope | Node, Layer] = {}
    for node in graph.nodes:
        chain = chain_of(node.scope)
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


def layer_name(node: Node, owners: Collection[str]) -> tuple[str, str]:
    """Return the path and the kind of the layer that a node belongs to.

    The kind is that of the call or operator that the user wrote. Of the library calls inside it,
    the path is that of the innermost one among ``owners``, the calls that own parameters.
    """
    chain = chain_of(node.scope)
    library = next((at for at, scope in enumerate(chain) if scope.library), None)
    if library is None:
        path = next((scope.path for scope in reversed(chain) if scope.path), "")
        return _binding(path, node.outputs[0].name), node.op.name
    owning = (scope for scope in reversed(chain[library:]) if scope.path in owners)
    written = chain[library]
    return next(owning, written).path or written.kind, written.kind


def owning_paths(graph: Graph) -> set[str]:
    """Return the paths of the calls that own parameters, directly or inside."""
    names = [*(p.path for p in graph.params.values()), *(s.name for s in graph.states)]
    parts = (name.split(".") for name in names)
    return {".".join(path[:n]) for path in parts for n in range(1, len(path))}


def _binding(path: str, name: str) -> str:
    """Return the path of the binding that contains an operator, from the name of its result.

    It consists of the path of the enclosing call and the binding's name.
    """
    inner = name[len(path) + 1 :] if path else name
    first = inner.split(".")[0]
    if not name.startswith(path) or not first or first.isdigit():
        return path or name
    return f"{path}.{first}" if path else first


def chain_of(scope: Scope | None) -> list[Scope]:
    """Return a call and those that enclose it, outermost first."""
    chain: list[Scope] = []
    while scope is not None:
        chain.append(scope)
        scope = scope.parent
    return chain[::-1]


def layer_outputs(graph: Graph, layers: Sequence[Layer]) -> list[tuple[Value, ...]]:
    """Return for each layer the values that others read; for an unread layer, its last results."""
    producers = {v: layer for layer in layers for node in layer.nodes for v in node.outputs}
    read: set[Value] = {*graph.outputs.values(), *(s.after for s in graph.states)}
    inside = {node: layer for layer in layers for node in layer.nodes}
    for node in graph.nodes:
        read.update(v for v in node.inputs if producers.get(v) is not inside.get(node))
    return [
        tuple(v for node in layer.nodes for v in node.outputs if v in read)
        or layer.nodes[-1].outputs
        for layer in layers
    ]
