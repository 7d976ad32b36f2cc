"""Blocks of the program as ONNX functions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import onnx
from onnx import helper

from netlang.backends.onnx.protos import bodies, reads
from netlang.ir.graph import Scope

DOMAIN = "netlang.blocks"
"""The domain of the functions of a model."""


@dataclass
class Functions:
    """The functions of a model, one for each different body.

    ``calls`` returns the calls of blocks around a node, outermost first; ``location`` describes
    one. ``constants`` are nodes by name, which every function that reads them has its own copy of.
    """

    calls: Callable[[onnx.NodeProto], Sequence[Scope]]
    location: Callable[[Scope], str]
    constants: Mapping[str, onnx.NodeProto]
    opsets: Sequence[onnx.OperatorSetIdProto]
    protos: list[onnx.FunctionProto] = field(default_factory=list[onnx.FunctionProto])
    _known: dict[bytes, str] = field(default_factory=dict[bytes, str])
    _names: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    _taken: Counter[str] = field(default_factory=Counter[str])

    def group(
        self, nodes: Sequence[onnx.NodeProto], results: Iterable[str], depth: int = 0
    ) -> list[onnx.NodeProto]:
        """Replace the nodes of each call of a block by one that calls a function.

        They stay as they are if the call would depend on itself, which happens where computations
        of several blocks were merged.
        """
        groups: dict[Scope, list[onnx.NodeProto]] = {}
        for node in nodes:
            for scope in self.calls(node)[depth : depth + 1]:
                groups.setdefault(scope, []).append(node)
        left = list(nodes)
        for scope, inside in groups.items():
            order = self._around(left, inside)
            if order is None:
                continue
            before, after = order
            used = set(results).union(*map(self._reads, after))
            outputs = [name for node in inside for name in node.output if name in used]
            body = self.group(inside, outputs, depth + 1)
            left = [*before, self._call(scope, body, outputs), *after]
        return left

    def _around(
        self, nodes: Sequence[onnx.NodeProto], inside: Sequence[onnx.NodeProto]
    ) -> tuple[list[onnx.NodeProto], list[onnx.NodeProto]] | None:
        """Return the nodes before and after a group; ``None`` if one would have to be both."""
        members = {node.name for node in inside}
        made: set[str] = set()
        before: list[onnx.NodeProto] = []
        after: list[onnx.NodeProto] = []
        late: set[str] = set()
        for node in nodes:
            read = self._reads(node)
            if node.name in members:
                if not late.isdisjoint(read):
                    return None
                made.update(node.output)
            elif made.isdisjoint(read) and late.isdisjoint(read):
                before.append(node)
            else:
                after.append(node)
                late.update(node.output)
        return before, after

    def _reads(self, node: onnx.NodeProto) -> set[str]:
        if node.name not in self._names:
            self._names[node.name] = reads(node)
        return self._names[node.name]

    def _call(
        self, scope: Scope, body: Sequence[onnx.NodeProto], outputs: Sequence[str]
    ) -> onnx.NodeProto:
        """Return a call of the function that computes ``body``, which is added if it is new."""
        made = {name for node in body for name in node.output}
        read = dict.fromkeys(n for node in body for n in _operands(node) if n and n not in made)
        inputs = [name for name in read if name not in self.constants]
        local = _Local(scope.path)
        local.declare(inputs, body)
        constants = [self.constants[name] for name in read if name in self.constants]
        domains = {"", *(node.domain for node in body)}
        proto = onnx.FunctionProto(
            domain=DOMAIN,
            doc_string=scope.doc,
            input=[local.names[name] for name in inputs],
            output=[local.names[name] for name in outputs],
            node=[*constants, *map(local.node, body)],
            opset_import=[each for each in self.opsets if each.domain in domains],
        )
        self._taken[scope.path] += 1
        number = self._taken[scope.path] - 1
        return helper.make_node(
            self._name(scope.kind, proto),
            inputs,
            outputs,
            name=f"{scope.path}/{number}" if number else scope.path,
            domain=DOMAIN,
            doc_string=self.location(scope),
        )

    def _name(self, kind: str, proto: onnx.FunctionProto) -> str:
        """Return the name of a function: that of its block, with a number after the first."""
        key = kind.encode() + proto.SerializeToString(deterministic=True)
        if key not in self._known:
            taken = {each.name for each in self.protos}
            proto.name = kind
            while proto.name in taken:
                self._taken[f"{kind}()"] += 1
                proto.name = f"{kind}_{self._taken[f'{kind}()'] + 1}"
            self._known[key] = proto.name
            self.protos.append(proto)
        return self._known[key]


def _operands(node: onnx.NodeProto) -> Iterator[str]:
    """Yield the names that a node reads, in order; a loop also reads what its body captures."""
    yield from node.input
    for body in bodies(node):
        inside = {i.name for i in body.input} | {o for each in body.node for o in each.output}
        captured = (name for each in body.node for name in _operands(each))
        yield from (name for name in captured if name not in inside)


@dataclass
class _Local:
    """The names inside a function, which are the same for every call: without the call's path."""

    path: str
    names: dict[str, str] = field(default_factory=dict[str, str])
    """Tensors by their names outside."""
    nodes: dict[str, str] = field(default_factory=dict[str, str])
    _taken: Counter[str] = field(default_factory=Counter[str])

    def declare(self, inputs: Iterable[str], body: Iterable[onnx.NodeProto]) -> None:
        """Name the inputs of a function and everything that is computed in it."""
        for name in inputs:
            own = name.startswith(f"{self.path}.") and "/" not in name
            other = "size" if name.startswith("size/") else "x"
            self.names[name] = self._fresh(self._relative(name) if own else other)
        for node in body:
            self._declare(node)

    def _declare(self, node: onnx.NodeProto) -> None:
        call, slash, op_type = self._relative(node.name).rpartition("/")
        # A number that made the name unique outside depends on what else is there.
        stem = f"{call}{slash}{op_type.partition('.')[0]}" if slash else op_type
        name = self.nodes[node.name] = self._fresh(stem)
        for i, output in enumerate(node.output):
            if output:
                self.names[output] = f"{name}:{i}" if len(node.output) > 1 else name
        for inner in bodies(node):
            self.names.update((i.name, self._fresh(self._relative(i.name))) for i in inner.input)
            for each in inner.node:
                self._declare(each)

    def node(self, node: onnx.NodeProto) -> onnx.NodeProto:
        """Return a node as it is inside the function."""
        found = onnx.NodeProto()
        found.CopyFrom(node)
        found.name = self.nodes[node.name]
        where, space, path = node.doc_string.rpartition(" ")
        found.doc_string = f"{where}{space}{self._relative(path)}".rstrip()
        found.input[:] = [self.names.get(name, name) for name in node.input]
        found.output[:] = [self.names.get(name, name) for name in node.output]
        for inner in bodies(found):
            inner.name = self._relative(inner.name)
            for entry in (*inner.input, *inner.output):
                entry.name = self.names[entry.name]
            nodes = [self.node(each) for each in inner.node]
            del inner.node[:]
            inner.node.extend(nodes)
        return found

    def _relative(self, name: str) -> str:
        """Return a name or path without the path of the call."""
        inside = name == self.path or name.startswith((f"{self.path}.", f"{self.path}/"))
        return name[len(self.path) + 1 :] if inside else name

    def _fresh(self, stem: str) -> str:
        self._taken[stem] += 1
        number = self._taken[stem] - 1
        return f"{stem}.{number}" if number else stem
