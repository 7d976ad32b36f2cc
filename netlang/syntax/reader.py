"""Reads the text of a program, and explains why a file is not one."""

from __future__ import annotations

import os
import stat
from itertools import islice
from pathlib import Path

from netlang.diagnostics import rules
from netlang.diagnostics.errors import DIAGNOSED, ENVIRONMENT, USAGE, NetlangError
from netlang.diagnostics.source import BYTE_ORDER_MARK, Source
from netlang.diagnostics.suggestions import did_you_mean, folded

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

    Raises ``NetlangError`` for a file that is missing, not a regular file, larger than 4 MiB, not
    UTF-8, or of a binary format. The name of the source is the path as given.
    """
    name = str(path)
    data = _read_bytes(name)
    _reject_binary(name, data.removeprefix(BYTE_ORDER_MARK.encode()))
    try:
        written = data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = _unify(data[: error.start].decode("utf-8"))
        line, column = Source(name, before).line_col(len(before))
        raise NetlangError(
            rules.NOT_TEXT,
            f"`{name}` is not UTF-8 text",
            notes=[
                f"line {line}, column {column} has the byte 0x{data[error.start]:02x}, "
                f"at offset {error.start}, which no UTF-8 text has there"
            ],
            helps=["save it as UTF-8"],
        ) from None
    return text_source(name, written)


def text_source(name: str | Path, written: str) -> Source:
    """Return the source of a text; line ends become ``\\n``, a byte order mark is dropped."""
    return Source(str(name), _unify(written), written=written)


def _unify(text: str) -> str:
    return text.removeprefix(BYTE_ORDER_MARK).replace("\r\n", "\n").replace("\r", "\n")


def _near(name: str) -> tuple[str, ...]:
    """Return the help that names a program with a similar name in the same folder."""
    path = Path(name)
    try:
        programs = [p.name for p in islice(path.parent.glob("*.net"), 1000)]
    except (OSError, ValueError):
        return ()
    same = [p for p in programs if folded(p.removesuffix(".net")) == folded(path.name)]
    helps = did_you_mean(path.name, same or programs)
    if same:
        helps = (f"did you mean `{same[0]}`?",)
    folder = name.removesuffix(path.name)
    return tuple(help.replace("mean `", f"mean `{folder}") for help in helps)


def _read_bytes(name: str) -> bytes:
    try:
        # Checked before it is opened: opening a FIFO would wait for a writer.
        _reject_irregular(name, Path(name).stat())
        with Path(name).open("rb") as file:
            status = os.fstat(file.fileno())
            _reject_irregular(name, status)
            data = file.read(SIZE_LIMIT + 1)
    except FileNotFoundError:
        raise NetlangError(
            rules.NO_SUCH_FILE, f"there is no file `{name}`", helps=_near(name), exit_code=USAGE
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise NetlangError(
            rules.UNREADABLE_FILE,
            f"`{name}` can't be read",
            notes=[str(reason).lower()],
            exit_code=ENVIRONMENT,
        ) from None
    if len(data) > SIZE_LIMIT:
        raise NetlangError(
            rules.FILE_TOO_LARGE,
            f"`{name}` is larger than 4 MiB, the limit for a program",
            notes=[f"it has {max(status.st_size, len(data)):,} bytes"],
            helps=["split it, and import the parts"],
        )
    return data


def _reject_irregular(name: str, status: os.stat_result) -> None:
    if stat.S_ISREG(status.st_mode):
        return
    kind = "a folder" if stat.S_ISDIR(status.st_mode) else _kind(status.st_mode)
    raise NetlangError(
        rules.NOT_A_FILE,
        f"`{name}` is {kind}, not a file",
        helps=["name a `.net` file"],
        exit_code=USAGE if stat.S_ISDIR(status.st_mode) else DIAGNOSED,
    )


def _reject_binary(name: str, data: bytes) -> None:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or _looks_utf16(data):
        raise NetlangError(
            rules.NOT_TEXT,
            f"`{name}` is UTF-16, not UTF-8",
            notes=["it starts with the bytes " + data[:4].hex(" ")],
            helps=["save it as UTF-8"],
        )
    what = next((what for magic, what in _FORMATS if data.startswith(magic)), None)
    if what is None and data[8:10] == b'{"' and b"\x00" in data[:8]:
        what = "a safetensors file"
    if what is None and _looks_onnx(data):
        what = "an ONNX model"
    if what is None and data[:1] == b"\x80" and data[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        what = "a Python pickle"
    if what is not None:
        raise NetlangError(
            rules.NOT_TEXT,
            f"`{name}` is not a program: it looks like {what}",
            helps=[
                "make a program of it: `netlang import FILE.onnx -o FILE.net`"
                if what == "an ONNX model"
                else "name a `.net` file; weights and data are given by options"
            ],
        )
    if (at := data.find(b"\x00")) >= 0:
        raise NetlangError(
            rules.NOT_TEXT,
            f"`{name}` is not text",
            notes=[f"it has a NUL byte at offset {at}"],
            helps=["is it the right file?"],
        )


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
