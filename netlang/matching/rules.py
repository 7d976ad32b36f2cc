"""Named rules: what frameworks and exporters do to the names and layouts of parameters."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from netlang.matching.files import TensorFile
from netlang.matching.flattening import Orders
from netlang.matching.pieces import (
    Layer,
    Piece,
    Signature,
    layers_of,
    shown_maps,
    without_ones,
)
from netlang.matching.trees import natural

Shapes = Mapping[str, tuple[int, ...]]
Named = dict[str, tuple[Piece, tuple[int, ...]]]

_PREFIXES = ("module", "_orig_mod", "backbone", "model", "state_dict", "network")
_COLLECTIONS = {"params", "batch_stats"}
"""What Flax puts before names: parameters, and the running statistics of the same layers."""

_COUNTERS = ("num_batches_tracked", "position_ids", "relative_position_index", "masked_bias")
_PARTS = ("q", "k", "v")


class Read(Struct, frozen=True, eq=False):
    """The layers of a file, sorted by name, the tensors that are not parameters, and the rules."""

    layers: Sequence[Layer]
    ignored: Sequence[str]
    rules: Sequence[str]


def read_names(file: TensorFile, wanted: frozenset[Signature], *, torch: bool) -> Read:
    """Group the tensors of a file into layers by the rules of PyTorch, and of Keras and ONNX.

    ``wanted`` are the kinds of layers of the net: what it has as one layer is not split.
    """
    shapes, pieces = file.shapes, file.pieces
    named: Named = {name: (Piece(name), shape) for name, shape in shapes.items()}
    named |= {name: (piece, _shape(piece, shapes)) for name, piece in pieces.items()}
    for used in {piece.source for piece in pieces.values()} - pieces.keys():
        named.pop(used, None)
    rules: list[str] = []
    ignored = [n for n in named if n.rpartition(".")[2] in _COUNTERS]
    if ignored:
        kinds = sorted({n.rpartition(".")[2] for n in ignored})
        rules.append(f"buffers that are not parameters, {len(ignored):,}: {', '.join(kinds)}")
        named = {n: tensor for n, tensor in named.items() if n not in ignored}
    if not torch:
        named = {n.removesuffix(":0").replace("/", "."): tensor for n, tensor in named.items()}
    named = _without_prefix(named, rules)
    named = _transposed(named, rules, torch=torch)
    named = _recurrent(named, rules)
    named = _split(named, wanted, rules)
    ordered = {name: named[name] for name in sorted(named, key=lambda n: natural((n,)))}
    return Read(layers_of(ordered), ignored, rules)


def _shape(piece: Piece, shapes: Shapes) -> tuple[int, ...]:
    shape = shapes[piece.source]
    if piece.at is not None:
        shape = shape[1:]
    if piece.order is not None:
        shape = tuple(shape[axis] for axis in piece.order)
    if piece.rows is not None:
        shape = (piece.rows[1] - piece.rows[0], *shape[1:])
    return shape


def _without_prefix(named: Named, rules: list[str]) -> Named:
    """Remove what wrappers put before every name, such as `module.`."""
    while named:
        found = {name.partition(".")[0] for name in named}
        if not (found <= _COLLECTIONS or (len(found) == 1 and found <= {*_PREFIXES})):
            return named
        shown = "` or `".join(f"{first}." for first in sorted(found))
        rules.append(f"the prefix `{shown}` of all names is removed")
        named = {name.partition(".")[2]: tensor for name, tensor in named.items()}
    return named


def _transposed(named: Named, rules: list[str], *, torch: bool) -> Named:
    """Turn matrices [in, out] around: those of Keras, and of GPT-2, whose biases show it."""
    conv1d = {
        name.rpartition(".")[0]
        for name, (_, shape) in named.items()
        if re.search(r"(^|\.)c_(attn|proj|fc)\.weight$", name) and len(shape) == 2
    }
    shows = [
        named[f"{layer}.weight"][1][1] == bias[1][0] != named[f"{layer}.weight"][1][0]
        for layer in conv1d
        if (bias := named.get(f"{layer}.bias")) is not None
    ]
    turned = {f"{layer}.weight" for layer in conv1d if any(shows)}
    found: Named = {}
    for name, (piece, shape) in named.items():
        kernel = not torch and _is_kernel(name) and len(shape) > 1
        if (name in turned or kernel) and piece.order is None:
            axes = range(len(shape))
            last = axes[-2:] if _leaf(name) == _DEPTHWISE else reversed(axes[-2:])
            order = (*last, *axes[:-2])
            piece = Piece(piece.source, piece.at, order)
            shape = tuple(shape[axis] for axis in order)
            turned.add(name)
        found[name] = piece, shape
    if turned:
        rules.append(f"weights [in, out] that are transposed: {len(turned):,}")
    return found


_DEPTHWISE = "depthwise_kernel"
"""Filters [..., C, 1] of Keras, one for each channel."""


def _leaf(name: str) -> str:
    return re.split(r"[./]", name)[-1].removesuffix(":0")


def _is_kernel(name: str) -> bool:
    """Return whether a tensor is the matrix or the filters of a layer of Keras or Flax.

    Transposed convolutions of Flax have turned filters [..., in, out], and are not read.
    """
    return _leaf(name) in ("kernel", _DEPTHWISE) and "ConvTranspose" not in name


def reordered(pieces: dict[str, Piece], orders: Orders, *, torch: bool) -> list[str]:
    """Reorder flattened maps in parameters, where a file of Keras or Flax has channels last.

    Return the rule, if there are any.
    """
    if torch or not any(_is_kernel(piece.source) for piece in pieces.values()):
        return []
    found = [path for path in pieces if path in orders]
    for path in found:
        order = orders[path]
        pieces[path] = replace(pieces[path], column_maps=order.columns, row_maps=order.rows)
    if not found:
        return []
    shown = ", ".join(
        f"`{path}` {' and '.join(shown_maps(m) for m in (order.rows, order.columns) if m)}"
        for path in found
        if (order := orders[path])
    )
    return [f"channels last: the elements of flattened maps are reordered: {shown}"]


_RECURRENT = re.compile(r"(.*?\.?)((?:weight|bias)_(?:ih|hh|hr))_l(\d+)(_reverse)?$")


def _recurrent(named: Named, rules: list[str]) -> Named:
    """Name the layers and directions of an LSTM, GRU or RNN of PyTorch, which are leaves there."""
    found: Named = {}
    for name, tensor in named.items():
        parts = _RECURRENT.match(name)
        if parts is None:
            found[name] = tensor
            continue
        prefix, leaf, layer, reverse = parts.groups()
        found[f"{prefix}{layer}.{'reverse.' if reverse else ''}{leaf}"] = tensor
    if found.keys() != named.keys():
        rules.append("recurrent layers: `weight_ih_l0` is `0.weight_ih`, gates as in PyTorch")
    return found


_FUSED = re.compile(r"(.*?)(in_proj|qkv|c_attn|Wqkv)([._])(weight|bias)$")
_SEPARATE = re.compile(r"(.*?)([qkv])_proj_weight$")


def _split(named: Named, wanted: frozenset[Signature], rules: list[str]) -> Named:
    """Split what computes queries, keys and values at once, where the net has a layer for each."""
    parts = {name: match for name in named if (match := _FUSED.match(name))}
    fused = {
        match[1] + match[2]
        for name, match in parts.items()
        if match[4] == "weight" and not _has(wanted, named[name][1])
    }
    # Keys and values of another width than queries have matrices of their own, and one bias.
    fused |= {f"{match[1]}in_proj" for name in named if (match := _SEPARATE.match(name))}
    found: Named = {}
    for name, (piece, shape) in named.items():
        match, separate = parts.get(name), _SEPARATE.match(name)
        if separate is not None:
            found[f"{separate[1]}{separate[2]}.weight"] = piece, shape
        elif match is None or match[1] + match[2] not in fused or not shape or shape[0] % 3:
            found[name] = piece, shape
        else:
            each = shape[0] // 3
            for at, part in enumerate(_PARTS):
                rows = (at * each, (at + 1) * each)
                cut = Piece(piece.source, piece.at, piece.order, rows)
                found[f"{match[1]}{part}.{match[4]}"] = cut, (each, *shape[1:])
    if found.keys() != named.keys():
        rules.append("queries, keys and values that are stored as one matrix are split into three")
    return found


def _has(wanted: frozenset[Signature], shape: Sequence[int]) -> bool:
    """Return whether the net has a layer with such a matrix."""
    return any(("weight", without_ones(shape)) in signature for signature in wanted)
