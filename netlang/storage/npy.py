"""NumPy's array files; the reader accepts untrusted ones."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Collection, Mapping
from functools import partial
from math import prod
from pathlib import Path
from typing import BinaryIO, cast

from netlang.diagnostics.errors import FileError, NetlangError, TooLargeError
from netlang.ir.arrays import known
from netlang.system.files import reading, write_atomically
from netlang.system.numpy import Array, np

_LONGEST_HEADER = 10_000
_LARGEST_RATIO, _SMALLEST_BOMB = 200, 1 << 26


def read_npy(path: Path) -> Array:
    """Read a ``.npy`` file; raises ``FileError`` unless it is exactly its header's array."""
    with reading(path) as stream:
        size = stream.seek(0, io.SEEK_END)
        stream.seek(0)
        return read_array(stream, size, str(path))


def read_npz(
    path: Path, names: Collection[str] | None = None, *, texts: bool = False
) -> dict[str, Array]:
    """Read the arrays of a ``.npz`` file by name, by default all of them.

    Arrays of ``texts`` are read only if they are expected.

    Raises ``FileError``, and ``TooLargeError`` for a small file that would unpack to a huge
    one.
    """
    return _each(path, partial(_member, texts=texts), names)


def describe_npz(path: Path) -> dict[str, Array]:
    """Return arrays of the types and shapes in a ``.npz`` file, without their values.

    They take no memory. Raises what ``read_npz`` does.
    """
    return _each(path, _described, None)


def _each(
    path: Path,
    read: Callable[[zipfile.ZipFile, zipfile.ZipInfo, Path], Array],
    names: Collection[str] | None,
) -> dict[str, Array]:
    with reading(path) as stream:
        try:
            with zipfile.ZipFile(stream) as archive:
                members = {m.filename.removesuffix(".npy"): m for m in _members(archive, path)}
                return {
                    name: read(archive, member, path)
                    for name, member in members.items()
                    if names is None or name in names
                }
        except (NetlangError, MemoryError):
            raise
        except Exception as error:  # a damaged archive can raise almost any exception
            raise FileError(f"{path} is not a readable .npz file: {error}") from None


def write_npy(path: Path, array: Array) -> None:
    """Write one array as a ``.npy`` file."""
    write_atomically(path, [_packed(array)])


def write_npz(path: Path, arrays: Mapping[str, Array]) -> None:
    """Write named arrays as one ``.npz`` file."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, array in arrays.items():
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), _packed(array))
    write_atomically(path, [packed.getvalue()])


def read_array(stream: BinaryIO, size: int, name: str, *, texts: bool = False) -> Array:
    """Read the array that fills the next ``size`` bytes of a stream.

    The header is checked against ``size`` before anything is allocated.
    """
    shape, fortran, dtype = _checked_header(stream, size, name, texts=texts)
    array: Array = np.frombuffer(stream.read(prod(shape) * dtype.itemsize), dtype=dtype)
    array = array.astype(dtype.newbyteorder("="), copy=False)
    try:
        return array.reshape(shape[::-1]).T if fortran else array.reshape(shape)
    except ValueError:  # too many axes, or an empty array with a huge axis
        raise _impossible(name) from None


def _checked_header(
    stream: BinaryIO, size: int, name: str, *, texts: bool = False
) -> tuple[tuple[int, ...], bool, np.dtype[np.generic]]:
    """Read the header of an array that fills the next ``size`` bytes."""
    start = stream.tell()
    try:
        shape, fortran, dtype = _header(stream)
    except (NetlangError, MemoryError):
        raise
    except Exception as error:
        # The header is a Python literal: a damaged one can raise almost any exception.
        why = (str(error).splitlines() or [""])[0].rstrip(".")
        raise FileError(f"{name} is not a readable .npy file: {why}") from None
    if dtype.hasobject:
        raise FileError(
            f"{name} holds Python objects, which could run code when they are read",
            helps=['save the numbers alone: numpy.save(path, x.astype("float32"))'],
        )
    length = size - (stream.tell() - start)
    claimed = prod(shape) * dtype.itemsize
    if any(type(d) is not int or d < 0 for d in shape) or claimed != length:
        lengths = f"its header claims {claimed:,} bytes of data, and {length:,} follow"
        raise FileError(f"{name} is damaged: {lengths}")
    if known(dtype) is None and not (texts and dtype.kind == "U" and dtype.itemsize):
        raise FileError(f"{name} holds elements of type {dtype.name}, which no tensor has")
    return shape, fortran, dtype


def _impossible(name: str) -> FileError:
    return FileError(f"{name} is damaged: its header claims a shape that no array can have")


def _header(stream: BinaryIO) -> tuple[tuple[int, ...], bool, np.dtype[np.generic]]:
    match np.lib.format.read_magic(stream):
        case (1, 0):
            return np.lib.format.read_array_header_1_0(stream, _LONGEST_HEADER)
        case (2, 0):
            return np.lib.format.read_array_header_2_0(stream, _LONGEST_HEADER)
        case major, minor:
            raise ValueError(f"version {major}.{minor} of the format is not known")


def _members(archive: zipfile.ZipFile, path: Path) -> list[zipfile.ZipInfo]:
    members = archive.infolist()
    seen: set[str] = set()
    for member in members:
        if member.filename in seen:
            raise FileError(f"{path} holds `{member.filename}` twice")
        seen.add(member.filename)
        if not member.filename.endswith(".npy"):
            raise FileError(f"{path} holds `{member.filename}`, which is no array")
        if member.flag_bits & 1:
            raise FileError(f"{path}: `{member.filename}` is encrypted")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise FileError(
                f"{path}: `{member.filename}` is compressed in a way that NumPy does not know"
            )
    packed = sum(member.compress_size for member in members)
    size = sum(member.file_size for member in members)
    if size > _SMALLEST_BOMB and size > _LARGEST_RATIO * packed:
        raise TooLargeError(
            f"{path} is {packed:,} bytes long and would unpack to {size:,}",
            helps=["save it with numpy.savez, which does not compress"],
        )
    return members


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path, *, texts: bool) -> Array:
    with archive.open(member) as stream:
        # The size in the archive's directory counts, whatever the compressed bytes contain.
        data = stream.read(member.file_size)
    place = f"{path}:{member.filename}"
    return read_array(io.BytesIO(data), len(data), place, texts=texts)


def _described(archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path) -> Array:
    name = f"{path}:{member.filename}"
    with archive.open(member) as stream:
        shape, _, dtype = _checked_header(cast("BinaryIO", stream), member.file_size, name)
    try:
        return np.broadcast_to(np.zeros((), dtype.newbyteorder("=")), shape)
    except ValueError:
        raise _impossible(name) from None


def _packed(array: Array) -> bytes:
    packed = io.BytesIO()
    np.lib.format.write_array(packed, np.asarray(array, order="C"), allow_pickle=False)
    return packed.getvalue()
