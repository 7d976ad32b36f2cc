"""The words of the language: ``words.json``, which ``netlang.editor.generate`` writes."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from msgspec import Struct, json

FILE = Path(__file__).with_name("words.json")


class Words(Struct, frozen=True):
    """What the grammar, the prelude and the manual name.

    Attributes:
        keywords: the words that the grammar reserves.
        symbols: the operators and the punctuation of the grammar.
        patterns: the tokens of varying text, as regular expressions by the grammar's names.
        elements: the types of which tensors are made.
        types: the names of all other types.
        layers: the blocks of the library.
        functions: everything else that the library defines.
        topics: what ``netlang explain`` knows, with the group it is listed in.
    """

    keywords: list[str]
    symbols: list[str]
    patterns: dict[str, str]
    elements: list[str]
    types: list[str]
    layers: list[str]
    functions: list[str]
    topics: dict[str, str]


@cache
def words() -> Words:
    """Return the stored words."""
    return json.decode(FILE.read_bytes(), type=Words)
