"""Random numbers as a function of a key and a step, reproducible on every backend.

The generator is counter-based (squares, B. Widynski, 2020): element ``i`` of step ``t`` is a hash
of ``t * 2^40 + i`` under the key of its site. It uses ordinary integer operators, so
onnxruntime and NumPy sample the same bits, and a run can resume from any step.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import ClassVar, Self

from netlang.diagnostics import rules
from netlang.ir.dims import Shape, Size, product, symbol
from netlang.ir.op import OnnxBuilder, Operand, OperandError, Primitive, Sample, register
from netlang.ir.types import F32, I64, TensorType, Types
from netlang.ops import arguments
from netlang.system.numpy import Array, np

_STEP = 1 << 40
"""The number of counters per step: no tensor has more elements."""

UINT64, UINT32 = 13, 12
"""ONNX's codes of element types that the language does not have."""


def key_of(seed: int, site: str) -> int:
    """Return the key of a sampling site: 64 bits, odd, from the seed and the path of the site.

    >>> key_of(0, "drop") != key_of(1, "drop") != key_of(1, "other")
    True
    """
    digest = blake2b(f"{seed}/{site}".encode(), digest_size=8).digest()
    # Below 2^63, because attributes are signed.
    return int.from_bytes(digest, "little") >> 1 | 1


WORKSPACE = 5
"""How many integers of 64 bits are stored for each number."""


class RandomTensor(Primitive, ABC, frozen=True):
    """Sample a tensor; ``key`` identifies the sampling site, the operand is the step."""

    operands: ClassVar[tuple[str, ...]] = ("step",)
    random = True
    no_gradient: ClassVar[str] = "its operand is an integer"
    shape: Shape
    key: int

    @classmethod
    def make(cls, types: Types, attributes: Mapping[str, object]) -> Self:
        del types
        return cls(arguments.sizes(attributes, "shape"), arguments.integer(attributes, "key"))

    def infer(self, *types: TensorType) -> Types:
        (step,) = types
        if step != TensorType(I64, ()):
            raise OperandError("a step is one i64 number", rule=rules.DTYPE_MISMATCH, operand=0)
        return (TensorType(F32, self.shape),)

    def workspace(self, *types: TensorType) -> Sequence[Size]:
        del types
        return [2 * product(self.shape)] * WORKSPACE


@register
class SampleUniform(RandomTensor, frozen=True):
    """Sample from the uniform distribution on [0, 1).

    ``step i64[] -> f32[*shape]``; multiples of 2^-24.
    """

    name = "sample_uniform"

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        (step,) = operands
        return (_uniform(step, self.key, self.shape),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        (step,) = operands
        return (_onnx_uniform(b, step, self.key, self.shape),)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        return _samples(cls)


@register
class SampleNormal(RandomTensor, frozen=True):
    """Sample from the standard normal distribution.

    ``step i64[] -> f32[*shape]``. Source: Box and Muller, 1958.
    """

    name = "sample_normal"

    def forward(self, *operands: Array) -> tuple[Array, ...]:
        (step,) = operands
        radius, angle = _uniform(step, self.key, (2, *self.shape)).astype(np.float32)
        # 1 - u is never 0, so the logarithm is finite.
        radius = np.sqrt(np.float32(-2.0) * np.log(np.float32(1.0) - radius))
        return ((radius * np.cos(np.float32(2.0 * np.pi) * angle)).astype(np.float32),)

    def onnx(self, b: OnnxBuilder, *operands: Operand) -> tuple[str, ...]:
        (step,) = operands
        both = _onnx_uniform(b, step, self.key, (2, *self.shape))
        parts = b.add_many("Split", both, b.axes([1, 1]), outputs=2, axis=0)
        radius, angle = (b.add("Squeeze", part, b.axes([0])) for part in parts)
        logarithm = b.add("Log", b.add("Sub", b.constant(1.0, F32), radius))
        radius = b.add("Sqrt", b.add("Mul", logarithm, b.constant(-2.0, F32)))
        phase = b.add("Mul", angle, b.constant(2.0 * np.pi, F32))
        return (b.add("Mul", radius, b.add("Cos", phase)),)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        return _samples(cls)


def _uniform(step: Array, key: int, shape: Shape) -> Array:
    sizes = tuple(int(size) for size in shape if isinstance(size, int))
    count = int(np.prod(sizes, dtype=np.int64))
    with np.errstate(over="ignore"):
        k = np.uint64(key)
        counter = np.arange(count, dtype=np.uint64) + np.uint64(int(step) * _STEP)
        x = counter * k
        y, z = x, x + k
        for added in (y, z, y):
            x = x * x + added
            x = (x >> np.uint64(32)) | (x << np.uint64(32))
        bits = (x * x + z) >> np.uint64(40)
    return (bits.astype(np.float32) * np.float32(2.0**-24)).reshape(sizes)


def _onnx_uniform(b: OnnxBuilder, step: Operand, key: int, shape: Shape) -> str:
    """Lower the same arithmetic in unsigned 64-bit integers."""

    def number(value: int) -> str:
        return b.add("Cast", b.constant(value, I64), to=UINT64)

    count = b.add("Squeeze", b.shape((product(shape),)), b.axes([0]))
    indices = b.add("Range", b.constant(0, I64), count, b.constant(1, I64))
    # Unsigned from the start: OpenVINO computes products of i64 in 32 bits.
    start = b.add("Mul", b.add("Cast", step, to=UINT64), number(_STEP))
    k, half = number(key), number(32)
    x = b.add("Mul", b.add("Add", b.add("Cast", indices, to=UINT64), start), k)
    y, z = x, b.add("Add", x, k)
    for added in (y, z, y):
        x = b.add("Add", b.add("Mul", x, x), added)
        right = b.add("BitShift", x, half, direction="RIGHT")
        # The halves share no bits, so adding is the same as bitwise or.
        x = b.add("Add", right, b.add("BitShift", x, half, direction="LEFT"))
    bits = b.add("BitShift", b.add("Add", b.add("Mul", x, x), z), number(40), direction="RIGHT")
    small = b.add("Cast", b.add("Cast", bits, to=UINT32), to=F32)
    return b.add("Reshape", b.add("Mul", small, b.constant(2.0**-24, F32)), b.shape(shape))


def _samples(cls: type[RandomTensor]) -> Sequence[Sample]:
    step = (TensorType(I64, ()),)
    rows = (symbol("N"), 3)
    return [
        Sample(cls((4, 5), key_of(0, "a")), step, low=0, high=1000),
        Sample(cls(rows, key_of(7, "b")), step, low=0, high=10, sizes={"N": 6}),
        Sample(cls((), key_of(1, "c")), step, low=0, high=10),
    ]
