"""Lowering to ONNX; the only module that knows the format."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, MutableSequence, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import onnx
from onnx import TensorProto, helper

from netlang.arrays import numpy_dtype
from netlang.backends.reference import written_at
from netlang.faults import USAGE, BadFile, Fault
from netlang.files import write_atomically
from netlang.ir.dims import Dim, Floor, Shape, Size, Symbol
from netlang.ir.graph import Graph, Node, Value
from netlang.ir.op import Operand
from netlang.ir.types import DType, TensorType
from netlang.numeric import Array, np
from netlang.weights import require

Model = onnx.ModelProto

OPSETS = range(17, 23)
"""The operator sets we export to: old enough to be everywhere, new enough for every lowering."""

_ELEMENTS: Mapping[DType, int] = {
    DType.F16: TensorProto.FLOAT16,
    DType.BF16: TensorProto.BFLOAT16,
    DType.F32: TensorProto.FLOAT,
    DType.F64: TensorProto.DOUBLE,
    DType.I8: TensorProto.INT8,
    DType.I16: TensorProto.INT16,
    DType.I32: TensorProto.INT32,
    DType.I64: TensorProto.INT64,
    DType.U8: TensorProto.UINT8,
    DType.BOOL: TensorProto.BOOL,
}


def to_onnx(
    graph: Graph,
    weights: Mapping[str, Array],
    *,
    opset: int = 18,
    only: Sequence[str] | None = None,
    metadata: Mapping[str, str] | None = None,
) -> Model:
    """Lower a graph and its weights to one model of standard operators.

    Inputs and outputs carry the names of the signature, weights their paths, sizes their symbols;
    a state ``h`` is an input ``h`` and an output ``h_next``. ``only`` keeps the outputs named and
    what they need. Raises ``BadWeights`` for weights that do not fit.
    """
    if opset not in OPSETS:
        raise Fault(
            "unknown-opset",
            f"opset {opset} is not one that can be written",
            helps=[f"choose one from {OPSETS[0]} to {OPSETS[-1]}"],
            exit_code=USAGE,
        )
    require(graph, weights)
    results = _wanted(graph, only)
    live = _live_nodes(graph, results.values())
    emitter = _Emitter(graph, opset)
    emitter.declare(weights)
    for node in live:
        emitter.lower(node)
    emitter.finish(results)
    return _model(graph, emitter, results, weights, partial=only is not None, metadata=metadata)


def save(model: Model, path: Path, *, external_threshold: int = 1 << 30) -> tuple[Path, ...]:
    """Write a model so that ``path`` is either as it was or complete; give the files written.

    Weights go to ``<path>.data`` beside it once the model is larger than ``external_threshold``
    bytes (a single ONNX file ends at 2 GiB); ``model`` is emptied of its weights as they go.
    """
    if model.ByteSize() <= external_threshold:
        write_atomically(path, [model.SerializeToString()])
        return (path,)
    data = path.with_name(path.name + ".data")
    write_atomically(data, _moved_out(model, data.name))
    write_atomically(path, [model.SerializeToString()])
    return (path, data)


def check(model: Model) -> None:
    """Run ONNX's own full check over a model of at most 2 GiB; raises ``BadFile``."""
    try:
        onnx.checker.check_model(  # pyright: ignore[reportUnknownMemberType]
            model, full_check=True
        )
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise BadFile(f"ONNX refuses the model: {error}") from None


@dataclass(slots=True)
class _Emitter:
    """Nodes in the making: what every operator's ``onnx`` method is given as ``b``."""

    graph: Graph
    opset: int
    nodes: list[onnx.NodeProto] = field(default_factory=list[onnx.NodeProto])
    constants: dict[str, onnx.TensorProto] = field(default_factory=dict[str, onnx.TensorProto])
    names: dict[Value, str] = field(default_factory=dict[Value, str])
    _prefix: str = ""
    _place: str = ""
    _count: dict[str, int] = field(default_factory=dict[str, int])
    _known: dict[object, str] = field(default_factory=dict[object, str])

    def add(self, op_type: str, *inputs: Operand | str, **attributes: object) -> str:
        (name,) = self.add_many(op_type, *inputs, outputs=1, **attributes)
        return name

    def add_many(
        self, op_type: str, *inputs: Operand | str, outputs: int, **attributes: object
    ) -> tuple[str, ...]:
        # A slash is in no name of the language, so nothing made here meets a name of the program.
        name = self._fresh(f"{self._prefix}/{op_type}")
        made = (name,) if outputs == 1 else tuple(f"{name}:{i}" for i in range(outputs))
        used = [i.name if isinstance(i, Operand) else i for i in inputs]
        while used and not used[-1]:
            used.pop()
        proto = helper.make_node(op_type, used, made, name=name, doc_string=self._place)
        proto.attribute.extend(
            helper.make_attribute(key, _ELEMENTS[value] if isinstance(value, DType) else value)
            for key, value in sorted(attributes.items())
            if value is not None
        )
        self.nodes.append(proto)
        return made

    def constant(self, values: object, dtype: DType) -> str:
        array: Array = np.asarray(values, dtype=numpy_dtype(dtype))
        key = (dtype, array.shape, array.tobytes())
        if key not in self._known:
            name = f"constant/{len(self.constants)}"
            self.constants[name] = _tensor(name, array, dtype)
            self._known[key] = name
        return self._known[key]

    def axes(self, axes: Sequence[int]) -> str:
        return self.constant(list(axes), DType.I64)

    def shape(self, sizes: Shape, *, like: Operand | None = None) -> str:
        if like is not None and (short := _like(sizes, like.type.shape)) is not None:
            return self.axes(short)
        if all(isinstance(size, int) for size in sizes):
            return self.constant(list(sizes), DType.I64)
        key = ("shape", sizes)
        if key not in self._known:
            parts = [self._size(size) for size in sizes]
            self._known[key] = (
                parts[0] if len(parts) == 1 else self._sized("Concat", *parts, axis=0)
            )
        return self._known[key]

    def declare(self, weights: Mapping[str, Array]) -> None:
        """Name what the graph starts from."""
        self.names |= {v: v.name for v in self.graph.inputs}
        self.names |= {s.value: s.value.name for s in self.graph.states}
        taken = {*self.names.values(), *_results(self.graph)}
        for value, param in self.graph.params.items():
            assert param.path in weights
            self.names[value] = f"{param.path}/" if param.path in taken else param.path

    def lower(self, node: Node) -> None:
        """Lower one node of the graph."""
        path = node.scope.path if node.scope else ""
        kind = node.scope.kind if node.scope else node.op.name
        self._prefix = path
        self._place = " ".join(p for p in (written_at(node), kind, path) if p)
        operands = [Operand(self.names[v], v.type) for v in node.inputs]
        made = node.op.onnx(self, *operands)
        self.names.update(zip(node.outputs, made, strict=True))
        self._prefix = self._place = ""

    def finish(self, results: Mapping[str, Value]) -> None:
        """Give the results their names in the signature and drop what nothing uses."""
        produced = {name for proto in self.nodes for name in proto.output}
        renamed: dict[str, str] = {}
        for name, value in results.items():
            inner = self.names[value]
            if inner in produced and inner not in renamed:
                renamed[inner] = name
                continue
            proto = helper.make_node("Identity", [inner], [name], name=self._fresh(f"{name}/out"))
            self.nodes.append(proto)
        for proto in self.nodes:
            _rename(proto.input, renamed)
            _rename(proto.output, renamed)
        self.names = {v: renamed.get(n, n) for v, n in self.names.items()}
        self.nodes = _used(self.nodes, results)
        self._part_pads_from_pools()

    def _part_pads_from_pools(self) -> None:
        """Keep a Pad of zeros apart from a pool after it.

        onnxruntime fuses the two into padding with minus infinity, which is another function; a
        Max of one operand stands in the way of that and costs a copy.
        """
        pads = {proto.output[0] for proto in self.nodes if proto.op_type == "Pad"}
        parted: list[onnx.NodeProto] = []
        for proto in self.nodes:
            if proto.op_type in ("MaxPool", "AveragePool") and proto.input[0] in pads:
                name = self._fresh(f"{proto.name}/Max")
                parted.append(helper.make_node("Max", [proto.input[0]], [name], name=name))
                proto.input[0] = name
            parted.append(proto)
        self.nodes = parted

    def _fresh(self, stem: str) -> str:
        count = self._count.get(stem, 0)
        self._count[stem] = count + 1
        return f"{stem}.{count}" if count else stem

    def _size(self, size: Size) -> str:
        """Name a tensor i64[1] that holds a size."""
        if isinstance(size, int):
            return self.constant([size], DType.I64)
        key = ("size", size)
        if key not in self._known:
            total = ""
            for monomial, coefficient in size.terms:
                part = "" if coefficient == 1 and monomial else self._size(coefficient)
                for atom in monomial:
                    factor = self._atom(atom)
                    part = self._sized("Mul", part, factor) if part else factor
                total = self._sized("Add", total, part) if total else part
            self._known[key] = total
        return self._known[key]

    def _atom(self, atom: Symbol | Floor) -> str:
        if atom not in self._known:
            match atom:
                case Symbol(name, unit):
                    whole = self._symbol(name)
                    made = whole if unit == 1 else self._sized("Div", whole, self._size(unit))
                case Floor(numerator, divisor):
                    made = self._sized("Div", self._size(numerator), self._size(divisor))
            self._known[atom] = made
        return self._known[atom]

    def _symbol(self, name: str) -> str:
        """Read a symbol off the shape of the input that carries it."""
        key = ("symbol", name)
        if key not in self._known:
            self._known[key] = self._read_symbol(name)
        return self._known[key]

    def _read_symbol(self, name: str) -> str:
        carriers = (*self.graph.inputs, *(s.value for s in self.graph.states))
        lines = [
            (value, axis, line)
            for value in carriers
            for axis, dim in enumerate(value.type.shape)
            if (line := _line(dim, name))
        ]
        for value, axis, (slope, constant, unit) in sorted(lines, key=lambda found: found[2][1]):
            size = self._axis(value, axis)
            size = self._sized("Sub", size, self._size(constant)) if constant else size
            if slope == unit:
                return size
            size = self._sized("Div", size, self._size(slope)) if slope != 1 else size
            return self._sized("Mul", size, self._size(unit)) if unit != 1 else size
        raise Fault(
            "free-size",
            f"no input of `{self.graph.name}` says what {name} is",
            helps=[f"fix it: --bind {name}=..."],
        )

    def _axis(self, value: Value, axis: int) -> str:
        key = ("axes of", value.name)
        if key not in self._known:
            self._known[key] = self._sized("Shape", value.name)
        return self._sized("Gather", self._known[key], self.axes([axis]), axis=0)

    def _sized(self, op_type: str, *inputs: str, **attributes: object) -> str:
        """Add a node about sizes, which belongs to the whole graph and to no layer."""
        prefix, place = self._prefix, self._place
        self._prefix, self._place = "size", ""
        name = self.add(op_type, *inputs, **attributes)
        self._prefix, self._place = prefix, place
        return name


def _line(size: Size, name: str) -> tuple[int, int, int] | None:
    """Read ``size`` as ``slope * (name / unit) + constant``; ``None`` where it is not that."""
    match size:
        case Dim(terms=(((Symbol(found, unit),), slope),)) if found == name:
            return slope, 0, unit
        case Dim(terms=(((Symbol(found, unit),), slope), ((), constant))) if found == name:
            return slope, constant, unit
        case _:
            return None


def _like(sizes: Shape, shape: Shape) -> list[int] | None:
    """Say a shape with 0 for an axis as it was and -1 for one that follows from the others."""
    short: list[int] = []
    for axis, size in enumerate(sizes):
        if isinstance(size, int):
            short.append(size)
        elif axis < len(shape) and shape[axis] == size:
            short.append(0)
        else:
            short.append(-1)
    known_zero = any(size == 0 for size in sizes)
    return None if short.count(-1) > 1 or known_zero else short


def _wanted(graph: Graph, only: Sequence[str] | None) -> dict[str, Value]:
    """Give the results to compute: all, or those named and no state."""
    results = _results(graph)
    if only is None:
        return results
    for name in only:
        if name not in results:
            listed = ", ".join(f"`{n}`" for n in results)
            raise Fault(
                "unknown-output",
                f"`{graph.name}` has no output `{name}`",
                helps=[f"the outputs are: {listed}"],
                exit_code=USAGE,
            )
    return {name: results[name] for name in only}


def _results(graph: Graph) -> dict[str, Value]:
    return dict(graph.outputs) | {f"{s.name}_next": s.after for s in graph.states}


def _live_nodes(graph: Graph, wanted: Iterable[Value]) -> list[Node]:
    needed = set(wanted)
    live: list[Node] = []
    for node in reversed(graph.nodes):
        if not needed.isdisjoint(node.outputs):
            needed.update(node.inputs)
            live.append(node)
    return live[::-1]


def _used(nodes: Sequence[onnx.NodeProto], results: Iterable[str]) -> list[onnx.NodeProto]:
    needed = set(results)
    used: list[onnx.NodeProto] = []
    for proto in reversed(nodes):
        if not needed.isdisjoint(proto.output):
            needed.update(proto.input)
            used.append(proto)
    return used[::-1]


def _rename(names: MutableSequence[str], renamed: Mapping[str, str]) -> None:
    for position, name in enumerate(names):
        if name in renamed:
            names[position] = renamed[name]


def _info(name: str, type: TensorType) -> onnx.ValueInfoProto:
    dims = [d if isinstance(d, int) else str(d) for d in type.shape]
    return helper.make_tensor_value_info(name, _ELEMENTS[type.dtype], dims)


def _tensor(name: str, array: Array, dtype: DType) -> onnx.TensorProto:
    tensor = TensorProto(name=name, data_type=_ELEMENTS[dtype], dims=array.shape)
    tensor.raw_data = _little_endian(array).tobytes()
    return tensor


def _little_endian(array: Array) -> Array:
    return array.astype(array.dtype.newbyteorder("<"), copy=False)


def _moved_out(model: Model, location: str) -> Iterator[bytes]:
    """Take the bytes of each weight out of a model, leaving a reference in their place."""
    offset = 0
    for tensor in model.graph.initializer:
        data = tensor.raw_data
        if len(data) < 1024:
            continue
        # Readers map the file: a page is the alignment that serves all of them.
        padding = -offset % 4096
        offset += padding
        yield bytes(padding)
        yield data
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in (("location", location), ("offset", offset), ("length", len(data))):
            tensor.external_data.add(key=key, value=str(value))
        offset += len(data)


def _model(
    graph: Graph,
    emitter: _Emitter,
    results: Mapping[str, Value],
    weights: Mapping[str, Array],
    *,
    partial: bool,
    metadata: Mapping[str, str] | None,
) -> Model:
    used = {name for proto in emitter.nodes for name in proto.input}
    entries = (*graph.inputs, *(s.value for s in graph.states))
    made = {name for proto in emitter.nodes for name in proto.output}
    inner = {n: v for v, n in emitter.names.items() if n in made and n not in results}
    proto = helper.make_graph(
        emitter.nodes,
        graph.name,
        [_info(v.name, v.type) for v in entries if not partial or v.name in used],
        [_info(name, value.type) for name, value in results.items()],
        value_info=[_info(name, value.type) for name, value in inner.items()],
    )
    for value, param in graph.params.items():
        name = emitter.names[value]
        if name in used:
            proto.initializer.append(_tensor(name, weights[param.path], param.type.dtype))
    proto.initializer.extend(t for name, t in emitter.constants.items() if name in used)
    opsets = [helper.make_opsetid("", emitter.opset)]
    model = helper.make_model(
        proto,
        opset_imports=opsets,
        producer_name="netlang",
        producer_version=version("netlang"),
        ir_version=helper.find_min_ir_version_for(opsets),
    )
    units = ", ".join(f"{name} % {unit} == 0" for name, unit in graph.units.items() if unit > 1)
    properties = {"netlang.net": graph.name} | ({"netlang.where": units} if units else {})
    helper.set_model_props(model, properties | dict(metadata or {}))
    return model
