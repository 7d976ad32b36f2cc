"""The examples learn what `docs/results.md` reports: from one seed, some for fewer epochs.

Tests ``netlang.training`` and ``netlang.inference``.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

import netlang

CHECKOUT = Path(__file__).parents[2]
EXAMPLES = CHECKOUT / "examples"
pytestmark = pytest.mark.slow


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    folder = tmp_path / "examples"
    shutil.copytree(EXAMPLES, folder, ignore=shutil.ignore_patterns("runs", "__pycache__"))
    return folder


def trained(folder: Path, section: str, *, epochs: int | None = None, seed: int = 0) -> netlang.Run:
    """Train a section, ``file:name``, to the end or for some epochs; return the run."""
    file, name = section.split(":")
    path = folder / f"{file}.net"
    if epochs is not None:
        text = re.sub(r"\d+ epochs", f"{epochs} epochs", path.read_text("utf-8"))
        path.write_text(text, "utf-8")
    run = folder / f"{name}-{seed}"
    return netlang.load(path).train(name, folder=run, seed=seed, threads=1)


def words(text: str) -> set[str]:
    return set(re.findall(r"[a-z]+", text.lower()))


@pytest.mark.parametrize(
    ("section", "epochs", "most"),
    [
        ("scratch", 40, 13.0), ("scratch_random", 40, 13.0), ("gru_256", 40, 13.0),
        ("lstm_256", 40, 15.0), ("lstm_two_layers", 12, 18.0), ("bidirectional", 6, 18.0),
    ],
)  # fmt: skip
def test_a_language_model_learns(section: str, epochs: int, most: float, copy: Path) -> None:
    run = trained(copy, f"time_machine:{section}", epochs=epochs)
    assert 1.0 < run.history[-1].train["perplexity"] < most


def test_a_recurrent_network_knows_the_beginning_of_the_novel(copy: Path) -> None:
    run = trained(copy, "time_machine:rnn_256")
    assert 1.2 <= round(run.history[-1].train["perplexity"], 1) <= 1.4
    text = run.model.generate("time traveller", length=60, temperature=0.0).text
    novel = words((EXAMPLES / "data" / "time_machine.txt").read_text("utf-8"))
    assert len(words(text) & novel) >= 0.7 * len(words(text))


def test_a_translator_knows_the_phrases_by_heart(copy: Path) -> None:
    model = trained(copy, "seq2seq:translator").model
    for phrase, translation in [
        ("Go.", "Va !"), ("I lost.", "J'ai perdu."), ("He's calm.", "Il est calme."),
        ("I'm home.", "Je suis chez moi."),
    ]:  # fmt: skip
        assert model.decode(phrase).bleu(translation) == 1.0


def test_word_vectors_of_related_words_are_similar(copy: Path) -> None:
    folder = trained(copy, "word2vec:skipgram").folder
    near = {
        word: {
            n.word for n in netlang.nearest(folder / "model.safetensors", word, count=5, table="v")
        }
        for word in ("palace", "bronze", "years", "three")
    }
    assert {"porcelain", "green"} <= near["palace"]
    assert {"sphinx", "doors", "panels", "pedestal"} & near["bronze"]
    assert {"thousand", "hundred"} & near["years"]
    assert {"dimensions", "four"} & near["three"]


def test_fine_tuning_is_better_than_training_from_scratch(copy: Path) -> None:
    for seed in range(5):
        fine, scratch = (
            trained(copy, f"shapes:{section}", seed=seed).history[-1].valid["acc"]
            for section in ("finetune", "from_scratch")
        )
        assert fine > scratch


def test_augmentation_helps(copy: Path) -> None:
    shifted, plain = (
        trained(copy, f"augmentation:{section}").history[-1].valid
        for section in ("shifted", "plain")
    )
    assert shifted["accuracy"] > plain["accuracy"]
    assert shifted["loss"] < 0.6 * plain["loss"]


def test_a_generator_paints_a_shape_in_the_middle_of_a_black_image(copy: Path) -> None:
    run = trained(copy, "shapes:dcgan", epochs=6)
    noise = np.random.default_rng(0).normal(size=(64, 32)).astype(np.float32)
    images = run.networks["gen"].run({"z": noise})["image"]
    assert images[:, :, 12:20, 12:20].mean() > 0.2
    assert images[:, :, :4, :4].mean() < 0.05
