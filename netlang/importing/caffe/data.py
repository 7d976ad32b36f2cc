"""Data layers of Caffe: the inputs of a network, and the batches of a train section."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from netlang.diagnostics.source import Span
from netlang.importing.caffe.fields import Fields
from netlang.importing.caffe.layers import Layer
from netlang.importing.caffe.text import PrototxtError, shown


class Source(Struct, frozen=True, eq=False):
    """What a data layer says of its results: sizes without the batch where it has them.

    ``path`` is where the data are, ``batch`` the size of a batch.
    """

    layer: Layer
    shapes: tuple[tuple[int, ...] | None, ...]
    batch: int | None = None
    path: str = ""
    flipped: bool = False
    notes: tuple[str, ...] = ()


def read_source(layer: Layer) -> Source:
    """Return what a data layer says."""
    param, read = DATA[layer.kind]
    p = layer.fields.message(param)
    source = read(layer, p)
    p.reject_unread(f"`{param}`")
    return source


def _transformed(layer: Layer, p: Fields) -> tuple[Fields, tuple[str, ...]]:
    """Return the settings of the transforms, and notes of what a sketch does not do."""
    t = layer.fields.message("transform_param")
    notes: list[str] = []
    means = [f"{n:g}" for n in t.numbers("mean_value")]
    scale = t.number("scale", p.number("scale", 1.0))
    file = t.text("mean_file") or p.text("mean_file")
    if file:
        notes.append(f"the mean in `{shown(file)}` is subtracted from its pixels, of 0 to 255")
    if means:
        verb = "is" if len(means) == 1 else "are"
        notes.append(f"{', '.join(means)} {verb} subtracted from its pixels, of 0 to 255")
    if scale != 1.0:
        notes.append(f"its pixels, of 0 to 255, are multiplied by {scale:g}")
    if crop := t.whole("crop_size", p.whole("crop_size", 0)):
        notes.append(
            f"its images are cropped to {crop}x{crop}, where they are larger: "
            "at a random place while training, else in the middle"
        )
    return t, tuple(notes)


def _images(layer: Layer, p: Fields, channels: int | None, sides: tuple[int, int] | None) -> Source:
    """Return images, whose sides are cropped, and labels."""
    t, notes = _transformed(layer, p)
    crop = t.whole("crop_size", p.whole("crop_size", 0))
    if t.flag("force_gray", False):
        channels = 1
    elif t.flag("force_color", False) or len(t.numbers("mean_value")) == 3:
        channels = 3
    sides = (crop, crop) if crop else sides
    if sides and channels is None:
        channels = 3
        notes = (*notes, "its images are taken to be in color: the file does not say so")
    flipped = t.flag("mirror", p.flag("mirror", False))
    t.reject_unread("`transform_param`")
    shape = (channels, *sides) if sides and channels else None
    batch = p.whole("batch_size", least=1)
    rest: tuple[None, ...] = (None,) * (len(layer.makes) - 1)
    return Source(layer, (shape, *rest), batch, p.text("source"), flipped, notes)


def _data(layer: Layer, p: Fields) -> Source:
    p.skip("backend", "rand_skip", "prefetch", "force_encoded_color")
    return _images(layer, p, None, None)


def _image_data(layer: Layer, p: Fields) -> Source:
    p.skip("shuffle", "rand_skip", "root_folder")
    sides = (p.whole("new_height", 0), p.whole("new_width", 0))
    channels = 3 if p.flag("is_color", True) else 1
    return _images(layer, p, channels, sides if all(sides) else None)


def _memory_data(layer: Layer, p: Fields) -> Source:
    t, notes = _transformed(layer, p)
    crop, flipped = t.whole("crop_size", 0), t.flag("mirror", False)
    t.reject_unread("`transform_param`")
    names = ("channels", "height", "width")
    channels, height, width = (p.whole(name, least=1) for name in names)
    shape = (channels, crop or height, crop or width)
    return Source(layer, (shape, None), p.whole("batch_size", least=1), "", flipped, notes)


def _hdf5_data(layer: Layer, p: Fields) -> Source:
    p.skip("shuffle")
    shapes = (None,) * len(layer.makes)
    return Source(layer, shapes, p.whole("batch_size", least=1), p.text("source"))


def _input(layer: Layer, p: Fields) -> Source:
    shapes = [tuple(s.wholes("dim", least=1)) for s in p.messages("shape")]
    return _of_shapes(layer, shapes, p.span("shape"))


def _dummy_data(layer: Layer, p: Fields) -> Source:
    p.skip("data_filler", "refill")
    shapes = [tuple(s.wholes("dim", least=1)) for s in p.messages("shape")]
    names = ("num", "channels", "height", "width")
    sides = [p.wholes(name, least=1) for name in names]
    if any(sides):
        shapes = list(zip(*sides, strict=False))
    return _of_shapes(layer, shapes, p.span("shape"))


def _of_shapes(layer: Layer, shapes: Sequence[tuple[int, ...]], at: Span) -> Source:
    count = len(layer.makes)
    if len(shapes) not in (1, count) or not all(shapes):
        raise PrototxtError(f"{layer.described} has {len(shapes)} shapes for {count} results", at)
    every = list(shapes) * count if len(shapes) == 1 else list(shapes)
    return Source(layer, tuple(shape[1:] for shape in every), every[0][0])


DATA: Mapping[str, tuple[str, Callable[[Layer, Fields], Source]]] = {
    "Data": ("data_param", _data),
    "DummyData": ("dummy_data_param", _dummy_data),
    "HDF5Data": ("hdf5_data_param", _hdf5_data),
    "ImageData": ("image_data_param", _image_data),
    "Input": ("input_param", _input),
    "MemoryData": ("memory_data_param", _memory_data),
}
"""The name of the settings of each data layer, and what reads it."""
