"""The protobuf messages of ONNX models."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, MutableSequence, Sequence

import onnx
from onnx import TensorProto, helper

from netlang.ir.arrays import dtype_of, raw
from netlang.ir.types import DType, TensorType
from netlang.system.numpy import Array

Model = onnx.ModelProto

ELEMENTS: Mapping[DType, int] = {
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


def info(name: str, type: TensorType) -> onnx.ValueInfoProto:
    """Return the type of a tensor as a message; symbolic sizes keep their names."""
    dims = [d if isinstance(d, int) else str(d) for d in type.shape]
    return helper.make_tensor_value_info(name, ELEMENTS[type.dtype], dims)


def tensor(name: str, array: Array, dtype: DType) -> onnx.TensorProto:
    """Return a small array as a message."""
    stored = header(name, array.shape, dtype)
    stored.raw_data = bytes(raw(array))
    return stored


def header(name: str, shape: Sequence[int], dtype: DType) -> onnx.TensorProto:
    """Return the message of a tensor without its elements."""
    return TensorProto(name=name, data_type=ELEMENTS[dtype], dims=shape)


def weight(name: str, array: Array) -> onnx.TensorProto:
    """Return the message of a weight without its elements."""
    dtype = dtype_of(array)
    assert dtype is not None  # its type was checked against the parameter
    return header(name, array.shape, dtype)


def bodies(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    """Return the graphs inside a node, such as the body of a Scan."""
    for attribute in node.attribute:
        if attribute.type == onnx.AttributeProto.GRAPH:
            yield attribute.g


def reads(node: onnx.NodeProto) -> set[str]:
    """Return the names that a node reads, including those in its bodies."""
    names = set(node.input)
    for body in bodies(node):
        names.update(*(reads(inner) for inner in body.node), (o.name for o in body.output))
    return names


def rename(nodes: Iterable[onnx.NodeProto], names: Mapping[str, str]) -> None:
    """Rename tensors wherever they are written or read."""
    for node in nodes:
        _rename_in(node.input, names)
        _rename_in(node.output, names)
        for body in bodies(node):
            rename(body.node, names)


def needed(nodes: Sequence[onnx.NodeProto], results: Iterable[str]) -> list[onnx.NodeProto]:
    """Return the nodes that some result depends on."""
    wanted = set(results)
    live: list[onnx.NodeProto] = []
    for node in reversed(nodes):
        if not wanted.isdisjoint(node.output):
            wanted |= reads(node)
            live.append(node)
    return live[::-1]


def _rename_in(tensors: MutableSequence[str], names: Mapping[str, str]) -> None:
    for position, name in enumerate(tensors):
        if name in names:
            tensors[position] = names[name]


def copying(array: Array) -> Model:
    """Return a model that copies its input ``x``, of an array's type and rank, to ``y``."""
    element, sizes = helper.np_dtype_to_tensor_dtype(array.dtype), [None] * array.ndim
    x, y = (helper.make_tensor_value_info(name, element, sizes) for name in "xy")
    graph = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"], "copy")], "copy", [x], [y]
    )
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 13)])
