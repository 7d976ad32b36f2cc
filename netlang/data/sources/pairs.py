"""Sentences with their translations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from netlang.data.pipeline import Location
from netlang.data.source import Batch, Chosen, Source
from netlang.data.tables.text_files import Lines, lines_of, most_frequent, read_text, words_of
from netlang.diagnostics.errors import FileError
from netlang.ir.types import TensorType
from netlang.system.numpy import np

_SPECIAL = ("", "?", "<", ">")
"""Special tokens: padding, unknown word, start and end of sentence."""
_UNKNOWN, _BEGIN, _END = 1, 2, 3


@dataclass(frozen=True, slots=True, eq=False)
class Sentences(Source):
    """Sentences with their translations; a batch is padded to its longest."""

    place: str
    columns: Mapping[str, TensorType]
    source: Lines
    target: Lines
    names: Mapping[str, Sequence[str]]
    checksum: str

    def __len__(self) -> int:
        return len(self.source.starts) - 1

    def examples(self, chosen: Chosen) -> Batch:
        numbers = np.arange(len(self))[chosen] if isinstance(chosen, slice) else chosen
        # A target is stored with its start and its end; each side of the pair leaves one out.
        whole = self.target.padded(numbers)
        lengths = self.target.lengths(numbers)
        wanted = np.ascontiguousarray(whole[:, 1:])
        given = np.where(whole[:, :-1] == _END, 0, whole[:, :-1])
        return {
            "src": self.source.padded(numbers),
            "src_len": self.source.lengths(numbers),
            "tgt_in": given,
            "tgt_out": wanted,
            "tgt_mask": np.arange(wanted.shape[1]) < lengths[:, np.newaxis] - 1,
        }

    def fingerprint(self) -> str:
        return self.checksum


def open_sentences(path: Path, location: Location, vocab: int, longest: int) -> Sentences:
    """Open lines of a sentence, a tab and its translation; a second tab ends it."""
    text, sum = read_text(path)
    sources: list[list[str]] = []
    targets: list[list[str]] = []
    for number, line in enumerate(lines_of(text), 1):
        if not line.strip():
            continue
        parts = line.split("\t")
        if len(parts) < 2:
            raise FileError(
                f"{path}:{number}: no tab stands between a sentence and its translation"
            )
        sources.append(words_of(parts[0])[: longest - 1])
        targets.append(words_of(parts[1])[: longest - 1])
    if not sources:
        raise FileError(f"{path} is empty")
    from_words, to_words = (
        location.known(column)[len(_SPECIAL) :] or most_frequent(lines, vocab - len(_SPECIAL))
        for column, lines in (("src", sources), ("tgt_in", targets))
    )
    from_numbers, to_numbers = _numbers(from_words), _numbers(to_words)
    to_names = (*_SPECIAL, *to_words)
    return Sentences(
        str(path),
        location.columns,
        Lines.of([[*(from_numbers.get(w, _UNKNOWN) for w in s), _END] for s in sources]),
        Lines.of([[_BEGIN, *(to_numbers.get(w, _UNKNOWN) for w in s), _END] for s in targets]),
        {"src": (*_SPECIAL, *from_words), "tgt_in": to_names, "tgt_out": to_names},
        sum,
    )


def _numbers(words: Sequence[str]) -> dict[str, int]:
    return {word: i for i, word in enumerate(words, len(_SPECIAL))}
