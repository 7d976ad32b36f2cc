"""What a trained network makes of an image that is dropped, or a digit that is drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from netlang.api.network import Network
from netlang.api.predictions import Predictions
from netlang.data.transforms.resampling import line_weights
from netlang.diagnostics.errors import InputError, NetlangError
from netlang.ir.graph import Value
from netlang.serve.messages.requests import Image
from netlang.serve.samples import pixels
from netlang.serve.streams import Input, Predicted, Predicts, Share
from netlang.storage.inputs import IMAGES
from netlang.system.numpy import Array, np

_BEST = 10
_NUMBERS = 12


def predicts(networks: Mapping[str, Network]) -> Predicts | None:
    """Return which of some networks takes images, one that scores classes first."""
    found: list[Predicts] = []
    for layer, network in networks.items():
        shape = _image_shape(network)
        if shape is not None:
            value = network.graph.inputs[0]
            classes = _classes(network)
            one = Predicts(layer, Input(value.name, shape, "image"), classes)
            found.insert(0 if classes else len(found), one)
    return found[0] if found else None


def predicted(
    network: Network, image: Image | None, drawing: Sequence[Sequence[float]] | None
) -> Predicted:
    """Return what a network computes of an image, or of a drawing; raises ``NetlangError``."""
    shape = _image_shape(network)
    if shape is None:
        raise InputError(f"`{network.name}` takes no single image")
    name = network.graph.inputs[0].name
    if (image is None) == (drawing is None):
        raise InputError("a prediction is of an image or of a drawing, and not of both")
    if image is not None:
        array = _read(network, name, image)
    else:
        assert drawing is not None
        array = _drawn(network, network.graph.inputs[0], drawing, shape)
    found = network.predict({name: array})
    return Predicted(
        output=next(iter(found.outputs), ""),
        classes=_best(found),
        values={} if found.labels else _values(found.outputs),
        seen=pixels(array[0]),
    )


def _image_shape(network: Network) -> list[int] | None:
    """Return ``[C, H, W]`` of the only input, if that is images of a size."""
    inputs = network.graph.inputs
    if len(inputs) != 1 or network.graph.states or not inputs[0].type.dtype.is_float:
        return None
    sizes = [size for size in inputs[0].type.shape[1:] if isinstance(size, int)]
    rank = inputs[0].type.rank
    if rank == 4 and len(sizes) == 3 and sizes[0] in (1, 3):
        return sizes
    return [1, *sizes] if rank == 3 and len(sizes) == 2 else None


def _classes(network: Network) -> list[str]:
    fitted = network.fitted
    for name, value in network.graph.outputs.items():
        if fitted is not None and name in fitted.outputs:
            count = value.type.shape[-1]
            numbers = map(str, range(count if isinstance(count, int) else 0))
            return list(fitted.classes(name) or numbers)
    return []


def _read(network: Network, name: str, image: Image) -> Array:
    """Return an image file as an input, as ``netlang run`` reads it."""
    suffix = Path(image.name).suffix.lower()
    if suffix not in IMAGES:
        raise InputError(
            f"`{image.name}` is not an image", helps=[f"an image is one of {', '.join(IMAGES)}"]
        )
    with TemporaryDirectory() as folder:
        path = Path(folder, f"image{suffix}")
        path.write_bytes(image.content)
        try:
            return network.read_inputs({name: str(path)}, resize=True)[name]
        except NetlangError as error:
            # The file is ours; the page knows the image by its own name.
            message = error.message.replace(str(path), f"`{Path(image.name).name}`")
            raise InputError(message, notes=error.notes, helps=error.helps) from None


def _drawn(
    network: Network, value: Value, drawing: Sequence[Sequence[float]], shape: Sequence[int]
) -> Array:
    """Return ink from 0 to 1 as an input: bright on dark, as the digits of MNIST are."""
    if not drawing or not drawing[0] or any(len(row) != len(drawing[0]) for row in drawing):
        raise InputError("a drawing has rows of the same length")
    ink = np.array(drawing, np.float32)
    if not np.isfinite(ink).all():
        raise InputError("a drawing has numbers from 0 to 1")
    column = network.fitted.input(value.name) if network.fitted is not None else None
    stored = [n for n in column.shape if isinstance(n, int)] if column is not None else []
    channels, rows, columns = stored if len(stored) == 3 else shape
    sized = line_weights(rows, len(ink)) @ ink.clip(0, 1) @ line_weights(columns, ink.shape[1]).T
    image = np.broadcast_to(sized.astype(np.float32).clip(0, 1), (1, channels, rows, columns))
    if column is None or len(stored) != 3:
        return image.reshape(1, *value.type.shape[1:]).astype(np.float32)
    if column.scale is None and column.range is not None:
        low, high = column.range
        image = (low + image * (high - low)).astype(np.float32)
    return network.preprocess(**{value.name: image})[value.name]


def _best(found: Predictions) -> list[Share]:
    if found.probabilities is None:
        return []
    row = found.probabilities[0]
    order: list[int] = np.argsort(-row, kind="stable")[:_BEST].tolist()
    names = found.classes
    return [Share(names[at] if at < len(names) else str(at), float(row[at])) for at in order]


def _values(outputs: Mapping[str, Array]) -> dict[str, list[float]]:
    return {name: array.reshape(-1)[:_NUMBERS].tolist() for name, array in outputs.items()}
