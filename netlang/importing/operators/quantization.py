"""Quantized models: weights become floats, and the rounding of what is computed is left out."""

from __future__ import annotations

from collections.abc import Mapping

from netlang.backends.onnx.foreign import ForeignNode
from netlang.importing.conversion import Conversion, Convert
from netlang.importing.operands import Known, Operand, Operands
from netlang.ir.graph import Value
from netlang.system.numpy import Array, np


def _quantize(c: Conversion, node: ForeignNode, xs: Operands) -> list[Operand]:
    """Round a known array; leave anything else as it is, which is noted."""
    x, scale, zero = (*xs, None)[:3]
    steps, offset = _grid(c, node, scale, zero, x)
    if not isinstance(x, Known):
        assert isinstance(x, Value)
        c.rounded += 1
        if steps.size > 1:
            return [x]
        # What is outside of the range is its nearest end: quantizers leave out a ReLU for that.
        ends = np.iinfo(offset.dtype)
        low, high = (
            (end - int(offset.reshape(-1)[0])) * float(steps) for end in (ends.min, ends.max)
        )
        return [c.add("clamp", x, low=low, high=high)]
    kind = np.iinfo(offset.dtype)
    rounded = np.rint(x.array / steps) + offset.astype(np.float32)
    return [Known(np.clip(rounded, kind.min, kind.max).astype(offset.dtype), x.names)]


def _dequantize(c: Conversion, node: ForeignNode, xs: Operands) -> list[Operand]:
    """Return the floats that integers of the file denote."""
    x, scale, zero = (*xs, None)[:3]
    if isinstance(x, Value):
        if not x.type.dtype.is_float:
            c.fail("converts integers that the model takes or computes", _FLOAT)
        return [x]
    steps, offset = _grid(c, node, scale, zero, x)
    array = c.array(x, "integers")
    floats = (array.astype(np.float32) - offset.astype(np.float32)) * steps
    assert isinstance(x, Known)
    return [Known(floats.astype(np.float32), x.names)]


_FLOAT = "import the model that it was quantized from"


def _grid(
    c: Conversion, node: ForeignNode, scale: Operand | None, zero: Operand | None, x: Operand | None
) -> tuple[Array, Array]:
    """Return the steps and the zeros of a quantization, as they broadcast with a tensor."""
    assert x is not None
    if node.attributes.get("block_size"):
        c.fail("has a scale for each block of an axis", _FLOAT)
    steps = c.array(scale, "scales")
    offset = np.zeros((), np.uint8) if zero is None else c.array(zero, "zero points")
    axis = node.attributes.get("axis", 1)
    assert isinstance(axis, int)
    rank = len(c.type(x).shape)
    if steps.ndim == 1 and steps.size > 1:
        shape = [1] * rank
        shape[axis % rank] = steps.size
        return steps.reshape(shape), offset.reshape(shape) if offset.ndim else offset
    return steps.reshape(()), offset.reshape(()) if offset.size == 1 else offset


OPERATORS: Mapping[str, Convert] = {
    "QuantizeLinear": _quantize, "DequantizeLinear": _dequantize,
}  # fmt: skip
