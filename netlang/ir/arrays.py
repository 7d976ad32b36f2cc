"""NumPy element types and those of the language."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from netlang.ir.types import DType, TensorType
from netlang.system.numpy import Array, np

if TYPE_CHECKING:
    import numpy

_NAMES = {
    DType.F16: "float16",
    DType.F32: "float32",
    DType.F64: "float64",
    DType.I8: "int8",
    DType.I16: "int16",
    DType.I32: "int32",
    DType.I64: "int64",
    DType.U8: "uint8",
    DType.BOOL: "bool",
}
_DTYPES = {name: dtype for dtype, name in _NAMES.items()} | {"bfloat16": DType.BF16}


def numpy_dtype(dtype: DType) -> numpy.dtype[Any]:
    """Return the NumPy element type of ``dtype`` (for bf16, that of ml_dtypes)."""
    if dtype is DType.BF16:
        return np.dtype(import_module("ml_dtypes").bfloat16)
    return np.dtype(_NAMES[dtype])


def dtype_of(array: Array) -> DType | None:
    """Return the element type of an array in either byte order; ``None`` if there is none."""
    return known(array.dtype)


def known(dtype: numpy.dtype[Any]) -> DType | None:
    """Return the element type of the language for that of NumPy; ``None`` if there is none."""
    return _DTYPES.get(dtype.name)


def raw(array: Array) -> memoryview:
    """Return the bytes of an array in row-major order, in little-endian byte order.

    They are not copied if the array is stored like that.
    """
    little = array.astype(array.dtype.newbyteorder("<"), copy=False)
    return np.ascontiguousarray(little).reshape(-1).view(np.uint8).data


def contains_nonfinite(array: Array) -> bool:
    """Return whether an element is NaN or infinite."""
    return bool(array.dtype.kind not in "biu" and not np.isfinite(array).all())


_FEW = 4
"""The most elements that are shown one by one."""


def show_elements(array: Array) -> str:
    """Return the elements of an array if they are few, else the least and the greatest."""
    if array.size <= _FEW:
        return "[]" if not array.size else _listed(array.tolist())
    return f"{float(array.min()):.3g} to {float(array.max()):.3g}"


def _listed(elements: object) -> str:
    if isinstance(elements, list):
        return f"[{', '.join(map(_listed, cast('list[object]', elements)))}]"
    return f"{elements:.4g}" if isinstance(elements, float) else str(elements)


def show_array(array: Array) -> str:
    """Return the type of an array as the language writes it: ``f32[1, 28, 28]``."""
    dtype = dtype_of(array)
    shape = ", ".join(map(str, array.shape))
    return f"{dtype or array.dtype.name}[{shape}]"


def type_of(array: Array) -> TensorType | None:
    """Return the type of an array; ``None`` if the language has no such elements."""
    dtype = dtype_of(array)
    return TensorType(dtype, array.shape) if dtype is not None else None
