"""Graphs and arrays made from the samples of the operators."""

from __future__ import annotations

import pkgutil
from dataclasses import dataclass
from importlib import import_module
from zlib import crc32

import numpy as np

import netlang.ops
from netlang.ir.arrays import numpy_dtype
from netlang.ir.dims import Size, bind, symbol, symbols
from netlang.ir.graph import Builder, Graph, Value
from netlang.ir.op import OPS, Sample
from netlang.ir.types import BOOL, F32, TensorType
from netlang.system.numpy import Array

for module in pkgutil.walk_packages(netlang.ops.__path__, "netlang.ops."):
    import_module(module.name)


@dataclass(frozen=True, eq=False)
class Case:
    """A sample, by the name its tests carry."""

    name: str
    sample: Sample

    @property
    def sizes(self) -> dict[str, int]:
        return default_sizes(self.sample.types) | dict(self.sample.sizes)


def cases() -> list[Case]:
    return [
        Case(f"{name}-{number}", sample)
        for name, op in sorted(OPS.items())
        for number, sample in enumerate(op.samples())
    ]


def default_sizes(types: tuple[TensorType, ...]) -> dict[str, int]:
    """Assign each symbol the first multiple of its unit that is at least 3."""
    units: dict[str, int] = {}
    for size in (d for t in types for d in t.shape):
        units |= symbols(size)
    return {name: -(-3 // unit) * unit for name, unit in units.items()}


def graph_of(case: Case) -> Graph:
    """Make a graph of the one operator; a symbol of an attribute alone gets its own input."""
    builder = Builder()
    inputs = [builder.fresh(f"x{i}", t) for i, t in enumerate(case.sample.types)]
    outputs = builder.add(case.sample.op, *inputs)
    carried = _symbols_of(inputs, plain=True)
    for name, unit in _symbols_of(outputs).items():
        if name not in carried:
            shape: tuple[Size, ...] = (symbol(name, unit),)
            inputs.append(builder.fresh(f"size_{name}", TensorType(F32, shape)))
    return Graph(
        name="sample",
        inputs=tuple(inputs),
        params={},
        nodes=tuple(builder.nodes),
        outputs={f"y{i}": v for i, v in enumerate(outputs)},
    )


def arrays_of(case: Case, graph: Graph) -> dict[str, Array]:
    rng = np.random.default_rng(crc32(case.name.encode()))
    return {v.name: draw(rng, v.type, case) for v in graph.inputs}


def draw(rng: np.random.Generator, type: TensorType, case: Case) -> Array:
    shape = tuple(bind(d, case.sizes) for d in type.shape)
    low, high = case.sample.low, case.sample.high
    dtype = numpy_dtype(type.dtype)
    if type.dtype is BOOL:
        return np.asarray(rng.random(shape) < 0.5)
    if type.dtype.is_integer:
        first = 0 if low is None else int(low)
        last = first + 3 if high is None else int(high)
        return np.asarray(rng.integers(first, last, shape)).astype(dtype)
    if low is None and high is None:
        return np.asarray(rng.standard_normal(shape)).astype(dtype)
    first = -1.0 if low is None else low
    last = first + 2.0 if high is None else high
    return np.asarray(rng.uniform(first, last, shape)).astype(dtype)


def _symbols_of(values: tuple[Value, ...] | list[Value], *, plain: bool = False) -> dict[str, int]:
    """Name the symbols of some sizes; ``plain`` leaves out those a division may have cut."""
    found: dict[str, int] = {}
    for size in (d for v in values for d in v.type.shape):
        if not (plain and "//" in str(size)):
            found |= symbols(size)
    return found
