"""Mapping files: which tensor of a file is which parameter of a net, written once and edited."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import cast

from netlang.diagnostics.errors import FileError, WeightsError
from netlang.diagnostics.suggestions import did_you_mean
from netlang.ir.arrays import dtype_of, numpy_dtype, show_array
from netlang.ir.dims import bind
from netlang.ir.graph import Param
from netlang.matching.files import TensorFile
from netlang.matching.matching import Matched, ways
from netlang.matching.pieces import Piece, piece_of, without_ones
from netlang.matching.rules import Shapes
from netlang.system.files import reading, write_atomically
from netlang.system.json_text import json_text
from netlang.system.numpy import Array

_LONGEST = 64 << 20


def write_mapping(path: Path, matched: Matched, params: Sequence[str]) -> None:
    """Write what is matched; a list where one of several is to be chosen, null for nothing."""
    choices = {
        str(path): [
            piece.json()
            for theirs in each.theirs
            for other in theirs
            if other.signature == layer.signature
            and isinstance(piece := other.tensors[leaf], Piece)
        ]
        for each in matched.ambiguous
        for ours in each.ours
        for layer in ours
        for leaf, path in layer.tensors.items()
    }
    entries = {
        name: matched.pieces[name].json() if name in matched.pieces else choices.get(str(name))
        for name in params
    }
    content = {"parameters": entries, "unused": list(matched.unused)}
    write_atomically(path, [(json_text(content, indent=1) + "\n").encode()])


def read_mapping(path: Path, params: Shapes, file: TensorFile) -> Matched:
    """Read a mapping file for some parameters.

    Raises ``FileError`` for a file that is not one, and ``WeightsError`` unless it has a tensor for
    each parameter and names every tensor of the file.
    """
    with reading(path) as stream:
        text = stream.read(_LONGEST)
    entries, unused = _entries(path, text)
    problems = [f"missing: `{name}`" for name in params if entries.get(name) is None]
    pieces: dict[str, Piece] = {}
    for name, entry in entries.items():
        piece = piece_of(entry)
        if name not in params:
            hint = did_you_mean(name, params)
            problems.append(
                f"unknown: `{name}` is not a parameter" + "".join(f"; {h}" for h in hint)
            )
        elif isinstance(entry, list):
            problems.append(f"undecided: `{name}` has a list; write the one tensor that it is")
        elif piece is None and entry is not None:
            problems.append(f"malformed: `{name}` must be a name, or an object with `from`")
        elif piece is not None and piece.source not in file.shapes:
            hint = did_you_mean(piece.source, file.shapes)
            problems.append(
                f"unknown: `{piece.source}` is not in {file.path}" + "".join(f"; {h}" for h in hint)
            )
        elif piece is not None:
            pieces[name] = piece
    known = {piece.source for piece in pieces.values()} | set(unused)
    problems += [
        f"unused: `{name}` of {file.path} is neither used nor listed under `unused`"
        for name in file.shapes
        if name not in known
    ]
    if problems:
        raise WeightsError(f"{path} does not map {file.path}", notes=problems)
    return Matched({name: pieces[name] for name in params}, {}, unused=unused, buffers=unused)


def _entries(path: Path, text: bytes) -> tuple[dict[str, object], list[str]]:
    try:
        content: object = json.loads(text)
    except (ValueError, RecursionError):
        content = None
    if isinstance(content, dict):
        fields = cast("dict[str, object]", content)
        entries, unused = fields.get("parameters"), fields.get("unused", [])
        if isinstance(entries, dict) and isinstance(unused, list):
            names = cast("list[object]", unused)
            if all(isinstance(name, str) for name in names):
                return cast("dict[str, object]", entries), cast("list[str]", unused)
    raise FileError(
        f"{path} is not a mapping file: an object with `parameters` and `unused`",
        helps=["write one: `netlang names FILE --match WEIGHTS -o NAMES.json`"],
    )


def require_complete(matched: Matched, net: str, file: TensorFile, params: Shapes) -> None:
    """Raise ``WeightsError`` unless every parameter is matched, in one way."""
    if matched.complete:
        return
    uneven = [each for each in matched.ambiguous if len(each.theirs) != len(each.ours)]
    if matched.missing or uneven:
        notes = [f"missing: `{p}` {list(params[p])}" for p in matched.missing]
        notes += [line for each in uneven for line in ways(each)]
        notes += [f"not used: `{name}` {list(file.shapes[name])}" for name in matched.left_over]
        raise WeightsError(
            f"{file.path} does not fit `{net}`", notes=notes, helps=_fused(matched.left_over)
        )
    raise WeightsError(
        f"{file.path} fits `{net}` in more than one way",
        notes=[line for each in matched.ambiguous for line in ways(each)],
        helps=[
            "choose in a mapping file, `netlang names FILE --match WEIGHTS -o NAMES.json`, "
            "and use it: `--map NAMES.json`"
        ],
    )


def _fused(left_over: Sequence[str]) -> list[str]:
    """Return what to do about a matrix of queries, keys and values that has several orders."""
    if not any("query_key_value." in name for name in left_over):
        return []
    return [
        "the rows of `query_key_value` are all queries, all keys and all values in some models, "
        "and those of one head after the other in others (GPT-NeoX, BLOOM), which no name tells: "
        "store the three under names of their own, such as `q.weight`, `k.weight`, `v.weight`"
    ]


def taken(matched: Matched, params: Iterable[Param], file: TensorFile) -> dict[str, Array]:
    """Read the parameters, as floats of their precision.

    Raises ``WeightsError`` for a piece of another shape, or that is not of floats.
    """
    stored = file.load({piece.source for piece in matched.pieces.values()})
    found: dict[str, Array] = {}
    problems: list[str] = []
    for param in params:
        piece, wanted = matched.pieces[param.path], param.type
        array = piece.taken_from(stored[piece.source])
        shape = tuple(bind(size, {}) for size in wanted.shape)
        dtype = dtype_of(array)
        if without_ones(array.shape) != without_ones(shape) or dtype is None or not dtype.is_float:
            problems.append(
                f"different: `{param.path}` is {wanted}, "
                f"and `{piece.shown()}` is {show_array(array)}"
            )
        else:
            found[param.path] = array.reshape(shape).astype(numpy_dtype(wanted.dtype), copy=False)
    if problems:
        raise WeightsError(f"{file.path} does not fit the parameters", notes=problems)
    return found
