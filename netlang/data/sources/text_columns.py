"""Columns of texts, as the numbers of their words or characters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import structs

from netlang.data.columns import fit_declared
from netlang.data.pipeline import Location, Reading, Tokens
from netlang.data.source import Arrays
from netlang.data.sources.ragged import Ragged, RaggedSource
from netlang.data.tables.columns import ReadColumn
from netlang.data.tables.later import is_mapped
from netlang.data.tables.tokenized import Splitting, Tokenized, starts_of
from netlang.ir.arrays import numpy_dtype
from netlang.ir.types import DType
from netlang.system.numpy import np

_PADDING, _UNKNOWN = "", "?"
_FIRST, _UNKNOWN_TOKEN = 2, 1
_NONE: Mapping[str, Sequence[str]] = {}


def fit_with_texts(
    place: str,
    location: Location,
    arrays: Mapping[str, ReadColumn],
    checksum: str,
    texts: Mapping[str, Sequence[str]] = _NONE,
) -> Arrays | RaggedSource:
    """Return arrays as declared columns, of which some are texts: those with ``tokens``.

    They are in ``texts``, or ``arrays`` has them split, and how many tokens they have. Raises
    ``FileError`` where the others do not fit.
    """
    own = {n: array for n, array in arrays.items() if not isinstance(array, Tokenized)}
    readings = {n: r for n, r in location.readings.items() if r.tokens is not None}
    if not readings:
        return fit_declared(place, location, own, checksum)
    split = _split(texts, readings)
    ragged: dict[str, Ragged] = {}
    names: dict[str, Sequence[str]] = {}
    for name, reading in readings.items():
        tokens = reading.tokens
        assert tokens is not None
        given = arrays.get(name)
        found = given if isinstance(given, Tokenized) else split.get(name)
        if reading.length:
            # A large table is read with the number of its tokens.
            lengths = np.array(own[name]) if found is None else found.lengths
            own[name] = lengths if tokens.longest is None else np.minimum(lengths, tokens.longest)
            continue
        assert found is not None
        names[name] = location.known(name) or _vocabulary(found.counts(location.used), tokens)
        ragged[name] = _ragged(found, names[name], tokens.longest, location.columns[name].dtype)
    rest = {name: type for name, type in location.columns.items() if name not in ragged}
    here = structs.replace(location, columns=rest)
    mapped = any(column.numbers is not None for column in ragged.values())
    bare = Arrays(place, {}, {}, checksum=checksum if mapped else "")
    inner = fit_declared(place, here, own, checksum) if rest else bare
    return RaggedSource(place, location.columns, inner, ragged, names) if ragged else inner


def _split(
    texts: Mapping[str, Sequence[str]], readings: Mapping[str, Reading]
) -> dict[str, Tokenized]:
    """Return texts with their tokens; the same texts, for tokens and their number, once."""
    made: dict[tuple[tuple[str, ...], Splitting], Tokenized] = {}
    found: dict[str, Tokenized] = {}
    for name, listed in texts.items():
        splitting = Splitting.of(readings[name])
        key = readings[name].names, splitting
        if key not in made:
            made[key] = Tokenized.of(splitting.apply(listed))
        found[name] = made[key]
    return found


def _ragged(texts: Tokenized, names: Sequence[str], longest: int | None, dtype: DType) -> Ragged:
    """Return texts as the numbers of their tokens in a vocabulary."""
    known = {token: number for number, token in enumerate(names)}
    numbers = np.array(
        [known.get(token, _UNKNOWN_TOKEN) for token in texts.tokens], numpy_dtype(dtype)
    )
    if is_mapped(texts.flat):
        return Ragged(texts.flat, texts.starts, numbers, longest)
    flat, starts = numbers[texts.flat], texts.starts
    if longest is not None:
        lengths = texts.lengths
        places = np.arange(len(flat)) - np.repeat(starts[:-1], lengths)
        flat, starts = flat[places < longest], starts_of(np.minimum(lengths, longest))
    return Ragged(flat, starts)


def _vocabulary(counts: Mapping[str, int], tokens: Tokens) -> tuple[str, ...]:
    """Return what the numbers denote: padding, any other token, and the tokens of some texts."""
    known = sorted(counts)
    if tokens.vocab is not None:
        known.sort(key=lambda token: -counts[token])
        known = known[: max(tokens.vocab - _FIRST, 0)]
    return (_PADDING, _UNKNOWN, *(token for token in known if token != _UNKNOWN))
