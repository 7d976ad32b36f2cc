"""Models in files, and ONNX's own check."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from pathlib import Path

import onnx
from onnx import helper

from netlang.backends.onnx.protos import Model
from netlang.faults import BadFile
from netlang.files import write_atomically

_PAGE, _SMALLEST = 4096, 1024


def save(model: Model, path: Path, *, external_threshold: int = 1 << 30) -> tuple[Path, ...]:
    """Write a model so that ``path`` is either as it was or complete; give the files written.

    Weights go to ``<path>.data`` beside it once they take more than ``external_threshold`` bytes
    (a single ONNX file ends at 2 GiB); ``model`` is emptied of its weights as they go.
    """
    if weight_bytes(model) <= external_threshold:
        write_atomically(path, [model.SerializeToString()])
        return (path,)
    data = path.with_name(path.name + ".data")
    write_atomically(data, _moved_out(model, data.name))
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
    """Run ONNX's own full check over a model of at most 2 GiB; raises ``BadFile``."""
    try:
        onnx.checker.check_model(  # pyright: ignore[reportUnknownMemberType]
            model, full_check=True
        )
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise BadFile(f"ONNX refuses the model: {error}") from None


def _moved_out(model: Model, location: str) -> Iterator[bytes]:
    """Take the bytes of each weight out of a model, leaving a reference in their place."""
    offset = 0
    for tensor in model.graph.initializer:
        data = tensor.raw_data
        if len(data) < _SMALLEST:
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
