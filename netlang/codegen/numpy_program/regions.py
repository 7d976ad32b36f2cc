"""The blocks and loops of a net, recovered from the scopes of the nodes of its graph."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from netlang.ir.graph import Graph, Node, Param, Scope, Value

_FEWEST = 4
"""The number of nodes from which a layer of the library is a function of its own."""


Number = tuple[int, ...]
"""Where a value is from, the same for regions of the same structure: the index of a step, followed
by the number of the value in it. For inputs of the region, the index is -1."""


@dataclass(eq=False)
class Region:
    """The nodes of one call of a block, of one iteration of a loop, or of a whole graph.

    ``inputs`` are the values that it reads from outside, parameters included unless their paths
    begin with its own, which is ``rooted`` in the paths of all regions around it. ``outputs`` are
    the values that are read outside.
    """

    name: str
    path: str
    rooted: bool
    is_iteration: bool = False
    items: list[Item] = field(default_factory=list["Item"])
    inputs: list[Value] = field(default_factory=list[Value])
    outputs: list[Value] = field(default_factory=list[Value])
    own_parameters: bool = False
    """Whether it reads parameters whose paths begin with its own."""

    def nodes(self) -> Iterator[Node]:
        for item in self.items:
            yield from nodes_of_item(item)

    def below(self, path: str) -> str | None:
        """Return the rest of a path that begins with the region's; ``None`` of another one."""
        if not self.rooted or (self.path and not f"{path}.".startswith(f"{self.path}.")):
            return None
        return path[len(self.path) :].lstrip(".")


@dataclass(eq=False)
class Loop:
    """Iterations that differ in constants and paths of parameters only.

    ``carries`` maps an input, by its index, to the output of the iteration before that it is, by
    its number in the shape of an iteration. ``collected`` are the outputs that are used after the
    loop for each iteration, not only for the last one.
    """

    iterations: list[Region]
    carries: dict[int, Number] = field(default_factory=dict[int, "Number"])
    collected: list[Number] = field(default_factory=list["Number"])


Item = Node | Region | Loop


def nodes_of_item(item: Item) -> Iterator[Node]:
    """Yield the nodes of a step of a region."""
    match item:
        case Node():
            yield item
        case Region():
            yield from item.nodes()
        case Loop():
            for iteration in item.iterations:
                yield from iteration.nodes()


def regions(graph: Graph, around: Scope | None = None) -> Region:
    """Return the tree of regions of a net, or of the body of a loop in the scope ``around``."""
    return _Tree(graph, around).root


class _Tree:
    def __init__(self, graph: Graph, around: Scope | None) -> None:
        self.params = graph.params
        self.sizes = _subtree_sizes(graph.nodes)
        self.around: set[int] = set()
        while around is not None:
            self.around.add(id(around))
            around = around.parent
        ends = set(graph.results.values())
        self.readers: dict[Value, set[int]] = {value: {-1} for value in ends}
        self.position = {id(node): at for at, node in enumerate(graph.nodes)}
        for node in graph.nodes:
            for value in node.inputs:
                self.readers.setdefault(value, set()).add(self.position[id(node)])
        path = _scan_path(graph.nodes) if self.around else ""
        self.root = Region(graph.name, path, rooted=not self.around)
        self.root.items = self.items(graph.nodes, 0, self.root)
        self.root.inputs = [*graph.inputs, *(state.value for state in graph.states)]
        self.root.own_parameters = bool(graph.params)
        self.root.outputs = list(graph.results.values())

    def chain(self, node: Node) -> list[Scope]:
        """Return the scopes of a node that become regions, from the outside in."""
        found: list[Scope] = []
        scope = node.scope
        while scope is not None and scope.parent is not None and not self.is_around(scope):
            if not scope.library or self.sizes[id(scope)] >= _FEWEST:
                found.append(scope)
            scope = scope.parent
        return found[::-1]

    def is_around(self, scope: Scope) -> bool:
        """Return whether a scope is around the whole graph, which is the body of a loop then."""
        return id(scope) in self.around or scope.kind == "scan"

    def items(self, nodes: Sequence[Node], depth: int, region: Region) -> list[Item]:
        """Group neighbors that are in the same scope, at a depth of nested regions."""
        made: list[Item] = []

        def scope_of(node: Node) -> Scope | None:
            chain = self.chain(node)
            return chain[depth] if depth < len(chain) else None

        for scope, group in groupby(nodes, scope_of):
            if scope is None:
                made += group
            else:
                made.append(self.region(scope, list(group), depth, region))
        return made

    def region(self, scope: Scope, nodes: list[Node], depth: int, outer: Region) -> Region:
        rooted = outer.below(scope.path) is not None
        made = Region(scope.kind, scope.path, rooted, is_iteration=scope.kind == "for")
        made.items = self.items(nodes, depth + 1, made)
        produced = {value: None for node in nodes for value in node.outputs}
        for value in dict.fromkeys(value for node in nodes for value in node.inputs):
            param = self.params.get(value)
            if param is not None and made.below(param.path) is not None:
                made.own_parameters = True
            elif value not in produced:
                made.inputs.append(value)
        own = {self.position[id(node)] for node in nodes}
        made.outputs = [v for v in produced if self.readers.get(v, set()) - own]
        return made


def parameter_path(params: Mapping[Value, Param], value: Value, region: Region) -> str | None:
    """Return the path of a parameter inside a region; ``None`` of anything else."""
    param = params.get(value)
    return region.below(param.path) if param is not None else None


def _subtree_sizes(nodes: Sequence[Node]) -> dict[int, int]:
    sizes: dict[int, int] = {}
    for node in nodes:
        scope = node.scope
        while scope is not None:
            sizes[id(scope)] = sizes.get(id(scope), 0) + 1
            scope = scope.parent
    return sizes


def _scan_path(nodes: Sequence[Node]) -> str:
    """Return the path of the loop of which these nodes are the body."""
    for node in nodes:
        scope = node.scope
        while scope is not None:
            if scope.kind == "scan":
                return scope.path
            scope = scope.parent
    return ""
