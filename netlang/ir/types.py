"""The types of tensors."""

from __future__ import annotations

from enum import Enum
from functools import lru_cache

from msgspec import Struct

from netlang.ir.dims import Shape, Size, product


class DType(Enum):
    """An element type; its value is its name in the language."""

    F16 = "f16"
    BF16 = "bf16"
    F32 = "f32"
    F64 = "f64"
    I8 = "i8"
    I16 = "i16"
    I32 = "i32"
    I64 = "i64"
    U8 = "u8"
    BOOL = "bool"

    def __str__(self) -> str:
        return self.value

    @property
    def bytes(self) -> int:
        """The size of an element in bytes."""
        return _BYTES[self.value]

    @property
    def is_float(self) -> bool:
        return self in (DType.F16, DType.BF16, DType.F32, DType.F64)

    @property
    def is_integer(self) -> bool:
        return not self.is_float and self is not DType.BOOL

    @property
    def limits(self) -> tuple[float, float]:
        """The smallest and the largest finite element."""
        if self.is_float:
            largest = _LARGEST[self.value]
            return -largest, largest
        bits = 1 if self is DType.BOOL else 8 * self.bytes
        signed = self.is_integer and self is not DType.U8
        return (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)


_BYTES = {
    "f16": 2, "bf16": 2, "f32": 4, "f64": 8,
    "i8": 1, "i16": 2, "i32": 4, "i64": 8, "u8": 1, "bool": 1,
}  # fmt: skip
_LARGEST = {
    "f16": 65504.0,
    "bf16": (2 - 2**-7) * 2.0**127,
    "f32": (2 - 2**-23) * 2.0**127,
    "f64": (2 - 2**-52) * 2.0**1023,
}

RANK_LIMIT = 32
"""The most axes of a tensor: NumPy stops at 64, and operators need more than their operands."""

F32, F64, I64, BOOL = DType.F32, DType.F64, DType.I64, DType.BOOL


class TensorType(Struct, frozen=True):
    """An element type and a shape; prints as the language writes it.

    >>> print(TensorType(F32, (2, 784)))
    f32[2, 784]
    """

    dtype: DType
    shape: Shape

    def __str__(self) -> str:
        return f"{self.dtype}[{', '.join(map(str, self.shape))}]"

    @property
    def rank(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> Size:
        """The number of elements."""
        return _size(self.shape)

    def with_shape(self, *shape: Size) -> TensorType:
        return TensorType(self.dtype, shape)


_size = lru_cache(maxsize=4096)(product)
"""Few shapes occur in a net, and each many times."""

Types = tuple[TensorType, ...]
