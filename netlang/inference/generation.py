"""Text generation with a net from tokens to logits: each token is sampled and fed back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from netlang.diagnostics.errors import InputError, require_at_least
from netlang.inference.runner import Runner
from netlang.ir.graph import Graph, Value
from netlang.storage.vocabulary import Vocabulary, require_room
from netlang.system.numpy import Array, np


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is chosen.

    Logits are divided by ``temperature``; 0 always chooses the likeliest token. ``top`` excludes
    all but the likeliest tokens.
    """

    temperature: float = 1.0
    top: int | None = None

    def __post_init__(self) -> None:
        require_at_least("temperature", self.temperature, 0)
        require_at_least("top", self.top, 1)

    def choose(self, logits: Array, rng: np.random.Generator) -> int:
        """Return one of the tokens; raises ``InputError`` for logits that are not finite."""
        scores = logits.astype(np.float64)
        if not np.isfinite(scores.max()):
            raise InputError("the logits of the net are not finite")
        if self.temperature == 0:
            return int(np.argmax(scores))
        scores = scores / self.temperature
        if self.top is not None and self.top < len(scores):
            least = np.partition(scores, -self.top)[-self.top]
            scores = np.where(scores < least, -np.inf, scores)
        chances = np.exp(scores - scores.max())
        return int(rng.choice(len(scores), p=chances / chances.sum()))


@dataclass(frozen=True, slots=True)
class Signature:
    """The part of a net's signature that generation needs: an input and an output."""

    tokens: Value
    logits: str
    words: int
    stateful: bool

    @classmethod
    def of(cls, graph: Graph) -> Signature:
        """Find the tokens and logits of a net; raises ``InputError`` if there are none."""
        takes = ", ".join(f"{v.name}: {v.type}" for v in graph.inputs)
        if len(graph.inputs) != 1 or not _are_tokens(tokens := graph.inputs[0]):
            raise InputError(
                f"`{graph.name}` cannot continue a text: its only input must be tokens",
                notes=[f"its inputs are {takes}"],
                helps=["the one input is `tokens: i64[N, T]`, T free"],
            )
        for name, value in graph.outputs.items():
            words = value.type.shape[-1] if value.type.rank in (2, 3) else None
            if isinstance(words, int) and value.type.dtype.is_float:
                return cls(tokens, name, words, bool(graph.states))
        returns = ", ".join(f"{name}: {v.type}" for name, v in graph.outputs.items())
        raise InputError(
            f"`{graph.name}` has no output of logits over words",
            notes=[f"its outputs are {returns}"],
            helps=["logits are f32[N, T, words], or f32[N, words] for the last position"],
        )


@dataclass(frozen=True, slots=True)
class Continuation:
    """A generated text and its tokens; ``str()`` includes the prompt."""

    prompt: str
    text: str
    tokens: tuple[int, ...]
    whole: str

    def __str__(self) -> str:
        return self.whole


def continue_text(
    runner: Runner,
    vocabulary: Vocabulary,
    prompt: str,
    *,
    length: int,
    sampling: Sampling | None = None,
    seed: int = 0,
    window: int | None = None,
) -> Continuation:
    """Generate ``length`` characters or words that continue a prompt; raises as ``generate``."""
    graph = runner.graph
    require_room(vocabulary, Signature.of(graph).words, f"`{graph.name}`")
    start = vocabulary.encode(prompt)
    tokens = generate(
        runner, start, length=length, sampling=sampling, seed=seed, window=window,
        words=len(vocabulary),
    )  # fmt: skip
    new = tuple(tokens)
    whole = vocabulary.decode([*start, *new])
    return Continuation(prompt, vocabulary.decode(new), new, whole)


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
    """Yield ``length`` tokens that continue a prompt, one by one.

    A net with state is reset, reads the prompt and then one token at a time. One without reads
    everything so far for each token, or the last ``window`` of it. Only the first ``words``
    tokens are sampled, if the vocabulary has no more. Raises ``InputError``.
    """
    require_at_least("length", length, 0)
    require_at_least("window", window, 1)
    require_at_least("seed", seed, 0)
    signature = Signature.of(runner.graph)
    for number in prompt:
        if not 0 <= number < signature.words:
            raise InputError(
                f"token {number} is out of range: the net has {signature.words:,} tokens"
            )
    if not prompt:
        raise InputError("the prompt is empty", helps=["give at least one token"])
    rng = np.random.default_rng(seed)
    choose = sampling or Sampling()
    runner.reset()
    read, new = list(prompt), list(prompt)
    for _ in range(length):
        if not signature.stateful:
            new = read if window is None else read[-window:]
        logits = runner(**{signature.tokens.name: np.array([new])})[signature.logits]
        # [1, T, words] or [1, words]: the last position predicts the next token.
        token = choose.choose(logits.reshape(-1, signature.words)[-1, :words], rng)
        read.append(token)
        new = [token]
        yield token


def _are_tokens(value: Value) -> bool:
    type = value.type
    return type.dtype.is_integer and type.rank == 2 and not isinstance(type.shape[1], int)
