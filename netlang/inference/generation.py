"""Texts continued by a net from tokens to logits: one token after the other is drawn and read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from netlang.diagnostics.errors import InputError
from netlang.inference.runner import Runner
from netlang.ir.graph import Graph, Value
from netlang.system.numpy import Array, np


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is chosen.

    Logits are divided by ``temperature``, so a low one is bold and 0 takes the likeliest; ``top``
    keeps the likeliest few only.
    """

    temperature: float = 1.0
    top: int | None = None

    def draw(self, logits: Array, rng: np.random.Generator) -> int:
        """Choose one of the tokens; raises ``InputError`` for logits that are no numbers."""
        scores = logits.astype(np.float64)
        if not np.isfinite(scores.max()):
            raise InputError("the net gives logits that are not finite")
        if self.temperature == 0:
            return int(np.argmax(scores))
        scores = scores / self.temperature
        if self.top is not None and self.top < len(scores):
            least = np.partition(scores, -self.top)[-self.top]
            scores = np.where(scores < least, -np.inf, scores)
        chances = np.exp(scores - scores.max())
        return int(rng.choice(len(scores), p=chances / chances.sum()))


@dataclass(frozen=True, slots=True)
class Speaker:
    """The part of a net's signature that generation needs: an input and an output."""

    tokens: Value
    logits: str
    words: int
    stateful: bool

    @classmethod
    def of(cls, graph: Graph) -> Speaker:
        """Find the tokens and logits of a net; raises ``InputError`` where there are none."""
        takes = ", ".join(f"{v.name}: {v.type}" for v in graph.inputs)
        if len(graph.inputs) != 1 or not _are_tokens(tokens := graph.inputs[0]):
            raise InputError(
                f"`{graph.name}` doesn't go on with a text: it must take tokens and nothing else",
                notes=[f"it takes {takes}"],
                helps=["the one input is `tokens: i64[N, T]`, T free"],
            )
        for name, value in graph.outputs.items():
            words = value.type.shape[-1] if value.type.rank in (2, 3) else None
            if isinstance(words, int) and value.type.dtype.is_float:
                return cls(tokens, name, words, bool(graph.states))
        gives = ", ".join(f"{name}: {v.type}" for name, v in graph.outputs.items())
        raise InputError(
            f"`{graph.name}` gives no logits over words",
            notes=[f"it gives {gives}"],
            helps=["logits are f32[N, T, words], or f32[N, words] for the last place"],
        )


def generate(
    runner: Runner,
    prompt: Sequence[int],
    *,
    length: int,
    sampling: Sampling | None = None,
    seed: int = 0,
    window: int | None = None,
    words: int | None = None,
) -> Iterator[int]:
    """Give ``length`` tokens that go on from a prompt, one by one.

    A net with state starts anew, reads the prompt and then one token at a time. One without reads
    everything so far again for each token, or the last ``window`` of it. Only the
    first ``words`` numbers are drawn, where the vocabulary has no more. Raises ``InputError``.
    """
    speaker = Speaker.of(runner.graph)
    for number in prompt:
        if not 0 <= number < speaker.words:
            raise InputError(f"token {number} is not one of the {speaker.words:,} the net knows")
    if not prompt:
        raise InputError("a text needs a beginning", helps=["give one token at least"])
    rng = np.random.default_rng(seed)
    choose = sampling or Sampling()
    runner.reset()
    read, new = list(prompt), list(prompt)
    for _ in range(length):
        if not speaker.stateful:
            new = read if window is None else read[-window:]
        logits = runner(**{speaker.tokens.name: np.array([new])})[speaker.logits]
        # [1, T, words] or [1, words]: the last place is what comes next.
        token = choose.draw(logits.reshape(-1, speaker.words)[-1, :words], rng)
        read.append(token)
        new = [token]
        yield token


def _are_tokens(value: Value) -> bool:
    type = value.type
    return type.dtype.is_integer and type.rank == 2 and not isinstance(type.shape[1], int)
