"""ONNX models in files, and ONNX's own check."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod
from pathlib import Path

import onnx
from onnx import external_data_helper, helper

from netlang.backends.onnx.lowering import embed
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
    """Write a model so that ``path`` is either unchanged or complete; return the files written.

    ``weights`` are those that ``lower`` left out of the model. Above ``external_threshold`` bytes,
    weights go to ``<path>.data`` next to the file (one ONNX file holds at most 2 GiB), and the
    model loses its own.
    """
    weights = {} if weights is None else weights
    if weight_bytes(model) + sum(a.nbytes for a in weights.values()) <= external_threshold:
        write_atomically(path, [embed(model, weights).SerializeToString()])
        return (path,)
    data = path.with_name(path.name + ".data")
    write_atomically(data, _extract_weights(model, weights, data.name))
    write_atomically(path, [model.SerializeToString()])
    return (path, data)


def weight_bytes(model: Model) -> int:
    """Count the bytes of the weights inside a model; they may exceed the limit of a message."""
    return sum(
        prod(tensor.dims) * helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize
        for tensor in model.graph.initializer
        if tensor.data_location != onnx.TensorProto.EXTERNAL
    )


def check(model: Model) -> None:
    """Run ONNX's own full check on a model of at most 2 GiB; raises ``FileError``."""
    try:
        onnx.checker.check_model(  # pyright: ignore[reportUnknownMemberType]
            model, full_check=True
        )
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise FileError(f"ONNX rejects the model: {error}") from None


def _extract_weights(
    model: Model, weights: Mapping[str, Array], location: str
) -> Iterator[bytes | memoryview]:
    """Return the bytes of each weight, and leave a reference to them in the model.

    Weights of less than ``_SMALLEST`` bytes are stored in the model.
    """
    for name, array in weights.items():
        model.graph.initializer.append(weight(name, array))
    offset = 0
    for tensor in model.graph.initializer:
        data = raw(weights[tensor.name]) if tensor.name in weights else tensor.raw_data
        if len(data) < _SMALLEST:
            tensor.raw_data = bytes(data)
            continue
        # Readers map the file: a page is an alignment that serves all of them.
        padding = -offset % _PAGE
        offset += padding
        yield bytes(padding)
        yield data
        tensor.raw_data = b""
        external_data_helper.set_external_data(tensor, location, offset, len(data))
        tensor.ClearField("raw_data")
        offset += len(data)
