"""Layers grouped by their paths, with equal iterations of loops merged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from netlang.analysis.layers import Layer
from netlang.analysis.summary import prefix_of
from netlang.ir.graph import Graph, Scope, Value
from netlang.ir.op import Primitive


@dataclass(slots=True)
class Run:
    """Consecutive layers whose paths share a prefix.

    ``iterations`` are the paths of the loop iterations it represents, its own first, or empty.
    """

    path: str
    depth: int
    layers: range
    parts: list[Part]
    iterations: tuple[str, ...] = ()


Part = Run | int
"""A run, or the index of a layer."""


def group_layers(layers: Sequence[Layer]) -> list[Part]:
    """Group layers by the names in their paths, one level per name."""
    return _parts(layers, range(len(layers)), 0)


def _parts(layers: Sequence[Layer], within: range, depth: int) -> list[Part]:
    parts: list[Part] = []
    start = within.start
    while start < within.stop:
        if layers[start].path.count(".") + 1 == depth:
            parts.append(start)
            start += 1
            continue
        run = range(start, _end(layers, start, within.stop, depth + 1))
        path = prefix_of(layers[start].path, depth + 1)
        parts.append(Run(path, depth + 1, run, _parts(layers, run, depth + 1)))
        start = run.stop
    return parts


def _end(layers: Sequence[Layer], start: int, stop: int, depth: int) -> int:
    """Return the end of the run at ``start``: another path, or another call with the same path."""
    prefix = prefix_of(layers[start].path, depth)
    call: Scope | None = None
    for at in range(start, stop):
        if prefix_of(layers[at].path, depth) != prefix:
            return at
        here = next((scope for scope in layers[at].blocks if scope.path == prefix), None)
        if here is not None and call is not None and here is not call and here.kind == call.kind:
            return at
        call = here or call
    return stop


@dataclass(frozen=True, slots=True)
class Wiring:
    """The producer and the readers of each value, as layers; ``None`` means a result.

    ``constants`` have no operands and belong to no layer.
    """

    makers: Mapping[Value, int]
    readers: Mapping[Value, frozenset[int | None]]
    constants: Mapping[Value, Primitive]

    @classmethod
    def of(cls, graph: Graph, layers: Sequence[Layer]) -> Wiring:
        makers = {
            v: at for at, each in enumerate(layers) for node in each.nodes for v in node.outputs
        }
        readers: dict[Value, set[int | None]] = {}
        for at, layer in enumerate(layers):
            for node in layer.nodes:
                for value in node.inputs:
                    readers.setdefault(value, set()).add(at)
        for value in (*graph.outputs.values(), *(s.after for s in graph.states)):
            readers.setdefault(value, set()).add(None)
        constants = {v: n.op for n in graph.nodes if not n.inputs for v in n.outputs}
        return cls(makers, {value: frozenset(at) for value, at in readers.items()}, constants)


Aliases = Mapping[int, int]
"""For each layer of a merged iteration, the corresponding layer of the first one."""


def merge_iterations(
    graph: Graph, layers: Sequence[Layer], wiring: Wiring, parts: list[Part]
) -> tuple[list[Part], Aliases]:
    """Merge equal iterations of a loop into the first one.

    Iterations are equal if they have the same layers, with the same sizes and connections, and if
    only the next iteration reads their results.
    """
    aliases: dict[int, int] = {}
    return _merged(_Iterations(graph, layers, wiring), parts, aliases), aliases


def _merged(loops: _Iterations, parts: list[Part], aliases: dict[int, int]) -> list[Part]:
    merged: list[Part] = []
    for stretch in loops.stretches(parts):
        first = stretch[0]
        if isinstance(first, Run):
            if len(stretch) > 1:
                first.iterations = tuple(run.path for run in stretch if isinstance(run, Run))
            for other in stretch[1:]:
                assert isinstance(other, Run)
                aliases.update(zip(other.layers, first.layers, strict=True))
            first.parts = _merged(loops, first.parts, aliases)
        merged.append(first)
    return merged


def resolve(layer: int, aliases: Aliases) -> int:
    """Return the layer that represents a merged one."""
    while layer in aliases:
        layer = aliases[layer]
    return layer


@dataclass(frozen=True, slots=True)
class _Form:
    """An iteration up to its position: its layers, and the outside values it reads, in order."""

    layers: tuple[object, ...]
    outside: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class _Iterations:
    graph: Graph
    layers: Sequence[Layer]
    wiring: Wiring

    def stretches(self, parts: Sequence[Part]) -> Iterator[list[Part]]:
        """Split a list of parts into runs of equal iterations."""
        stretch: list[Part] = []
        link: object = None
        last: _Form | None = None
        for part in parts:
            form = self._form(part) if _is_iteration(part) else None
            before = stretch[-1] if stretch else None
            found = self._link(before, part, last, form)
            if stretch and (found is None or link not in (None, found)):
                yield stretch
                stretch, found = [], None
            stretch.append(part)
            link, last = found, form
        if stretch:
            yield stretch

    def _link(
        self, a: Part | None, b: Part, before: _Form | None, after: _Form | None
    ) -> tuple[int, ...] | None:
        """Return how an iteration reads the previous one; ``None`` if the two differ."""
        if before is None or after is None or not isinstance(a, Run) or not isinstance(b, Run):
            return None
        if before.layers != after.layers or not self._private(a, b):
            return None
        positions = {v: at for at, v in enumerate(self._made(a))}
        link: list[int] = []
        for old, new in zip(before.outside, after.outside, strict=True):
            position = -1 if old is new else positions.get(new)
            if position is None:
                return None
            link.append(position)
        return tuple(link)

    def _private(self, a: Run, b: Run) -> bool:
        """Return whether only an iteration and the next one read its results."""
        near = range(a.layers.start, b.layers.stop)
        return all(
            reader is not None and reader in near
            for value in self._made(a)
            for reader in self.wiring.readers.get(value, ())
        )

    def _made(self, run: Run) -> list[Value]:
        return [v for at in run.layers for node in self.layers[at].nodes for v in node.outputs]

    def _form(self, part: Part) -> _Form | None:
        if not isinstance(part, Run):
            return None
        inside = {value: at for at, value in enumerate(self._made(part))}
        outside: dict[Value, int] = {}

        def reference(value: Value) -> tuple[str, object]:
            if value in self.graph.params:
                return "weight", value.type
            if value in inside:
                return "inside", inside[value]
            if value in self.wiring.constants:
                return "constant", self.wiring.constants[value]
            return "given", (outside.setdefault(value, len(outside)), value.type)

        layers = tuple(
            (
                layer.kind,
                tuple((path.removeprefix(part.path), kind) for path, kind in layer.calls),
                tuple((node.op, tuple(map(reference, node.inputs))) for node in layer.nodes),
                self._own(part, layer),
            )
            for layer in map(self.layers.__getitem__, part.layers)
        )
        return _Form(layers, tuple(outside))

    def _own(self, run: Run, layer: Layer) -> tuple[object, ...]:
        """Return a layer's weights relative to the iteration; foreign ones make it unique."""
        read = [v for node in layer.nodes for v in node.inputs if v in self.graph.params]
        paths = [self.graph.params[v].path for v in read]
        if not all(path.startswith(f"{run.path}.") for path in paths):
            return (object(),)
        return tuple(path.removeprefix(run.path) for path in paths)


def _is_iteration(part: Part) -> bool:
    return isinstance(part, Run) and part.path.rpartition(".")[2].isdigit()
