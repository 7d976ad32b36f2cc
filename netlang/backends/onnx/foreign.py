"""ONNX models of any origin, read within bounds into plain records.

A file may be damaged or hostile: nothing outside of its folder is read, no array is made that its
bytes do not back, and every problem is a ``FileError``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import cast

import onnx
from google.protobuf.message import DecodeError
from msgspec import Struct, field
from onnx import TensorProto, external_data_helper, helper, inliner, numpy_helper

from netlang.backends.onnx.protos import ELEMENTS, Model
from netlang.diagnostics.errors import FileError, TooLargeError
from netlang.ir.types import DType
from netlang.system.files import reading
from netlang.system.numpy import Array, np

OPSETS = range(7, 25)
"""The versions of ONNX's operators that are understood."""

_MOST_NODES, _LARGEST_FILE = 50_000, (1 << 31) - 1
_LONGEST_NAME = 60
_DEEPEST_CALLS = 100
_DTYPES = {element: dtype for dtype, element in ELEMENTS.items()}
_STANDARD = ("", "ai.onnx")

Attribute = int | float | str | Sequence[int] | Sequence[float] | Sequence[str] | Array | None


class ForeignGraph(Struct, frozen=True, eq=False):
    """The graph inside a node: a branch, or the body of a loop. It also reads names outside."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    nodes: tuple[ForeignNode, ...]
    arrays: Mapping[str, Array]
    stored: frozenset[str]


class ForeignNode(Struct, frozen=True, eq=False):
    """A node as the file has it; ``at`` counts nodes from 1, for messages.

    ``graphs`` are those inside it by the names of the attributes, and ``within`` says in which
    graph of which node it is itself.
    """

    kind: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Attribute]
    at: int
    domain: str = ""
    graphs: Mapping[str, ForeignGraph] = field(default_factory=dict[str, "ForeignGraph"])
    within: str = ""


class ForeignInput(Struct, frozen=True):
    """An input of the model; a size is a number, a name, or ``None`` where it is unknown."""

    name: str
    dtype: DType
    dims: tuple[int | str | None, ...]


class Foreign(Struct, frozen=True, eq=False):
    """A model: nodes in the order of computation, and the arrays it holds by name.

    ``stored`` are the names of its initializers; the other arrays are its constants.
    """

    path: Path
    opset: int
    inputs: tuple[ForeignInput, ...]
    outputs: tuple[str, ...]
    nodes: tuple[ForeignNode, ...]
    arrays: Mapping[str, Array]
    stored: frozenset[str]
    doc: str
    net: str
    """The name of the graph."""


def text_of(name: object) -> str:
    """Return a name of a file, which may not be text."""
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)


def shown(name: str) -> str:
    """Return a name from a file for a message: printable, and not too long."""
    name = text_of(name)
    text = "".join(c if c.isprintable() else "?" for c in name[: _LONGEST_NAME + 1])
    return f"{text[:_LONGEST_NAME]}…" if len(text) > _LONGEST_NAME else text


def describe(node: ForeignNode) -> str:
    """Return where a node is, for messages: ``node 3, Conv `conv1` ``."""
    called = f" `{shown(node.name)}`" if node.name else ""
    kind = f"{node.domain}::{node.kind}" if node.domain else node.kind
    return f"node {node.at}, {shown(kind)}{called}{node.within}"


def read_foreign(path: Path) -> Foreign:
    """Read a model; raises ``FileError`` or ``TooLargeError`` for what is not a sound one."""
    model = parsed(path)
    opset = _opset(path, model)
    if model.functions:
        model = _inlined(path, model)
    graph = model.graph
    count = _count(graph)
    if count > _MOST_NODES:
        raise TooLargeError(f"{path} has {count:,} nodes; {_MOST_NODES:,} is the most")
    main = _graph(path, path.resolve().parent, graph)
    inputs = tuple(_input(path, i) for i in graph.input if text_of(i.name) in main.inputs)
    _check_order(path, main, {""})
    return Foreign(
        path=path,
        opset=opset,
        inputs=inputs,
        outputs=main.outputs,
        nodes=main.nodes,
        arrays=main.arrays,
        stored=main.stored,
        doc=text_of(graph.doc_string),
        net=text_of(graph.name),
    )


def _count(graph: onnx.GraphProto) -> int:
    """Return the number of nodes of a graph and of those inside its nodes."""
    inner = (g for n in graph.node for a in n.attribute for g in (a.g, *a.graphs) if g.node)
    return len(graph.node) + sum(map(_count, inner))


def _graph(path: Path, folder: Path, graph: onnx.GraphProto, within: str = "") -> ForeignGraph:
    """Return a graph, the constants of which are arrays and not nodes."""
    arrays = {text_of(t.name): _array(path, folder, t, "tensor") for t in graph.initializer}
    stored = frozenset(arrays)
    nodes: list[ForeignNode] = []
    for at, proto in enumerate(graph.node, 1):
        node = _node(path, folder, proto, at, within)
        if node.kind == "Constant" and not node.domain:
            arrays[node.outputs[0]] = _constant(path, node)
        else:
            nodes.append(node)
    inputs = (text_of(i.name) for i in graph.input)
    return ForeignGraph(
        inputs=tuple(name for name in inputs if name not in arrays),
        outputs=tuple(text_of(o.name) for o in graph.output),
        nodes=tuple(nodes),
        arrays=arrays,
        stored=stored,
    )


def parsed(path: Path) -> Model:
    """Return the message in a file, without the data that it stores elsewhere."""
    with reading(path) as stream:
        size = path.stat().st_size
        if size > _LARGEST_FILE:
            raise TooLargeError(f"{path} has {size:,} bytes; an ONNX file has less than 2 GiB")
        content = stream.read(_LARGEST_FILE)
    model = Model()
    try:
        model.ParseFromString(content)
    except (DecodeError, RecursionError):
        raise FileError(
            f"{path} is not a complete ONNX model",
            helps=["it may be damaged or cut off: export or download it again"],
        ) from None
    if not model.graph.node and not model.graph.output:
        raise FileError(f"{path} is not an ONNX model: it has no graph")
    return model


def _opset(path: Path, model: Model) -> int:
    versions = [o.version for o in model.opset_import if o.domain in _STANDARD]
    if len(versions) != 1 or versions[0] not in OPSETS:
        found = f"opset {versions[0]}" if versions else "no operator set"
        raise FileError(
            f"{path} uses {found} of ONNX",
            notes=[f"opsets {OPSETS[0]} to {OPSETS[-1]} are understood"],
            helps=["convert it: onnx.version_converter.convert_version(model, 18)"],
        )
    return versions[0]


def _inlined(path: Path, model: Model) -> Model:
    _check_expansion(path, model)
    try:
        return inliner.inline_local_functions(model)
    except Exception as error:
        raise FileError(
            f"the functions in {path} cannot be inlined", notes=[shown(str(error))]
        ) from None


def _check_expansion(path: Path, model: Model) -> None:
    """Reject functions that call each other so often, or themselves, that inlining has no end."""
    bodies = {(f.domain, f.name): f.node for f in model.functions}
    counts: dict[tuple[str, str], int] = {}

    def count(nodes: Sequence[onnx.NodeProto], calling: tuple[tuple[str, str], ...]) -> int:
        total = 0
        for node in nodes:
            key = (node.domain, node.op_type)
            if key in bodies and key not in counts:
                if key in calling or len(calling) >= _DEEPEST_CALLS:
                    raise FileError(f"the functions in {path} call themselves, or lie too deep")
                counts[key] = count(bodies[key], (*calling, key))
            inner = [n for a in node.attribute for graph in (a.g, *a.graphs) for n in graph.node]
            more = count(inner, calling) if inner else 0
            total = min(total + counts.get(key, 1) + more, _MOST_NODES + 1)
        return total

    if count(model.graph.node, ()) > _MOST_NODES:
        raise TooLargeError(
            f"{path} has more than {_MOST_NODES:,} nodes, once its functions are inlined"
        )


def _input(path: Path, info: onnx.ValueInfoProto) -> ForeignInput:
    found = info.type.tensor_type
    dtype = _DTYPES.get(found.elem_type)
    if info.type.WhichOneof("value") != "tensor_type" or dtype is None:
        raise FileError(
            f"the input `{shown(info.name)}` of {path} is not a tensor that a net can take",
            notes=[f"tensors have elements of {', '.join(str(d) for d in ELEMENTS)}"],
        )
    if not found.HasField("shape"):
        raise FileError(f"the input `{shown(info.name)}` of {path} has no shape")
    dims = [d.dim_value if d.HasField("dim_value") else d.dim_param for d in found.shape.dim]
    sizes = (d if isinstance(d, int) else text_of(d) for d in dims)
    return ForeignInput(text_of(info.name), dtype, tuple(d or None for d in sizes))


def _node(
    path: Path, folder: Path, proto: onnx.NodeProto, at: int, within: str = ""
) -> ForeignNode:
    attributes: dict[str, Attribute] = {}
    graphs: dict[str, ForeignGraph] = {}
    outer = ForeignNode(
        text_of(proto.op_type), text_of(proto.name), (), (), {}, at, within=within
    )  # fmt: skip
    for attribute in proto.attribute:
        match attribute.type:
            case onnx.AttributeProto.TENSOR:
                attributes[text_of(attribute.name)] = _array(path, folder, attribute.t, "constant")
            case onnx.AttributeProto.GRAPH:
                name = text_of(attribute.name)
                inside = f" in the `{shown(name)}` of {describe(outer)}"
                graphs[name] = _graph(path, folder, attribute.g, inside)
            case onnx.AttributeProto.GRAPHS:
                attributes[text_of(attribute.name)] = None
            case _:
                value = cast("object", helper.get_attribute_value(attribute))
                attributes[text_of(attribute.name)] = _plain(value)
    domain = "" if text_of(proto.domain) in _STANDARD else text_of(proto.domain)
    inputs, outputs = (tuple(map(text_of, names)) for names in (proto.input, proto.output))
    if not outputs:
        raise FileError(f"node {at}{within} of {path} has no result")
    return ForeignNode(
        text_of(proto.op_type), text_of(proto.name), inputs, outputs, attributes, at, domain,
        graphs, within,
    )  # fmt: skip


def _plain(value: object) -> Attribute:
    match value:
        case bytes():
            return value.decode("utf-8", "replace")
        case int() | float() | str():
            return value
        case list():
            items = cast("list[object]", value)
            return cast("list[str]", [_plain(item) for item in items])
        case _:
            return None


def _constant(path: Path, node: ForeignNode) -> Array:
    """Return the value of a Constant, in any of its spellings."""
    match node.attributes:
        case {"value": np.ndarray() as array}:
            return array
        case {"value_float": float() | int() as number}:
            return np.asarray(number, np.float32)
        case {"value_int": int() as number}:
            return np.asarray(number, np.int64)
        case {"value_floats": list() as numbers}:
            return np.asarray(numbers, np.float32)
        case {"value_ints": list() as numbers}:
            return np.asarray(numbers, np.int64)
        case _:
            raise FileError(f"{describe(node)} of {path} holds no numbers")


def _array(path: Path, folder: Path, tensor: TensorProto, what: str) -> Array:
    """Return the elements of a tensor, once their number is known to be what the file holds."""
    named = f"the {what} `{shown(tensor.name)}` of {path}"
    dtype = _DTYPES.get(tensor.data_type)
    if dtype is None:
        kind = TensorProto.DataType.Name(tensor.data_type) if tensor.data_type < 30 else "unknown"
        raise FileError(
            f"{named} has elements of another kind: {kind}",
            notes=[f"tensors have elements of {', '.join(str(d) for d in ELEMENTS)}"],
        )
    count = 1
    for size in tensor.dims:
        count *= size
    if any(size < 0 for size in tensor.dims) or len(tensor.dims) > 32:
        raise FileError(f"{named} has a shape that no array has")
    if tensor.data_location == TensorProto.EXTERNAL:
        content = _external(path, folder, tensor, named)
        if len(content) != count * dtype.bytes:
            raise FileError(f"{named} claims {count:,} elements, and its data has others")
        tensor = TensorProto(data_type=tensor.data_type, dims=tensor.dims, raw_data=content)
    elif tensor.HasField("raw_data") and len(tensor.raw_data) != count * dtype.bytes:
        raise FileError(f"{named} claims {count:,} elements, and its data has others")
    try:
        array = numpy_helper.to_array(tensor)
    except Exception:
        raise FileError(f"{named} claims {count:,} elements, and its data has others") from None
    return array


def _external(path: Path, folder: Path, tensor: TensorProto, named: str) -> bytes:
    """Return the bytes that a tensor stores in another file, which must be in the same folder."""
    entries = {text_of(entry.key): text_of(entry.value) for entry in tensor.external_data}
    location = entries.get("location", "")
    try:
        target = (folder / location).resolve()
        inside = location and target.is_relative_to(folder) and not Path(location).is_absolute()
        start, length = int(entries.get("offset", 0)), int(entries.get("length", -1))
    except (ValueError, OSError):
        raise FileError(f"{named} does not say where its data is") from None
    if not inside:
        raise FileError(
            f"{named} has its data in `{shown(location)}`, outside of the file's folder",
            helps=["move the data next to the file"],
        )
    if not target.is_file():
        raise FileError(f"{named} has its data in `{shown(location)}`, which is not there")
    size = target.stat().st_size
    length = size - start if length < 0 else length
    if start < 0 or length < 0 or start + length > size:
        raise FileError(f"{named} lies beyond the end of `{shown(location)}`")
    with reading(target) as stream:
        stream.seek(start)
        return stream.read(length)


def _check_order(path: Path, graph: ForeignGraph, known: set[str]) -> None:
    """Reject a graph that reads what nothing computed before, such as one with a cycle.

    ``known`` are the names outside of it, to which it adds those that it computes meanwhile.
    """
    computed = {*graph.inputs, *graph.arrays}
    added = computed - known
    known |= computed
    for node in graph.nodes:
        for name in node.inputs:
            if name not in known:
                raise FileError(
                    f"{describe(node)} of {path} reads `{shown(name)}`, "
                    "which nothing before it computes"
                )
        for inner in node.graphs.values():
            _check_order(path, inner, known)
        for name in _results(node):
            if name in computed:
                raise FileError(f"{describe(node)} of {path} computes `{shown(name)}` again")
            computed.add(name)
            if name not in known:
                known.add(name)
                added.add(name)
    for name in graph.outputs:
        if name not in known or not name:
            raise FileError(f"nothing in {path} computes the output `{shown(name)}`")
    known -= added


def _results(node: ForeignNode) -> Iterator[str]:
    return (name for name in node.outputs if name)


def with_outputs(path: Path, names: Sequence[str]) -> Model:
    """Return the model in a file that ``read_foreign`` accepts, with more values as outputs."""
    model = parsed(path)
    external_data_helper.load_external_data_for_model(model, str(path.resolve().parent))
    known = {output.name for output in model.graph.output}
    model.graph.output.extend(onnx.ValueInfoProto(name=n) for n in names if n not in known)
    return model
