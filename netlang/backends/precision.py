"""ONNX models in a lower precision, by the converters that come with onnxruntime."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false

from __future__ import annotations

import logging
import warnings
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from onnx import NodeProto, TensorProto, helper, numpy_helper

from netlang.backends import LOWER as LOWER
from netlang.backends import Lower
from netlang.backends.onnx import Model, weight_bytes
from netlang.backends.onnx.protos import ELEMENTS
from netlang.diagnostics import rules
from netlang.diagnostics.errors import NetlangError
from netlang.ir.arrays import numpy_dtype, raw
from netlang.ir.types import DType
from netlang.system.numpy import Array, np

if TYPE_CHECKING:
    from onnxruntime.quantization import CalibrationDataReader

TOLERANCES: Mapping[Lower, float] = {"f16": 5e-3, "bf16": 3e-2, "int8": 0.1}
"""By how much of its largest element an output may differ from that of f32.

Of int8 it is the bound for random parameters; the metrics of a trained model show what it loses.
"""

_PRODUCTS = {"Conv", "Gemm", "MatMul"}
_DYNAMIC = {"LSTM", "GRU", "RNN", "Scan", "Loop"}
_LARGEST = (1 << 31) - (1 << 26)


def is_dynamic(model: Model) -> bool:
    """Return whether int8 takes the ranges of values from each batch: with loops and attention.

    Their values differ more from input to input than those between convolutions do.
    """
    stored = {tensor.name for tensor in model.graph.initializer}
    return any(
        node.op_type in _DYNAMIC or (node.op_type == "MatMul" and stored.isdisjoint(node.input))
        for node in model.graph.node
    )


def ends(model: Model) -> list[str]:
    """Return the names of the first and the last product with parameters."""
    stored = {tensor.name for tensor in model.graph.initializer}
    names = [
        node.name
        for node in model.graph.node
        if node.op_type in _PRODUCTS and not stored.isdisjoint(node.input)
    ]
    return [*names[:1], *names[1:][-1:]]


def converted(
    model: Model, precision: Lower, examples: Iterable[Mapping[str, Array]] = (),
    keep: Sequence[str] = (),
) -> Model:  # fmt: skip
    """Return a model with its parameters in a lower precision; inputs and outputs stay.

    ``f16`` computes in f16, and ``bf16`` stores parameters in bf16 and computes in f32. ``int8``
    computes products in 8 bits; unless ``is_dynamic``, the ranges of values are those of
    ``examples``. The nodes in ``keep`` stay in f32. Raises ``NetlangError`` for a model of more
    than 2 GiB, or one that the converter rejects.
    """
    if weight_bytes(model) > _LARGEST:
        raise _rejected(precision, "it is larger than 2 GiB, the limit of its format")
    try:
        with _quiet():
            found = _CONVERTERS[precision](model, list(examples), list(keep))
    except NetlangError:
        raise
    except Exception as error:
        raise _rejected(precision, " ".join(str(error).split())) from error
    del found.metadata_props[:]
    found.metadata_props.extend(model.metadata_props)
    found.producer_name, found.producer_version = model.producer_name, model.producer_version
    return found


def _rejected(
    precision: Lower, *why: str, help: str = "leave `--precision` out, which is f32"
) -> NetlangError:
    return NetlangError(
        rules.PRECISION,
        f"the model cannot be converted to {precision}",
        notes=list(why),
        helps=[help],
    )


@contextmanager
def _quiet() -> Generator[None]:
    """Keep the converters from logging: what they did is reported afterwards."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _copy(model: Model) -> Model:
    copy = Model()
    copy.CopyFrom(model)
    return copy


def _f16(model: Model, examples: list[Mapping[str, Array]], keep: list[str]) -> Model:
    del examples
    from onnxruntime.transformers.float16 import DEFAULT_OP_BLOCK_LIST, convert_float_to_float16

    _check_range(model, set(keep))
    # onnxruntime has no recurrent kernels in f16, and crashes on a transposed result of theirs.
    recurrent = any(node.op_type in _DYNAMIC for node in model.graph.node)
    blocked = [*DEFAULT_OP_BLOCK_LIST, *_DYNAMIC, "If", *(["Transpose"] if recurrent else [])]
    found = convert_float_to_float16(
        _copy(model), keep_io_types=True, op_block_list=blocked, node_block_list=keep
    )
    return _stored(found, DType.F16, keep)


def _check_range(model: Model, keep: set[str]) -> None:
    """Reject parameters that f16 cannot hold, which the converter would make smaller."""
    kept = {name for node in model.graph.node if node.name in keep for name in node.input}
    largest = float(np.finfo(np.float16).max)
    beyond: list[str] = []
    for tensor in model.graph.initializer:
        # Names of constants, such as the -1e9 of a mask, have a slash.
        if tensor.data_type == TensorProto.FLOAT and not {"/"} & {*tensor.name}:
            array = numpy_helper.to_array(tensor)
            most = float(
                np.abs(array, where=np.isfinite(array), out=np.zeros_like(array)).max(initial=0)
            )
            if most > largest and tensor.name not in kept:
                beyond.append(
                    f"`{tensor.name}` holds {most:.6g}; the largest number is {largest:,.0f}"
                )
    if beyond:
        raise _rejected("f16", *beyond, help="bf16 has the range of f32: `--precision bf16`")


def _bf16(model: Model, examples: list[Mapping[str, Array]], keep: list[str]) -> Model:
    """Store parameters in bf16: processors have few operators that compute in it."""
    del examples
    return _stored(_copy(model), DType.BF16, keep)


def _stored(model: Model, dtype: DType, keep: list[str]) -> Model:
    """Store the f32 parameters of a model in another type, from which they are cast."""
    kept = {name for node in model.graph.node if node.name in keep for name in node.input}
    casts: list[NodeProto] = []
    for tensor in model.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or tensor.name in kept:
            continue
        array = numpy_helper.to_array(tensor).astype(numpy_dtype(dtype))
        name, stored = tensor.name, f"{tensor.name}/{dtype}"
        tensor.Clear()
        tensor.name, tensor.data_type = stored, ELEMENTS[dtype]
        tensor.dims.extend(array.shape)
        tensor.raw_data = bytes(raw(array))
        casts.append(
            helper.make_node("Cast", [stored], [name], name=f"{name}/Cast", to=TensorProto.FLOAT)
        )
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model


def _int8(model: Model, examples: list[Mapping[str, Array]], keep: list[str]) -> Model:
    from onnxruntime import quantization

    model = _copy(model)  # its parameters are moved out of it
    with TemporaryDirectory(prefix="netlang-") as folder:
        path = Path(folder) / "int8.onnx"
        if is_dynamic(model):
            quantization.quantize_dynamic(
                model, path, per_channel=True, nodes_to_exclude=keep,
                extra_options={"MatMulConstBOnly": True},
            )  # fmt: skip
        else:
            prepared = Path(folder) / "prepared.onnx"
            quantization.quant_pre_process(model, prepared, skip_symbolic_shape=True)
            quantization.quantize_static(
                prepared, path, _reader(examples), per_channel=True, nodes_to_exclude=keep,
                activation_type=quantization.QuantType.QUInt8,
            )  # fmt: skip
        return Model.FromString(path.read_bytes())


def _reader(examples: list[Mapping[str, Array]]) -> CalibrationDataReader:
    from onnxruntime.quantization import CalibrationDataReader

    class Reader(CalibrationDataReader):
        def __init__(self) -> None:
            self._left = iter(examples)

        def get_next(self) -> dict[str, Array] | None:  # pyright: ignore[reportIncompatibleMethodOverride]
            return next((dict(each) for each in self._left), None)

    return Reader()


_CONVERTERS = {"f16": _f16, "bf16": _bf16, "int8": _int8}
