"""Words and the words around them: the examples of word2vec (Mikolov et al., 2013)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from heapq import heapify, heappop, heappush
from pathlib import Path
from typing import cast

from netlang.data.pipeline import Location
from netlang.data.sampling import uniform
from netlang.data.source import Batch, Chosen, Epoch, Source
from netlang.data.tables.text_files import most_frequent, read_text, word_lines
from netlang.diagnostics.errors import FileError
from netlang.ir.types import TensorType
from netlang.system.numpy import Array, np

_KEEP_SITE, _WINDOW_SITE, _NEGATIVE_SITE = (1 << 16) + 1, (1 << 16) + 2, (1 << 16) + 3
_NOISE_POWER = 0.75


@dataclass(frozen=True, slots=True, eq=False)
class Corpus:
    """A text as numbers of words.

    ``ids`` are the words that are left after subsampling, ``begins`` and ``ends`` the line each is
    in, ``reaches`` how far its window goes, ``centers`` the positions that have a neighbor,
    ``counts`` how often each word is in the whole text.
    """

    place: str
    checksum: str
    words: tuple[str, ...]
    ids: Array
    begins: Array
    ends: Array
    reaches: Array
    centers: Array
    counts: Array

    def around(self, centers: Array, window: int) -> tuple[Array, Array]:
        """Return the words around some positions, and which of them count: ``[N, 2 * window]``."""
        steps = np.concatenate([np.arange(-window, 0), np.arange(1, window + 1)])
        places = centers[:, np.newaxis] + steps
        near = np.abs(steps) <= self.reaches[centers][:, np.newaxis]
        near &= places >= self.begins[centers][:, np.newaxis]
        near &= places < self.ends[centers][:, np.newaxis]
        return np.where(near, self.ids[np.where(near, places, 0)], 0), near


@dataclass(frozen=True, slots=True)
class PairReading:
    """How pairs of words are read from a text: see ``skipgram_pairs`` in the prelude."""

    vocab: int
    window: int
    subsample: float
    lower: bool
    letters: bool

    def corpus(self, path: Path, seed: int, known: Sequence[str] = ()) -> Corpus:
        """Read a text as words and their neighbors on the same line.

        The words are those ``known`` from the training data, else the most frequent. Frequent words
        are subsampled: a word with the share f of the text is kept with probability
        ``sqrt(subsample / f)``.
        """
        text, sum = read_text(path)
        lines = word_lines(text, lower=self.lower, letters=self.letters)
        words = known[1:] or most_frequent(lines, self.vocab - 1)
        number = {word: i for i, word in enumerate(words, 1)}
        ids = np.array([number.get(w, 0) for line in lines for w in line], np.int64)
        if not len(ids):
            raise FileError(f"{path} is empty")
        line_of = np.repeat(np.arange(len(lines)), [len(line) for line in lines])
        counts = np.bincount(ids, minlength=len(words) + 1)
        chance = np.sqrt(self.subsample * len(ids) / np.maximum(counts, 1))
        kept = uniform(seed, 0, _KEEP_SITE, np.arange(len(ids)), 1)[:, 0] < chance[ids]
        ids, line_of = ids[kept], line_of[kept]
        begins = np.searchsorted(line_of, line_of, side="left")
        ends = np.searchsorted(line_of, line_of, side="right")
        centers = np.flatnonzero(ends - begins > 1)
        if not len(centers):
            raise FileError(f"{path} has no line with two words left")
        drawn = uniform(seed, 0, _WINDOW_SITE, np.arange(len(ids)), 1)[:, 0]
        reaches = 1 + (drawn * self.window).astype(np.int64)
        return Corpus(
            str(path), sum, ("?", *words), ids, begins, ends, reaches, centers, counts
        )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Neighbors(Source):
    """Words with those around them and with noise words, sampled again in each epoch.

    ``noise`` are the cumulative weights of the words.
    """

    heavy = True
    place: str
    columns: Mapping[str, TensorType]
    names: Mapping[str, Sequence[str]]
    corpus: Corpus
    noise: Array
    window: int
    negatives: int
    epoch: Epoch

    def __len__(self) -> int:
        return len(self.corpus.centers)

    def during(self, epoch: Epoch) -> Source:
        return replace(self, epoch=epoch)

    def fingerprint(self) -> str:
        return self.corpus.checksum

    def sampled(self, numbers: Array, count: int) -> Array:
        """Return noise words for some examples: ``i64[N, count]``."""
        drawn = uniform(self.epoch.seed, self.epoch.number, _NEGATIVE_SITE, numbers, count)
        return cast("Array", np.searchsorted(self.noise, drawn * self.noise[-1], side="right"))


@dataclass(frozen=True, slots=True, eq=False)
class Skipgrams(Neighbors):
    """A word, the words around it, and noise words for each of those."""

    def examples(self, chosen: Chosen) -> Batch:
        numbers = np.arange(len(self))[chosen] if isinstance(chosen, slice) else chosen
        centers = self.corpus.centers[numbers]
        around, near = self.corpus.around(centers, self.window)
        others = self.sampled(numbers, around.shape[1] * self.negatives)
        # A noise word that is a true neighbor is masked.
        true = (others[:, :, np.newaxis] == around[:, np.newaxis]) & near[:, np.newaxis]
        counted = np.repeat(near, self.negatives, axis=1) & ~np.any(true, axis=2)
        return {
            "center": self.corpus.ids[centers],
            "context": np.concatenate([around, np.where(counted, others, 0)], axis=1),
            "label": np.concatenate([near, np.zeros_like(counted)], axis=1).astype(np.float32),
            "mask": np.concatenate([near, counted], axis=1).astype(np.float32),
        }


@dataclass(frozen=True, slots=True, eq=False)
class Bags(Neighbors):
    """The words around a word, then that word and noise words: continuous bags of words."""

    def examples(self, chosen: Chosen) -> Batch:
        numbers = np.arange(len(self))[chosen] if isinstance(chosen, slice) else chosen
        centers = self.corpus.centers[numbers]
        around, near = self.corpus.around(centers, self.window)
        word = self.corpus.ids[centers][:, np.newaxis]
        others = self.sampled(numbers, self.negatives)
        counted = others != word
        true = np.ones_like(word, np.float32)
        return {
            "around": around,
            "near": near.astype(np.float32),
            "word": np.concatenate([word, np.where(counted, others, 0)], axis=1),
            "label": np.concatenate([true, np.zeros_like(others, np.float32)], axis=1),
            "mask": np.concatenate([true, counted], axis=1).astype(np.float32),
        }


def open_neighbors(
    path: Path, location: Location, reading: PairReading, negatives: int, *, bags: bool
) -> Neighbors:
    """Open a text as skip-grams, or as continuous bags of words, with negative samples."""
    first, second = ("word", "around") if bags else ("center", "context")
    corpus = reading.corpus(path, location.seed, location.known(first))
    noise = np.cumsum(corpus.counts.astype(np.float64) ** _NOISE_POWER)
    names = {first: corpus.words, second: corpus.words}
    return (Bags if bags else Skipgrams)(
        corpus.place, location.columns, names, corpus, noise, reading.window, negatives,
        Epoch(location.seed),
    )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Paths(Source):
    """A word, and for a word near it the path to that word in a binary tree of all words.

    ``pairs`` are the positions of both words, ``nodes`` and ``code`` the inner nodes of the tree on
    the way to each word and the children chosen there (0 or 1), ``lengths`` how many they are.
    """

    heavy = True
    place: str
    columns: Mapping[str, TensorType]
    names: Mapping[str, Sequence[str]]
    corpus: Corpus
    pairs: Array
    nodes: Array
    code: Array
    lengths: Array

    def __len__(self) -> int:
        return len(self.pairs)

    def examples(self, chosen: Chosen) -> Batch:
        center, near = self.corpus.ids[self.pairs[chosen]].T
        steps: Array = np.arange(int(self.nodes.shape[1]))
        return {
            "center": center,
            "context": near[:, np.newaxis],
            "node": self.nodes[near],
            "code": self.code[near],
            "mask": np.less(steps, self.lengths[near][:, np.newaxis]).astype(np.float32),
        }

    def fingerprint(self) -> str:
        return self.corpus.checksum


def open_paths(path: Path, location: Location, reading: PairReading) -> Paths:
    """Open a text as pairs of words with Huffman paths, for hierarchical softmax.

    The tree is that of the training data: the names of `code` have the children of each inner node.
    """
    corpus = reading.corpus(path, location.seed, location.known("center"))
    tree = location.known("code") or huffman([int(count) for count in corpus.counts])
    nodes, code, lengths = _paths([tuple(map(int, node.split())) for node in tree])
    around = [corpus.centers[:, np.newaxis] + s for s in range(-reading.window, 0)]
    around += [corpus.centers[:, np.newaxis] + s for s in range(1, reading.window + 1)]
    _, near = corpus.around(corpus.centers, reading.window)
    rows, columns = np.nonzero(near)
    places = np.concatenate(around, axis=1)
    pairs = np.stack([corpus.centers[rows], places[rows, columns]], axis=1)
    names = {"center": corpus.words, "context": corpus.words, "code": tree}
    return Paths(corpus.place, location.columns, names, corpus, pairs, nodes, code, lengths)


def huffman(counts: Sequence[int]) -> tuple[str, ...]:
    """Return the inner nodes of the Huffman tree of some counts; the last one is its root.

    Each is written as its two children: those below the number of words are words, the others
    inner nodes.

    >>> huffman([5, 1, 1, 3])
    ('1 2', '4 3', '0 5')
    """
    queue = [(count, word) for word, count in enumerate(counts)]
    heapify(queue)
    made: list[str] = []
    while len(queue) > 1:
        (few, first), (more, second) = heappop(queue), heappop(queue)
        heappush(queue, (few + more, len(counts) + len(made)))
        made.append(f"{first} {second}")
    return tuple(made)


def _paths(tree: Sequence[tuple[int, ...]]) -> tuple[Array, Array, Array]:
    """Return the inner nodes above each word, the children chosen there, and their number."""
    count = len(tree) + 1
    paths: dict[int, list[tuple[int, int]]] = {2 * count - 2: []}
    for node in range(count - 2, -1, -1):
        way = paths.pop(node + count)
        for bit, child in enumerate(tree[node]):
            paths[child] = [*way, (node, bit)]
    lengths = np.array([len(paths[word]) for word in range(count)], np.int64)
    nodes = np.zeros((count, max(1, int(lengths.max()))), np.int64)
    code = np.zeros(nodes.shape, np.float32)
    for word, way in paths.items():
        for step, (node, bit) in enumerate(way):
            nodes[word, step], code[word, step] = node, bit
    return nodes, code, lengths
