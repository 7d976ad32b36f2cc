"""Typos: what people type in place of a name."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

KEYBOARD = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


def neighbors(letter: str) -> str:
    """Return the letters next to a letter on the keyboard."""
    for r, row in enumerate(KEYBOARD):
        at = row.find(letter)
        if at >= 0:
            beside = row[max(0, at - 1) : at] + row[at + 1 : at + 2]
            rows = KEYBOARD[max(0, r - 1) : r] + KEYBOARD[r + 1 : r + 2]
            return beside + "".join(other[max(0, at - 1) : at + 1] for other in rows)
    return "e"


def _exchange(word: str, draw: Random) -> str:
    at = draw.randrange(len(word) - 1)
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def _double(word: str, draw: Random) -> str:
    at = draw.randrange(len(word))
    return word[: at + 1] + word[at:]


def _neighbor(word: str, draw: Random) -> str:
    at = draw.choice([i for i, letter in enumerate(word) if letter.isalpha()])
    return word[:at] + draw.choice(neighbors(word[at])) + word[at + 1 :]


def _extra(word: str, draw: Random) -> str:
    at = draw.choice([i for i, letter in enumerate(word) if letter.isalpha()])
    return word[: at + 1] + draw.choice(neighbors(word[at])) + word[at + 1 :]


def _missing(word: str, draw: Random) -> str:
    at = draw.randrange(1, len(word))
    return word[:at] + word[at + 1 :]


def _case(word: str, draw: Random) -> str:
    camel = "".join(part.capitalize() for part in word.split("_"))
    return draw.choice((word.capitalize(), camel, word.upper()))


def _underscore(word: str, draw: Random) -> str:
    if "_" in word:
        return word.replace("_", draw.choice(("", "__")), 1)
    at = draw.randrange(2, len(word) - 1) if len(word) > 3 else 1
    return f"{word[:at]}_{word[at:]}"


def _plural(word: str, draw: Random) -> str:
    return word[:-1] if word.endswith("s") else f"{word}s"


TYPOS: tuple[Callable[[str, Random], str], ...] = (
    _exchange, _exchange, _double, _neighbor, _neighbor, _extra, _missing, _missing, _case,
    _underscore, _plural,
)  # fmt: skip


def typo(word: str, draw: Random) -> str:
    """Return a name of three letters or more with one realistic typo."""
    while True:
        wrong = draw.choice(TYPOS)(word, draw)
        if wrong != word:
            return wrong
