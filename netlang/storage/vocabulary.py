"""Vocabularies: words and their indices, in a file next to the weights of their net."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from netlang.diagnostics import rules
from netlang.diagnostics.errors import FileError, InputError, NetlangError
from netlang.diagnostics.suggestions import nearest
from netlang.system.files import reading, write_atomically

_MOST_BYTES = 1 << 28


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Words by index; it is a vocabulary of characters if each word is one character.

    >>> letters = Vocabulary(("a", "b"))
    >>> letters.encode("abba"), letters.decode([1, 0])
    ([0, 1, 1, 0], 'ba')
    """

    words: tuple[str, ...]
    _numbers: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        numbers = {word: number for number, word in enumerate(self.words)}
        object.__setattr__(self, "_numbers", numbers)

    def __len__(self) -> int:
        return len(self.words)

    @property
    def of_characters(self) -> bool:
        return all(len(word) <= 1 for word in self.words)

    def number(self, word: str) -> int:
        """Return the index of a word; raises ``InputError`` for an unknown one."""
        if word in self._numbers:
            return self._numbers[word]
        near = nearest(word, [w for w in self.words if abs(len(w) - len(word)) < 3])
        raise InputError(
            f"the vocabulary of {len(self):,} words has no {_quoted(word)}",
            helps=[f"did you mean {_quoted(near)}?"] if near is not None else [],
        )

    def encode(self, text: str) -> list[int]:
        """Return the indices of a text's characters, or of its words, separated by whitespace."""
        return [self.number(word) for word in (text if self.of_characters else text.split())]

    def decode(self, numbers: Iterable[int]) -> str:
        """Return the text of a sequence of indices."""
        found = [self.words[number] for number in numbers]
        return ("" if self.of_characters else " ").join(found)

    def save(self, path: Path) -> None:
        """Write one word per line, each as a JSON string; completely or not at all."""
        lines = (f"{json.dumps(word, ensure_ascii=False)}\n".encode() for word in self.words)
        write_atomically(path, lines)


def vocabulary_path(weights: Path) -> Path:
    """Return the path of the vocabulary that belongs to a file of weights.

    >>> vocabulary_path(Path("char.safetensors")).name
    'char.vocab'
    """
    return weights.with_suffix(".vocab")


def load_vocabulary(path: Path) -> Vocabulary:
    """Read a vocabulary; raises ``FileError`` for a file that is not one."""
    with reading(path) as stream:
        content = stream.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise FileError(f"{path} is too large for a vocabulary")
    try:
        lines = content.decode("utf-8").split("\n")
    except UnicodeDecodeError:
        raise FileError(f"{path} is not text in UTF-8") from None
    if lines[-1] == "":
        lines.pop()
    words = tuple(_word(line, path, number) for number, line in enumerate(lines, 1))
    seen: dict[str, int] = {}
    for number, word in enumerate(words, 1):
        if word in seen:
            raise FileError(f"{path}: line {number} is the word of line {seen[word]} again")
        seen[word] = number
    return Vocabulary(words)


def vocabulary_for(path: str | None, weights: str | None) -> Vocabulary:
    """Read the named vocabulary, else the one next to the weights; raises ``NetlangError``."""
    if path is not None:
        return load_vocabulary(Path(path))
    near = vocabulary_path(Path(weights)) if weights is not None else None
    if near is not None and near.exists():
        return load_vocabulary(near)
    raise NetlangError(
        rules.VOCABULARY_MISSING,
        "there is no vocabulary to read and write words by",
        notes=[f"looked for {near}"] if near is not None else [],
        helps=["name one with --vocab: a file with a word on each line, as a JSON string"],
    )


def require_room(vocabulary: Vocabulary, rooms: int, what: str) -> None:
    """Raise ``InputError`` for a vocabulary that is larger than a dimension of the net.

    A smaller one is fine: the texts of a net may contain fewer words than it can represent.
    """
    if len(vocabulary) > rooms:
        raise InputError(
            f"the vocabulary has {len(vocabulary):,} words, and {what} has room for {rooms:,}",
            helps=["take the vocabulary the net was trained with"],
        )


def _word(line: str, path: Path, number: int) -> str:
    # Only a string is parsed, so that no line can nest deeply.
    if line.startswith('"'):
        try:
            word = json.loads(line)
        except ValueError:
            word = None
        if isinstance(word, str):
            return word
    raise FileError(
        f"{path}: line {number} is not a word", helps=['write it as a JSON string: "the", "\\n"']
    )


def _quoted(word: str) -> str:
    return json.dumps(word, ensure_ascii=False)
