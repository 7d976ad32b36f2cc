"""What is wrong with data, found before the first step."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from netlang.data.mapped import MappedSource
from netlang.data.source import Source
from netlang.diagnostics.errors import NetlangError
from netlang.system.numpy import np
from netlang.system.watching import report

_CHUNK = 64


def examine(source: Source, most: int = 20) -> list[NetlangError]:
    """Return the errors that reading the examples of a source would raise, in order.

    A file that cannot be read, such as a damaged image, is named in the message. At most ``most``
    errors are returned. Only examples that are read when they are needed are read; others were
    checked when the source was opened.
    """
    return list(islice(_errors(_stored(source)), most))


def _stored(source: Source) -> Source:
    """Return the examples without their transforms, which take longer than reading."""
    while isinstance(source, MappedSource):
        source = source.inner
    return source


def _errors(source: Source) -> Iterator[NetlangError]:
    if not source.heavy:
        return
    for start in range(0, len(source), _CHUNK):
        report(source.place, start, len(source))
        some = range(start, min(start + _CHUNK, len(source)))
        try:
            source.examples(slice(some.start, some.stop))
        except NetlangError:
            yield from _one_by_one(source, some)
    report(source.place, len(source), len(source))


def _one_by_one(source: Source, examples: range) -> Iterator[NetlangError]:
    for example in examples:
        try:
            source.examples(np.array([example]))
        except NetlangError as error:
            yield error
