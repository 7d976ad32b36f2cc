"""Columns of texts, as the numbers of their words or characters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import structs

from netlang.data.columns import fit_declared
from netlang.data.pipeline import Chosen, Location, Reading, Tokens
from netlang.data.source import Arrays, Source
from netlang.data.sources.ragged import Ragged, RaggedSource
from netlang.data.sources.text_files import Lines, most_frequent, only_letters, words_of
from netlang.ir.arrays import numpy_dtype
from netlang.system.numpy import Array, np

_PADDING, _UNKNOWN = "", "?"
_FIRST, _UNKNOWN_TOKEN = 2, 1


def fit_with_texts(
    place: str, location: Location, arrays: Mapping[str, Array], checksum: str
) -> Source:
    """Return arrays as declared columns, of which some are texts: those with ``tokens``.

    Raises ``FileError`` where the others do not fit.
    """
    readings = {n: r for n, r in location.readings.items() if r.tokens is not None}
    if not readings:
        return fit_declared(place, location, arrays, checksum)
    tokenized = {name: _tokens(arrays[name].tolist(), each) for name, each in readings.items()}
    columns, own = location.columns, dict(arrays)
    ragged: dict[str, Ragged] = {}
    names: dict[str, Sequence[str]] = {}
    for name, reading in readings.items():
        longest = None if reading.tokens is None else reading.tokens.longest
        if reading.length:
            own[name] = np.array([len(text[:longest]) for text in tokenized[name]], np.int64)
            continue
        names[name] = location.known(name) or _vocabulary(
            _used(tokenized[name], location.used) or tokenized[name], reading.tokens
        )
        numbers = {token: number for number, token in enumerate(names[name])}
        found = [
            [numbers.get(t, _UNKNOWN_TOKEN) for t in text[:longest]] for text in tokenized[name]
        ]
        lines = Lines.of(found)
        wanted = numpy_dtype(columns[name].dtype)
        ragged[name] = Ragged(lines.flat.astype(wanted, copy=False), lines.starts)
    rest = {name: type for name, type in columns.items() if name not in ragged}
    here = structs.replace(location, columns=rest)
    inner = fit_declared(place, here, own, checksum) if rest else Arrays(place, {}, {})
    return RaggedSource(place, columns, inner, ragged, names) if ragged else inner


def _used(texts: list[list[str]], used: Chosen) -> list[list[str]]:
    return texts[used] if isinstance(used, slice) else [texts[i] for i in used.tolist()]


def _tokens(texts: Sequence[str], reading: Reading) -> list[list[str]]:
    """Return the tokens of texts, of which empty ones are filled."""
    tokens = reading.tokens
    assert tokens is not None
    filled = (text or str(reading.fill) for text in texts)
    seen = (only_letters(text) if tokens.letters else text for text in filled)
    if tokens.unit == "words":
        return [words_of(text, lower=tokens.lower) for text in seen]
    return [list(text.lower() if tokens.lower else text) for text in seen]


def _vocabulary(texts: Sequence[Sequence[str]], tokens: Tokens | None) -> tuple[str, ...]:
    """Return what the numbers denote: padding, any other token, and the tokens of some texts."""
    assert tokens is not None
    if tokens.vocab is not None:
        known = most_frequent(texts, tokens.vocab - _FIRST)
    else:
        known = sorted({token for text in texts for token in text})
    return (_PADDING, _UNKNOWN, *(token for token in known if token != _UNKNOWN))
