"""The builder of ONNX nodes that operators lower to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property, partial
from pathlib import Path

import onnx
from onnx import helper

from netlang.analysis.layers import chain_of, layer_name, owning_paths
from netlang.backends.onnx.functions import DOMAIN
from netlang.backends.onnx.protos import ELEMENTS, info, needed, rename, tensor
from netlang.backends.onnx.sizes import Sizes, abbreviated
from netlang.backends.opsets import OPSETS
from netlang.diagnostics import rules
from netlang.diagnostics.errors import USAGE, NetlangError
from netlang.diagnostics.source import Span
from netlang.ir.arrays import numpy_dtype, show_array
from netlang.ir.dims import Shape
from netlang.ir.graph import Graph, Node, Scope, Value, origin
from netlang.ir.op import Operand
from netlang.ir.types import DType
from netlang.system.numpy import Array, np

_SHORT = 8
"""The most elements of a constant that its name shows."""


@dataclass
class Emitter:
    """The builder that every operator's ``onnx`` method receives as ``b``.

    The body of a loop has its own emitter; the outermost one holds the constants, the sizes and the
    counters of names for all of them. ``source`` is the file whose name is left out of locations.
    """

    graph: Graph
    opset: int
    source: str | None = None
    outer: Emitter | None = None
    nodes: list[onnx.NodeProto] = field(default_factory=list[onnx.NodeProto])
    constants: dict[str, onnx.TensorProto] = field(default_factory=dict[str, onnx.TensorProto])
    domains: set[str] = field(default_factory=set[str])
    scopes: dict[str, Scope | None] = field(default_factory=dict[str, "Scope | None"])
    """The call that each node comes from, by the name of the node."""
    layers: dict[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    """The path and the kind of the layer that each node belongs to, by the name of the node."""
    names: dict[Value, str] = field(default_factory=dict[Value, str])
    _prefix: str = ""
    _kind: str = ""
    _location: str = ""
    _scope: Scope | None = None
    _count: dict[str, int] = field(default_factory=dict[str, int])
    _stored: dict[object, str] = field(default_factory=dict[object, str])

    @cached_property
    def sizes(self) -> Sizes:
        return Sizes(self.graph, self._add_size, partial(self._constant, "size"))

    @property
    def _root(self) -> Emitter:
        return self if self.outer is None else self.outer._root

    @property
    def opsets(self) -> list[onnx.OperatorSetIdProto]:
        """The operator sets in use: ONNX's first, then that of the functions of a model."""
        others = sorted({DOMAIN, *self.domains} - {""})
        return [helper.make_opsetid("", self.opset), *(helper.make_opsetid(d, 1) for d in others)]

    @cached_property
    def owners(self) -> set[str]:
        """The paths of the calls that own parameters, directly or inside."""
        return owning_paths(self.graph)

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
        # Names of the language contain no slash, so these cannot collide with them.
        name = self._fresh(f"{self._prefix}/{op_type}")
        made = (name,) if outputs == 1 else tuple(f"{name}:{i}" for i in range(outputs))
        used = [i.name if isinstance(i, Operand) else i for i in inputs]
        while used and not used[-1]:
            used.pop()
        set_attributes = {n: v for n, v in sorted(attributes.items()) if v is not None}
        if not domain:
            self._require(op_type, set_attributes)
        proto = helper.make_node(
            op_type, used, made, name=name, doc_string=self._location, domain=str(domain)
        )
        proto.attribute.extend(
            helper.make_attribute(key, ELEMENTS[value] if isinstance(value, DType) else value)
            for key, value in set_attributes.items()
        )
        self._root.domains.add(str(domain))
        self.scopes[name] = self._scope
        if self._kind:
            self.layers[name] = self._prefix, self._kind
        self.nodes.append(proto)
        return made

    def constant(self, values: object, dtype: DType) -> str:
        return self._constant("constant", values, dtype)

    def axes(self, axes: Sequence[int]) -> str:
        return self._constant("axes", list(axes), DType.I64)

    def _constant(self, role: str, values: object, dtype: DType) -> str:
        """Return the name of a constant: its role and its value, or its type if it is long."""
        root = self._root
        with np.errstate(over="ignore"):  # a number beyond the range is infinite
            array: Array = np.asarray(values, dtype=numpy_dtype(dtype))
        key = (role, dtype, array.shape, array.tobytes())
        if key not in root._stored:
            stem = f"{role}/{_shown(array)}"
            name = self._fresh(f"{stem}/{dtype}" if stem in root._count else stem)
            root.constants[name] = tensor(name, array, dtype)
            root._stored[key] = name
        return root._stored[key]

    def carried(self, operand: Operand) -> bool:
        return any(operand.name == state.value.name for state in self._root.graph.states)

    def shape(self, sizes: Shape, *, like: Operand | None = None) -> str:
        if like is not None and (short := abbreviated(sizes, like.type.shape)) is not None:
            return self._constant("shape", short, DType.I64)
        if all(isinstance(size, int) for size in sizes):
            return self._constant("shape", list(sizes), DType.I64)
        return self._root.sizes.shape(sizes)

    def scan(
        self, body: Graph, carried: int, scanned: int, operands: Sequence[Operand], *,
        reverse: bool = False,
    ) -> tuple[str, ...]:  # fmt: skip
        """Add a Scan over axis 1 whose body captures the operands after the scanned ones."""
        inner = Emitter(body, self.opset, self.source, outer=self)
        inside = body.inputs[: carried + scanned]
        inner.names = {v: self._fresh(f"{self._prefix}/scan/{v.name}") for v in inside}
        outside = operands[carried + scanned :]
        captured = body.inputs[carried + scanned :]
        inner.names |= {v: o.name for v, o in zip(captured, outside, strict=True)}
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
        stacked = len(results) - carried
        return self.add_many(
            "Scan",
            *operands[: carried + scanned],
            outputs=len(results),
            body=proto,
            num_scan_inputs=scanned,
            scan_input_axes=[1] * scanned,
            scan_output_axes=[1] * stacked or None,
            scan_input_directions=[1] * scanned if reverse else None,
            scan_output_directions=[1] * stacked or None if reverse else None,
        )

    def lower(self, node: Node) -> None:
        """Lower one node of the graph."""
        self._prefix, kind = layer_name(node, self._root.owners)
        self._scope = node.scope
        self._kind = kind
        self._location = self._describe(origin(node), kind, self._prefix)
        operands = [Operand(self.names[v], v.type) for v in node.inputs]
        made = node.op.onnx(self, *operands)
        self.names.update(zip(node.outputs, made, strict=True))
        self._prefix = self._location = self._kind = ""
        self._scope = None

    def calls(self, proto: onnx.NodeProto) -> list[Scope]:
        """Return the calls of blocks that a node comes from, outermost first."""
        # A node that was added for another one has a longer name.
        parent = proto.name.rpartition("/")[0]
        scope = self.scopes.get(proto.name) or self.scopes.get(parent)
        return [each for each in chain_of(scope) if each.block]

    def location(self, call: Scope) -> str:
        """Return the line, the kind and the path of a call."""
        return self._describe(call.span, call.kind, call.path)

    def _describe(self, span: Span | None, kind: str, path: str) -> str:
        """Return where something is written, and what: ``file:line`` or ``line 3`` come first."""
        where = ""
        if span is not None:
            file, line = span.source.name, span.line
            short = "" if file == self.source else f"{Path(file).name} "
            where = f"{file}:{line}" if self.source is None else f"{short}line {line}"
        return " ".join(part for part in dict.fromkeys((where, kind, path)) if part)

    def finish(self, results: dict[str, Value]) -> None:
        """Name the results and remove unused nodes."""
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
        self.nodes = list(self._separated(needed(self.nodes, results)))

    def _separated(self, nodes: Iterable[onnx.NodeProto]) -> Iterable[onnx.NodeProto]:
        """Separate a Pad of zeros from the pool that follows it.

        onnxruntime fuses the two into padding with minus infinity, which is a different function; a
        Max of one operand prevents that at the cost of a copy.
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

    def _require(self, op_type: str, attributes: Iterable[str]) -> None:
        """Raise ``NetlangError`` for an operator or an attribute that the opset lacks."""
        used = frozenset(attributes)
        lacks = _lacking(op_type, self.opset, used)
        if not lacks:
            return
        newer = next(o for o in OPSETS if o > self.opset and not _lacking(op_type, o, used))
        raise NetlangError(
            rules.OPSET_TOO_OLD,
            f"ONNX opset {self.opset} has no {lacks}",
            notes=[f"needed for {self._location}"] if self._location else [],
            helps=[f"choose opset {newer} or newer"],
            exit_code=USAGE,
        )

    def _fresh(self, stem: str) -> str:
        counts = self._root._count
        name = stem
        while name in counts:
            counts[stem] += 1
            name = f"{stem}.{counts[stem]}"
        counts[name] = 0
        return name

    def _add_size(self, op_type: str, /, *inputs: str, **attributes: object) -> str:
        """Add a node that computes sizes, which belongs to the graph and not to a layer."""
        kept = self._prefix, self._location, self._kind, self._scope
        self._prefix, self._location, self._kind, self._scope = "size", "", "", None
        name = self.add(op_type, *inputs, **attributes)
        self._prefix, self._location, self._kind, self._scope = kept
        return name


def _shown(array: Array) -> str:
    """Return a few numbers in full, and of more their type."""
    if array.ndim > 1 or array.size > _SHORT:
        return show_array(array).replace(" ", "")
    numbers = [_short(n) if isinstance(n, float) else str(n) for n in array.reshape(-1).tolist()]
    return f"[{','.join(numbers)}]" if array.ndim else numbers[0]


def _short(number: float) -> str:
    text = f"{number:g}"
    return f"{text}.0" if text.lstrip("-").isdecimal() else text


@cache
def _lacking(op_type: str, opset: int, attributes: frozenset[str]) -> str:
    """Return the operator or the attribute that an opset lacks, as a phrase; ``""`` for none."""
    try:
        schema = onnx.defs.get_schema(op_type, opset)
    except onnx.defs.SchemaError:
        return op_type
    missing = sorted(attributes - schema.attributes.keys())
    return f"{op_type} with `{missing[0]}`" if missing else ""
