"""Initial weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import blake2b
from math import inf, prod, sqrt
from typing import TYPE_CHECKING

from netlang.diagnostics.errors import TooLargeError
from netlang.ir.arrays import numpy_dtype
from netlang.ir.graph import Graph, Param
from netlang.system.memory import total_memory
from netlang.system.numpy import Array, np

if TYPE_CHECKING:
    from numpy.random import Generator

Shape = tuple[int, ...]
_MOST_REDRAWS = 1000

Rule = Callable[["Generator", Shape, tuple[float, ...]], Array]


def initialize(graph: Graph, seed: int) -> dict[str, Array]:
    """Return the initial weights of a graph.

    A weight depends only on the seed, its path, its shape and its initializer, not on other
    weights, their order or the backend. Raises ``TooLargeError`` for more weights than there is
    memory, before any are sampled.
    """
    total, there = total_bytes(graph), total_memory()
    if there is not None and total > there:
        raise TooLargeError(
            f"the weights of `{graph.name}` take {total:,} bytes",
            notes=[f"this machine has {there:,} bytes of memory"],
        )
    return {p.path: draw(p, seed) for p in graph.params.values()}


def draw(param: Param, seed: int) -> Array:
    """Sample one weight from a Philox stream, whose key is made of seed and path."""
    key = blake2b(f"{seed} {param.path}".encode(), digest_size=16).digest()
    rng = np.random.Generator(np.random.Philox(key=int.from_bytes(key, "little")))
    shape = _numbers(param)
    with np.errstate(over="ignore", invalid="ignore"):  # the first step reports what is not finite
        array = RULES[param.init.rule](rng, shape, param.init.arguments)
        return array.astype(numpy_dtype(param.type.dtype))


def total_bytes(graph: Graph) -> int:
    """Return the size of all weights of a graph in bytes."""
    return sum(prod(_numbers(p)) * p.type.dtype.bytes for p in graph.params.values())


def fans(shape: Shape) -> tuple[int, int]:
    """Return fan-in and fan-out of a weight ``[out, in, *window]``.

    >>> fans((6, 3, 5, 5)), fans((10, 84)), fans((7,))
    ((75, 150), (84, 10), (7, 7))
    """
    if len(shape) < 2:
        size = prod(shape)
        return size, size
    window = prod(shape[2:])
    return shape[1] * window, shape[0] * window


def _numbers(param: Param) -> Shape:
    shape = tuple(d for d in param.type.shape if isinstance(d, int))
    assert len(shape) == param.type.rank, f"{param.path} has a symbolic size"
    return shape


def _constant(rng: Generator, shape: Shape, arguments: tuple[float, ...]) -> Array:
    del rng
    (value,) = arguments or (0.0,)
    return np.full(shape, value)


def _normal(rng: Generator, shape: Shape, arguments: tuple[float, ...]) -> Array:
    std, mean = _or(arguments, 0.01, 0.0)
    return np.float32(mean) + np.float32(std) * _standard(rng, shape)


def _uniform(rng: Generator, shape: Shape, arguments: tuple[float, ...]) -> Array:
    low, high = _or(arguments, 0.0, 1.0)
    return _between(rng, shape, low, high)


def _truncated_normal(rng: Generator, shape: Shape, arguments: tuple[float, ...]) -> Array:
    """Sample from a normal distribution, and resample values outside of two bounds."""
    std, mean, low, high = _or(arguments, 1.0, 0.0, -inf, inf)
    values = mean + std * _standard(rng, shape)
    for _ in range(_MOST_REDRAWS):
        outside = (values < low) | (values > high)
        if not outside.any():
            break
        values[outside] = mean + std * _standard(rng, (int(outside.sum()),))
    return np.clip(values, low, high)


def _xavier_uniform(rng: Generator, shape: Shape, arguments: tuple[float, ...]) -> Array:
    """Glorot and Bengio, 2010: preserves the variance in both directions."""
    (gain,) = _or(arguments, 1.0)
    bound = gain * sqrt(6 / max(1, sum(fans(shape))))
    return _between(rng, shape, -bound, bound)


def _xavier_normal(rng: Generator, shape: Shape, arguments: tuple[float, ...]) -> Array:
    (gain,) = _or(arguments, 1.0)
    return gain * sqrt(2 / max(1, sum(fans(shape)))) * _standard(rng, shape)


def _kaiming_uniform(rng: Generator, shape: Shape, arguments: tuple[float, ...]) -> Array:
    """He et al., 2015: preserves the variance through relu, for a gain of sqrt(2)."""
    (gain,) = _or(arguments, sqrt(2))
    bound = gain * sqrt(3 / max(1, fans(shape)[0]))
    return _between(rng, shape, -bound, bound)


def _kaiming_normal(rng: Generator, shape: Shape, arguments: tuple[float, ...]) -> Array:
    (gain,) = _or(arguments, sqrt(2))
    return gain / sqrt(max(1, fans(shape)[0])) * _standard(rng, shape)


def _fan_in_uniform(rng: Generator, shape: Shape, arguments: tuple[float, ...]) -> Array:
    """Sample between -1/sqrt(inputs) and 1/sqrt(inputs), as layers of PyTorch do."""
    (gain,) = _or(arguments, 1.0)
    bound = gain / sqrt(max(1, fans(shape)[0]))
    return _between(rng, shape, -bound, bound)


def _bound_uniform(rng: Generator, shape: Shape, arguments: tuple[float, ...]) -> Array:
    """Sample between -1/sqrt(n) and 1/sqrt(n), for a bias whose weight has ``n`` inputs."""
    (inputs,) = _or(arguments, 1.0)
    bound = 1 / sqrt(max(1.0, inputs))
    return _between(rng, shape, -bound, bound)


def _orthogonal(rng: Generator, shape: Shape, arguments: tuple[float, ...]) -> Array:
    """Saxe et al., 2014: orthogonal rows (or columns, if fewer) of norm ``gain``."""
    (gain,) = _or(arguments, 1.0)
    rows = shape[0] if shape else 1
    columns = prod(shape[1:])
    drawn = rng.standard_normal((max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(drawn)
    # A decomposition is unique, and its Q uniformly distributed, once R's diagonal is positive.
    q = q * np.where(np.diagonal(r) < 0, -1.0, 1.0)
    return gain * (q if rows >= columns else q.T).reshape(shape)


def _bilinear_kernel(rng: Generator, shape: Shape, arguments: tuple[float, ...]) -> Array:
    """Make each kernel ``[..., *window]`` of ``[out, in, *window]`` a linear interpolation.

    Long et al., 2015: a transposed convolution with it, whose stride is half its even kernel,
    upsamples.
    """
    del rng, arguments
    kernel = np.ones((), np.float64)
    for size in shape[2:]:
        half = (size + 1) // 2
        middle = half - 1 if size % 2 else half - 0.5
        side = 1 - np.abs(np.arange(size) - middle) / half
        kernel = np.multiply.outer(kernel, side)
    return np.broadcast_to(kernel, shape).copy()


def _standard(rng: Generator, shape: Shape) -> Array:
    # Single precision from the start: half the memory and time of a large weight.
    return rng.standard_normal(shape, dtype=np.float32)


def _between(rng: Generator, shape: Shape, low: float, high: float) -> Array:
    drawn = rng.random(shape, dtype=np.float32)
    # In place: fresh memory for a large weight costs more than its arithmetic.
    drawn *= np.float32(high - low)
    drawn += np.float32(low)
    return drawn


def _or(arguments: tuple[float, ...], *defaults: float) -> tuple[float, ...]:
    return (*arguments, *defaults[len(arguments) :])


RULES: Mapping[str, Rule] = {
    "constant": _constant,
    "normal": _normal,
    "uniform": _uniform,
    "truncated_normal": _truncated_normal,
    "xavier_uniform": _xavier_uniform,
    "xavier_normal": _xavier_normal,
    "kaiming_uniform": _kaiming_uniform,
    "kaiming_normal": _kaiming_normal,
    "fan_in_uniform": _fan_in_uniform,
    "bound_uniform": _bound_uniform,
    "orthogonal": _orthogonal,
    "bilinear_kernel": _bilinear_kernel,
}
"""Initializers by name."""
