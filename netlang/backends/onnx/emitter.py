"""Nodes in the making."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import onnx
from onnx import helper

from netlang.backends.onnx.protos import ELEMENTS, info, needed, rename, tensor
from netlang.backends.onnx.sizes import Sizes, abbreviated
from netlang.ir.arrays import numpy_dtype
from netlang.ir.dims import Shape
from netlang.ir.graph import Graph, Node, Value, written_at
from netlang.ir.op import Operand
from netlang.ir.types import DType
from netlang.system.numpy import Array, np


@dataclass
class Emitter:
    """What every operator's ``onnx`` method is given as ``b``.

    The body of a loop has an emitter of its own, whose ``outer`` holds the constants, the sizes
    and the count of names for all.
    """

    graph: Graph
    opset: int
    outer: Emitter | None = None
    nodes: list[onnx.NodeProto] = field(default_factory=list[onnx.NodeProto])
    constants: dict[str, onnx.TensorProto] = field(default_factory=dict[str, onnx.TensorProto])
    domains: set[str] = field(default_factory=set[str])
    names: dict[Value, str] = field(default_factory=dict[Value, str])
    _prefix: str = ""
    _place: str = ""
    _count: dict[str, int] = field(default_factory=dict[str, int])
    _stored: dict[object, str] = field(default_factory=dict[object, str])

    @cached_property
    def sizes(self) -> Sizes:
        return Sizes(self.graph, self._add_size, self.constant)

    @property
    def _root(self) -> Emitter:
        return self if self.outer is None else self.outer._root

    def add(self, op_type: str, *inputs: Operand | str, **attributes: object) -> str:
        (name,) = self.add_many(op_type, *inputs, outputs=1, **attributes)
        return name

    def add_many(
        self,
        op_type: str,
        *inputs: Operand | str,
        outputs: int,
        domain: object = "",
        **attributes: object,
    ) -> tuple[str, ...]:
        # A slash is in no name of the language, so nothing made here meets a name of the program.
        name = self._fresh(f"{self._prefix}/{op_type}")
        made = (name,) if outputs == 1 else tuple(f"{name}:{i}" for i in range(outputs))
        used = [i.name if isinstance(i, Operand) else i for i in inputs]
        while used and not used[-1]:
            used.pop()
        proto = helper.make_node(
            op_type, used, made, name=name, doc_string=self._place, domain=str(domain)
        )
        proto.attribute.extend(
            helper.make_attribute(key, ELEMENTS[value] if isinstance(value, DType) else value)
            for key, value in sorted(attributes.items())
            if value is not None
        )
        self._root.domains.add(str(domain))
        self.nodes.append(proto)
        return made

    def constant(self, values: object, dtype: DType) -> str:
        root = self._root
        array: Array = np.asarray(values, dtype=numpy_dtype(dtype))
        key = (dtype, array.shape, array.tobytes())
        if key not in root._stored:
            name = f"constant/{len(root.constants)}"
            root.constants[name] = tensor(name, array, dtype)
            root._stored[key] = name
        return root._stored[key]

    def axes(self, axes: Sequence[int]) -> str:
        return self.constant(list(axes), DType.I64)

    def carried(self, operand: Operand) -> bool:
        return any(operand.name == state.value.name for state in self._root.graph.states)

    def shape(self, sizes: Shape, *, like: Operand | None = None) -> str:
        if like is not None and (short := abbreviated(sizes, like.type.shape)) is not None:
            return self.axes(short)
        return self._root.sizes.shape(sizes)

    def scan(
        self, body: Graph, carried: int, scanned: int, operands: Sequence[Operand]
    ) -> tuple[str, ...]:
        """Add a Scan over axis 1 whose body reads the operands past the scanned from outside."""
        inner = Emitter(body, self.opset, outer=self)
        inside = body.inputs[: carried + scanned]
        inner.names = {v: self._fresh(f"{self._prefix}/scan/{v.name}") for v in inside}
        outside = operands[carried + scanned :]
        beyond = body.inputs[carried + scanned :]
        inner.names |= {v: o.name for v, o in zip(beyond, outside, strict=True)}
        for node in body.nodes:
            inner.lower(node)
        entries = [info(inner.names[v], v.type) for v in inside]
        results = {self._fresh(f"{self._prefix}/scan/{n}"): v for n, v in body.outputs.items()}
        inner.finish(results)
        proto = helper.make_graph(
            inner.nodes,
            self._fresh(f"{self._prefix}/scan"),
            entries,
            [info(name, v.type) for name, v in results.items()],
        )
        return self.add_many(
            "Scan",
            *operands[: carried + scanned],
            outputs=len(results),
            body=proto,
            num_scan_inputs=scanned,
            scan_input_axes=[1] * scanned,
            scan_output_axes=[1] * (len(results) - carried) or None,
        )

    def lower(self, node: Node) -> None:
        """Lower one node of the graph."""
        path = node.scope.path if node.scope is not None else ""
        kind = node.scope.kind if node.scope is not None else node.op.name
        self._prefix = path
        self._place = " ".join(p for p in (written_at(node), kind, path) if p)
        operands = [Operand(self.names[v], v.type) for v in node.inputs]
        made = node.op.onnx(self, *operands)
        self.names.update(zip(node.outputs, made, strict=True))
        self._prefix = self._place = ""

    def finish(self, results: dict[str, Value]) -> None:
        """Give the results their names and drop what nothing uses."""
        produced = {name for proto in self.nodes for name in proto.output}
        renamed: dict[str, str] = {}
        for name, value in results.items():
            made = self.names[value]
            if made in produced and made not in renamed:
                renamed[made] = name
                continue
            proto = helper.make_node("Identity", [made], [name], name=self._fresh(f"{name}/out"))
            self.nodes.append(proto)
        rename(self.nodes, renamed)
        self.names = {v: renamed.get(n, n) for v, n in self.names.items()}
        self.nodes = list(self._parted(needed(self.nodes, results)))

    def _parted(self, nodes: Iterable[onnx.NodeProto]) -> Iterable[onnx.NodeProto]:
        """Keep a Pad of zeros apart from a pool after it.

        onnxruntime fuses the two into padding with minus infinity, which is another function; a
        Max of one operand stands in the way of that and costs a copy.
        """
        pads: set[str] = set()
        for proto in nodes:
            if proto.op_type == "Pad":
                pads.add(proto.output[0])
            if proto.op_type in ("MaxPool", "AveragePool") and proto.input[0] in pads:
                name = self._fresh(f"{proto.name}/Max")
                yield helper.make_node("Max", [proto.input[0]], [name], name=name)
                proto.input[0] = name
            yield proto

    def _fresh(self, stem: str) -> str:
        counts = self._root._count
        name = stem
        while name in counts:
            counts[stem] += 1
            name = f"{stem}.{counts[stem]}"
        counts[name] = 0
        return name

    def _add_size(self, op_type: str, /, *inputs: str, **attributes: object) -> str:
        """Add a node about sizes, which belongs to the whole graph and to no layer."""
        prefix, place = self._prefix, self._place
        self._prefix, self._place = "size", ""
        name = self.add(op_type, *inputs, **attributes)
        self._prefix, self._place = prefix, place
        return name
