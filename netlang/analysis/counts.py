"""Exact counts of parameters and multiply-adds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from msgspec import Struct

from netlang.ir.dims import Dim, Size, is_symbol, substitute, symbols
from netlang.ir.graph import Graph, Node, Param, Value, types


def trained(graph: Graph) -> Size:
    """Count the trainable parameters; a weight that is used twice counts once."""
    return total(p.type.size for p in _distinct(graph.params.values()) if p.trained)


def running(graph: Graph) -> Size:
    """Count the non-trainable parameters, such as running statistics."""
    return total(p.type.size for p in _distinct(graph.params.values()) if not p.trained)


def macs(graph: Graph) -> Size:
    """Count the multiply-adds of one example; a layer that is called twice counts twice."""
    one = Example.of(graph)
    return total(one.size(node_macs(node)) for node in graph.nodes)


def node_macs(node: Node) -> Size:
    """Count the multiply-adds of one node for the whole batch."""
    return node.op.macs(*types(node.inputs))


def weight_bytes(graph: Graph, *, trained_only: bool = False) -> Size:
    """Count the bytes of all parameters, or of the trainable ones."""
    return total(
        p.type.size * p.type.dtype.bytes
        for p in _distinct(graph.params.values())
        if p.trained or not trained_only
    )


def total(sizes: Iterable[Size]) -> Size:
    """Return the sum of sizes, 0 for none."""
    number = 0
    symbolic: Size = 0
    for size in sizes:
        if isinstance(size, int):
            number += size
        else:
            symbolic = size + symbolic
    return symbolic + number


class Example(Struct, frozen=True):
    """One example of a batch: replaces the batch size by 1.

    The batch size is ``N`` if an input starts with it, else the first symbol an input starts with.
    If the net declares it a multiple of something, that factor is divided out.
    """

    symbol: str | None
    unit: int = 1

    @classmethod
    def of(cls, graph: Graph) -> Example:
        firsts = [v.type.shape[0] for v in graph.inputs if v.type.shape]
        names = [name for first in firsts if (name := is_symbol(first)) is not None]
        if not names:
            return cls(None)
        name = "N" if "N" in names else names[0]
        return cls(name, graph.units.get(name, 1))

    def size(self, size: Size) -> Size:
        """Return the part of ``size`` that belongs to one example."""
        if self.symbol is None or isinstance(size, int):
            return size
        return _of_one(size, self.symbol, self.unit)

    def bytes(self, value: Value) -> Size:
        """Return the bytes of one example in ``value``."""
        return self.size(value.type.size) * value.type.dtype.bytes


@lru_cache(maxsize=4096)
def _of_one(size: Dim, symbol: str, unit: int) -> Size:
    return substitute(size, {symbol: unit}) // unit if symbol in symbols(size) else size


def _distinct(params: Iterable[Param]) -> Iterable[Param]:
    return {p.path: p for p in params}.values()


def grouped(size: Size) -> str:
    """Return a count with commas between thousands.

    >>> grouped(61706)
    '61,706'
    """
    return re.sub(r"\d{4,}", lambda digits: f"{int(digits[0]):,}", str(size))


def scaled(number: float, units: Sequence[str], base: int) -> str:
    """Return a number to three digits in the unit that suits it, each ``base`` of the one before.

    >>> scaled(1_228_800_000, ("", "k", "M", "G"), 1000)
    '1.23 G'
    """
    unit = units[0]
    for unit in units:
        # What rounds up to the base is 1 of the next unit.
        if round(number) < base or unit == units[-1]:
            break
        number /= base
    return f"{number:.3g} {unit}" if number < 999.5 else f"{number:.0f} {unit}"


def short_bytes(size: int) -> str:
    """Return a number of bytes in the unit that suits it.

    >>> short_bytes(1536)
    '1.5 KiB'
    """
    return scaled(size, ("B", "KiB", "MiB", "GiB", "TiB"), 1024)


def known(size: Size) -> int | None:
    """Return a size that is a number, ``None`` for a symbolic one."""
    return None if isinstance(size, Dim) else size
