"""The processor time of a keystroke: the facts of a file of 240 lines with seven nets, edited.

Prints a row for each kind of edit. `--examples` edits each definition of each example instead, and
prints the slowest. `--limit MS` fails above it.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import process_time

from netlang.editor import Analyser, Facts, analyse

EXAMPLES = Path(__file__).parents[2] / "examples"
NETS = ("lenet", "alexnet", "nin", "googlenet", "squeezenet", "densenet", "softmax_regression")
LINES = 240


def program() -> str:
    """Return seven networks of different sizes in one file of 240 lines."""
    texts = [(EXAMPLES / f"{name}.net").read_text("utf-8") for name in NETS]
    text = "".join(text.removeprefix("netlang 1\n").strip("\n") + "\n" for text in texts)
    lines = text.splitlines()
    filled = lines + [f"# line {at}" for at in range(len(lines), LINES)]
    return "\n".join(filled) + "\n"


EDITS: dict[str, Callable[[str, int], str]] = {
    "in a comment": lambda text, at: text + f"# {'x' * at}\n",
    "a number in LeNet": lambda text, at: text.replace("dense(120)", f"dense({120 + at})", 1),
    "a number in GoogLeNet": lambda text, at: text.replace("192, 3", f"{192 + at}, 3", 1),
    "a line before all": lambda text, at: "\n" * at + text,
    "a word that does not parse": lambda text, at: text.replace(
        "|> dense(120)", "|> dense(120) |> " + "r" * at, 1
    ),
    "an error in LeNet": lambda text, at: text.replace("dense(120)", f"dens(12{at})", 1),
}


SHOWN = 12
"""Rows for the definitions of the examples that take longest."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--limit", type=float)
    parser.add_argument("--examples", action="store_true")
    chosen = parser.parse_args()
    rows = of_examples(chosen.rounds) if chosen.examples else of_seven_nets(chosen.rounds)
    slowest = max(took for took, _ in rows)
    if chosen.limit is not None and slowest > chosen.limit:
        sys.exit(f"a keystroke takes {slowest:.1f} ms, more than {chosen.limit:g}")


def of_seven_nets(rounds: int) -> list[tuple[float, str]]:
    text = program()
    print(f"{len(text.splitlines())} lines, {len(NETS)} nets")
    print("| edit | milliseconds | evaluated |\n| --- | --- | --- |")
    rows: list[tuple[float, str]] = []
    for name, edit in EDITS.items():
        took, evaluated = measured(text, edit, rounds)
        print(f"| {name} | {took:.1f} | {', '.join(evaluated) or 'nothing'} |")
        rows.append((took, name))
    return rows


def of_examples(rounds: int) -> list[tuple[float, str]]:
    rows: list[tuple[float, str]] = []
    for path in sorted(EXAMPLES.glob("*.net")):
        text = path.read_text("utf-8")
        os.chdir(path.parent)
        for symbol in analyse(text, path=path.name).symbols:
            body = text.find("{", symbol.start, symbol.end)
            if body < 0:
                continue

            def edit(text: str, at: int, body: int = body) -> str:
                return f"{text[: body + 1]}\n# {'x' * at}{text[body + 1 :]}"

            took, evaluated = measured(text, edit, rounds)
            rows.append((took, f"{path.name}: {symbol.kind} {symbol.name} | {len(evaluated)}"))
    rows.sort(reverse=True)
    print(f"{len(rows)} definitions; the slowest:")
    print("| edit in | evaluated | milliseconds |\n| --- | --- | --- |")
    for took, name in rows[:SHOWN]:
        print(f"| {name} | {took:.1f} |")
    return rows


def measured(text: str, edit: Callable[[str, int], str], rounds: int) -> tuple[float, list[str]]:
    analyser = Analyser("bench.net")
    shown(analyser.analyse(text))
    gc.freeze()
    times: list[float] = []
    for at in range(1, rounds + 1):
        start = process_time()
        shown(analyser.analyse(edit(text, at)))
        times.append(1e3 * (process_time() - start))
    return median(times), analyser.evaluations


def shown(facts: Facts) -> int:
    """Compute what an editor shows after a keystroke."""
    return len(facts.problems) + len(facts.hints)


if __name__ == "__main__":
    main()
