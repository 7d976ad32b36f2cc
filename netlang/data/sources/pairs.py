"""Pairs from texts: sentences with their translations, words with their neighbors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from netlang.data.pipeline import Location
from netlang.data.sampling import uniform
from netlang.data.source import Batch, Chosen, Epoch, Source
from netlang.data.sources.text_files import Lines, lines_of, most_frequent, read_text, words_of
from netlang.diagnostics.errors import FileError
from netlang.ir.types import TensorType
from netlang.system.numpy import Array, np

_SPECIAL = ("", "?", "<", ">")
"""Special tokens: padding, unknown word, start and end of sentence."""
_UNKNOWN, _BEGIN, _END = 1, 2, 3
_KEEP_SITE, _WINDOW_SITE, _NEGATIVE_SITE = (1 << 16) + 1, (1 << 16) + 2, (1 << 16) + 3
_NOISE_POWER = 0.75


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


@dataclass(frozen=True, slots=True, eq=False)
class Neighbors(Source):
    """Words with those around them and with noise words, sampled again in each epoch.

    ``ids`` are the words of the text, ``begins`` and ``ends`` the line each is in, ``reaches`` how
    far its window goes, ``centers`` the positions that have a neighbor, ``noise`` the cumulative
    weights of the words. Source: Mikolov et al., 2013.
    """

    heavy = True
    place: str
    columns: Mapping[str, TensorType]
    ids: Array
    begins: Array
    ends: Array
    reaches: Array
    centers: Array
    noise: Array
    window: int
    negatives: int
    names: Mapping[str, Sequence[str]]
    checksum: str
    epoch: Epoch

    def __len__(self) -> int:
        return len(self.centers)

    def examples(self, chosen: Chosen) -> Batch:
        numbers = np.arange(len(self))[chosen] if isinstance(chosen, slice) else chosen
        centers = self.centers[numbers]
        steps = np.concatenate([np.arange(-self.window, 0), np.arange(1, self.window + 1)])
        places = centers[:, np.newaxis] + steps
        near = np.abs(steps) <= self.reaches[centers][:, np.newaxis]
        near &= places >= self.begins[centers][:, np.newaxis]
        near &= places < self.ends[centers][:, np.newaxis]
        around = np.where(near, self.ids[np.where(near, places, 0)], 0)
        drawn = uniform(
            self.epoch.seed,
            self.epoch.number,
            _NEGATIVE_SITE,
            numbers,
            len(steps) * self.negatives,
        )
        others = cast("Array", np.searchsorted(self.noise, drawn * self.noise[-1], side="right"))
        # A noise word that is a true neighbor is masked.
        true = (others[:, :, np.newaxis] == around[:, np.newaxis]) & near[:, np.newaxis]
        counted = np.repeat(near, self.negatives, axis=1) & ~np.any(true, axis=2)
        return {
            "center": self.ids[centers],
            "context": np.concatenate([around, np.where(counted, others, 0)], axis=1),
            "label": np.concatenate([near, np.zeros_like(counted)], axis=1).astype(np.float32),
            "mask": np.concatenate([near, counted], axis=1).astype(np.float32),
        }

    def during(self, epoch: Epoch) -> Source:
        return replace(self, epoch=epoch)

    def fingerprint(self) -> str:
        return self.checksum


def open_neighbors(
    path: Path,
    columns: Mapping[str, TensorType],
    *,
    vocab: int,
    window: int,
    negatives: int,
    subsample: float,
    seed: int,
    known: Sequence[str] = (),
) -> Neighbors:
    """Open a text as words and their neighbors on the same line.

    The words are those ``known`` from the training data, else the most frequent. Frequent words
    are subsampled: a word with the share f of the text is kept with probability
    ``sqrt(subsample / f)``.
    """
    text, sum = read_text(path)
    lines = [line.split() for line in lines_of(text)]
    words = known[1:] or most_frequent(lines, vocab - 1)
    number = {word: i for i, word in enumerate(words, 1)}
    ids = np.array([number.get(w, 0) for line in lines for w in line], np.int64)
    if not len(ids):
        raise FileError(f"{path} is empty")
    line_of = np.repeat(np.arange(len(lines)), [len(line) for line in lines])
    counts = np.bincount(ids, minlength=len(words) + 1)
    chance = np.sqrt(subsample * len(ids) / np.maximum(counts, 1))
    kept = uniform(seed, 0, _KEEP_SITE, np.arange(len(ids)), 1)[:, 0] < chance[ids]
    ids, line_of = ids[kept], line_of[kept]
    begins = np.searchsorted(line_of, line_of, side="left")
    ends = np.searchsorted(line_of, line_of, side="right")
    centers = np.flatnonzero(ends - begins > 1)
    if not len(centers):
        raise FileError(f"{path} has no line with two words left")
    reaches = 1 + (uniform(seed, 0, _WINDOW_SITE, np.arange(len(ids)), 1)[:, 0] * window).astype(
        np.int64
    )
    noise = np.cumsum(counts.astype(np.float64) ** _NOISE_POWER)
    names = {"center": ("?", *words), "context": ("?", *words)}
    return Neighbors(
        str(path), columns, ids, begins, ends, reaches, centers, noise, window, negatives, names,
        sum, Epoch(seed),
    )  # fmt: skip
