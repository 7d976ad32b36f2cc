"""The files of MNIST: arrays after a header of their sizes, compressed or not."""

from __future__ import annotations

import zlib
from math import prod
from pathlib import Path

from netlang.diagnostics.errors import FileError, TooLargeError
from netlang.system.files import reading
from netlang.system.numpy import Array, np

_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_GZIP, _GZIP_WINDOW = b"\x1f\x8b", 31
_MOST_AXES = 8
_LARGEST_RATIO, _SMALLEST_BOMB = 200, 1 << 26


def read_idx(path: Path) -> tuple[Array, str]:
    """Read an idx file, plain or compressed by gzip, and a checksum of its bytes.

    Raises ``FileError`` for one that is not exactly the array of its header, and ``TooLargeError``
    for a small file that claims to decompress to a huge one. Source: http://yann.lecun.com/exdb/mnist.
    """
    with reading(path) as stream:
        data = stream.read()
    packed = data.startswith(_GZIP)
    try:
        head = _unpacked(data, 4 + 4 * _MOST_AXES)[0] if packed else data[: 4 + 4 * _MOST_AXES]
        dtype, shape = _header(path, head)
        start = 4 + 4 * len(shape)
        length = prod(shape) * dtype.itemsize
        if packed:
            _check_ratio(path, length, len(data))
            # One byte more than there should be shows that there are too many.
            raw, whole = _unpacked(data, start + length + 1)
        else:
            raw, whole = data, True
    except zlib.error as error:
        raise FileError(f"{path} is damaged: {error}") from None
    if len(raw) != start + length:
        found = f"{len(raw) - start:,}" if len(raw) <= start + length else "more"
        raise FileError(
            f"{path} is damaged: its header claims {length:,} bytes of data, and {found} follow"
        )
    if not whole:
        raise FileError(f"{path} is damaged: its end, with the checksum, is cut off")
    array = np.frombuffer(raw, dtype, offset=start).reshape(shape)
    native = array.astype(dtype.newbyteorder("="), copy=False)
    return native, f"{len(data)}:{zlib.crc32(data):08x}"


def _unpacked(data: bytes, most: int) -> tuple[bytes, bool]:
    """Decompress up to ``most`` bytes; also return whether its end and its checksum are there."""
    engine = zlib.decompressobj(_GZIP_WINDOW)
    raw = engine.decompress(data, most)
    return raw, engine.eof


def _header(path: Path, head: bytes) -> tuple[np.dtype[np.generic], tuple[int, ...]]:
    axes = head[3] if len(head) > 3 else 0
    known = head[:2] == b"\0\0" and head[2:3] and head[2] in _TYPES and 0 < axes <= _MOST_AXES
    if not known or len(head) < 4 + 4 * axes:
        raise FileError(
            f"{path} is not an idx file: it begins with {head[:4].hex(' ') or 'nothing'}",
            notes=["such a file begins with 00 00, a type and a number of axes"],
        )
    sizes = np.frombuffer(head, ">u4", axes, offset=4)
    return np.dtype(_TYPES[head[2]]), tuple(int(s) for s in sizes)


def _check_ratio(path: Path, length: int, packed: int) -> None:
    if length > _SMALLEST_BOMB and length > _LARGEST_RATIO * packed:
        raise TooLargeError(
            f"{path} is {packed:,} bytes long and claims to unpack to {length:,}",
            helps=["unpack it yourself if you trust it"],
        )
