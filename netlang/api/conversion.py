"""Data of other libraries as arrays: images of Pillow, frames of pandas and polars.

None of these libraries is imported: what they return is recognized by what it can do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from netlang.data.readings import with_gaps
from netlang.diagnostics.errors import InputError
from netlang.system.numpy import Array, np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from netlang.api.network import Network
    from netlang.storage.pixels import Pixels


def columns_of(data: object, what: str) -> dict[str, object]:
    """Return the columns of a mapping or a frame by name; raise ``InputError`` for anything else.

    ``what`` is the argument that messages name.
    """
    names: Iterable[object]
    if isinstance(data, Mapping):
        names = cast("Mapping[object, object]", data)
    elif hasattr(data, "columns") and hasattr(data, "__getitem__"):
        names = cast("Any", data).columns
    else:
        raise InputError(
            f"`{what}` is a mapping of columns or a frame, and this is a {type(data).__name__}",
            helps=[f'give the columns by name: `{what}={{"image": x, "label": y}}`'],
        )
    columns = {str(name): column(cast("Any", data)[name]) for name in names}
    if not columns:
        raise InputError(f"`{what}` has no columns")
    return columns


def column(values: object) -> object:
    """Return values as an array where they are images or a column of a frame; others as they are.

    Images are arrays of bytes, their channels first.
    """
    if _is_image(values):
        return _image(values)
    if isinstance(values, list | tuple):
        items = cast("Sequence[object]", values)
        if items and all(map(_is_image, items)):
            images = list(map(_image, items))
            return np.stack(images) if len({each.shape for each in images}) == 1 else images
        return cast("object", values)
    if hasattr(values, "to_numpy"):
        return with_gaps(cast("Any", values).to_numpy())
    return values


def _is_image(value: object) -> bool:
    """Return whether a value is an image of Pillow."""
    return all(hasattr(value, name) for name in ("getbands", "convert", "mode", "size"))


def _image(image: object) -> Array:
    given = cast("Any", image)
    if given.mode not in ("L", "RGB", "I;16", "I", "F"):
        given = given.convert("RGB" if len(given.getbands()) > 2 or given.mode == "P" else "L")
    pixels = np.asarray(given)
    return pixels[None] if pixels.ndim == 2 else np.moveaxis(pixels, 2, 0)


def as_input(network: Network, name: str, value: ArrayLike) -> ArrayLike:
    """Return a value as an input of a network, where it is an image or a column of a frame.

    Images are prepared as the data that the parameters were trained on; where that is not known,
    their numbers are from 0 to 1.
    """
    found = column(value)
    if found is value:
        return value
    trained = None if network.fitted is None else network.fitted.input(name)
    if trained is not None and trained.pixels is not None and _has_images(value):
        array = _as_in_training(value, trained.pixels, f"`{name}`")
        return network.preprocess(**{name: array})[name]
    if not isinstance(found, np.ndarray) or not _has_images(value):
        return cast("ArrayLike", found)
    array = cast("Array", found)
    if trained is not None:
        return network.preprocess(**{name: array})[name]
    most = np.float32(np.iinfo(array.dtype).max) if array.dtype.kind in "iu" else np.float32(1)
    scaled = array.astype(np.float32) / most
    return scaled if scaled.ndim == 4 else scaled[None]


def _as_in_training(value: object, pixels: Pixels, place: str) -> Array:
    """Return images of any size, ``[N, C, H, W]``, of the size that the training read them in."""
    from netlang.storage.images import pixels_of

    several = isinstance(value, list | tuple)
    images = cast("Sequence[Any]", value if several else [value])
    return np.stack([pixels_of(each, pixels, place) for each in images])


def _has_images(value: object) -> bool:
    items = cast("Sequence[object]", value) if isinstance(value, list | tuple) else [value]
    return all(map(_is_image, items))
