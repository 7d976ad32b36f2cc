"""What is wrong with data, found before the first step."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from netlang.data.mapped import MappedSource
from netlang.data.source import PartialSource, Source
from netlang.diagnostics.errors import NetlangError
from netlang.system.numpy import np

_CHUNK = 64


def examine(source: Source, most: int = 20) -> list[NetlangError]:
    """Return the errors that reading the examples of a source would raise, in order.

    A file that cannot be read, such as a damaged image, is named in the message. At most ``most``
    errors are returned. Examples that are in memory were checked when the source was opened; others
    are read once.
    """
    return list(islice(_errors(_stored(source)), most))


def _stored(source: Source) -> Source:
    """Return the examples without their transforms, which take longer than reading."""
    while isinstance(source, MappedSource):
        source = source.inner
    return source


def _errors(source: Source) -> Iterator[NetlangError]:
    if not _is_read_late(source):
        return
    for start in range(0, len(source), _CHUNK):
        some = range(start, min(start + _CHUNK, len(source)))
        try:
            source.examples(slice(some.start, some.stop))
        except NetlangError:
            yield from _one_by_one(source, some)


def _one_by_one(source: Source, examples: range) -> Iterator[NetlangError]:
    for example in examples:
        try:
            source.examples(np.array([example]))
        except NetlangError as error:
            yield error


def _is_read_late(source: Source) -> bool:
    """Return whether some column of the examples is not in memory."""
    inner = source
    while isinstance(inner, PartialSource | MappedSource):
        inner = inner.inner
    return any(inner.whole(column) is None for column in inner.columns)
