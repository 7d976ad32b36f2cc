"""Decoding of sequences: greedy search and beam search."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from netlang.system.numpy import Array, np

State = Mapping[str, Array]
Step = Callable[[Array, State], tuple[Array, State]]
"""One step of a decoder: from tokens ``i64[N]`` and state ``[N, ...]`` to logits ``[N, words]`` and
the next state."""


@dataclass(frozen=True, slots=True)
class Found:
    """A sequence without its start token, and the logarithm of its probability."""

    tokens: tuple[int, ...]
    score: float


def greedy(step: Step, state: State, *, start: int, end: int, longest: int) -> Found:
    """Take the likeliest token at every step, until ``end`` or for ``longest`` steps."""
    return beams(step, state, start=start, end=end, longest=longest, width=1)[0]


def beams(
    step: Step, state: State, *, start: int, end: int, longest: int, width: int, alpha: float = 0.0
) -> list[Found]:
    """Keep the ``width`` best sequences at every step, and return them from best to worst.

    ``state`` is that of one sequence, ``[1, ...]``. Sequences are compared by their score divided
    by length to the power ``alpha``: 0 prefers short ones, 0.75 is neutral. Sequences that ended
    include ``end``. Source: Dive into Deep Learning 10.8; Wu et al., 2016.
    """
    if width < 1 or longest < 1:
        raise ValueError("a search needs at least one beam and one step")
    alive = [Found((), 0.0)]
    done: list[Found] = []
    tokens = np.array([start])
    for _ in range(longest):
        logits, after = step(tokens, state)
        scores = _log_softmax(logits) + np.array([[found.score] for found in alive])
        words = scores.shape[1]
        order = np.argsort(-scores, axis=None, kind="stable")[: 2 * width]
        kept: list[tuple[int, Found]] = []
        for rank, place in enumerate(order.tolist()):
            row, token = divmod(int(place), words)
            found = Found((*alive[row].tokens, token), float(scores[row, token]))
            if token != end:
                kept.append((row, found))
            elif rank < width:
                done.append(found)
        del kept[width:]
        if not kept or _settled(done, kept[0][1], width, longest, alpha):
            break
        rows = np.array([row for row, _ in kept])
        alive = [found for _, found in kept]
        tokens = np.array([found.tokens[-1] for found in alive])
        state = {name: array[rows] for name, array in after.items()}
    else:
        done.extend(alive)
    return sorted(done, key=lambda found: -_ranked(found, alpha))[:width]


def _settled(done: list[Found], best: Found, width: int, longest: int, alpha: float) -> bool:
    """Return whether no sequence that is still alive can become one of the best."""
    if len(done) < width:
        return False
    ranks = sorted((_ranked(found, alpha) for found in done), reverse=True)
    return ranks[width - 1] >= best.score / longest**alpha


def _ranked(found: Found, alpha: float) -> float:
    return found.score / len(found.tokens) ** alpha


def _log_softmax(logits: Array) -> Array:
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
