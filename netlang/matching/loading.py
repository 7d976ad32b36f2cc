"""Parameters for a net from a file whose names are other ones."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Literal, get_args

from msgspec import Struct

from netlang.diagnostics.errors import InputError
from netlang.ir.dims import bind
from netlang.ir.graph import Graph, Param
from netlang.matching.files import TensorFile, open_tensors
from netlang.matching.flattening import Orders, flattened
from netlang.matching.mapping import (
    read_mapping,
    require_complete,
    taken,
    write_mapping,
)
from netlang.matching.matching import Matched, match_names, ways
from netlang.matching.rules import Shapes
from netlang.ops.arguments import shortened
from netlang.system.numpy import Array

Dialect = Literal["netlang", "torch", "auto"]
"""Whose names a file may have: our own, those of PyTorch, or any."""


class NameSource(Struct, frozen=True):
    """Whose names a file has: those of a dialect, or what a mapping file says."""

    dialect: Dialect = "netlang"
    mapping: Path | None = None


def name_source(dialect: str, mapping: str | Path | None) -> NameSource:
    """Return whose names a file has; raises ``InputError`` for a dialect that there is not."""
    known: dict[str, Dialect] = {name: name for name in get_args(Dialect)}
    if dialect not in known:
        raise InputError(
            f"there is no dialect `{shortened(dialect)}` of names",
            helps=[f"the dialects are {', '.join(known)}"],
        )
    return NameSource(known[dialect], None if mapping is None else Path(mapping))


def _shapes(params: Iterable[Param]) -> Shapes:
    """Return the shapes of parameters, which are numbers, by path."""
    return {p.path: tuple(bind(size, {}) for size in p.type.shape) for p in params}


def match_file(path: Path, graph: Graph) -> Matched:
    """Match the names in a file with the parameters of a net, without reading their values."""
    file, params = open_tensors(path), graph.params
    return match_names(_shapes(params.values()), file, orders=flattened(graph.nodes, params))


def load_file(
    path: Path, params: Collection[Param], net: str, names: NameSource, orders: Orders
) -> tuple[dict[str, Array], Matched]:
    """Read the parameters of a net from a file whose names are other ones.

    ``orders`` are those of its parameters along whose axes are flattened maps.
    Raises ``WeightsError`` for parameters that the file does not have, or that may be several of
    its tensors.
    """
    file = open_tensors(path)
    shapes = _shapes(params)
    matched = _matched(file, shapes, names, orders)
    require_complete(matched, net, file, shapes)
    return taken(matched, params, file), matched


def differences(path: Path, params: Iterable[Param], names: NameSource) -> list[str]:
    """Return a line for every parameter without a tensor, and every tensor that none is made of."""
    file = open_tensors(path)
    shapes = _shapes(params)
    matched = _matched(file, shapes, names, {})
    lines = [f"missing: `{p}` {list(shapes[p])}" for p in matched.missing]
    for each in matched.ambiguous:
        lines += [f"ambiguous: {way}" for way in ways(each)]
    extra = [f"extra: `{name}` {list(file.shapes[name])}" for name in matched.left_over]
    return lines + extra


def save_mapping(path: Path, matched: Matched, params: Iterable[Param]) -> None:
    """Write a mapping file."""
    write_mapping(path, matched, [param.path for param in params])


def by_order(matched: Matched) -> list[str]:
    """Return a line for each layer that is matched by order and shape alone."""
    return [f"`{theirs}` is `{ours}`" for theirs, ours in matched.by_order]


def remarks(matched: Matched, path: str) -> list[str]:
    """Return what a user must know of parameters that were loaded."""
    found: list[str] = []
    if ordered := by_order(matched):
        found.append(
            f"{path} matches by order and shape only in {len(ordered):,} layers: "
            + ", ".join(ordered)
        )
    if left := matched.left_over:
        shown = ", ".join(f"`{name}`" for name in left[:_MOST_SHOWN])
        more = f", and {len(left) - _MOST_SHOWN:,} more" if len(left) > _MOST_SHOWN else ""
        found.append(f"{path} has tensors that are not used: {shown}{more}")
    return found


_MOST_SHOWN = 6


def _matched(file: TensorFile, params: Shapes, names: NameSource, orders: Orders) -> Matched:
    if names.mapping is not None:
        return read_mapping(names.mapping, params, file)
    return match_names(params, file, torch=names.dialect == "torch", orders=orders)
