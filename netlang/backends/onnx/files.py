"""Models in files, and ONNX's own check."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod
from pathlib import Path

import onnx
from onnx import helper

from netlang.backends.onnx.protos import Model, weight
from netlang.diagnostics.errors import FileError
from netlang.ir.arrays import raw
from netlang.system.files import write_atomically
from netlang.system.numpy import Array

_PAGE, _SMALLEST = 4096, 1024


def save(
    model: Model,
    path: Path,
    weights: Mapping[str, Array] | None = None,
    *,
    external_threshold: int = 1 << 30,
) -> tuple[Path, ...]:
    """Write a model so that ``path`` is either as it was or complete; give the files written.

    ``weights`` are those ``lower`` left beside the model. Weights go to ``<path>.data`` beside the
    file once they take more than ``external_threshold`` bytes (a single ONNX file ends at 2 GiB);
    ``model`` is emptied of its own as they go.
    """
    beside = weights or {}
    if weight_bytes(model) + sum(a.nbytes for a in beside.values()) <= external_threshold:
        write_atomically(path, _with_weights(model, beside))
        return (path,)
    data = path.with_name(path.name + ".data")
    write_atomically(data, _moved_out(model, beside, data.name))
    write_atomically(path, [model.SerializeToString()])
    return (path, data)


def weight_bytes(model: Model) -> int:
    """Count the bytes of the weights inside a model, which may be more than a message can say."""
    return sum(
        prod(tensor.dims) * helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize
        for tensor in model.graph.initializer
        if tensor.data_location != onnx.TensorProto.EXTERNAL
    )


def check(model: Model) -> None:
    """Run ONNX's own full check over a model of at most 2 GiB; raises ``FileError``."""
    try:
        onnx.checker.check_model(  # pyright: ignore[reportUnknownMemberType]
            model, full_check=True
        )
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise FileError(f"ONNX refuses the model: {error}") from None


def _with_weights(model: Model, weights: Mapping[str, Array]) -> Iterator[bytes | memoryview]:
    """Give the bytes of a model that has weights beside it as if they were in it.

    A message within another is written as the number of its field, its length and its bytes: no
    weight need be copied. Source: the encoding of Protocol Buffers.
    """
    if not weights:
        yield model.SerializeToString()
        return
    heads: list[bytes] = []
    for name, array in weights.items():
        head = weight(name, array).SerializeToString()
        head += _field(onnx.TensorProto.RAW_DATA_FIELD_NUMBER, array.nbytes)
        size = len(head) + array.nbytes
        heads.append(_field(onnx.GraphProto.INITIALIZER_FIELD_NUMBER, size) + head)
    graph = model.graph.SerializeToString()
    size = len(graph) + sum(map(len, heads)) + sum(a.nbytes for a in weights.values())
    around = Model()
    around.CopyFrom(model)
    around.ClearField("graph")
    yield around.SerializeToString()
    yield _field(Model.GRAPH_FIELD_NUMBER, size)
    yield graph
    for head, array in zip(heads, weights.values(), strict=True):
        yield head
        yield raw(array)


def _field(number: int, size: int) -> bytes:
    """Write what stands before the bytes of a field: its number and kind, and how many come."""
    return _varint(number << 3 | 2) + _varint(size)


def _varint(number: int) -> bytes:
    """Write a number in groups of seven bits, the lowest first; all but the last are marked."""
    groups = bytearray()
    while number > 0x7F:
        groups.append(number & 0x7F | 0x80)
        number >>= 7
    groups.append(number)
    return bytes(groups)


def _moved_out(
    model: Model, weights: Mapping[str, Array], location: str
) -> Iterator[bytes | memoryview]:
    """Give the bytes of each weight, of a model and beside it, and leave a reference in the model.

    What is small stays in the model, and goes there.
    """
    for name, array in weights.items():
        model.graph.initializer.add().CopyFrom(weight(name, array))
    offset = 0
    for tensor in model.graph.initializer:
        data = raw(weights[tensor.name]) if tensor.name in weights else tensor.raw_data
        if len(data) < _SMALLEST:
            tensor.raw_data = bytes(data)
            continue
        # Readers map the file: a page is the alignment that serves all of them.
        padding = -offset % _PAGE
        offset += padding
        yield bytes(padding)
        yield data
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        for key, value in (("location", location), ("offset", offset), ("length", len(data))):
            tensor.external_data.add(key=key, value=str(value))
        offset += len(data)
