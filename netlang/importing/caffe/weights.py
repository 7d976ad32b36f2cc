"""The arrays of a .caffemodel file by layer, read from protocol buffers as they are on disk.

A file may be damaged or hostile: every length is compared with what there is before it is
followed, nothing is copied, and every problem is a ``FileError``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from netlang.diagnostics.errors import FileError, WeightsError
from netlang.importing.caffe.text import shown
from netlang.system.files import reading
from netlang.system.numpy import Array, np

_LARGEST = (1 << 31) - 1
_MOST_LAYERS, _MOST_BLOBS, _MOST_AXES = 10_000, 64, 32
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MOST_SHOWN = 4

# The numbers of fields in caffe.proto: of a network, a layer, and a blob.
_LAYERS = {2: (4, 6), 100: (1, 7)}
"""For each kind of layer, that of the first versions and the later one: its name and its blobs."""
_SIDES, _DATA, _SHAPE, _DOUBLES, _DIM = (1, 2, 3, 4), 5, 7, 8, 1

Part = memoryview | int
"""The bytes of a field, or its number."""


class Origin(Struct, frozen=True):
    """Where a parameter is in a file: a layer and the number of its blob.

    ``divisor`` is the number of the blob by whose only element it is divided; ``transposed`` is
    whether rows are columns.
    """

    layer: str
    at: int
    divisor: int | None = None
    transposed: bool = False


def read_blobs(path: Path) -> dict[str, list[Array]]:
    """Return the arrays of each layer that has some; raises ``FileError`` for a damaged file."""
    with reading(path) as stream:
        data = stream.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise FileError(f"{path} is larger than 2 GiB, the most of a .caffemodel")
    found: dict[str, list[Array]] = {}
    try:
        for number, part in _fields(memoryview(data)):
            if number in _LAYERS and isinstance(part, memoryview):
                name, blobs = _layer(part, *_LAYERS[number])
                if blobs:
                    found[name] = blobs
                if len(found) > _MOST_LAYERS:
                    raise ValueError("too many layers")
    except (ValueError, IndexError) as error:
        raise FileError(f"{path} is not a .caffemodel, or damaged: {error}") from None
    if not found:
        raise FileError(f"{path} holds no parameters of layers")
    return found


def _fields(data: memoryview) -> Iterator[tuple[int, Part]]:
    """Yield the number of each field of a message, and its bytes or its number."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, kind = key >> 3, key & 7
        match kind:
            case 0:
                value, at = _varint(data, at)
                yield number, value
                continue
            case 1 | 5:
                size = 8 if kind == _FIXED64 else 4
            case 2:
                size, at = _varint(data, at)
            case _:
                raise ValueError(f"field {number} is of kind {kind}")
        if size > len(data) - at:
            raise ValueError(f"a field of {size:,} bytes, where {len(data) - at:,} are left")
        yield number, data[at : at + size]
        at += size


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
        if shift > 63:
            raise ValueError("a number of more than 64 bits")


def _layer(data: memoryview, name_field: int, blob_field: int) -> tuple[str, list[Array]]:
    name, blobs = "", list[Array]()
    for number, part in _fields(data):
        if isinstance(part, int):
            continue
        if number == name_field:
            name = bytes(part).decode("utf-8", "replace")
        elif number == blob_field:
            if len(blobs) == _MOST_BLOBS:
                raise ValueError(f"a layer of more than {_MOST_BLOBS} blobs")
            blobs.append(_blob(part))
    return name, blobs


def _blob(data: memoryview) -> Array:
    sides: dict[int, int] = {}
    shape: list[int] | None = None
    parts: dict[int, list[memoryview]] = {_DATA: [], _DOUBLES: []}
    for number, part in _fields(data):
        if isinstance(part, int):
            if number in _SIDES:
                sides[number] = part
        elif number == _SHAPE:
            shape = _dims(part)
        elif number in parts:
            parts[number].append(part)
    dtype, pieces = ("<f8", parts[_DOUBLES]) if parts[_DOUBLES] else ("<f4", parts[_DATA])
    # One piece holds all elements, or each has its own.
    whole = pieces[0] if len(pieces) == 1 else b"".join(pieces)
    array = np.frombuffer(whole, dtype).astype(np.float32, copy=False)
    sizes = [sides.get(n, 1) for n in _SIDES] if shape is None else shape
    total = 1
    for size in sizes:
        total *= size
    if total != array.size:
        raise ValueError(f"a blob of {'x'.join(map(str, sizes))} with {array.size:,} elements")
    return array.reshape(sizes)


def _dims(data: memoryview) -> list[int]:
    found: list[int] = []
    for number, part in _fields(data):
        if number != _DIM:
            continue
        if isinstance(part, int):
            found.append(part)
            continue
        at = 0
        while at < len(part):
            size, at = _varint(part, at)
            found.append(size)
        if len(found) > _MOST_AXES:
            raise ValueError(f"a blob of more than {_MOST_AXES} axes")
    return found


# ---- parameters --------------------------------------------------------------------------


def fitted(
    path: Path, origins: Mapping[str, Origin], shapes: Mapping[str, tuple[int, ...]]
) -> tuple[dict[str, Array], list[str]]:
    """Return the array of each parameter by its path, and notes on what is not read.

    Raises ``WeightsError`` for a parameter that the file lacks, or has of another size.
    """
    blobs = read_blobs(path)
    arrays: dict[str, Array] = {}
    wrong: list[str] = []
    for name, origin in origins.items():
        found = blobs.get(origin.layer, [])
        if origin.at >= len(found):
            wrong.append(f"{name}: `{shown(origin.layer)}` has {len(found)} blobs in the file")
            continue
        array, wanted = found[origin.at], shapes[name]
        if origin.transposed:
            array = array.reshape(wanted[::-1]).T if array.size == _count(wanted) else array
        if array.size != _count(wanted):
            size, other = ("x".join(map(str, n)) for n in (array.shape, wanted))
            wrong.append(f"{name}: `{shown(origin.layer)}` has {size} elements, not {other}")
            continue
        arrays[name] = _divided(array.reshape(wanted), found, origin)
    if wrong:
        more = [f"and {len(wrong) - _MOST_SHOWN} more"] if len(wrong) > _MOST_SHOWN else []
        raise WeightsError(
            f"{path} does not fit the network", notes=[*wrong[:_MOST_SHOWN], *more],
            helps=["give the prototxt that it was trained with"],
        )  # fmt: skip
    return arrays, _unread(path, blobs, {origin.layer for origin in origins.values()})


def _count(shape: Sequence[int]) -> int:
    total = 1
    for size in shape:
        total *= size
    return total


def _divided(array: Array, blobs: Sequence[Array], origin: Origin) -> Array:
    """Return an average that Caffe stores as a sum, next to what it is divided by."""
    if origin.divisor is None or origin.divisor >= len(blobs):
        return array
    divisor = float(blobs[origin.divisor].reshape(-1)[0])
    return array / np.float32(divisor) if divisor else array * np.float32(0)


def _unread(path: Path, blobs: Mapping[str, object], read: set[str]) -> list[str]:
    rest = [f"`{shown(name)}`" for name in blobs if name not in read]
    if not rest:
        return []
    more = f" and {len(rest) - _MOST_SHOWN} more" if len(rest) > _MOST_SHOWN else ""
    return [f"layers of {path.name} that the network lacks: {', '.join(rest[:_MOST_SHOWN])}{more}"]
