"""Text from files, its characters and its words."""

from __future__ import annotations

import os
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO

from netlang.diagnostics.errors import FileError, TooLargeError
from netlang.system.files import reading
from netlang.system.numpy import Array, np

_LARGEST = 1 << 31
_GZIP, _GZIP_WINDOW, _GZIP_SIZE = b"\x1f\x8b", 31, 4
_BLOCK = 1 << 22
_LARGEST_RATIO, _SMALLEST_BOMB = 200, 1 << 26
_WORDS = re.compile(r"[^\W_]+(?:['’][^\W_]+)*|[^\w\s]|_")


def read_text(path: Path, encoding: str = "", *, may_declare: bool = False) -> tuple[str, str]:
    """Return a text, UTF-8 unless it has another ``encoding``, and a checksum of its bytes.

    The file may be compressed by gzip. Raises ``FileError`` with the line for anything else, and
    helps to declare the encoding where a dataset ``may_declare`` it.
    """
    parts, size = list[bytes](), 0
    for part in blocks(path, _BLOCK):
        parts.append(part)
        size += len(part)
        if size > _LARGEST:
            raise TooLargeError(f"{path} has more than {_LARGEST:,} bytes", helps=["split it"])
    data = b"".join(parts)
    del parts
    if encoding:
        return decoded(path, data, encoding), f"{len(data)}:{zlib.crc32(data):08x}"
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise FileError(f"{path} is UTF-16 text", helps=_encoding("utf-16", may_declare))
    if (at := data.find(b"\0")) >= 0:
        raise FileError(f"{path}:{data.count(10, 0, at) + 1}: a NUL byte, which no text has")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise FileError(
            f"{path}:{line}: byte {error.start} is not valid UTF-8",
            helps=_encoding("cp1252", may_declare),
        ) from None
    return text, f"{len(data)}:{zlib.crc32(data):08x}"


def _encoding(name: str, may_declare: bool) -> list[str]:
    """Return what to do about a text in another encoding."""
    declared = [f'or declare its encoding in the dataset: `encoding = "{name}"`']
    return ["save it as UTF-8", *(declared if may_declare else [])]


def blocks(path: Path, size: int) -> Iterator[bytes]:
    """Yield the bytes of a file, at most ``size`` at a time; gzip is unpacked.

    Raises ``FileError`` if that is damaged or suspiciously large.
    """
    with reading(path) as stream:
        data = stream.read(size)
        if data.startswith(_GZIP):
            most = max(_SMALLEST_BOMB, _LARGEST_RATIO * path.stat().st_size)
            yield from _unpacked(path, data, stream, size, most)
            return
        while data:
            yield data
            data = stream.read(size)


def unpacked_size(path: Path) -> int:
    """Return how many bytes a file has, about that of its content if gzip has compressed it."""
    with reading(path) as stream:
        packed = stream.read(len(_GZIP)) == _GZIP
        size = stream.seek(0, os.SEEK_END)
        if not packed or size < _GZIP_SIZE:
            return size
        # Of the last part, modulo 4 GiB.
        stream.seek(-_GZIP_SIZE, os.SEEK_END)
        return max(size, int.from_bytes(stream.read(_GZIP_SIZE), "little"))


def _unpacked(path: Path, data: bytes, stream: BinaryIO, size: int, most: int) -> Iterator[bytes]:
    """Yield what gzip has compressed, at most ``most`` bytes in all; ``data`` is its beginning."""
    engine, done = zlib.decompressobj(_GZIP_WINDOW), 0
    try:
        while True:
            part = engine.decompress(data, size)
            done += len(part)
            if done > most:
                raise TooLargeError(
                    f"{path} would unpack to more than {done - 1:,} bytes", helps=["unpack it"]
                )
            if part:
                yield part
            data = engine.unconsumed_tail
            if engine.eof:
                data = engine.unused_data
                data += stream.read(size)
                if not data.startswith(_GZIP):
                    return
                engine = zlib.decompressobj(_GZIP_WINDOW)
            elif not data:
                data = stream.read(size)
                if not data and not part:
                    raise FileError(f"{path} is damaged: its end, with the checksum, is cut off")
    except zlib.error as error:
        raise FileError(f"{path} is damaged: {error}") from None


def decoded(path: Path, data: bytes, encoding: str) -> str:
    """Return the text of a file in an encoding; raise ``FileError`` where it is in another."""
    try:
        return data.decode(encoding).removeprefix("\ufeff")
    except LookupError:
        raise FileError(
            f"`{encoding}` is not an encoding of texts",
            helps=['such as `encoding = "cp1252"`, `"latin-1"` or `"utf-16"`'],
        ) from None
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise FileError(f"{path}:{line}: byte {error.start} is not valid in {encoding}") from None
    except UnicodeError as error:
        raise FileError(f"{path} is not a text in {encoding}: {error}") from None


def lines_of(text: str) -> list[str]:
    """Split a text into lines; only ``\\n`` and ``\\r\\n`` end one.

    ``str.splitlines`` also splits at separators that occur within sentences, such as U+2028.

    >>> lines_of("a\\u2028b\\r\\nc\\n")
    ['a\\u2028b', 'c']
    """
    *lines, last = text.replace("\r\n", "\n").split("\n")
    return [*lines, last] if last else lines


def only_letters(text: str) -> str:
    """Reduce a text to a to z and single spaces.

    >>> only_letters("No, it's late!")
    'no it s late '
    """
    return re.sub("[^a-z]+", " ", text.lower())


def words_of(text: str, *, lower: bool = True) -> list[str]:
    """Split a text into words and punctuation, in lower case unless it is to stay as it is.

    >>> words_of("No, it's late!")
    ['no', ',', "it's", 'late', '!']
    """
    return _WORDS.findall(text.lower() if lower else text)


def word_lines(text: str, *, lower: bool, letters: bool) -> list[list[str]]:
    """Return the words of each line, separated by spaces.

    In lower case with ``lower``; with ``letters``, a to z alone are left, also in lower case.

    >>> word_lines("It's\\n8 o'clock", lower=False, letters=True)
    [['it', 's'], ['o', 'clock']]
    """
    text = text.lower() if lower or letters else text
    lines = lines_of(text)
    return [(only_letters(line) if letters else line).split() for line in lines]


def most_frequent(lines: Iterable[Sequence[str]], count: int) -> list[str]:
    """Return the ``count`` most frequent words, alphabetically among equals."""
    counts = Counter(word for line in lines for word in line)
    return sorted(counts, key=lambda word: (-counts[word], word))[: max(count, 0)]


@dataclass(frozen=True, slots=True, eq=False)
class Lines:
    """Lists of numbers of any length, concatenated."""

    flat: Array
    starts: Array

    @staticmethod
    def of(lists: Sequence[Sequence[int]]) -> Lines:
        flat = np.fromiter((n for line in lists for n in line), np.int64)
        return Lines(flat, np.array([0, *accumulate(map(len, lists))], np.int64))

    def lengths(self, chosen: Array) -> Array:
        return self.starts[chosen + 1] - self.starts[chosen]

    def padded(self, chosen: Array, fill: int = 0) -> Array:
        """Return some of the lists, padded to the longest of them: ``i64[N, T]``."""
        lengths = self.lengths(chosen)
        steps = np.arange(max(1, int(lengths.max(initial=0))))
        inside = steps < lengths[:, np.newaxis]
        positions = np.where(inside, self.starts[chosen][:, np.newaxis] + steps, 0)
        return np.where(inside, self.flat[positions], fill)
