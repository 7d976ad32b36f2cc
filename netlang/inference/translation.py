"""Sequence-to-sequence nets: the likeliest sequence for another one, and how good it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, prod

from netlang.data.tables.text_files import words_of
from netlang.diagnostics.errors import InputError, require_at_least
from netlang.inference.runner import Runner
from netlang.inference.search import State, beams
from netlang.ir.graph import Graph, Value
from netlang.storage.vocabulary import Vocabulary
from netlang.system.numpy import Array, np

_UNKNOWN, _START, _END = "?", "<", ">"
"""The special tokens of `sentence_pairs`; an empty word is padding."""

_SIGNATURE = "Translator(src: i64[N, S], src_len: i64[N], tgt: i64[N, T]) -> logits: f32[N, T, 900]"


@dataclass(frozen=True, slots=True)
class Roles:
    """The inputs and the output of a net that are a source, its length, a target and its logits."""

    source: Value
    target: Value
    length: Value | None
    logits: str

    @classmethod
    def of(cls, graph: Graph) -> Roles:
        """Find them by their shapes; raises ``InputError`` for a net of another kind."""
        tokens = [v for v in graph.inputs if v.type.dtype.is_integer and v.type.rank == 2]
        lengths = [v for v in graph.inputs if v.type.dtype.is_integer and v.type.rank == 1]
        known = len(tokens) + len(lengths) == len(graph.inputs) and len(lengths) < 2
        for name, value in graph.outputs.items():
            type = value.type
            if not known or len(tokens) != 2 or type.rank != 3 or not type.dtype.is_float:
                continue
            targets = [v for v in tokens if v.type.shape[1] == type.shape[1]]
            if len(targets) == 1 and isinstance(type.shape[2], int):
                (source,) = (v for v in tokens if v not in targets)
                return cls(source, targets[0], lengths[0] if lengths else None, name)
        takes = ", ".join(f"{v.name}: {v.type}" for v in graph.inputs)
        raise InputError(
            f"`{graph.name}` cannot decode: its inputs must be a source and a target sequence",
            notes=[f"its inputs are {takes}"],
            helps=[f"write a net such as `{_SIGNATURE}`"],
        )


@dataclass(frozen=True, slots=True)
class Translation:
    """A decoded sequence: its words, and the logarithm of its probability."""

    source: str
    text: str
    words: tuple[str, ...]
    score: float

    def __str__(self) -> str:
        return self.text

    def bleu(self, reference: str) -> float:
        """Return the BLEU score against the words of a reference."""
        return bleu(self.words, words_of(reference))


def translate(
    runner: Runner,
    vocabularies: tuple[Vocabulary, Vocabulary],
    text: str,
    *,
    width: int = 1,
    longest: int = 50,
    alpha: float = 0.75,
) -> Translation:
    """Return the likeliest translation by beam search, greedily with a ``width`` of 1.

    The text is split and numbered as `sentence_pairs` does it; a word that the vocabulary lacks is
    the unknown word. The net reads all words found so far at each step. Raises ``InputError``.
    """
    require_at_least("beams", width, 1)
    require_at_least("longest", longest, 1)
    roles = Roles.of(runner.graph)
    reads, writes = vocabularies
    known = set(reads.words)
    given = [word if word in known else _UNKNOWN for word in words_of(text)]
    source = np.array([[reads.number(word) for word in (*given, _END)]])

    def step(tokens: Array, state: State) -> tuple[Array, State]:
        read = np.concatenate([state["read"], tokens[:, np.newaxis]], axis=1)
        rows = len(read)
        feeds = {roles.source.name: np.repeat(source, rows, axis=0), roles.target.name: read}
        if roles.length is not None:
            feeds[roles.length.name] = np.full(rows, source.shape[1])
        logits = runner(**feeds)[roles.logits]
        return logits[:, -1, : len(writes)], {"read": read}

    state = {"read": np.zeros((1, 0), np.int64)}
    start, end = writes.number(_START), writes.number(_END)
    best = beams(
        step, state, start=start, end=end, longest=longest, width=width, alpha=alpha
    )[0]  # fmt: skip
    words = tuple(writes.words[token] for token in best.tokens if token != end)
    return Translation(text, " ".join(words), words, best.score)


def bleu(predicted: Sequence[str], reference: Sequence[str], order: int = 2) -> float:
    """Return the BLEU score of a prediction: 1 if it is the reference, 0 without a common word.

    The precision of the n-grams counts with the weight ``1 / 2**n``, up to ``order``, and a
    prediction that is too short is penalized. Source: Papineni et al., 2002, as in Dive into Deep
    Learning 10.7.

    >>> bleu(["he", "is", "calm", "."], ["he", "is", "calm", "."])
    1.0
    """
    if not predicted:
        return 0.0
    scores: list[float] = []
    for n in range(1, min(order, len(predicted), len(reference)) + 1):
        found, wanted = _grams(predicted, n), _grams(reference, n)
        scores.append((found & wanted).total() / found.total())
    penalty = exp(min(0.0, 1 - len(reference) / len(predicted)))
    return penalty * prod(score ** (0.5**n) for n, score in enumerate(scores, 1))


def _grams(words: Sequence[str], n: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(words[at : at + n]) for at in range(len(words) - n + 1))
