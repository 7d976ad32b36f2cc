"""Sequences from the text to what was learned: characters that are written on, vectors of words.

Tests ``netlang.data.sources`` and ``netlang.inference``.
"""

from __future__ import annotations

import json
import random
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import numpy as np
import pytest

from netlang.cli.guard import guarded
from netlang.cli.main import program
from netlang.data.pipeline import Location
from netlang.data.sources.neighbors import Neighbors, PairReading, open_neighbors

RHYME = "the cat sat on the mat and the dog sat on the log. "

LETTERS = """
net Letters(tokens: i64[N, T]) -> logits: f32[N, T, 14] {
  state h: f32[N, 32] = 0.0

  y, last = gru(one_hot(tokens, 14), 32, h0=h) as rnn
  next h = last
  logits = dense(y, 14)
}

train rhyme {
  data = char_windows("rhyme.txt", length=LENGTH) |> batches(4, in_order=true)
  carry_state = CARRIED
  model = new Letters()
  entropy = cross_entropy(model(batch.tokens), batch.target)
  loss = entropy
  metrics = [perplexity(entropy)]
  optimizer = adam(2e-2)
  clip = clip_norm(1.0)
  run = 15 epochs
}
"""

WORDS = """
net SkipGram(center: i64[N], context: i64[N, K]) -> score: f32[N, K] {
  v = embedding(center, 13, 8)
  u = embedding(context, 13, 8)
  score = einsum("nd,nkd->nk", v, u)
}

## The mean of the words that are near predicts the one in the middle.
net CBOW(around: i64[N, W], near: f32[N, W], word: i64[N, K]) -> score: f32[N, K] {
  v = embedding(around, 13, 8)
  u = embedding(word, 13, 8)
  middle = einsum("nwd,nw->nd", v, near) / sum(near, axis=1, keep=true)
  score = einsum("nd,nkd->nk", middle, u)
}

train skipgram {
  data = skipgram_pairs("pairs.txt", vocab=13, window=1, negatives=2, subsample=1.0)
    |> batches(32, shuffle=true)
  model = new SkipGram()
  score = model(batch.center, batch.context)
  loss = bce_with_logits(score, batch.label, mask=batch.mask)
  optimizer = adam(2e-2)
  run = 30 epochs
}

train cbow {
  data = cbow_pairs("pairs.txt", vocab=13, window=1, negatives=2, subsample=1.0)
    |> batches(32, shuffle=true)
  model = new CBOW()
  score = model(batch.around, batch.near, batch.word)
  loss = bce_with_logits(score, batch.label, mask=batch.mask)
  optimizer = adam(2e-2)
  run = 30 epochs
}

train hierarchical {
  data = huffman_pairs("pairs.txt", vocab=13, window=1, subsample=1.0)
    |> batches(32, shuffle=true)
  model = new SkipGram()
  score = model(batch.center, batch.node)
  loss = bce_with_logits(score, batch.code, mask=batch.mask)
  optimizer = adam(2e-2)
  run = 30 epochs
}
"""


def ran(*arguments: str | Path) -> str:
    """Run a command; return what it prints."""
    with redirect_stdout(StringIO()) as printed:
        code = guarded(program, list(map(str, arguments)))
    assert code == 0
    return printed.getvalue()


def trained(
    folder: Path, text: str = RHYME * 12, *, length: int = 10, carried: bool = True
) -> float:
    """Train on a text; return the perplexity of the last epoch."""
    (folder / "rhyme.txt").write_text(text, "utf-8")
    section = LETTERS.replace("LENGTH", str(length)).replace("CARRIED", str(carried).lower())
    (folder / "letters.net").write_text(section, "utf-8")
    ran("train", folder / "letters.net", "--run", folder / "run", "--seed", "1")
    return perplexities(folder)[-1]


def perplexities(folder: Path) -> list[float]:
    """Return the perplexity of each epoch of a run."""
    lines = (folder / "run" / "log.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line)["train"]["perplexity"] for line in lines]


def test_a_text_is_learned_and_written_on(tmp_path: Path) -> None:
    assert trained(tmp_path) < 1.1
    weights = tmp_path / "run" / "model.safetensors"
    said = ran(
        "generate", tmp_path / "letters.net", "--weights", weights, "--prompt", "the cat",
        "--length", "60", "--temperature", "0.2",
    )  # fmt: skip
    assert said.rstrip("\n") == (RHYME * 2)[: len("the cat") + 60]


def test_a_state_that_is_carried_knows_what_came_before_a_window(tmp_path: Path) -> None:
    """In `abac` half of the letters follow from the one before, the others from that before it."""
    for name in ("with", "without"):
        (tmp_path / name).mkdir()
    trained(tmp_path / "with", "abac" * 100, length=1)
    forgotten = trained(tmp_path / "without", "abac" * 100, length=1, carried=False)
    assert forgotten == pytest.approx(2**0.5, abs=0.02)
    # Gradients end at a window's border, so the losses of single letters go up and down.
    with_state, without = (min(perplexities(tmp_path / name)) for name in ("with", "without"))
    assert with_state < 1.2 < 1.35 < without


def test_a_prompt_needs_characters_that_were_learned(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trained(tmp_path)
    arguments = ["generate", tmp_path / "letters.net", "--prompt", "Zoo"]
    arguments += ["--weights", tmp_path / "run" / "model.safetensors"]
    assert guarded(program, list(map(str, arguments))) == 1
    assert 'the vocabulary of 14 words has no "Z"' in capsys.readouterr().err


# ---- word vectors --------------------------------------------------------------------------

KINDS = [["red", "green", "blue"], ["apple", "car", "hat"], ["one", "two", "six"],
         ["day", "year", "hour"]]  # fmt: skip


@pytest.mark.parametrize("section", ["skipgram", "cbow", "hierarchical"])
def test_words_with_the_same_neighbors_are_near(tmp_path: Path, section: str) -> None:
    drawn = random.Random(0)
    lines = [
        f"{drawn.choice(first)} {drawn.choice(second)}\n"
        for _ in range(150)
        for first, second in (KINDS[:2], KINDS[2:])
    ]
    (tmp_path / "pairs.txt").write_text("".join(lines), "utf-8")
    (tmp_path / "words.net").write_text(WORDS, "utf-8")
    ran("train", tmp_path / "words.net", section, "--run", tmp_path / "run", "--seed", "1")
    weights = tmp_path / "run" / "model.safetensors"
    for kind in KINDS:
        for word in kind:
            found = ran("nearest", weights, word, "--table", "v", "--k", "3")
            # `?`, any other word, is not in the text, so its vector is still a random one.
            near = [n for line in found.splitlines() if (n := line.split()[0]) != "?"]
            assert {*near[:2]} == {*kind} - {word}


def neighbours(
    folder: Path, text: str, *, window: int, negatives: int, subsample: float
) -> Neighbors:
    file = folder / "text.txt"
    file.write_text(text, "utf-8")
    reading = PairReading(20, window, subsample, lower=False, letters=False)
    return open_neighbors(file, Location({}, folder), reading, negatives, bags=False)


def test_a_line_ends_a_window(tmp_path: Path) -> None:
    """Of [0..6] and [7, 8, 9] with at most two on each side, 7 is next to 8, and 9 at most."""
    text = "a b c d e f g\nx y z\n"
    source = neighbours(tmp_path, text, window=2, negatives=1, subsample=1e9)
    rows = source.examples(slice(None))
    words = source.names["center"]
    for center, context, label in zip(rows["center"], rows["context"], rows["label"], strict=True):
        near = {words[n] for n, one in zip(context, label, strict=True) if one}
        if words[center] == "x":
            assert "y" in near <= {"y", "z"}
            break
    else:
        pytest.fail("`x` was not met")


def test_examples_of_different_lengths_are_padded_and_masked(tmp_path: Path) -> None:
    """The batches of Dive into Deep Learning 15.3: neighbors, then noise, labeled and masked."""
    source = neighbours(tmp_path, "a b c d e f g h\n" * 4, window=2, negatives=3, subsample=1e9)
    rows = source.examples(slice(None))
    near, noise = np.split(rows["mask"], [4], axis=1)
    assert rows["context"].shape == rows["mask"].shape == (len(source), 4 + 4 * 3)
    assert 1 <= near.sum(axis=1).min() < near.sum(axis=1).max() <= 4
    np.testing.assert_array_equal(rows["label"][:, :4], near)
    assert not rows["label"][:, 4:].any()
    # Noise belongs to a neighbor: where that is missing, so is its noise, and all is 0.
    assert not noise[np.repeat(near == 0, 3, axis=1)].any()
    assert not rows["context"][rows["mask"] == 0].any()
    for context, mask in zip(rows["context"], rows["mask"], strict=True):
        assert not {*context[:4][mask[:4] > 0]} & {*context[4:][mask[4:] > 0]}


def test_frequent_words_are_left_out_by_their_share(tmp_path: Path) -> None:
    """A word with the share f of the text stays with the chance sqrt(t / f)."""
    lines = ["the the the the the the the the the rare"] * 2_000
    source = neighbours(tmp_path, "\n".join(lines), window=1, negatives=1, subsample=0.1)
    kept = {
        word: int((source.corpus.ids == n).sum()) for n, word in enumerate(source.names["center"])
    }
    assert kept["rare"] == 2_000
    expected = 18_000 * (0.1 / 0.9) ** 0.5
    assert abs(kept["the"] - expected) < 5 * (expected * (1 - (0.1 / 0.9) ** 0.5)) ** 0.5


def test_noise_is_sampled_by_counts_to_the_power_of_three_quarters(tmp_path: Path) -> None:
    text = "\n".join(["a b"] * 16 + ["c d"])
    source = neighbours(tmp_path, text, window=1, negatives=1, subsample=1e9)
    chances = np.diff(source.noise, prepend=0.0)
    by_word = dict(zip(source.names["center"], chances, strict=True))
    assert by_word["a"] / by_word["c"] == pytest.approx(8.0)
