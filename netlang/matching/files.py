"""Tensors by name from a file: safetensors, npz, or the initializers of an ONNX model."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from netlang.matching.pieces import Piece
from netlang.storage.weights import described, load_weights
from netlang.system.numpy import Array

if TYPE_CHECKING:
    from netlang.backends.onnx.foreign import Foreign, ForeignNode

_GATES = {"RNN": (0,), "GRU": (1, 0, 2), "LSTM": (0, 2, 3, 1)}
"""The index in ONNX's order of each gate in ours."""

_LEAVES = ("", "weight", "bias", "running_mean", "running_var")
"""What the inputs of a layer are, in order; a norm and a convolution have the first ones."""

_LAYERS = (
    "Conv", "ConvTranspose", "Gemm", "BatchNormalization", "LayerNormalization",
    "InstanceNormalization", "GroupNormalization",
)  # fmt: skip


class TensorFile(Struct, frozen=True, eq=False):
    """A file of tensors: their shapes, and the parts whose layout its nodes show, by name."""

    path: Path
    shapes: Mapping[str, tuple[int, ...]]
    pieces: Mapping[str, Piece]
    arrays: Mapping[str, Array] | None = None

    def load(self, names: Collection[str]) -> dict[str, Array]:
        """Read some tensors."""
        if self.arrays is not None:
            return {name: self.arrays[name] for name in names}
        return load_weights(self.path, names)


def open_tensors(path: Path) -> TensorFile:
    """Read the names and shapes in a file; raises ``FileError`` for one of another kind."""
    if path.suffix.lower() != ".onnx":
        shapes = {name: tuple(array.shape) for name, array in described(path).items()}
        return TensorFile(path, shapes, {})
    from netlang.backends.onnx.foreign import read_foreign

    foreign = read_foreign(path)
    arrays = {
        name: array
        for name, array in foreign.arrays.items()
        if name in foreign.stored and array.dtype.kind == "f"
    }
    shapes = {name: tuple(array.shape) for name, array in arrays.items()}
    return TensorFile(path, shapes, _pieces(foreign, arrays), arrays)


def _pieces(foreign: Foreign, arrays: Mapping[str, Array]) -> dict[str, Piece]:
    """Return the parameters of the layers that nodes show, by names as PyTorch has them."""
    found: dict[str, Piece] = {}
    added = {
        name: other
        for node in foreign.nodes
        if node.kind == "Add" and len(node.inputs) == 2
        for name, other in (node.inputs, node.inputs[::-1])
        if other in arrays
    }
    for node in foreign.nodes:
        if node.domain:
            continue
        if node.kind in _GATES:
            found |= _recurrent(node, arrays)
        else:
            layer = dict(_plain(node, arrays, added))
            stem = _stem(node, [piece.source for piece in layer.values()])
            found |= {f"{stem}.{leaf}": piece for leaf, piece in layer.items()}
    return found


def _plain(
    node: ForeignNode, arrays: Mapping[str, Array], added: Mapping[str, str]
) -> Iterator[tuple[str, Piece]]:
    """Yield the parameters of a layer by their names in it."""
    if node.kind == "MatMul" and len(node.inputs) == 2 and node.inputs[1] in arrays:
        weight = node.inputs[1]
        if arrays[weight].ndim == 2:
            yield "weight", Piece(weight, order=(1, 0))
            bias = added.get(node.outputs[0])
            if bias is not None and arrays[bias].shape == arrays[weight].shape[1:]:
                yield "bias", Piece(bias)
    elif node.kind in _LAYERS:
        turned = node.kind == "Gemm" and not node.attributes.get("transB")
        for leaf, name in zip(_LEAVES, node.inputs, strict=False):
            if leaf and name in arrays:
                order = (1, 0) if turned and leaf == "weight" else None
                yield leaf, Piece(name, order=order)


def _recurrent(node: ForeignNode, arrays: Mapping[str, Array]) -> dict[str, Piece]:
    """Return the parameters of a recurrent node, its gates in the order of PyTorch."""
    inputs = [name if name in arrays else "" for name in (*node.inputs, "", "", "")]
    stem, gates = _stem(node, []), _GATES[node.kind]
    order = gates if len(gates) > 1 else None
    found: dict[str, Piece] = {}
    weight, hidden, bias = inputs[1:4]
    backwards = node.attributes.get("direction") == "reverse" and not stem.endswith("reverse")
    for at in range(arrays[weight].shape[0] if weight else 0):
        below = f"{stem}.reverse" if at or backwards else stem
        found[f"{below}.weight_ih"] = Piece(weight, at, gates=order)
        if hidden:
            found[f"{below}.weight_hh"] = Piece(hidden, at, gates=order)
        if bias:
            half = arrays[bias].shape[1] // 2
            for leaf, rows in (("ih", (0, half)), ("hh", (half, 2 * half))):
                found[f"{below}.bias_{leaf}"] = Piece(bias, at, None, rows, order)
    return found


def _stem(node: ForeignNode, sources: list[str]) -> str:
    """Return the name of the layer that its parameters tell, or the node, or else its number."""
    for name in sources:
        stem, dot, leaf = name.rpartition(".")
        if dot and leaf in ("weight", "bias", "scale", "shift"):
            return stem
    # Exporters name a node after its module: `/layer1/layer1.0/conv1/Conv`.
    parts = node.name.strip("/").split("/")
    if len(parts) > 1 and parts[-1].startswith(node.kind):
        return ".".join(parts[:-1])
    return f"{node.kind}_{node.at}"
