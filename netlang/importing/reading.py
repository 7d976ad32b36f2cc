"""A model of another format as the text of a program, with its parameters in order."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from netlang.backends.onnx.foreign import Foreign, read_foreign, shown
from netlang.diagnostics.errors import WeightsError
from netlang.importing.convert import Converted, convert
from netlang.importing.operands import Stored
from netlang.importing.program import write_program
from netlang.ir.arrays import type_of
from netlang.ir.graph import Graph
from netlang.system.numpy import np


class ModelProgram(Struct, frozen=True, eq=False):
    """A model as it is in its file, as a graph, and as text with the parameters in its order."""

    foreign: Foreign
    converted: Converted
    text: str
    weights: Sequence[Stored]
    notes: Sequence[str]
    """What was found out about free sizes, and parameters that are written twice."""


def read_model(path: Path, name: str | None = None) -> ModelProgram:
    """Read an ONNX model as a program; its net is called ``name``, by default as the file is.

    Raises ``FileError`` for a file that is damaged, or a node that has no counterpart.
    """
    foreign = read_foreign(path)
    converted = convert(foreign, net_name(path) if name is None else name)
    written = write_program(converted, foreign.doc)
    notes = [*converted.notes, *_copied(written.weights)]
    return ModelProgram(foreign, converted, written.text, written.weights, notes)


_MOST_SHOWN = 4


def _copied(weights: Sequence[Stored]) -> list[str]:
    """Return a note on parameters of the file that several layers read: each has its own."""
    first: dict[tuple[str, ...], Stored] = {}
    copied: dict[str, None] = {}
    for stored in weights:
        known = first.setdefault(stored.names, stored)
        if stored.names and known is not stored and np.array_equal(known.array, stored.array):
            copied[shown(stored.names[0])] = None
    if not copied:
        return []
    names = ", ".join(f"`{name}`" for name in list(copied)[:_MOST_SHOWN])
    more = f", and {len(copied) - _MOST_SHOWN} more" if len(copied) > _MOST_SHOWN else ""
    return [f"several layers share parameters, of which each has a copy: {names}{more}"]


def by_path(graph: Graph, weights: Sequence[Stored]) -> dict[str, Stored]:
    """Return the arrays by the paths of the parameters, which are made in the same order."""
    params = list(graph.params.values())
    fits = len(params) == len(weights) and all(
        type_of(stored.array) == param.type for param, stored in zip(params, weights, strict=True)
    )
    if not fits:
        raise WeightsError("the program that was written has other parameters than the file")
    return {param.path: stored for param, stored in zip(params, weights, strict=True)}


def net_name(path: Path) -> str:
    """Return the name of the net of a file: `light_resnet50.onnx` has `LightResnet50`."""
    return named(path.stem)


def named(text: str) -> str:
    """Return the name of a net that resembles a text."""
    words = re.findall(r"[A-Za-z0-9]+", text)
    name = "".join(word[:1].upper() + word[1:] for word in words)[:40]
    return name if name[:1].isalpha() else f"Net{name}"
