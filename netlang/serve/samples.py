"""Examples as a page shows them: images as bytes, classes and texts by their names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from netlang.data.batches import Batches
from netlang.data.source import Source
from netlang.ir.types import TensorType
from netlang.serve.streams import CellKind, Column, Pixels, Samples, Words
from netlang.storage.image_grids import grid_of
from netlang.system.numpy import Array

EXAMPLES = 16
_NUMBERS = 12
"""The most numbers, or words, of an example that are shown."""
_LARGEST = 512
"""Pixels of the longer side of an image that is shown."""


def samples(data: Batches) -> Samples:
    """Return the first examples of the first epoch, as a step gets them."""
    source = data.source
    with data.epoch(0, ahead=0) as stream:
        batch = next(stream)
    kinds: dict[str, CellKind] = {name: _kind(source, name, array) for name, array in batch.items()}
    columns = [
        Column(name, str(_example(source.columns.get(name), batch[name])), kind)
        for name, kind in kinds.items()
    ]
    count = min(EXAMPLES, len(next(iter(batch.values()))))
    examples = [
        {name: _cell(source, name, kind, batch[name][at]) for name, kind in kinds.items()}
        for at in range(count)
    ]
    return Samples(columns=columns, examples=examples)


def pixels(image: Array) -> Pixels | None:
    """Return an image ``[C, H, W]`` or ``[H, W]`` as bytes; ``None`` for another array."""
    if (image.ndim == 3 and image.shape[0] not in (1, 3)) or image.ndim not in (2, 3):
        return None
    step = -(-max(image.shape[-2:]) // _LARGEST)
    small = image[..., ::step, ::step]
    tiles = grid_of("image", small if small.ndim == 3 else small[None]).tiles
    gray = image.ndim == 2 or image.shape[0] == 1
    colors = tiles[0, 0, :, :, :1] if gray else tiles[0, 0]
    height, width, channels = colors.shape
    return Pixels(width, height, channels, colors.tobytes())


def _example(type: TensorType | None, array: Array) -> object:
    return type if type is not None else list(array.shape[1:])


def _kind(source: Source, name: str, array: Array) -> CellKind:
    example = array[0]
    if example.ndim == 3 and example.shape[0] in (1, 3) and min(example.shape[1:]) > 3:
        return "image"
    if example.ndim == 2 and min(example.shape) > 3 and example.dtype.kind == "f":
        return "image"
    if source.column(name).names and example.dtype.kind in "iu":
        return "class" if example.ndim == 0 else "text"
    return "class" if example.ndim == 0 and example.dtype.kind in "iu" else "numbers"


def _cell(source: Source, name: str, kind: CellKind, example: Array) -> Pixels | Words:
    if kind == "image":
        found = pixels(example)
        assert found is not None
        return found
    known = source.column(name).names
    if kind == "numbers":
        return Words(", ".join(_numbers(example)))
    numbers: list[int] = example.reshape(-1).tolist()
    words = [known[n] if 0 <= n < len(known) else str(n) for n in numbers]
    return Words(_text(words))


def _text(words: Sequence[str]) -> str:
    """Return tokens as a text: characters next to each other, words with spaces."""
    letters = all(len(word) == 1 for word in words)
    most = 10 * _NUMBERS if letters else 3 * _NUMBERS
    shown = ("" if letters else " ").join(words[:most])
    return f"{shown} …" if len(words) > most else shown


def _numbers(example: Array) -> Iterator[str]:
    flat = example.reshape(-1)
    for number in flat[:_NUMBERS].tolist():
        yield f"{number:.4g}" if isinstance(number, float) else str(number)
    if len(flat) > _NUMBERS:
        yield f"… {len(flat) - _NUMBERS:,} more"
