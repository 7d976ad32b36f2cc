"""Whole files as columns: in parts, several at once, in bounded memory."""

from __future__ import annotations

import os
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from netlang.data.tables.chunks import Part, Wanted, read_chunk
from netlang.data.tables.columns import Columns, MixedError
from netlang.data.tables.text_files import blocks, unpacked_size
from netlang.system.numpy import np
from netlang.system.watching import report

_CHUNK, _LARGEST_CHUNK = 1 << 22, 1 << 26
_MOST_WORKERS = 4
_NEWLINE, _QUOTE = 10, 34


@dataclass(frozen=True, slots=True)
class Layout:
    """How the lines of a file make up columns.

    ``wanted`` has each column, ``exact`` reads lines of text whose first one has a number, and
    raises ``FileError`` for what is wrong in them; ``are_names`` says whether texts are names.
    """

    path: Path
    separator: str
    width: int
    header: bool
    wanted: Mapping[str, Wanted]
    exact: Callable[[str, int], dict[str, Part]]
    are_names: Callable[[Sequence[str]], bool]
    remarks: Sequence[str] = ()


def read_into(columns: Columns, layouts: Sequence[Layout]) -> str | None:
    """Read files one after the other, and return a checksum of them.

    Returns ``None`` where they are not read in parts: a column is numbers in one part and names in
    another, or there are lines of several megabytes.
    """
    sums: list[str] = []
    for layout in layouts:
        found = _read_file(columns, layout)
        if found is None:
            return None
        sums.append(found)
    return "-".join(sums)


def _read_file(columns: Columns, layout: Layout) -> str | None:
    size, done, total, line = unpacked_size(layout.path), 0, 0, 1
    workers = min(_MOST_WORKERS, os.cpu_count() or 1)
    coming: deque[tuple[bytes, Future[list[Part] | None]]] = deque()
    chunks = _chunks(layout.path, layout.separator)
    header = layout.header

    def begin() -> bool:
        nonlocal header
        data = next(chunks, None)
        if data is None:
            return False
        body = data[data.index(b"\n") + 1 :] if header else data
        header = False
        wanted = list(layout.wanted.values())
        coming.append(
            (data, pool.submit(read_chunk, body, layout.separator, layout.width, wanted,
                               layout.are_names))
        )  # fmt: skip
        return True

    with ThreadPoolExecutor(workers, "netlang-table") as pool:
        try:
            while len(coming) < workers + 1 and begin():
                pass
            first = layout.header
            while coming:
                data, future = coming.popleft()
                parts = future.result()
                found = (
                    dict(zip(layout.wanted, parts, strict=True))
                    if parts is not None
                    else _exactly(layout, data, line, header=first)
                )
                columns.add(found)
                line += data.count(b"\n")
                total, done, first = zlib.crc32(data, total), done + len(data), False
                report(str(layout.path), done, size)
                begin()
        except (MixedError, _UndividedError):
            pool.shutdown(cancel_futures=True)
            return None
    return f"{done}:{total:08x}"


class _UndividedError(Exception):
    """A part of a file has no end of a line, or is not text."""


def _exactly(layout: Layout, data: bytes, line: int, *, header: bool) -> dict[str, Part]:
    try:
        text = data.decode("utf-8-sig" if line == 1 else "utf-8")
    except UnicodeDecodeError:
        raise _UndividedError from None
    if "\0" in text:
        raise _UndividedError
    if header:
        text, line = text.partition("\n")[2], line + 1
    return layout.exact(text, line)


def _chunks(path: Path, separator: str) -> Iterator[bytes]:
    """Yield whole lines of a file, some megabytes at a time.

    Lines without any values are with a line after them: only the last ones of a file do not count.
    """
    rest, nothing = b"", f'{separator}" \t\v\f\r\n'.encode()
    for read in blocks(path, _CHUNK):
        data = rest + read
        end = _end_of_lines(data, nothing)
        if not end and len(data) > _LARGEST_CHUNK:
            raise _UndividedError
        if end:
            yield data[:end]
        rest = data[end:]
    if rest:
        yield rest if rest.endswith(b"\n") else rest + b"\n"


def _end_of_lines(data: bytes, nothing: bytes) -> int:
    """Return the length of the lines in some bytes that are whole; 0 if there are none.

    Lines at their end that only have bytes of ``nothing`` are not among them.
    """
    ends = None
    if b'"' in data:
        text = np.frombuffer(data, np.uint8)
        outside = np.cumsum(text == _QUOTE) % 2 == 0
        ends = np.flatnonzero((text == _NEWLINE) & outside)
        whole = data[: int(ends[-1]) + 1] if len(ends) else b""
    else:
        whole = data[: data.rfind(b"\n") + 1]
    last = len(whole.rstrip(nothing))
    if not last:
        return 0
    return (whole.find(b"\n", last) if ends is None else int(ends[ends >= last][0])) + 1
