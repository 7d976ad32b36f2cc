"""Names and shapes of the parameters of published networks, with random values."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

Shape = tuple[int, ...]
FOLDER = Path(__file__).parent / "data" / "layouts"


class Layout(TypedDict):
    """The side of the image, the first logits that PyTorch computes of it, and the layers."""

    size: int
    logits: list[float]
    layers: dict[str, str]


def layouts() -> dict[str, Layout]:
    """Return the layouts by the library and the network that they are from."""
    found: dict[str, Layout] = json.loads((FOLDER / "layouts.json").read_text("utf-8"))
    return found


_LEAVES = {
    "w": ("weight",),
    "b": ("weight", "bias"),
    "n": ("weight", "bias", "running_mean", "running_var", "num_batches_tracked"),
    "q": ("in_proj_weight", "in_proj_bias"),
}


def packed(shapes: Mapping[str, Shape]) -> dict[str, str]:
    """Return a line for each layer: what it has, and the shape of its weight."""
    grouped: dict[str, dict[str, Shape]] = {}
    for name, shape in shapes.items():
        path, _, leaf = name.rpartition(".")
        grouped.setdefault(path, {})[leaf] = shape
    found: dict[str, str] = {}
    for path, leaves in grouped.items():
        kind = next((k for k, names in _LEAVES.items() if names == tuple(leaves)), None)
        if kind is not None:
            found[path] = f"{kind} {'x'.join(map(str, next(iter(leaves.values()))))}"
            continue
        for leaf, shape in leaves.items():
            found[f"{path}.{leaf}" if path else leaf] = f"t {'x'.join(map(str, shape))}"
    return found


def unpacked(layers: Mapping[str, str]) -> dict[str, Shape]:
    """Return the shape of each tensor."""
    found: dict[str, Shape] = {}
    for path, text in layers.items():
        kind, _, sizes = text.partition(" ")
        shape = tuple(int(size) for size in sizes.split("x")) if sizes else ()
        if kind == "t":
            found[path] = shape
            continue
        for leaf in _LEAVES[kind]:
            whole = leaf.endswith("weight")
            found[f"{path}.{leaf}"] = shape if whole else () if leaf[0] == "n" else shape[:1]
    return found


def random_tensor(name: str, shape: Shape) -> NDArray[np.float32]:
    """Return values of the size that they have in a network that was trained, by the name."""
    random = np.random.default_rng(zlib.crc32(name.encode()))
    leaf = name.rpartition(".")[2]
    if leaf == "running_var" or (leaf == "weight" and len(shape) == 1):
        return random.uniform(0.5, 1.5, shape).astype(np.float32)
    if len(shape) < 2:
        return random.uniform(-0.2, 0.2, shape).astype(np.float32)
    inputs = prod(shape[1:])
    return (random.standard_normal(shape) * (1.5 / inputs) ** 0.5).astype(np.float32)
