"""Reads a file as program text, and says what is wrong with one that is none."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from netlang.diagnostics import Diagnostic, Label, Refused
from netlang.source import Source, Span

SIZE_LIMIT = 4 * 2**20

_FORMATS = (
    (b"\x89PNG\r\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"RIFF", "a WebP image or a sound"),
    (b"PK\x03\x04", "a zip archive (.npz, .pt and .keras files are such)"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"\x1f\x8b", "gzip-compressed"),
    (b"BZh", "bzip2-compressed"),
    (b"\xfd7zXZ", "xz-compressed"),
    (b"\x28\xb5\x2f\xfd", "zstd-compressed"),
    (b"\x93NUMPY", "a NumPy array (.npy)"),
    (b"\x89HDF\r\n", "an HDF5 file (.h5)"),
    (b"%PDF", "a PDF document"),
    (b"\x7fELF", "an executable"),
    (b"MZ", "a Windows executable"),
)


def read_source(path: str | Path) -> Source:
    """Read a program; line ends become ``\\n``, a byte order mark is dropped.

    Raises :class:`~netlang.diagnostics.Refused` for a file that is missing, not a regular file,
    larger than 4 MiB, not UTF-8, or of a binary format. The name of the source is the path as
    given.
    """
    name = str(path)
    data = _read_bytes(name)
    if data.startswith(b"\xef\xbb\xbf"):
        data = data[3:]
    _refuse_binary(name, data)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        byte = data[error.start]
        before = data[: error.start].decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
        line, column = Source(name, before).line_col(len(before))
        raise _refused(
            name, "not-text", "this file is not UTF-8 text",
            f"byte 0x{byte:02x} at offset {error.start} (line {line}, column {column}) is no part of UTF-8",
            "save it as UTF-8",
        ) from None  # fmt: skip
    return Source(name, text.replace("\r\n", "\n").replace("\r", "\n"))


def _read_bytes(name: str) -> bytes:
    try:
        # Looked at before it is opened: opening a FIFO would wait for a writer.
        status = Path(name).stat()
        if stat.S_ISDIR(status.st_mode):
            raise _refused(name, "not-a-file", f"`{name}` is a folder", "", "name a file in it")
        if not stat.S_ISREG(status.st_mode):
            kind = _kind(status.st_mode)
            raise _refused(
                name, "not-a-file", f"`{name}` is {kind}", "", "copy its content into a file"
            )
        with Path(name).open("rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise _refused(
                    name, "not-a-file", f"`{name}` is no regular file", "", "name a file"
                )
            data = file.read(SIZE_LIMIT + 1)
    except FileNotFoundError:
        raise _refused(name, "no-such-file", f"there is no file `{name}`", "", "") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise _refused(
            name, "unreadable-file", f"`{name}` can't be read", reason.lower(), ""
        ) from None
    if len(data) > SIZE_LIMIT:
        size = max(status.st_size, len(data))
        raise _refused(
            name, "file-too-large", f"`{name}` is larger than 4 MiB",
            f"it has {size:,} bytes", "split it, and import the parts",
        )  # fmt: skip
    return data


def _refuse_binary(name: str, data: bytes) -> None:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or _looks_utf16(data):
        raise _refused(name, "not-text", "this file is UTF-16, not UTF-8", "", "save it as UTF-8")
    what = next((what for magic, what in _FORMATS if data.startswith(magic)), None)
    if what is None and data[8:10] == b'{"' and b"\x00" in data[:8]:
        what = "a safetensors file"
    if what is None and _looks_onnx(data):
        what = "an ONNX model"
    if (
        what is None
        and data.startswith(b"\x80")
        and data[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05")
    ):
        what = "a Python pickle"
    if what is not None:
        raise _refused(
            name, "not-text", f"this is no program: it looks like {what}", "",
            "name a `.net` file; weights and data are given by options",
        )  # fmt: skip
    if (at := data.find(b"\x00")) >= 0:
        raise _refused(
            name, "not-text", "this file is not text", f"it has a NUL byte at offset {at}",
            "is it the right file?",
        )  # fmt: skip


def _looks_utf16(data: bytes) -> bool:
    head = data[:64]
    return len(head) >= 4 and (not any(head[1::2]) or not any(head[::2])) and any(head)


def _looks_onnx(data: bytes) -> bool:
    # Field 1 of a ModelProto is its version, a small varint; field 2 the producer's name.
    return len(data) > 4 and data[0] == 0x08 and data[1] < 0x20 and data[2] in (0x12, 0x3A, 0x42)


def _kind(mode: int) -> str:
    if stat.S_ISFIFO(mode):
        return "a named pipe"
    if stat.S_ISSOCK(mode):
        return "a socket"
    return "a device"


def _refused(name: str, rule: str, message: str, note: str, fix: str) -> Refused:
    label = Label(Span(Source(name, ""), 0, 0))
    notes, helps = ((note,) if note else ()), ((fix,) if fix else ())
    return Refused(Diagnostic(rule, message, label, notes=notes, helps=helps))
