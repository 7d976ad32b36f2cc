"""Train what `docs/results.md` reports, once with each of several seeds, and print its table.

python tests/bench/results.py [SECTION ...] [--seeds 5] [--folder runs/results]

Each run is a process of its own with one thread. What the folder has is resumed, which takes no
time where a run has ended.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from measuring import CHECKOUT, NETLANG

PHRASES = {
    "Go.": "Va !",
    "I lost.": "J'ai perdu.",
    "He's calm.": "Il est calme.",
    "I'm home.": "Je suis chez moi.",
}


@dataclass(frozen=True, slots=True)
class Result:
    """A section of the examples, what is measured of its run, and what was published of it."""

    file: str
    measure: Callable[[Path], float]
    published: str = ""

    def command(self, section: str) -> str:
        return f"netlang train {self.file} {section}"


def logged(part: str, value: str) -> Callable[[Path], float]:
    """Return a function from a run to a value of the last line of its log."""

    def last(run: Path) -> float:
        return json.loads((run / "log.jsonl").read_text("utf-8").splitlines()[-1])[part][value]

    return last


def mean_bleu(run: Path) -> float:
    """Return the mean BLEU score of the phrases, decoded greedily."""
    command = [NETLANG, "decode", "examples/seq2seq.net", "Translator", "--json"]
    texts = [part for phrase in PHRASES.items() for part in zip(("-p", "-r"), phrase, strict=True)]
    arguments = [
        *command,
        "-w",
        run / "model.safetensors",
        *(word for two in texts for word in two),
    ]
    told = subprocess.run(arguments, cwd=CHECKOUT, check=True, stdout=subprocess.PIPE).stdout
    scores = [result["bleu"] for result in json.loads(told)["results"]]
    return sum(scores) / len(scores)


PERPLEXITY = logged("train", "perplexity")
ACCURACY = logged("valid", "accuracy")
BOOK, WORDS = "examples/time_machine.net", "examples/word2vec.net"
RESULTS = {
    "scratch": Result(BOOK, PERPLEXITY, "1.0 to 1.2"),
    "scratch_random": Result(BOOK, PERPLEXITY, "1.3 to 1.6"),
    "rnn_256": Result(BOOK, PERPLEXITY, "1.2 to 1.4"),
    "gru_256": Result(BOOK, PERPLEXITY, "1.0 to 1.3"),
    "lstm_256": Result(BOOK, PERPLEXITY, "1.0 to 1.2"),
    "lstm_two_layers": Result(BOOK, PERPLEXITY, "1.0 to 1.6"),
    "bidirectional": Result(BOOK, PERPLEXITY, "1.1 to 1.2"),
    "translator": Result("examples/seq2seq.net", mean_bleu),
    "skipgram": Result(WORDS, logged("train", "loss")),
    "finetune": Result("examples/shapes.net", logged("valid", "acc")),
    "from_scratch": Result("examples/shapes.net", logged("valid", "acc")),
    "shifted": Result("examples/augmentation.net", ACCURACY),
    "plain": Result("examples/augmentation.net", ACCURACY),
}


def trained(section: str, seed: int, folder: Path) -> float:
    """Train a section with a seed, or what is left of that run; return what is measured."""
    run = folder / f"{section}-{seed}"
    resume = ["--resume"] if (run / "checkpoint.safetensors").exists() else []
    options = ["--seed", str(seed), "--threads", "1", "--run", run, *resume]
    command = [NETLANG, "train", RESULTS[section].file, section, *options]
    subprocess.run(command, cwd=CHECKOUT, check=True, stdout=subprocess.DEVNULL)
    return RESULTS[section].measure(run)


def row(section: str, values: list[float]) -> str:
    """Return the row of the table for the values of a section, in the order of their seeds."""
    result, shown = RESULTS[section], " ".join(f"{value:.3f}" for value in values)
    return f"| `{result.command(section)}` | {median(values):.3f} | {shown} | {result.published} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("sections", nargs="*", help=f"of: {', '.join(RESULTS)}; default: all")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=Path("runs/results"))
    options = parser.parse_args()
    if unknown := [section for section in options.sections if section not in RESULTS]:
        sys.exit(f"unknown: {', '.join(unknown)}; known: {', '.join(RESULTS)}")
    folder = options.folder.resolve()
    print("| command | median | seeds 0, 1, … | published |\n| --- | --- | --- | --- |")
    for section in options.sections or RESULTS:
        print(row(section, [trained(section, seed, folder) for seed in range(options.seeds)]))
        sys.stdout.flush()


if __name__ == "__main__":
    main()
