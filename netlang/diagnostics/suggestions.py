"""Suggestions for misspelled names."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NotRequired, TypedDict

from netlang.diagnostics.fix import Fix, replacement
from netlang.diagnostics.source import Span


class Suggestion(TypedDict):
    """The help and the fix for a misspelled name; both are empty where no name is close."""

    helps: tuple[str, ...]
    fixes: tuple[Fix, ...]
    notes: NotRequired[tuple[str, ...]]


def suggest(span: Span, known: Iterable[str]) -> Suggestion:
    """Suggest the known name that the name at a location was most likely meant to be."""
    near = nearest(span.text, known)
    if near is None:
        return {"helps": (), "fixes": ()}
    return {"helps": (f"did you mean `{near}`?",), "fixes": renaming(span, near)}


def renaming(span: Span, name: str | None) -> tuple[Fix, ...]:
    """Return the fix that writes another name at a location, if there is one."""
    return () if name is None else (replacement(span, name),)


def did_you_mean(word: str, known: Iterable[str]) -> tuple[str, ...]:
    """Return the help that suggests the known name closest to a word, if one is close."""
    near = nearest(word, known)
    return () if near is None else (f"did you mean `{near}`?",)


_LONGEST = 64
"""The letters of the longest name that is compared with others."""

_COMPARED = 100
"""The names that are compared in full: comparing takes the square of their length."""


_FEW = 40
"""The names of which a short one may begin with a key next to the right one."""

_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_KEYS = {
    key: "".join(
        other[max(0, at - 1 + (r < row)) : at + 1 + (r <= row)] for r, other in enumerate(_ROWS)
        if abs(r - row) <= 1
    )
    for row, keys in enumerate(_ROWS)
    for at, key in enumerate(keys)
}  # fmt: skip
"""The keys next to each letter on a keyboard."""


def _same_row(a: str, b: str) -> bool:
    return any(a in row and b in row for row in _ROWS)


def nearest(
    word: str, known: Iterable[str], preferred: Collection[str] = frozenset()
) -> str | None:
    """Return the known name that ``word`` was most likely meant to be, ignoring case.

    It is the one with the fewest typos: an insertion, a deletion, a substitution, or a
    transposition of two letters. A name with letters left out counts too. Of several, it is one of
    the ``preferred`` names, such as those that the user defined.

    >>> nearest("Sofmtax", ["softmax", "softsign"]), nearest("embed", ["embedding"])
    ('softmax', 'embedding')
    """
    target = folded(word)
    known = [name for name in known if len(name) <= _LONGEST]
    if not 0 < len(target) <= _LONGEST:
        return None
    found = _with_fewest_typos(target, known, preferred)
    return _most_alike(word, found) if found else _abbreviated(target, known)


def _with_fewest_typos(target: str, known: Sequence[str], preferred: Collection[str]) -> list[str]:
    """Return the names that differ from a word by the fewest typos, if few enough."""
    most = 1 if len(target) < 9 else 2
    found: list[tuple[int, bool, bool, str]] = []
    for name in known:
        plain = folded(name)
        if abs(len(plain) - len(target)) <= most and len(set(plain) ^ set(target)) <= 2 * most:
            typos = _distance(target, plain, most)
            if len(target) < 5 and len(plain) == len(target) and plain[0] != target[0] and typos:
                beside = plain[0] in _KEYS.get(target[0], "") and (
                    len(known) <= _FEW or (len(target) > 3 and _same_row(plain[0], target[0]))
                )
                typos = typos if _swapped(target, plain) or beside else most + 1
            if typos <= most and typos < len(plain):
                rank = typos, name not in preferred, not _swapped(target, plain)
                found.append((*rank, name))
    found.sort()
    return [name for *rank, name in found[:_COMPARED] if rank == [*found[0][:3]]]


def _most_alike(word: str, names: Sequence[str]) -> str:
    """Return the name that shares the longest parts with a word, and its initial's case."""
    from difflib import SequenceMatcher

    initial, target = word[0].isupper(), folded(word)
    return min(
        names,
        key=lambda n: (
            n[0].isupper() != initial,
            -SequenceMatcher(None, target, folded(n)).ratio(),
            n,
        ),
    )


def _abbreviated(target: str, known: Sequence[str]) -> str | None:
    """Return the name that a word of more typos may be short for, or nearly equals."""
    from difflib import get_close_matches

    close = [n for n in known if 2 * len(set(folded(n)) ^ set(target)) <= len(set(target)) + 1]
    short = [
        n
        for n in known
        if len(target) > 2 and len(folded(n)) <= 2 * len(target) and _shortens(target, folded(n))
    ]
    by_form = {folded(n): n for n in sorted(close, reverse=True)[-_COMPARED:]}
    by_form = by_form if len(target) > 5 else {}
    for best in get_close_matches(target, by_form, n=1, cutoff=0.82):
        return by_form[best]
    return min(short, key=lambda n: (len(n), n), default=None)


def folded(name: str) -> str:
    """Return a name in lowercase without underscores."""
    return name.lower().replace("_", "")


def respelled(word: str, known: Iterable[str], preferred: Collection[str] = ()) -> str | None:
    """Return the known name that differs from ``word`` by case and underscores alone.

    >>> respelled("batchNorm", ["batch_norm", "BATCHNORM"]), respelled("bn", ["batch_norm"])
    ('batch_norm', None)
    """
    same = [name for name in known if folded(name) == folded(word) and name != word]
    initial = word[:1].isupper()
    return min(
        same, key=lambda n: (n not in preferred, n[:1].isupper() != initial, n), default=None
    )


def _shortens(short: str, name: str) -> bool:
    """Return whether the end or vowels were left out, as in ``embed`` and ``img``."""
    if name.startswith(short):
        return True
    rest, left_out = iter(short), ""
    wanted = next(rest)
    for letter in name:
        if letter == wanted:
            wanted = next(rest, "")
        else:
            left_out += letter
    return not wanted and short[0] == name[:1] and set(left_out) <= set("aeiou")


def _swapped(a: str, b: str) -> bool:
    """Return whether both have the same letters, in another order."""
    return sorted(a) == sorted(b)


def common_length(a: str, b: str) -> int:
    """Return how many letters two words begin with in common."""
    return next(
        (i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b))
    )


def _distance(a: str, b: str, most: int) -> int:
    """Return the edit distance of two words (Damerau, 1964; no letter is edited twice).

    Only the diagonals that ``most`` edits can reach are computed; a larger distance is
    ``most + 1``.
    """
    start = common_length(a, b)
    end = common_length(a[start:][::-1], b[start:][::-1])
    a, b = a[start : len(a) - end], b[start : len(b) - end]
    far = most + 1
    before: list[int] = []
    last = [min(j, far) for j in range(len(b) + 1)]
    for i, x in enumerate(a, 1):
        row = [min(i, far)] + [far] * len(b)
        for j in range(max(1, i - most), min(len(b), i + most) + 1):
            y = b[j - 1]
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, before[j - 2] + 1)
            row[j] = min(cost, far)
        if min(row) > most:
            return far
        before, last = last, row
    return last[-1]
