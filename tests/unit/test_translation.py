"""Decoding of sequence-to-sequence nets, on a few sentences that a small one has learned.

Tests ``netlang.inference.translation``.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import netlang
from netlang.cli.main import program
from netlang.inference.translation import bleu

NET = """\
net Translator(src: i64[N, S], src_len: i64[N], tgt: i64[N, T]) -> logits: f32[N, T, 24] {
  read = gru(embedding(src, 24, 16), 32, length=src_len)
  y, _ = gru(embedding(tgt, 24, 16), 32, h0=read.h) as writer
  logits = dense(y, 24)
}

net Line(x: f32[N, 2]) -> y: f32[N, 1] = dense(x, 1)

net Unfixed(a: i64[N, 5], b: i64[N, 5]) -> logits: f32[N, 5, 8] =
  embedding(a, 9, 8) + embedding(b, 9, 8)

train translator {
  data = sentence_pairs("pairs.txt", vocab=24) |> batches(4, shuffle=true)
  model = new Translator()
  logits = model(batch.src, batch.src_len, batch.tgt_in)
  loss = cross_entropy(logits, batch.tgt_out, mask=batch.tgt_mask)
  optimizer = adam(2e-2)
  run = 60 epochs
}
"""
PAIRS = {
    "Go.": "Va !",
    "I lost.": "J'ai perdu.",
    "I won.": "J'ai gagné.",
    "He's calm.": "Il est calme.",
    "He's home.": "Il est chez lui.",
    "I'm home.": "Je suis chez moi.",
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a program and of the parameters that it learned."""
    folder = tmp_path_factory.mktemp("translator")
    lines = [f"{english}\t{french}\n" for english, french in PAIRS.items()]
    (folder / "pairs.txt").write_text("".join(lines * 4), encoding="utf-8")
    (folder / "small.net").write_text(NET, encoding="utf-8")
    netlang.load(folder / "small.net").train("translator", folder=folder / "run", seed=1)
    return folder


def network(folder: Path) -> netlang.Network:
    parameters = folder / "run" / "model.safetensors"
    return netlang.load(folder / "small.net")["Translator"].load(parameters)


@pytest.mark.parametrize("beams", [1, 3])
@pytest.mark.parametrize("text", PAIRS)
def test_a_learned_sentence_is_translated_with_a_bleu_of_1(
    trained: Path, text: str, beams: int
) -> None:
    found = network(trained).decode(text, beams=beams)
    assert found.bleu(PAIRS[text]) == 1.0
    assert -0.5 < found.score <= 0
    assert found.source == text


def test_both_back_ends_decode_the_same_and_unknown_words_are_allowed(trained: Path) -> None:
    net = network(trained)
    found = [net.decode("He's old.", beams=2, backend=b) for b in ("onnxruntime", "numpy")]
    assert found[0].words == found[1].words
    assert len(net.decode("I'm home.", longest=2).words) == 2


def test_the_command_prints_translations_and_scores(trained: Path) -> None:
    weights = str(trained / "run" / "model.safetensors")
    call = ["decode", str(trained / "small.net"), "Translator", "-w", weights, "-p", "Go."]
    done = CliRunner().invoke(program, [*call, "-p", "I won.", "-r", "Va !", "-r", "J'ai perdu."])
    assert done.output == "Go. → va !  BLEU 1.000\nI won. → j'ai gagné .  BLEU 0.000\n"
    found = json.loads(CliRunner().invoke(program, [*call, "-r", "Va !", "--json"]).output)
    (result,) = found["results"]
    assert (result["prompt"], result["text"], result["bleu"]) == ("Go.", "va !", 1.0)
    mismatch = CliRunner().invoke(program, [*call, "-r", "Va !", "-r", "Va !"])
    assert mismatch.exit_code == 2
    assert "the number of references (2) must be that of the prompts (1)" in mismatch.output


@pytest.mark.parametrize("name", ["Line", "Unfixed"])
def test_a_net_of_another_kind_is_an_error(trained: Path, name: str) -> None:
    with pytest.raises(netlang.InputError) as caught:
        netlang.load(trained / "small.net")[name].decode("Go.")
    assert caught.value.message == (
        f"`{name}` cannot decode: its inputs must be a source and a target sequence"
    )


def test_parameters_without_words_are_an_error(trained: Path) -> None:
    with pytest.raises(netlang.InputError) as caught:
        netlang.load(trained / "small.net")["Translator"].decode("Go.")
    assert caught.value.message == "the parameters of `Translator` don't say which words `src` has"


@pytest.mark.parametrize(
    ("predicted", "reference", "order", "score"),
    [
        ("va !", "va !", 2, 1.0),
        ("il est calme .", "il est calme .", 2, 1.0),
        ("il est riche .", "il est calme .", 2, (3 / 4) ** 0.5 * (1 / 3) ** 0.25),
        ("A B B C D", "A B C D E F", 2, 2.718281828459045**-0.2 * (4 / 5) ** 0.5 * (3 / 4) ** 0.25),
        ("va", "va !", 2, 2.718281828459045**-1),
        ("cours", "va !", 2, 0.0),
        ("", "va !", 2, 0.0),
    ],
)
def test_bleu_is_its_formula(predicted: str, reference: str, order: int, score: float) -> None:
    assert bleu(predicted.split(), reference.split(), order) == pytest.approx(score)
